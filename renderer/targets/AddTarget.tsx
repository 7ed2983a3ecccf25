/** The form for a new target: an SSH host, or a command that runs its arguments somewhere. It can be tested first. */

import { type FormEvent, type ReactNode, useId, useState } from "react";
import { useStore } from "zustand";
import { splitCommand } from "../../preload/contract/command-line.ts";
import type { Fault } from "../../preload/contract/result.ts";
import { PRIVILEGE_CHOICES, type TargetSpec } from "../../preload/contract/target.ts";
import { FaultNote } from "../app/FaultNote.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { TargetTest } from "./TargetTest.tsx";
import { checkDraft, emptyDraft, nameFromHost, type TargetDraft } from "./target-draft.ts";

const EXAMPLES = ["wsl.exe -d Ubuntu -u root --", "kubectl exec -i pod --", "docker exec -i lab"];

export function AddTarget({ kind }: { kind: TargetSpec["kind"] }) {
  const words = useWords().targets;
  const { targets } = useSession();
  const taken = useStore(targets.state, (state) => state.targets);
  const testing = useStore(targets.testing);
  const [draft, setDraft] = useState(() => emptyDraft(kind));
  /** Problems are told once something was asked for, not while the first letter is typed. */
  const [asked, setAsked] = useState(false);
  const [adding, setAdding] = useState(false);
  const [fault, setFault] = useState<Fault>();
  const checked = checkDraft(
    draft,
    taken.map(({ name }) => name),
  );
  const problem = asked && !checked.ok ? checked.problem : undefined;
  const change = (part: Partial<TargetDraft>) => {
    setDraft((before) => ({ ...before, ...part }));
    setFault(undefined);
    // What was tested is no longer what is written.
    if (testing.source) targets.forgetTest();
  };

  const test = () => {
    setAsked(true);
    if (checked.ok) targets.test({ spec: checked.spec });
  };
  const add = async (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (!checked.ok || adding) return;
    setAdding(true);
    const refused = await targets.add(checked.spec);
    setAdding(false);
    if (refused) setFault(refused);
    else {
      targets.forgetTest();
      targets.openDialog({ target: checked.spec.name });
    }
  };

  return (
    <form className="target-form" onSubmit={(event) => void add(event)} noValidate autoComplete="off">
      <h3>{words.add[kind]}</h3>
      <p className="muted">{words.addWhat[kind]}</p>
      {kind === "ssh" && <Offers onChoose={(name) => change({ name: nameFromHost(name), address: name })} />}
      <Field
        label={words.fields.name}
        hint={words.fields.nameHint}
        problem={problem === "name" || problem === "taken" ? words.problems[problem] : undefined}
      >
        {(aria) => (
          <input
            {...aria}
            required
            maxLength={63}
            spellCheck={false}
            value={draft.name}
            onChange={({ target }) => change({ name: target.value })}
          />
        )}
      </Field>
      {kind === "ssh" ? (
        <>
          <Field
            label={words.fields.address}
            hint={words.fields.addressHint}
            problem={problem === "address" ? words.problems.address : undefined}
          >
            {(aria) => (
              <input
                {...aria}
                required
                maxLength={1000}
                spellCheck={false}
                value={draft.address}
                onChange={({ target }) => change({ address: target.value })}
              />
            )}
          </Field>
          <Field label={words.fields.identity} hint={words.fields.identityHint}>
            {(aria) => (
              <input
                {...aria}
                maxLength={4096}
                spellCheck={false}
                value={draft.identity}
                onChange={({ target }) => change({ identity: target.value })}
              />
            )}
          </Field>
          <Field label={words.fields.jump} hint={words.fields.jumpHint}>
            {(aria) => (
              <input
                {...aria}
                maxLength={4096}
                spellCheck={false}
                value={draft.jump}
                onChange={({ target }) => change({ jump: target.value })}
              />
            )}
          </Field>
        </>
      ) : (
        <Field
          label={words.fields.command}
          hint={words.fields.commandHint}
          problem={problem === "command" || problem === "quote" ? words.problems[problem] : undefined}
          more={
            <>
              <Words line={draft.command} />
              <Examples onChoose={(command) => change({ command })} />
            </>
          }
        >
          {(aria) => (
            <input
              {...aria}
              required
              maxLength={4096}
              spellCheck={false}
              value={draft.command}
              onChange={({ target }) => change({ command: target.value })}
            />
          )}
        </Field>
      )}
      <Field label={words.fields.privilege} hint={words.privilegeHints[draft.privilege]}>
        {(aria) => (
          <select
            {...aria}
            value={draft.privilege}
            onChange={({ target }) => {
              const privilege = PRIVILEGE_CHOICES.find((choice) => choice === target.value);
              if (privilege) change({ privilege });
            }}
          >
            {PRIVILEGE_CHOICES.map((choice) => (
              <option key={choice} value={choice}>
                {words.privileges[choice]}
              </option>
            ))}
          </select>
        )}
      </Field>
      {fault && <FaultNote fault={fault} onDismiss={() => setFault(undefined)} />}
      <div className="acts">
        <button type="submit" className="button button-main" disabled={adding}>
          {words.addIt}
        </button>
        {testing.running ? (
          <button type="button" className="button" onClick={targets.cancelTest}>
            {words.cancelTest}
          </button>
        ) : (
          <button type="button" className="button" onClick={test}>
            {words.test}
          </button>
        )}
      </div>
      <TargetTest kind={kind} />
    </form>
  );
}

interface Aria {
  id: string;
  "aria-describedby": string;
  "aria-invalid": boolean;
}

interface FieldProps {
  label: string;
  hint: string;
  /** Takes the place of the hint. */
  problem?: string;
  /** After the hint. */
  more?: ReactNode;
  children: (aria: Aria) => ReactNode;
}

function Field({ label, hint, problem, more, children }: FieldProps) {
  const id = useId();
  return (
    <div className="form-field">
      <label htmlFor={id}>{label}</label>
      <div className="form-input">
        {children({ id, "aria-describedby": `${id}-hint`, "aria-invalid": problem !== undefined })}
        <p id={`${id}-hint`} className={problem === undefined ? "quiet" : "quiet bad"}>
          {problem ?? hint}
        </p>
        {more}
      </div>
    </div>
  );
}

/** Hosts of ~/.ssh/config, each of which fills the form. */
function Offers({ onChoose }: { onChoose: (host: string) => void }) {
  const words = useWords().targets;
  const { targets } = useSession();
  const offers = useStore(targets.offers);
  if (offers.length === 0) return null;
  return (
    <fieldset className="offers">
      <legend>{words.offers}</legend>
      {offers.map(({ name, address }) => (
        <button key={name} type="button" className="button offer" title={address} onClick={() => onChoose(name)}>
          <code>{name}</code>
        </button>
      ))}
    </fieldset>
  );
}

function Examples({ onChoose }: { onChoose: (command: string) => void }) {
  const words = useWords().targets;
  return (
    <p className="examples">
      <span className="quiet">{words.examples}</span>
      {EXAMPLES.map((example) => (
        <button key={example} type="button" className="button offer" onClick={() => onChoose(example)}>
          <code>{example}</code>
        </button>
      ))}
    </p>
  );
}

/** The command as it was understood, word by word. */
function Words({ line }: { line: string }) {
  const words = useWords().targets;
  const split = splitCommand(line);
  if (!split || !/['"\\]/.test(line)) return null;
  return (
    <p className="argv">
      <span className="quiet">{words.understood}</span>
      {split.map((word, index) => (
        <code key={index} className="badge">
          {word}
        </code>
      ))}
    </p>
  );
}
