/** A lab that can't run on the current target: what is missing there, and where it can run instead. */

import { useStore } from "zustand";
import { Icon } from "../app/Icon.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { lacksOf, targetsThatCan } from "../state/labs.ts";
import { isConnected, targetNamed } from "../state/targets.ts";

export function LabLacks({ lab }: { lab: string }) {
  const words = useWords();
  const session = useSession();
  const state = useStore(session.labs);
  const lacks = lacksOf(state, lab) ?? [];
  const { target } = state;
  if (lacks.length === 0 || target === undefined) return null;
  const others = targetsThatCan(state, lab);
  return (
    <div className="lacks" role="note">
      <p className="lacks-title">
        <Icon shape="warning" />
        <strong>{words.labs.cannotRun(target)}</strong>
      </p>
      <p>{words.labs.lacksThere(target, lacks)}</p>
      <p className="muted">{others.length > 0 ? words.labs.othersCan(others) : words.labs.noneCan}</p>
      <OtherTargets names={others} lab={lab} />
    </div>
  );
}

/** A button for each target that can run a lab, and one that starts the built-in VM where nobody knows of it yet. */
export function OtherTargets({ names, lab }: { names: readonly string[]; lab: string }) {
  const words = useWords();
  const { targets, vm, labs } = useSession();
  const state = useStore(targets.state);
  const { doing, status } = useStore(vm.state);
  const vmLacks = useStore(labs, ({ lacks }) => lacks.vm?.[lab]?.length ?? 0);
  const known = names.filter((name) => targetNamed(state, name) && !(name === "vm" && !isConnected(state, name)));
  const offersVm =
    targetNamed(state, "vm") !== undefined && state.current !== "vm" && !known.includes("vm") && vmLacks === 0;
  if (known.length === 0 && !offersVm) return null;
  return (
    <div className="other-targets">
      {known.map((name) => (
        <button key={name} type="button" className="button" onClick={() => targets.use(name)}>
          {words.targets.use(name)}
        </button>
      ))}
      {offersVm && (
        <button type="button" className="button" disabled={doing !== undefined} onClick={vm.startAndUse}>
          {status?.state === "running" ? words.vm.use : words.vm.startBuiltIn}
        </button>
      )}
    </div>
  );
}
