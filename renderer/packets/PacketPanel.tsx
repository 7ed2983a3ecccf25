/** The packets with what stands above them: capture, filter, follow; and what to do where there are none. */

import { useCallback } from "react";
import { useStore } from "zustand";
import { Empty } from "../app/Empty.tsx";
import { FaultNote } from "../app/FaultNote.tsx";
import { Icon } from "../app/Icon.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { TrafficResult } from "../traffic/TrafficResult.tsx";
import { CaptureControls } from "./CaptureControls.tsx";
import { PacketList } from "./PacketList.tsx";

interface Props {
  follow: boolean;
  onFollow: (follow: boolean) => void;
}

export function PacketPanel({ follow, onFollow }: Props) {
  const words = useWords().packets;
  const session = useSession();
  const table = useStore(session.packets);
  const { capture: id, captureFault, packet, sandbox } = useStore(session.view);
  const capture = useStore(session.captures, (captures) => (id === undefined ? undefined : captures[id]));
  const control = useStore(session.captureControl);
  const up = sandbox !== undefined;
  const onLook = useCallback((first: number, last: number) => session.showRows(first, last), [session]);
  const empty = table.known && table.total === 0;

  return (
    <section className="packet-panel" aria-label={words.heading}>
      <div className="panel-head">
        <h2>{words.heading}</h2>
        {table.known && <span className="numbers muted">{words.total(table.total)}</span>}
        <TrafficResult />
        {table.at !== undefined && (
          <button
            type="button"
            className="chip"
            title={words.clearFilter}
            aria-label={words.clearFilter}
            onClick={() => session.filterPackets(undefined)}
          >
            {words.filtered(table.at)}
            <Icon shape="close" />
          </button>
        )}
        <span className="spacer" />
        <CaptureControls capture={capture} up={up} />
        <label className="follow">
          <input type="checkbox" checked={follow} onChange={({ target }) => onFollow(target.checked)} />
          {words.follow}
        </label>
      </div>
      {control.fault && <FaultNote fault={control.fault} />}
      {captureFault ? (
        <FaultNote fault={captureFault} />
      ) : !capture ? (
        <Empty title={up ? words.noCapture : words.notUp} fix={up ? words.noCaptureFix : words.notUpFix} />
      ) : empty ? (
        <Empty
          title={table.at === undefined ? words.noPackets : words.noneAt(table.at)}
          fix={table.at === undefined ? words.noPacketsFix : undefined}
        >
          {table.at !== undefined && (
            <button type="button" className="button" onClick={() => session.filterPackets(undefined)}>
              {words.clearFilter}
            </button>
          )}
        </Empty>
      ) : (
        <PacketList
          // Another capture or filter is another list: it starts at its own place.
          key={`${table.capture} ${table.at}`}
          table={table}
          selected={packet}
          follow={follow}
          onFollow={onFollow}
          onSelect={session.selectPacket}
          onLook={onLook}
        />
      )}
    </section>
  );
}
