import { describe, expect, it } from "vitest";
import { bgpSessionCauses } from "../../main/cause/bgp.ts";
import type { NamespaceState } from "../../main/cause/state.ts";

/** What birdc 2.0.12 printed, shortened: of a Calico node, and of a router that two nodes tell of one block. */
const NODE = `socket /run/hoplab/files/node.node1/run/calico/bird.ctl
BIRD 2.0.12 ready.
Name       Proto      Table      State  Since         Info
static1    Static     master4    up     19:08:32.453
Mesh_192_168_32_12 BGP        ---        start  19:08:33.274  Connect
BGP state:          Connect
Neighbor address: 192.168.32.12
Neighbor AS:      64512
Mesh_192_168_32_128 BGP        ---        up     19:08:33.274  Established
Description:    Connection to BGP peer
BGP state:          Established
Neighbor address: 192.168.32.128
Neighbor AS:      64512
Node_192_168_32_127 BGP        ---        up     19:08:33.295  Established
BGP state:          Established
Neighbor address: 192.168.32.127
Neighbor AS:      64512
BIRD 2.0.12 ready.
Table master4:
0.0.0.0/0            unicast [kernel1 19:08:32.453] (10)
via 192.168.32.1 on eth0
172.26.0.64/26       unicast [Mesh_192_168_32_128 19:08:33.300] * (100) [i]
via 192.168.32.128 on eth0
Type: BGP univ
BGP.as_path:
BGP.next_hop: 192.168.32.128
172.26.0.192/26      unicast [Node_192_168_32_127 19:08:33.300 from 192.168.32.127] * (100) [i]
via 192.168.32.130 on eth0
BGP.as_path:
BGP.next_hop: 192.168.32.130
BGP.originator_id: 192.168.32.130`;

const ROUTER = `socket /run/hoplab/files/router/run/bird/bird.ctl
BIRD 2.0.12 ready.
n1 BGP        ---        up     19:02:02.418  Established
BGP state:          Established
Neighbor address: 192.168.32.127
Neighbor AS:      64512
n2 BGP        ---        up     19:02:02.418  Established
BGP state:          Established
Neighbor address: 192.168.32.128
Neighbor AS:      64513
BIRD 2.0.12 ready.
Table master4:
172.26.0.0/26        unicast [n1 19:02:02.419] * (100) [AS64512i]
via 192.168.32.127 on eth0
BGP.as_path: 64512
unicast [n2 19:02:02.642 from 192.168.32.128] (100) [AS64513i]
via 192.168.32.128 on eth0
BGP.as_path: 64513 64512`;

function causes(printed: string, route: string, gateway: string) {
  const state: NamespaceState = { links: [], addresses: [], routes: [], neighbours: [], fdb: [] };
  if (printed !== "") state.bird = printed.split("\n");
  return bgpSessionCauses(state, route, gateway);
}

describe("the session behind a route that BIRD has written", () => {
  it("is the one that told of the prefix, with the command that shows it", () => {
    expect(causes(NODE, "172.26.0.64/26 via 192.168.32.128 dev tunl0 proto bird onlink", "192.168.32.128")).toEqual([
      {
        kind: "bgp-session",
        text: "Mesh_192_168_32_128 established, from 192.168.32.128 (AS 64512), AS path empty",
        command: "birdc -s /run/hoplab/files/node.node1/run/calico/bird.ctl show route for 172.26.0.64/26 all",
      },
    ]);
  });

  it("is the reflector's, which names the node that the route came from", () => {
    const route = "172.26.0.192/26 via 192.168.32.130 dev eth0 proto bird";
    expect(causes(NODE, route, "192.168.32.130").map(({ text }) => text)).toEqual([
      "Node_192_168_32_127 established, from 192.168.32.127 (AS 64512), originator 192.168.32.130, AS path empty",
    ]);
  });

  it("is, of several that tell of a prefix, the one with the next hop that was taken", () => {
    const texts = (gateway: string) =>
      causes(ROUTER, `172.26.0.0/26 proto bird nexthop via ${gateway} dev eth0 weight 1`, gateway).map(
        ({ text }) => text,
      );
    expect(texts("192.168.32.127")).toEqual(["n1 established, from 192.168.32.127 (AS 64512), AS path 64512"]);
    expect(texts("192.168.32.128")).toEqual(["n2 established, from 192.168.32.128 (AS 64513), AS path 64513 64512"]);
  });

  it("is not looked for where another wrote the route, BIRD has another next hop, or the capture has nothing of BIRD", () => {
    expect(causes(NODE, "172.26.0.64/26 via 192.168.32.128 dev eth0 proto 80", "192.168.32.128")).toEqual([]);
    expect(causes(NODE, "172.26.0.64/26 via 192.168.32.99 dev eth0 proto bird", "192.168.32.99")).toEqual([]);
    expect(causes(NODE, "172.26.0.0/26 via 192.168.32.128 dev eth0 proto bird", "192.168.32.128")).toEqual([]);
    expect(causes("", "172.26.0.64/26 via 192.168.32.128 dev eth0 proto bird", "192.168.32.128")).toEqual([]);
  });
});
