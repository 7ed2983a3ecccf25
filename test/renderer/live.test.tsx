/** A lab that is up and changes: what is asked and shown, and that a picture does not jump. */

import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it, vi } from "vitest";
import type { LabChange } from "../../preload/contract/live.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import { SessionContext } from "../../renderer/app/page-context.ts";
import { FaultList } from "../../renderer/live/FaultList.tsx";
import { freeNodeName } from "../../renderer/live/NodeList.tsx";
import { injectedFaults } from "../../renderer/state/live-session.ts";
import { createSession } from "../../renderer/state/session.ts";
import { layOutTopology } from "../../renderer/topology/layout.ts";
import topology from "./flannel-vxlan.topology.json";
import { RecordedClient, type Recording } from "./recorded-client.ts";
import { RECORDED_LIVE } from "./recorded-live.ts";
import { recordedTopology } from "./recorded-topology.ts";

const INJECT: LabChange = { kind: "inject-fault", name: "forwarding-off" };

async function open(recording: Partial<Recording> = {}) {
  const client = new RecordedClient({ topology: recordedTopology(topology), up: true, ...recording });
  const session = createSession(client);
  await vi.waitFor(() => expect(session.live.state.getState().live.status).toBe("ready"));
  return { client, session, state: session.live.state };
}

describe("a lab that is up", () => {
  it("says what can be changed in it, and nothing of it once it is down", async () => {
    const { session, state } = await open();
    expect(state.getState().live).toMatchObject({ value: { nodes: [{ name: "node1" }, {}, {}] } });
    session.takeDown({ target: "local", name: "flannel-vxlan" });
    await vi.waitFor(() => expect(state.getState().live.status).toBe("none"));
  });

  it("tells how far a change is, then what is so now, and reads its topology again", async () => {
    const { client, session, state } = await open();
    const before = client.calls.filter(({ name }) => name === "sandbox.topology").length;
    session.live.change(INJECT);
    expect(state.getState().changing?.change).toEqual(INJECT);
    await vi.waitFor(() => expect(injectedFaults(state.getState())).toEqual(["forwarding-off"]));
    await vi.waitFor(() => expect(state.getState().changing).toBeUndefined());
    expect(client.calls.filter(({ name }) => name === "sandbox.topology").length).toBeGreaterThan(before);
  });

  it("does one change at a time", async () => {
    const { client, session, state } = await open();
    session.live.change(INJECT);
    session.live.change({ kind: "remove-node", name: "node1" });
    await vi.waitFor(() => expect(state.getState().changing).toBeUndefined());
    expect(client.calls.filter(({ name }) => name === "lab.change")).toHaveLength(1);
  });

  it("tells a failed change in the place that it was asked for, until it is dismissed", async () => {
    const { session, state } = await open();
    session.live.change({ kind: "add-node", name: "node1" });
    await vi.waitFor(() => expect(state.getState().failed?.change).toMatchObject({ kind: "add-node", name: "node1" }));
    session.live.dismiss();
    expect(state.getState().failed).toBeUndefined();
  });

  it("is as before where a change was cancelled", async () => {
    let go: () => void = () => undefined;
    const { session, state } = await open({ pause: () => new Promise((resolve) => (go = resolve)) });
    session.live.change(INJECT);
    await vi.waitFor(() => expect(state.getState().changing?.progress).toBeDefined());
    session.live.cancel();
    go();
    await vi.waitFor(() => expect(state.getState().changing).toBeUndefined());
    expect(state.getState().failed).toBeUndefined();
    expect(injectedFaults(state.getState())).toEqual([]);
  });

  it("that somebody else changed is read again", async () => {
    const { client, state } = await open();
    await client.call("lab.change", { sandbox: "flannel-vxlan", change: INJECT });
    await vi.waitFor(() => expect(injectedFaults(state.getState())).toEqual(["forwarding-off"]));
  });
});

describe("the panel", () => {
  it("keeps what is seen and how to find it closed, with the commands to copy", async () => {
    const { session } = await open();
    const html = renderToStaticMarkup(
      <SessionContext value={session}>
        <FaultList faults={RECORDED_LIVE.faults} busy={false} />
      </SessionContext>,
    );
    expect(html.match(/<details>/g)).toHaveLength(2);
    expect(html).not.toContain("<details open");
    expect(html).toContain("Send pod/a → pod/c icmp");
    expect(html.match(/class="command"/g)).toHaveLength(1);
  });

  it("proposes a name that no node has", () => {
    expect(freeNodeName(RECORDED_LIVE.nodes)).toBe("node4");
    expect(freeNodeName(RECORDED_LIVE.nodes.slice(1).concat({ name: "node4", address: "", network: "" }))).toBe(
      "node5",
    );
  });
});

describe("the picture", () => {
  it("leaves every node in its row and column when one joins, even where fewer columns would be larger", () => {
    const whole = recordedTopology(topology);
    const withCopies = (count: number): Topology => ({
      ...whole,
      namespaces: [
        ...whole.namespaces,
        ...Array.from({ length: count }, (_, index) =>
          whole.namespaces
            .filter(({ name, node }) => name === "node/node3" || node === "node/node3")
            .map((namespace) =>
              JSON.parse(
                JSON.stringify(namespace).replaceAll("node3", `more${index}`).replaceAll("pod/e", `pod/e${index}`),
              ),
            ),
        ).flat(),
      ],
    });
    const places = ({ nodes }: ReturnType<typeof layOutTopology>) =>
      nodes.filter(({ kind, parent }) => kind === "node" && parent === undefined).map(({ x, y }) => ({ x, y }));
    for (let count = 0; count < 6; count++) {
      const before = layOutTopology(withCopies(count), { columns: 3 + count });
      const after = layOutTopology(withCopies(count + 1), { columns: before.columns });
      places(before).forEach(({ x, y }, index) => {
        const now = places(after)[index];
        expect(now?.y, `${count} more`).toBe(y);
        // A row below needs room for its cables beside the columns.
        expect(Math.abs((now?.x ?? Number.NaN) - x), `${count} more`).toBeLessThan(60);
      });
    }
  });
});
