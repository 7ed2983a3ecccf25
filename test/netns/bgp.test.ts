/**
 * Calico without encapsulation, with real BIRD, on the real kernel: the ways of packets with the sessions behind them, also
 * when the capture is read again, and what BGP says on the wire when a node leaves and comes back. Needs bird.
 */

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Hop, Journey } from "../../preload/contract/journey.ts";
import { finish, inSandbox, newTraces, traces, until, untilSaid, Workplace } from "./hoplab.ts";
import { labsHere } from "./labs.ts";

const before = traces();
const place = new Workplace();
const lacking = (await labsHere()).find(({ id, lacks }) => id === "calico-bgp" && lacks)?.lacks;
if (lacking) console.warn(`BGP is not tested here: ${lacking}`);

afterAll(async () => {
  await place.downAll();
  place[Symbol.dispose]();
  await until(
    () => newTraces(before),
    (left) => left.length === 0,
  );
});

interface Way {
  what: string;
  from: string;
  to: string;
  /** Every sighting of the request. */
  through: string[];
  /** The routes that BIRD has written and the sessions behind them, in the order of the hops. */
  sessions: string[];
}

const A = ["pod/a/eth0", "node/node1/caliacd53aa4120"];
const B = ["node/node1/califf6fc35a693", "pod/b/eth0"];
const LAN = (from: string, to: string) => [`node/${from}/eth0`, `net/lan/${from}`, `net/lan/${to}`, `node/${to}/eth0`];

const WAYS: Record<string, Way[]> = {
  "calico-bgp": [
    {
      what: "a pod of the same node, which needs no session",
      from: "a",
      to: "b",
      through: [...A, ...B],
      sessions: [],
    },
    {
      what: "a pod of another node, with one IP header",
      from: "a",
      to: "c",
      through: [...A, ...LAN("node1", "node2"), "node/node2/calidbc51878acf", "pod/c/eth0"],
      sessions: [
        "172.26.0.64/26 via 192.168.32.128 dev eth0 proto bird",
        "Mesh_192_168_32_128 established, from 192.168.32.128 (AS 64512), AS path empty",
      ],
    },
    {
      what: "a gateway outside, which the node knows without BGP",
      from: "a",
      to: "192.168.32.1",
      through: [...A, "node/node1/eth0", "net/lan/node1", "net/lan/br0"],
      sessions: [],
    },
  ],
  "calico-bgp-reflector": [
    {
      what: "a pod of another node, straight there, though the reflector told of it",
      from: "b",
      to: "d",
      through: [
        "pod/b/eth0",
        "node/node2/califf6fc35a693",
        ...LAN("node2", "node4"),
        "node/node4/cali2ca070a7e2d",
        "pod/d/eth0",
      ],
      sessions: [
        "172.26.0.192/26 via 192.168.32.130 dev eth0 proto bird",
        "Node_192_168_32_127 established, from 192.168.32.127 (AS 64512), originator 192.168.32.130, AS path empty",
      ],
    },
  ],
  "calico-bgp-router": [
    {
      what: "from outside a pod, straight to its node",
      from: "client",
      to: "c",
      through: [
        "client/eth0",
        "router/eth1",
        "router/eth0",
        "net/lan/router",
        "net/lan/node2",
        "node/node2/eth0",
        "node/node2/calidbc51878acf",
        "pod/c/eth0",
      ],
      sessions: [
        "172.26.0.64/26 via 192.168.32.128 dev eth0 proto bird",
        "Peer_192_168_32_127 established, from 192.168.32.127 (AS 64512), AS path 64512",
      ],
    },
    {
      what: "from a pod to outside, under its own address",
      from: "a",
      to: "client",
      through: [
        ...A,
        "node/node1/eth0",
        "net/lan/node1",
        "net/lan/router",
        "router/eth0",
        "router/eth1",
        "client/eth0",
      ],
      sessions: [
        "10.99.0.0/24 via 192.168.32.1 dev eth0 proto bird",
        "Global_192_168_32_1 established, from 192.168.32.1 (AS 65000), AS path 65000",
      ],
    },
  ],
};

/** Each sighting once: where a packet is taken in by the interface that it was seen at. */
function placesOf(journey: Journey): string[] {
  return journey.hops.map((hop: Hop) => `${hop.netns}/${hop.interface}`);
}

function sessionsOf(journey: Journey): string[] {
  const causes = journey.hops.flatMap((hop) => [
    ...(hop.causes ?? []),
    ...hop.changes.flatMap((each) => each.causes ?? []),
  ]);
  return causes
    .filter(({ kind, text }) => kind === "bgp-session" || text.includes("proto bird"))
    .map(({ text }) => text);
}

for (const [lab, ways] of Object.entries(WAYS)) {
  describe(`${lab}${lacking ? ` (skipped: ${lacking})` : ""}`, { skip: lacking !== undefined }, () => {
    const name = `${place.prefix}${lab}`;
    let pid = 0;

    beforeAll(async () => {
      ({ pid } = await place.json("up", lab, "--name", name));
    });
    afterAll(async () => {
      await place.hoplab("down", name);
    });

    const rows = ways.map((way) => [`${way.from} reaches ${way.what}`, way] as const);
    test.each(rows)("%s", async (_, { from, to, through, sessions }) => {
      const sent = await place.json("send", name, "--from", from, "--to", to);
      const [request]: Journey[] = sent.journeys;
      expect(request).toMatchObject({ end: "arrived" });
      expect(placesOf(request!)).toEqual(through);
      expect(sessionsOf(request!)).toEqual(sessions);
      for (const cause of request!.hops.flatMap(({ changes }) => changes.flatMap(({ causes }) => causes ?? []))) {
        if (cause.kind !== "bgp-session") continue;
        // The command that is told shows the session and its neighbour.
        const shown = inSandbox(pid, "sh", "-c", cause.command);
        expect(shown).toContain(`[${cause.text.split(" ")[0]} `);
      }
      // Read again, from what lies beside the capture.
      const file = join(place.folder, "data", "captures", sent.capture, "capture.pcapng");
      const { journeys }: { journeys: Journey[] } = await place.json("read", file);
      const again = journeys.find(({ summary }) => summary === request!.summary);
      expect(again && sessionsOf(again)).toEqual(sessions);
    });
  });
}

describe(`a fault of BGP where an agent is stopped${lacking ? ` (skipped: ${lacking})` : ""}`, {
  skip: lacking !== undefined,
}, () => {
  const name = `${place.prefix}stopped`;

  beforeAll(async () => {
    await place.json("up", "calico-bgp", "--name", name);
  });

  afterAll(() => place.downAll());

  test.each(["node2", "node1"])("on %s is injected all the same, and reverted", async (node) => {
    await place.json("agent", "stop", name, node);
    for (const fault of ["bgp-port-filtered", "bgp-wrong-as"]) await place.json("fault", name, fault);
    for (const fault of ["bgp-port-filtered", "bgp-wrong-as"]) await place.json("fault", name, fault, "--revert");
    await place.json("agent", "start", name, node);
    expect(await place.json("send", name, "--from", "a", "--to", "c")).toMatchObject({ received: 1 });
  });
});

describe(`a node that leaves and comes back${lacking ? ` (skipped: ${lacking})` : ""}`, {
  skip: lacking !== undefined,
}, () => {
  const name = `${place.prefix}leaves`;
  let pid = 0;
  const birdc = (node: string, ...words: string[]) =>
    inSandbox(pid, "birdc", "-s", `/run/hoplab/files/node.${node}/run/calico/bird.ctl`, ...words);
  const routes = (node: string) =>
    inSandbox(pid, "ip", "-n", `node.${node}`, "route", "show", "proto", "bird")
      .split("\n")
      .flatMap((line) => line.trim() || []);

  beforeAll(async () => {
    ({ pid } = await place.json("up", "calico-bgp-reflector", "--name", name));
  });

  test("is withdrawn at once by the reflector, and learned again, all of which is seen on the wire", async () => {
    const file = join(place.folder, "leaves.pcapng");
    const cards = ["node1", "node2", "node4"].map((node) => `node/${node}/eth0`).join(",");
    const argv = ["capture", name, "-w", file, "--interfaces", cards, "--filter", "tcp port 179", "--json"];
    const capture = place.start(...argv);
    const ended = finish(capture);
    await untilSaid(capture, "Capturing on 3 interfaces");
    const whole = routes("node2");
    expect(whole).toContain("172.26.0.192/26 via 192.168.32.130 dev eth0");

    birdc("node4", "disable", "Node_192_168_32_127");
    const left = await until(
      () => routes("node2"),
      (now) => now.length < whole.length,
    );
    expect(left).toEqual(whole.filter((route) => !route.startsWith("172.26.0.192/26")));
    // It keeps what it has written, as `persist` says; but its session is down.
    expect(birdc("node4", "show", "protocols", "Node_192_168_32_127")).toContain("down");

    birdc("node4", "enable", "Node_192_168_32_127");
    await until(
      () => [routes("node2"), routes("node4")],
      ([there, back]) => there?.length === whole.length && back?.length === whole.length,
      60,
    );
    capture.kill("SIGINT");
    const ran = await ended;
    expect(ran.code, ran.stderr).toBe(0);

    const { journeys }: { journeys: Journey[] } = await place.json("read", file);
    const bgp = journeys.filter(({ summary }) => summary.startsWith("BGP "));
    const from = (sender: string, receiver: string) =>
      bgp.flatMap(({ summary }) => {
        const way = ` (192.168.32.${sender} > 192.168.32.${receiver})`;
        return summary.endsWith(way) ? summary.slice("BGP ".length, -way.length).split("; ") : [];
      });
    const inOrder = (messages: string[], wanted: string[]) =>
      messages.filter((message) => wanted.includes(message)).filter((message, at, all) => all.indexOf(message) === at);

    // Node4 says goodbye, and later who it is and what it has.
    const goodbye = [
      "NOTIFICATION cease: administrative shutdown",
      "OPEN AS 64512 id 192.168.32.130 hold time 240 s",
      "UPDATE 172.26.0.192/26 via 192.168.32.130, AS path empty",
    ];
    expect(inOrder(from("130", "127"), goodbye)).toEqual(goodbye);
    // The reflector tells node2, which has never spoken with node4: that it is gone, and where it is.
    const told = ["UPDATE withdraws 172.26.0.192/26", "UPDATE 172.26.0.192/26 via 192.168.32.130, AS path empty"];
    expect(inOrder(from("127", "128"), told)).toEqual(told);

    // A message is followed like any packet, from card to card.
    const withdrawal = bgp.find(({ summary }) => /^BGP UPDATE withdraws .* > 192\.168\.32\.128\)$/.test(summary));
    expect(withdrawal?.end).toBe("arrived");
    expect(withdrawal?.hops.map((hop) => [hop.netns, hop.direction, hop.layers.at(-1)])).toEqual([
      ["node/node1", "out", "bgp"],
      ["node/node2", "in", "bgp"],
    ]);
  }, 120_000);

  test("leaves its routes in the kernel when its BIRD ends, while the others forget it", async () => {
    const own = routes("node3");
    birdc("node3", "down");
    await until(
      () => routes("node2"),
      (now) => !now.some((route) => route.startsWith("172.26.0.128/26")),
    );
    expect(routes("node3")).toEqual(own);
  });
});
