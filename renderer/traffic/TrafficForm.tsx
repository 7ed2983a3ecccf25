/** A form for traffic: who to whom, what, how often. */

import { type FormEvent, useId, useState } from "react";
import { useStore } from "zustand";
import { PROTOCOL_CHOICES, type Traffic, type TrafficProtocol } from "../../preload/contract/lab.ts";
import type { Fault } from "../../preload/contract/result.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import { FaultNote } from "../app/FaultNote.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { endGroups, endNamed } from "./ends.ts";

interface LabProps {
  topology: Topology;
  suggestions: readonly Traffic[];
  /** Whether there is a sandbox to send in. */
  up: boolean;
}

interface Props {
  /** Who can send and be sent to. */
  topology: Topology;
  suggestions: readonly Traffic[];
  /** What the button says; `busy` while it is sent. */
  words: { send: string; busy: string };
  busy: boolean;
  /** Why nothing can be sent now. */
  needs?: string;
  fault?: Fault;
  onSend: (traffic: Traffic) => void;
  onDismiss: () => void;
}

interface Draft {
  from: string;
  /** A namespace, or `ADDRESS` for what is typed in `address`. */
  to: string;
  address: string;
  protocol: TrafficProtocol;
  port: string;
  count: string;
  size: string;
  fragments: Fragments;
}

/** Who may cut what is too big: the bit of `Traffic.dontFragment`, in the terms of a select. */
const FRAGMENTS = ["auto", "set", "clear"] as const;
type Fragments = (typeof FRAGMENTS)[number];

/** Not a namespace's name: those have no space. */
const ADDRESS = "an address";

function draftOf(topology: Topology, traffic: Traffic | undefined): Draft {
  const names = endGroups(topology).flatMap(({ ends }) => ends.map(({ name }) => name));
  const to = traffic ? endNamed(topology, traffic.to) : names.at(-1);
  return {
    from: (traffic && endNamed(topology, traffic.from)) ?? names[0] ?? "",
    to: to ?? ADDRESS,
    address: to === undefined ? (traffic?.to ?? "") : "",
    protocol: traffic?.protocol ?? "icmp",
    port: traffic?.port?.toString() ?? "",
    count: (traffic?.count ?? 1).toString(),
    size: traffic?.size?.toString() ?? "",
    fragments: traffic?.dontFragment === undefined ? "auto" : traffic.dontFragment ? "set" : "clear",
  };
}

function describe(traffic: Traffic): string {
  const port = traffic.port === undefined ? "" : ` ${traffic.port}`;
  const count = traffic.count === 1 ? "" : ` × ${traffic.count}`;
  const size = traffic.size === undefined ? "" : ` ${traffic.size} B`;
  const bit = traffic.dontFragment === undefined ? "" : traffic.dontFragment ? " DF" : " DF=0";
  return `${traffic.from} → ${traffic.to} ${traffic.protocol}${port}${size}${bit}${count}`;
}

/** Sends in the sandbox that is shown. */
export function LabTrafficForm({ topology, suggestions, up }: LabProps) {
  const words = useWords().traffic;
  const session = useSession();
  const { sending, fault } = useStore(session.traffic);
  return (
    <TrafficForm
      topology={topology}
      suggestions={suggestions}
      words={{ send: words.send, busy: words.sending }}
      busy={sending}
      needs={up ? undefined : words.needsUp}
      fault={fault}
      onSend={session.send}
      onDismiss={session.dismissTraffic}
    />
  );
}

export function TrafficForm({ topology, suggestions, words: button, busy, needs, fault, onSend, onDismiss }: Props) {
  const words = useWords();
  const [draft, setDraft] = useState(() => draftOf(topology, suggestions[0]));
  const hint = useId();
  const groups = endGroups(topology);
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));

  const send = (event: FormEvent) => {
    event.preventDefault();
    onSend({
      from: draft.from,
      to: draft.to === ADDRESS ? draft.address.trim() : draft.to,
      protocol: draft.protocol,
      port: draft.protocol === "icmp" || draft.port === "" ? undefined : Number(draft.port),
      count: Number(draft.count),
      ...(draft.size === "" ? {} : { size: Number(draft.size) }),
      ...(draft.fragments === "auto" ? {} : { dontFragment: draft.fragments === "set" }),
    });
  };

  const ends = groups.map(({ kind, ends: members }) => (
    <optgroup key={kind} label={words.traffic.groups[kind]}>
      {members.map(({ name }) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </optgroup>
  ));

  return (
    <section className="traffic" aria-label={words.traffic.heading}>
      <form onSubmit={send} id="traffic">
        <label>
          <span>{words.traffic.from}</span>
          <select value={draft.from} onChange={({ target }) => change({ from: target.value })}>
            {ends}
          </select>
        </label>
        <label>
          <span>{words.traffic.to}</span>
          <select value={draft.to} onChange={({ target }) => change({ to: target.value })}>
            {ends}
            <option value={ADDRESS}>{words.traffic.otherAddress}</option>
          </select>
        </label>
        {draft.to === ADDRESS && (
          <label>
            <span className="unseen">{words.traffic.address}</span>
            <input
              className="address"
              required
              maxLength={200}
              spellCheck={false}
              placeholder={words.traffic.needsAddress}
              value={draft.address}
              onChange={({ target }) => change({ address: target.value })}
            />
          </label>
        )}
        <label>
          <span className="unseen">{words.traffic.protocol}</span>
          <select
            value={draft.protocol}
            onChange={({ target }) => {
              const protocol = PROTOCOL_CHOICES.find((choice) => choice === target.value);
              if (protocol) change({ protocol });
            }}
          >
            {PROTOCOL_CHOICES.map((protocol) => (
              <option key={protocol} value={protocol}>
                {protocol}
              </option>
            ))}
          </select>
        </label>
        {draft.protocol !== "icmp" && (
          <label>
            <span>{words.traffic.port}</span>
            <input
              type="number"
              min={1}
              max={65535}
              value={draft.port}
              onChange={({ target }) => change({ port: target.value })}
            />
          </label>
        )}
        <label>
          <span>{words.traffic.count}</span>
          <input
            type="number"
            min={1}
            max={100_000}
            required
            value={draft.count}
            onChange={({ target }) => change({ count: target.value })}
          />
        </label>
        <label>
          <span>{words.traffic.size}</span>
          <input
            className="size"
            type="number"
            min={0}
            max={65_507}
            placeholder={draft.protocol === "icmp" ? "56" : undefined}
            title={words.traffic.sizeHint}
            value={draft.size}
            onChange={({ target }) => change({ size: target.value })}
          />
        </label>
        <label>
          <span>{words.traffic.bit}</span>
          <select
            title={words.traffic.fragmentsHint}
            value={draft.fragments}
            onChange={({ target }) => {
              const fragments = FRAGMENTS.find((choice) => choice === target.value);
              if (fragments) change({ fragments });
            }}
          >
            {FRAGMENTS.map((choice) => (
              <option key={choice} value={choice}>
                {words.traffic.fragments[choice]}
              </option>
            ))}
          </select>
        </label>
        <button
          type="submit"
          className="button button-main"
          disabled={needs !== undefined || busy}
          title={needs}
          aria-describedby={needs === undefined ? undefined : hint}
        >
          {busy ? button.busy : button.send}
        </button>
        {suggestions.length > 1 && draft.to !== ADDRESS && (
          <label>
            <span className="unseen">{words.traffic.suggestions}</span>
            <select
              title={words.traffic.suggestions}
              value={suggestions.findIndex((one) => sameDraft(draftOf(topology, one), draft))}
              onChange={({ target }) => setDraft(draftOf(topology, suggestions[Number(target.value)]))}
            >
              <option value={-1} hidden>
                —
              </option>
              {suggestions.map((one, index) => (
                <option key={describe(one)} value={index}>
                  {describe(one)}
                </option>
              ))}
            </select>
          </label>
        )}
        {needs !== undefined && (
          <span id={hint} className="unseen">
            {needs}
          </span>
        )}
      </form>
      {fault && <FaultNote fault={fault} onDismiss={onDismiss} />}
    </section>
  );
}

function sameDraft(a: Draft, b: Draft): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
