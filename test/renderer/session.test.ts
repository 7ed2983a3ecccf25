import { describe, expect, it, vi } from "vitest";
import { rowAt } from "../../renderer/state/packets.ts";
import { createSession } from "../../renderer/state/session.ts";
import { shownTopology } from "../../renderer/state/view.ts";
import topology from "./flannel-vxlan.topology.json";
import { LAB, RecordedClient, type Recording } from "./recorded-client.ts";
import { recordedTopology } from "./recorded-topology.ts";

async function open(recording: Partial<Recording> = {}) {
  const client = new RecordedClient({ topology: recordedTopology(topology), ...recording });
  const session = createSession(client);
  await vi.waitFor(() => expect(session.view.getState().detail.status).toBe("ready"));
  return { client, session };
}

describe("the session", () => {
  it("opens the lab that was named at the start", async () => {
    const { session } = await open();
    expect(session.view.getState().lab).toBe("flannel-vxlan");
    expect(session.view.getState().sandbox).toBeUndefined();
    expect(shownTopology(session.view.getState())?.lab).toBe("flannel-vxlan");
  });

  it("says what each lab lacks once the target was probed", async () => {
    const { session } = await open();
    await vi.waitFor(() => expect(session.labs.getState().lacks.local?.["flannel-host-gw"]).toEqual(["ipip"]));
  });

  it("brings a lab up, telling each step, and shows its sandbox", async () => {
    const { session } = await open();
    const told: string[] = [];
    session.labs.subscribe((state) => {
      const why = state.building[0]?.progress?.why;
      if (why !== undefined && told.at(-1) !== why) told.push(why);
    });
    session.bringUp("flannel-vxlan");
    await vi.waitFor(() => expect(session.view.getState().sandbox).toBe("flannel-vxlan"));
    expect(told).toHaveLength(4);
    expect(session.labs.getState().building).toEqual([]);
  });

  it("leaves no fault behind when bringing up is cancelled", async () => {
    let go: () => void = () => undefined;
    const { session } = await open({ pause: () => new Promise((resolve) => (go = resolve)) });
    session.bringUp("flannel-vxlan");
    await vi.waitFor(() => expect(session.labs.getState().building[0]?.progress).toBeDefined());
    session.cancelBringUp({ target: "local", name: "flannel-vxlan" });
    go();
    await vi.waitFor(() => expect(session.labs.getState().building).toEqual([]));
    expect(session.labs.getState().faults.local).toEqual({});
    expect(session.labs.getState().sandboxes).toEqual([]);
  });

  it("shows the running capture of a lab that is up, with its packets", async () => {
    const { session } = await open({ up: true });
    await vi.waitFor(() => expect(rowAt(session.packets.getState(), 2)?.protocol).toBe("ICMP"));
    expect(session.view.getState().capture).toBe("c1");
  });

  it("sends traffic, takes the capture that it started and selects the first packet that it made", async () => {
    const { session } = await open();
    session.bringUp("flannel-vxlan");
    await vi.waitFor(() => expect(session.view.getState().sandbox).toBe("flannel-vxlan"));
    session.send({ from: "pod/a", to: "pod/c", protocol: "icmp", count: 1 });
    await vi.waitFor(() => expect(session.view.getState().frame.status).toBe("ready"));
    expect(session.traffic.getState()).toMatchObject({ sending: false, sent: { sent: 1, received: 1 } });
    expect(session.view.getState()).toMatchObject({ capture: "c1", packet: 2, hop: 0, tab: "hop" });
  });

  it("keeps the fault of traffic that could not be sent, with its command", async () => {
    const { session } = await open({ up: true });
    session.send({ from: "pod/a", to: "10.9.9.9", protocol: "icmp", count: 1 });
    await vi.waitFor(() => expect(session.traffic.getState().fault?.command?.exitCode).toBe(2));
    session.dismissTraffic();
    expect(session.traffic.getState()).toEqual({ sending: false });
  });

  it("drops the answer for a packet that is no longer selected", async () => {
    const { client, session } = await open({ up: true });
    await vi.waitFor(() => expect(session.packets.getState().known).toBe(true));
    const release = client.hold("journey.open");
    session.selectPacket(0);
    session.selectPacket(3);
    release();
    await vi.waitFor(() => expect(session.view.getState().journey.status).toBe("ready"));
    await vi.waitFor(() => expect(session.view.getState().frame.status).toBe("ready"));
    const { journey, packet } = session.view.getState();
    expect(packet).toBe(3);
    expect(journey.status === "ready" && journey.value.id).toBe(3);
  });

  it("drops the answer for a lab that is no longer selected", async () => {
    const { client, session } = await open();
    const release = client.hold("lab.open");
    session.selectLab("flannel-host-gw");
    session.selectLab("bridge-arp");
    release();
    await vi.waitFor(() => expect(session.view.getState().detail.status).toBe("ready"));
    const { detail } = session.view.getState();
    expect(detail.status === "ready" && detail.value.lab.id).toBe("bridge-arp");
  });

  it("reads a selected journey again when it grows", async () => {
    const { client, session } = await open({ up: true });
    await vi.waitFor(() => expect(session.packets.getState().known).toBe(true));
    session.selectPacket(2);
    await vi.waitFor(() => expect(session.view.getState().frame.status).toBe("ready"));
    const asked = () => client.calls.filter(({ name }) => name === "journey.open").length;
    const before = asked();
    client.emit("packets.changed", {
      capture: "c1",
      total: 5,
      packets: client.packets.slice(2, 3),
      dropped: 0,
      frames: 60,
    });
    await vi.waitFor(() => expect(asked()).toBe(before + 1));
    client.emit("packets.changed", {
      capture: "c1",
      total: 5,
      packets: client.packets.slice(4, 5),
      dropped: 0,
      frames: 61,
    });
    expect(asked()).toBe(before + 1);
  });

  it("shows the live state of a selected interface and only its packets, until that is cleared", async () => {
    const { session } = await open({ up: true });
    await vi.waitFor(() => expect(session.packets.getState().total).toBe(5));
    session.selectInterface({ netns: "node/node1", interface: "flannel.1" });
    await vi.waitFor(() => expect(session.view.getState().state.status).toBe("ready"));
    await vi.waitFor(() => expect(session.packets.getState()).toMatchObject({ at: "node/node1/flannel.1", total: 2 }));
    session.filterPackets(undefined);
    await vi.waitFor(() => expect(session.packets.getState()).toMatchObject({ at: undefined, total: 5 }));
    expect(session.view.getState().interface).toBeDefined();
  });

  it("reads everything again when a lost connection is back", async () => {
    const { client, session } = await open({ up: true });
    await vi.waitFor(() => expect(session.packets.getState().known).toBe(true));
    client.setStatus("lost");
    expect(session.line.getState().status).toBe("lost");
    client.sandboxes = [];
    client.setStatus("open");
    await vi.waitFor(() => expect(session.labs.getState().sandboxes).toEqual([]));
    await vi.waitFor(() => expect(session.view.getState().sandbox).toBeUndefined());
    expect(session.view.getState().lab).toBe(LAB.id);
  });

  it("keeps a stored capture open when a newer one starts, until the lab is chosen again", async () => {
    const { client, session } = await open({ up: true });
    await vi.waitFor(() => expect(session.view.getState().capture).toBe("c1"));
    session.stopCapture();
    await vi.waitFor(() => expect(session.captures.getState().c1?.running).toBe(false));
    session.openCapture("c1");
    await client.call("capture.start", { sandbox: "flannel-vxlan" });
    await vi.waitFor(() => expect(session.captures.getState().c2?.running).toBe(true));
    expect(session.view.getState().capture).toBe("c1");
    session.selectSandbox("flannel-vxlan");
    expect(session.view.getState().capture).toBe("c2");
  });

  it("takes another sandbox of the lab, or none, when the shown one goes", async () => {
    const { session } = await open({ up: true });
    await vi.waitFor(() => expect(session.view.getState().sandbox).toBe("flannel-vxlan"));
    session.takeDown({ target: "local", name: "flannel-vxlan" });
    await vi.waitFor(() => expect(session.view.getState().sandbox).toBeUndefined());
    expect(session.labs.getState().leaving).toEqual([]);
  });
});
