/** What a target asks while it is connected: to trust its key, or for a secret. Escape cancels; nothing is kept here. */

import { Dialog } from "radix-ui";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import type { Question } from "../../preload/contract/target.ts";
import { Command } from "../app/Command.tsx";
import { CopyButton } from "../app/CopyButton.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { useFocusReturn } from "../app/use-focus-return.ts";

export function QuestionDialog() {
  const words = useWords().questions;
  const { questions } = useSession();
  const waiting = useStore(questions.state);
  const first = waiting[0];
  const focused = useRef<HTMLElement>(null);
  const focusing = useFocusReturn(() => focused.current);
  const id = first?.id;
  const before = useRef<number>(undefined);
  // The dialog stays for the next question, so that the focus returns to where it was before the first.
  useEffect(() => {
    if (id !== undefined && before.current !== undefined) focused.current?.focus();
    before.current = id;
  }, [id]);
  return (
    <Dialog.Root open={first !== undefined} onOpenChange={(open) => !open && first && questions.answer(first.id)}>
      <Dialog.Portal>
        <div className="scrim scrim-top" />
        <Dialog.Content
          className="dialog dialog-top question"
          aria-describedby={undefined}
          // A stray click is no answer.
          onPointerDownOutside={(event) => event.preventDefault()}
          {...focusing}
        >
          {first && (
            <>
              <div className="dialog-head">
                <Dialog.Title>{words.titles[first.question.kind](first.question.target)}</Dialog.Title>
                {waiting.length > 1 && <span className="quiet">{words.more(waiting.length - 1)}</span>}
              </div>
              {/* Each anew, so that none inherits what was typed into another. */}
              <QuestionBody
                key={first.id}
                question={first.question}
                onAnswer={(answer) => questions.answer(first.id, answer)}
                focused={focused}
              />
            </>
          )}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

interface BodyProps<Q extends Question = Question> {
  question: Q;
  /** Without an answer it is cancelled. */
  onAnswer: (answer?: string) => void;
  /** Takes what has the focus at first. */
  focused?: React.RefObject<HTMLElement | null>;
}

export function QuestionBody({ question, onAnswer, focused }: BodyProps) {
  return question.kind === "host-key" ? (
    <HostKey question={question} onAnswer={onAnswer} focused={focused} />
  ) : (
    <Secret question={question} onAnswer={onAnswer} focused={focused} />
  );
}

function HostKey({ question, onAnswer, focused }: BodyProps<Extract<Question, { kind: "host-key" }>>) {
  const words = useWords().questions;
  const { host, keyType, fingerprint } = question;
  return (
    <div className="question-body">
      <p>{words.hostKey.what}</p>
      <dl className="facts">
        <div>
          <dt>{words.hostKey.host}</dt>
          <dd>
            <code>{host}</code>
          </dd>
        </div>
        <div>
          <dt>{words.hostKey.keyType}</dt>
          <dd>
            <code>{keyType}</code>
          </dd>
        </div>
      </dl>
      <p className="fingerprint">
        <span className="unseen">{words.hostKey.fingerprint}</span>
        <code>{fingerprint}</code>
        <CopyButton text={fingerprint} label={words.hostKey.copy} />
      </p>
      <p className="muted">{words.hostKey.compare}</p>
      <p>
        <Command text={`ssh-keygen -lf ${publicKeyFile(keyType)}`} />
      </p>
      <div className="acts acts-end">
        <button type="button" className="button" onClick={() => onAnswer("yes")}>
          {words.hostKey.accept}
        </button>
        <button
          type="button"
          className="button button-main"
          ref={(button) => {
            if (focused) focused.current = button;
          }}
          onClick={() => onAnswer("no")}
        >
          {words.hostKey.refuse}
        </button>
      </div>
    </div>
  );
}

/** Where OpenSSH keeps the public half: ssh-keygen(1) -A. */
function publicKeyFile(keyType: string): string {
  const kind = /ed25519|ecdsa|rsa/.exec(keyType)?.[0] ?? "*";
  return `/etc/ssh/ssh_host_${kind}_key.pub`;
}

function Secret({ question, onAnswer, focused }: BodyProps<Exclude<Question, { kind: "host-key" }>>) {
  const words = useWords();
  const [typed, setTyped] = useState("");
  const { kind, target, text, echo } = question;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onAnswer(typed);
  };
  return (
    <form className="question-body" onSubmit={submit} autoComplete="off">
      {kind === "prompt" && <p className="muted">{words.questions.prompt(target)}</p>}
      <label className="question-label">
        {/* As the target wrote it: text, whatever is in it. */}
        <span className={kind === "prompt" ? "question-text question-quoted" : "question-text"}>{text}</span>
        <input
          type={echo ? "text" : "password"}
          autoComplete="off"
          spellCheck={false}
          maxLength={10_000}
          value={typed}
          ref={(input) => {
            if (focused) focused.current = input;
          }}
          onChange={({ target: input }) => setTyped(input.value)}
        />
      </label>
      <p className="quiet">{words.questions.kept}</p>
      <div className="acts acts-end">
        <button type="button" className="button" onClick={() => onAnswer()}>
          {words.page.cancel}
        </button>
        <button type="submit" className="button button-main">
          {words.questions.answer}
        </button>
      </div>
    </form>
  );
}
