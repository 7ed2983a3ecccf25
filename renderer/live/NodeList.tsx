/** The nodes of a lab that is up: their agents, and that they join, leave and move. */

import { type FormEvent, useEffect, useRef, useState } from "react";
import type { LiveNode } from "../../preload/contract/live.ts";
import { Confirm } from "../app/Confirm.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { FailedChange } from "./FailedChange.tsx";

interface Props {
  nodes: readonly LiveNode[];
  /** A change is under way. */
  busy: boolean;
}

const ADDRESS = "\\s*\\d{1,3}(\\.\\d{1,3}){3}\\s*";
const NAME = "[a-z0-9]([a-z0-9\\-]{0,61}[a-z0-9])?";

export function NodeList({ nodes, busy }: Props) {
  const words = useWords().live;
  return (
    <section className="live-part" aria-label={words.nodes}>
      <h3>{words.nodes}</h3>
      {nodes.length === 0 && <p className="quiet">{words.noNodes}</p>}
      <ul>
        {nodes.map((node) => (
          <NodeItem key={node.name} node={node} busy={busy} />
        ))}
      </ul>
      {nodes.length > 0 && <AddNode key={nodes.length} nodes={nodes} busy={busy} />}
    </section>
  );
}

function NodeItem({ node, busy }: { node: LiveNode; busy: boolean }) {
  const words = useWords();
  const { live } = useSession();
  const [asking, setAsking] = useState<"remove" | "move">();
  const { name, address, network, agent } = node;
  return (
    <li className="live-node" data-node={name}>
      <p className="live-title">
        <strong>{name}</strong>
        <code>{address}</code>
        <span className="muted">{network}</span>
        {agent && (
          <span className={agent === "running" ? "muted" : "warn"}>
            {agent === "running" ? words.live.agentRunning : words.live.agentStopped}
          </span>
        )}
      </p>
      {asking === undefined && (
        <p className="live-acts">
          {agent && (
            <button
              type="button"
              className="button"
              disabled={busy}
              onClick={() => live.change({ kind: agent === "running" ? "stop-agent" : "start-agent", name })}
            >
              {agent === "running" ? words.live.stopAgent : words.live.startAgent}
            </button>
          )}
          <button type="button" className="button" disabled={busy} onClick={() => setAsking("move")}>
            {words.live.move}
          </button>
          <button type="button" className="button" disabled={busy} onClick={() => setAsking("remove")}>
            {words.live.remove}
          </button>
        </p>
      )}
      {asking === "remove" && (
        <Confirm
          question={words.live.removeQuestion(name)}
          yes={words.live.removeYes}
          no={words.live.removeNo}
          onYes={() => {
            setAsking(undefined);
            live.change({ kind: "remove-node", name });
          }}
          onNo={() => setAsking(undefined)}
        />
      )}
      {asking === "move" && <MoveNode node={node} onDone={() => setAsking(undefined)} />}
      <FailedChange kinds={["remove-node", "move-node", "stop-agent", "start-agent"]} name={name} />
    </li>
  );
}

function MoveNode({ node, onDone }: { node: LiveNode; onDone: () => void }) {
  const words = useWords();
  const { live } = useSession();
  const [address, setAddress] = useState(node.address);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.select(), []);
  const move = (event: FormEvent) => {
    event.preventDefault();
    onDone();
    live.change({ kind: "move-node", name: node.name, address: address.trim() });
  };
  return (
    <form className="live-form" onSubmit={move} aria-label={words.live.moveHeading(node.name)}>
      <label>
        <span>{words.live.newAddress}</span>
        <input
          ref={input}
          required
          pattern={ADDRESS}
          value={address}
          onChange={({ target }) => setAddress(target.value)}
        />
      </label>
      <p className="live-acts">
        <button type="submit" className="button button-main" disabled={address.trim() === node.address}>
          {words.live.moveIt}
        </button>
        <button type="button" className="button" onClick={onDone}>
          {words.page.cancel}
        </button>
      </p>
    </form>
  );
}

function AddNode({ nodes, busy }: Props) {
  const words = useWords();
  const { live } = useSession();
  const [draft, setDraft] = useState({ name: freeNodeName(nodes), address: "", pods: "" });
  const field = (key: keyof typeof draft) => ({
    value: draft[key],
    spellCheck: false,
    onChange: ({ target }: { target: HTMLInputElement }) => setDraft({ ...draft, [key]: target.value }),
  });
  const add = (event: FormEvent) => {
    event.preventDefault();
    const { name, address, pods } = draft;
    const named = pods.split(/[\s,]+/).filter(Boolean);
    live.change({
      kind: "add-node",
      name,
      ...(address.trim() === "" ? {} : { address: address.trim() }),
      ...(named.length === 0 ? {} : { pods: named }),
    });
  };
  return (
    <form className="live-form live-add" onSubmit={add} aria-label={words.live.addHeading}>
      <h4>{words.live.addHeading}</h4>
      <label>
        <span>{words.live.name}</span>
        <input required pattern={NAME} maxLength={63} {...field("name")} />
      </label>
      <label>
        <span>{words.live.address}</span>
        <input pattern={ADDRESS} placeholder={words.live.addressHint} {...field("address")} />
      </label>
      <label>
        <span>{words.live.pods}</span>
        <input placeholder={words.live.podsHint} {...field("pods")} />
      </label>
      <button type="submit" className="button" disabled={busy}>
        {words.live.add}
      </button>
      <FailedChange kinds={["add-node"]} />
    </form>
  );
}

/** `node4` after `node3`: the first name that is free. */
export function freeNodeName(nodes: readonly LiveNode[]): string {
  let number = nodes.length + 1;
  while (nodes.some(({ name }) => name === `node${number}`)) number += 1;
  return `node${number}`;
}
