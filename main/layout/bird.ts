/**
 * BIRD 2 as a program of a namespace, and the configuration of a router that a lab file describes itself: its neighbours,
 * and the networks that it announces. The files are those of /run/bird, where Debian's birdc looks for the socket, so that
 * `birdc show protocols` works as it stands.
 *
 *   router   AS 65000                      node/node1   AS 64512
 *   +---------------------+   TCP 179   +---------------------+
 *   | bird  Peer_…        +-------------+  Mesh_…/Node_…/…    |
 *   +---------------------+             +---------------------+
 */

import type { Daemon, Namespace } from "../../preload/contract/topology.ts";
import type { Lab, LabBird } from "../lab/schema.ts";

const FOLDER = "/run/bird";

/**
 * Seconds from BIRD's start to its first attempt to connect; less is not possible. BIRD takes off up to a quarter of it at
 * random (RFC 4271, section 10).
 */
export const CONNECT_DELAY = 1;

/** What a BIRD must have before the lab counts as up. */
export interface Expected {
  /** Sessions that are established. */
  sessions: number;
  /** Routes in the kernel that BIRD has written: those of its own blackholes are not counted. */
  routes: number;
}

/** `folder` has bird.cfg, and gets the socket that birdc speaks to. */
export function birdDaemon(folder: string, expected: Expected, why: string): Daemon {
  const control = `${folder}/bird.ctl`;
  return {
    name: "bird",
    argv: ["bird", "-f", "-c", `${folder}/bird.cfg`, "-s", control, "-P", `${folder}/bird.pid`],
    why,
    reload: {
      command: `birdc -s ${control} configure`,
      why: "BIRD reads its files again; sessions that are as they were stay up.",
    },
    ready: {
      command: [
        `test "$(birdc -s ${control} show protocols | grep -c ' Established')" -ge ${expected.sessions}`,
        `test "$(ip -4 route show proto bird | grep -c '^[0-9]')" -ge ${expected.routes}`,
      ].join(" && "),
      why: `Its sessions are established (${expected.sessions}), and what it has learned is in the kernel (${expected.routes} routes).`,
    },
  };
}

/** `Mesh_192_168_32_128`: how Calico names a session, and so the router's own. */
export function sessionName(prefix: string, address: string): string {
  return `${prefix}_${address.replaceAll(".", "_")}`;
}

/** Gives a free-form namespace its BIRD. `prefixes`: what its neighbours announce, which it must have learned. */
export function addBird(netns: Namespace, bird: LabBird, prefixes: number): void {
  const id = bird.id ?? netns.interfaces.flatMap(({ addresses }) => addresses)[0]!.split("/")[0]!;
  netns.files.push({
    path: `${FOLDER}/bird.cfg`,
    content: configuration(bird, id),
    why: `The BGP of ${netns.label}: AS ${bird.as}, ${bird.neighbours.length} neighbours.`,
  });
  netns.daemons.push(
    birdDaemon(
      FOLDER,
      { sessions: bird.neighbours.length, routes: prefixes },
      `BIRD makes a BGP router of ${netns.label}: it tells its neighbours its networks, and writes what it learns into the kernel.`,
    ),
  );
}

function configuration(bird: LabBird, id: string): string {
  const networks = bird.networks.length > 0 ? `  if net ~ [ ${bird.networks.join(", ")} ] then accept;\n` : "";
  return `log stderr all;
router id ${id};

protocol device {
  scan time 2;
}

# The subnets of its own interfaces.
protocol direct {
  ipv4;
}

# Both ways: what the kernel has from others may be announced, what BGP has learned goes into the kernel.
protocol kernel {
  learn;
  scan time 2;
  metric 0;
  merge paths on;
  ipv4 {
    import all;
    export filter { if source = RTS_BGP then accept; reject; };
  };
}

# Its own networks, as far as it has a route to them, and what it has learned from other neighbours.
filter announced {
${networks}  if source = RTS_BGP then accept;
  reject;
}
${bird.neighbours.map((neighbour) => neighbourText(bird.as, neighbour)).join("")}`;
}

function neighbourText(as: number, { address, as: theirs }: LabBird["neighbours"][number]): string {
  return `
protocol bgp ${sessionName("Peer", address)} {
  local as ${as};
  neighbor ${address} as ${theirs};
  connect delay time ${CONNECT_DELAY};
  connect retry time 5;
  error wait time 5,30;
  ipv4 {
    import all;
    export filter announced;
  };
}
`;
}

/** How many different prefixes the direct neighbours announce as their own, where they are in the lab. */
export function prefixesOf(lab: Lab, bird: LabBird, blocksOfNode: (address: string) => readonly string[]): number {
  const own = bird.neighbours.flatMap(({ address }) => [
    ...blocksOfNode(address),
    ...(birdWithAddress(lab, address)?.networks ?? []),
  ]);
  return new Set(own.filter((prefix) => !bird.networks.includes(prefix))).size;
}

/** The BIRD of the free-form namespace that has the address. */
export function birdWithAddress(lab: Lab, address: string): LabBird | undefined {
  return lab.namespaces.find((netns) =>
    [...netns.interfaces, ...netns.bridges].some((item) =>
      item.addresses.some((prefixed) => prefixed.split("/")[0] === address),
    ),
  )?.bird;
}
