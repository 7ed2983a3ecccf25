/** Two labs side by side: what is brought up and sent, and what is shown of it. */

import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it, vi } from "vitest";
import { AlignedStrip, markOf } from "../../renderer/compare/AlignedStrip.tsx";
import { sandboxesCompared, sharedTopology } from "../../renderer/state/compare-session.ts";
import { createSession } from "../../renderer/state/session.ts";
import topology from "./flannel-vxlan.topology.json";
import { RecordedClient, type Recording } from "./recorded-client.ts";
import { comparedPackets } from "./recorded-comparison.ts";
import { recordedTopology } from "./recorded-topology.ts";

const PING = { from: "pod/a", to: "pod/c", protocol: "icmp", count: 1 } as const;
const BOTH = { left: "flannel-vxlan", right: "flannel-host-gw" };

async function open(recording: Partial<Recording> = {}) {
  const client = new RecordedClient({ topology: recordedTopology(topology), open: "flannel-compare", ...recording });
  const session = createSession(client);
  await vi.waitFor(() => expect(session.view.getState().detail.status).toBe("ready"));
  return { client, session };
}

function namesOf({ calls }: RecordedClient, call: string): unknown[] {
  return calls.flatMap(({ name, input }) => (name === call ? [input] : []));
}

describe("a comparison", () => {
  it("opens the two labs that it is about, and ends when another lab is chosen", async () => {
    const { session } = await open();
    const compare = session.compare.state;
    expect(compare.getState().labs).toEqual(BOTH);
    await vi.waitFor(() => expect(compare.getState().details.status).toBe("ready"));
    session.selectLab("flannel-compare");
    expect(compare.getState().labs).toEqual(BOTH);
    session.selectLab("flannel-vxlan");
    expect(compare.getState().labs).toBeUndefined();
  });

  it("brings up what is not up, sends in both, and shows the first packet", async () => {
    const { client, session } = await open({ up: true });
    const compare = session.compare.state;
    session.compare.send(PING);
    expect(compare.getState().doing).toBe("building");
    await vi.waitFor(() => expect(compare.getState().result).toBeDefined());
    expect(namesOf(client, "lab.up")).toEqual([{ lab: "flannel-host-gw", name: "flannel-host-gw", target: "local" }]);
    expect(namesOf(client, "traffic.compare")).toEqual([
      {
        left: { sandbox: "flannel-vxlan", target: "local" },
        right: { sandbox: "flannel-host-gw", target: "local" },
        traffic: PING,
      },
    ]);
    expect(compare.getState()).toMatchObject({ doing: undefined, packet: 0, row: 0, fault: undefined });
    expect(compare.getState().built?.left.lab).toBe("flannel-vxlan");
  });

  it("of a lab with itself brings up two copies", async () => {
    const { client, session } = await open();
    session.compare.open({ left: "bridge-arp", right: "bridge-arp" });
    session.compare.send(PING);
    await vi.waitFor(() => expect(session.compare.state.getState().result).toBeDefined());
    expect(client.sandboxes.map(({ name }) => name)).toEqual(["bridge-arp", "bridge-arp-2"]);
    expect(sandboxesCompared(session.labs.getState(), { left: "bridge-arp", right: "bridge-arp" })).toMatchObject({
      left: { name: "bridge-arp" },
      right: { name: "bridge-arp-2" },
    });
  });

  it("tells what went wrong in its own place, and forgets it when it is dismissed", async () => {
    const { session } = await open({ up: true });
    session.compare.open({ left: "flannel-vxlan", right: "bridge-arp" });
    session.compare.send({ ...PING, to: "10.9.9.9" });
    await vi.waitFor(() => expect(session.compare.state.getState().fault?.code).toBe("command-failed"));
    expect(session.compare.state.getState().doing).toBeUndefined();
    session.compare.dismissFault();
    expect(session.compare.state.getState().fault).toBeUndefined();
  });

  it("that was cancelled while a lab came up leaves no fault, and nothing is sent", async () => {
    let go: () => void = () => undefined;
    const { client, session } = await open({ pause: () => new Promise((resolve) => (go = resolve)) });
    session.compare.send(PING);
    await vi.waitFor(() => expect(session.labs.getState().building[0]?.progress).toBeDefined());
    session.compare.cancel();
    go();
    await vi.waitFor(() => expect(session.labs.getState().building).toEqual([]));
    expect(session.compare.state.getState()).toMatchObject({ doing: undefined, fault: undefined });
    expect(namesOf(client, "traffic.compare")).toEqual([]);
  });

  it("offers only ends that both labs have", () => {
    const left = recordedTopology(topology);
    const right = { ...left, namespaces: left.namespaces.filter(({ name }) => name !== "pod/b") };
    expect(sharedTopology(left, right).namespaces.map(({ name }) => name)).not.toContain("pod/b");
    expect(sharedTopology(left, right).namespaces).toHaveLength(right.namespaces.length);
  });
});

describe("the aligned strip", () => {
  const [request] = comparedPackets(recordedTopology(topology));
  if (!request) throw new Error("the recording has no ping");

  it("says of every row in words whether both sides are alike, in what not, or who alone passed", () => {
    expect(request.rows.map(markOf).join(" ")).toBe("= = = left ≠ ≠ ≠ ≠ left = = =");
    const html = renderToStaticMarkup(
      <AlignedStrip packet={request} labs={BOTH} selected={4} current={4} onSelect={() => undefined} />,
    );
    expect(html.match(/role="option"/g)).toHaveLength(12);
    expect(html.match(/only in flannel-vxlan/g)).toHaveLength(2);
    expect(html.match(/not alike:<\/span> layers, change</g)).toHaveLength(1);
    expect(html.match(/aligned-gap/g)).toHaveLength(2);
    expect(html).toContain('aria-activedescendant="row-4"');
  });
});
