/** The packets with what stands above them: capture, filter, follow; and what to do where there are none. */

import { useCallback, useMemo } from "react";
import { useStore } from "zustand";
import type { CaptureGap } from "../../preload/contract/calls.ts";
import { Empty } from "../app/Empty.tsx";
import { FaultNote } from "../app/FaultNote.tsx";
import { Icon } from "../app/Icon.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { gapTimes } from "../state/captures.ts";
import { isCurrentConnected } from "../state/targets.ts";
import { TrafficComplaints, TrafficResult } from "../traffic/TrafficResult.tsx";
import { CaptureControls, StalledNote } from "./CaptureControls.tsx";
import { PacketList } from "./PacketList.tsx";

interface Props {
  follow: boolean;
  onFollow: (follow: boolean) => void;
}

const NO_GAPS: readonly CaptureGap[] = [];

export function PacketPanel({ follow, onFollow }: Props) {
  const words = useWords().packets;
  const session = useSession();
  const table = useStore(session.packets);
  const { capture: id, captureFault, packet, sandbox } = useStore(session.view);
  const capture = useStore(session.captures, (captures) => (id === undefined ? undefined : captures[id]));
  const control = useStore(session.captureControl);
  const up = sandbox !== undefined;
  const isConnected = useStore(session.targets.state, isCurrentConnected);
  const { startedAt = 0, gaps: holes = NO_GAPS } = capture ?? {};
  const gaps = useMemo(() => gapTimes(startedAt, holes), [startedAt, holes]);
  const onLook = useCallback((first: number, last: number) => session.showRows(first, last), [session]);
  const empty = table.known && table.total === 0;
  const stalled = capture?.running && capture.stalledSince !== undefined;

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
        <CaptureControls capture={capture} up={up && isConnected} />
        <label className="follow">
          <input type="checkbox" checked={follow} onChange={({ target }) => onFollow(target.checked)} />
          {words.follow}
        </label>
      </div>
      <TrafficComplaints />
      {capture && <StalledNote capture={capture} />}
      {control.fault && <FaultNote fault={control.fault} />}
      {capture?.problem !== undefined && (
        <p className="packet-notice packet-problem">
          <Icon shape="warning" />
          <span>{words.ended(capture.problem)}</span>
        </p>
      )}
      {captureFault ? (
        <FaultNote fault={captureFault} />
      ) : !capture ? (
        !isConnected && !up ? (
          <Empty title={words.notConnected} fix={words.notConnectedFix} />
        ) : (
          <Empty title={up ? words.noCapture : words.notUp} fix={up ? words.noCaptureFix : words.notUpFix} />
        )
      ) : empty ? (
        <Empty
          title={table.at === undefined ? words.noPackets : words.noneAt(table.at)}
          fix={stalled ? words.noPacketsStalled : table.at === undefined ? words.noPacketsFix : undefined}
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
          gaps={gaps}
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
