/** The built-in VM: what state it is in, what it needs, and building, starting, stopping and deleting it. */

import { type ReactNode, useState } from "react";
import { useStore } from "zustand";
import type { VmStatus } from "../../preload/contract/target.ts";
import { Confirm } from "../app/Confirm.tsx";
import { FaultNote } from "../app/FaultNote.tsx";
import { useLanguage, useSession, useWords } from "../app/page-context.ts";
import { Facts } from "./Facts.tsx";

const MEBIBYTE = 1024 * 1024;

export function VmPanel() {
  const words = useWords();
  const { vm } = useSession();
  const { status, doing, progress, fault } = useStore(vm.state);
  const [asksDeletion, setAsksDeletion] = useState(false);
  if (!status)
    return fault ? <FaultNote fault={fault} onRetry={vm.load} /> : <p className="quiet">{words.page.loading}</p>;
  const { state } = status;
  const busy = doing !== undefined;
  const isUp = state === "running";
  return (
    <section className="vm" aria-label={words.vm.heading}>
      <p className="muted">{words.vm.what}</p>
      <VmFacts status={status} />
      {status.running?.accelerator === "tcg" && <p className="quiet">{words.vm.slow}</p>}
      {status.image?.current === false && <p className="quiet">{words.vm.outdated}</p>}
      {!busy && !fault && status.fault && <FaultNote fault={status.fault} />}
      {fault && <FaultNote fault={fault} onDismiss={vm.dismissFault} />}
      {doing ? (
        <div className="building vm-progress">
          <p>
            <strong>{words.vm.doing[doing]}</strong>
            {progress && <span className="muted numbers"> {words.vm.step(progress.done, progress.total)}</span>}
          </p>
          <progress max={progress?.total ?? 1} value={progress?.done} aria-label={words.vm.doing[doing]} />
          <p className="building-foot">
            <span className="building-why">{progress?.why}</span>
            {(doing === "build" || doing === "up") && (
              <button type="button" className="button" onClick={vm.cancel}>
                {words.page.cancel}
              </button>
            )}
          </p>
        </div>
      ) : (
        <div className="acts">
          {!isUp && (
            <button type="button" className="button button-main" onClick={vm.startAndUse}>
              {words.vm.use}
            </button>
          )}
          {!status.running && (
            <button type="button" className="button" onClick={vm.start}>
              {state === "absent" ? words.vm.buildAndStart : state === "saved" ? words.vm.resume : words.vm.start}
            </button>
          )}
          {status.running && (
            <button type="button" className="button" onClick={vm.stop}>
              {words.vm.stop}
            </button>
          )}
          {!status.running && !status.image?.current && (
            <button type="button" className="button" onClick={vm.build}>
              {status.image ? words.vm.rebuild : words.vm.build}
            </button>
          )}
          <span className="spacer" />
          {(status.image || state !== "absent") && !asksDeletion && (
            <button type="button" className="button" onClick={() => setAsksDeletion(true)}>
              {words.vm.delete}
            </button>
          )}
        </div>
      )}
      {asksDeletion && !busy && (
        <Confirm
          question={words.vm.deleteQuestion}
          yes={words.vm.deleteYes}
          no={words.vm.deleteNo}
          onYes={() => {
            setAsksDeletion(false);
            vm.delete();
          }}
          onNo={() => setAsksDeletion(false)}
        />
      )}
    </section>
  );
}

function VmFacts({ status: { state, image, diskBytes, running } }: { status: VmStatus }) {
  const words = useWords();
  const language = useLanguage();
  const facts: [string, ReactNode][] = [[words.vm.facts.state, words.vm.states[state]]];
  if (running) {
    facts.push(
      [words.vm.facts.accelerator, words.vm.accelerators[running.accelerator]],
      [words.vm.facts.memory, words.vm.mebibytes(running.memoryMiB)],
      [words.vm.facts.port, <code key="port">{`127.0.0.1:${running.port}`}</code>],
    );
  }
  if (image) {
    const built = new Date(image.builtAt).toLocaleDateString(language, { dateStyle: "medium" });
    facts.push([
      words.vm.facts.image,
      <span key="image">
        {words.vm.image(image.bytes / MEBIBYTE, built)} · <code>{image.kernel}</code>
      </span>,
    ]);
  }
  if (diskBytes > 0) facts.push([words.vm.facts.disk, words.vm.mebibytes(diskBytes / MEBIBYTE)]);
  return <Facts facts={facts} />;
}
