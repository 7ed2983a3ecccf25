/**
 * The shape of a lab file: what a person may write, with defaults filled in. Pure. What one field alone
 * cannot tell (references, overlaps, duplicates) is checked in validate.ts.
 */

import * as z from "zod";
import { PROTOCOL_CHOICES, trafficSchema } from "../../preload/contract/lab.ts";

/** The longest interface name: the kernel's IFNAMSIZ (16) less the closing zero byte. */
export const INTERFACE_NAME_BYTES = 15;

const OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const IPV4 = `(${OCTET}\\.){3}${OCTET}`;
const PREFIXED = `${IPV4}/(3[0-2]|[12]?[0-9])`;

/** A pattern, with a message that says what was found and what is allowed. */
function written(pattern: string, allowed: string) {
  return z.string().regex(new RegExp(`^(?:${pattern})$`), {
    error: ({ input }) => `found ${JSON.stringify(input)}; allowed is ${allowed}`,
  });
}

/** The same for addresses, where the commonest mistake has its own words. */
function writtenAddress(pattern: string, allowed: string) {
  return z.string().regex(new RegExp(`^(?:${pattern})$`), {
    error: ({ input }) => {
      const looksLikeIpv6 = typeof input === "string" && input.split(":").length > 2;
      const note = looksLikeIpv6 ? " (labs have no IPv6 addresses yet)" : "";
      return `found ${JSON.stringify(input)}; allowed is ${allowed}${note}`;
    },
  });
}

const label = written(
  "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
  "a name of 1 to 63 lower-case letters, digits and hyphens that starts and ends with a letter or digit",
);
const interfaceName = written(
  "(?!(lo|all|default)$)[A-Za-z0-9_][A-Za-z0-9._-]{0,14}",
  `an interface name of at most ${INTERFACE_NAME_BYTES} letters, digits, dots, hyphens and underscores, and not lo, all or default`,
);
const address = writtenAddress(IPV4, "an IPv4 address such as 192.168.32.127");
const subnet = writtenAddress(PREFIXED, "an IPv4 subnet such as 192.168.32.0/24");
const prefixed = writtenAddress(PREFIXED, "an IPv4 address with its prefix length such as 10.0.0.1/24");
const destination = writtenAddress(`default|${PREFIXED}`, "default or an IPv4 subnet such as 10.0.1.0/24");
const mac = written(
  "(?!00:00:00:00:00:00$)[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}",
  "a unicast MAC address such as 02:00:00:00:00:01",
);
const mtu = z.int().min(576).max(65535);
const port = z.int().min(1).max(65535);
const reference = z.string().min(1).max(200);

function words(longest: number, shortest = 1) {
  const sentence = z.string().min(shortest).max(longest);
  return z.strictObject({ en: sentence, "zh-Hant": sentence.optional(), "zh-Hans": sentence.optional() });
}

const underlay = z.strictObject({
  networks: z
    .array(
      z.strictObject({
        name: label,
        subnet,
        mtu: mtu.default(1500),
        /** Where the nodes' default route points. The first free address of the subnet unless given. */
        gateway: address.optional(),
      }),
    )
    .max(20),
});

const asNumber = z.int().min(1).max(4_294_967_294);

const node = z.strictObject({
  name: label,
  /** A list puts the node on several networks: eth0, eth1 and so on. The network plugin uses the first. */
  address: z.union([address, z.array(address).min(1).max(8)], {
    error: ({ input }) => `found ${JSON.stringify(input)}; allowed is an IPv4 address or a list of 1 to 8 of them`,
  }),
  /** The underlay network of the first address; the one whose subnet holds it unless given. */
  network: label.optional(),
  /** Its own AS number, where BGP runs on it; that of the network's bgp unless given. */
  as: asNumber.optional(),
});

const backend = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("vxlan"),
    vni: z.int().min(1).max(16_777_215).default(1),
    port: port.default(8472),
    /** Between nodes of one subnet packets are routed as they are; only those for other subnets go into the tunnel. */
    directRouting: z.boolean().default(false),
  }),
  z.strictObject({ type: z.literal("host-gw") }),
  z.strictObject({ type: z.literal("udp"), port: port.default(8285) }),
  z.strictObject({ type: z.literal("ipip"), directRouting: z.boolean().default(false) }),
]);

const flannel = z.strictObject({
  plugin: z.literal("flannel"),
  network: subnet,
  /** Prefix length of each node's share of the network. */
  subnetLen: z.int().min(8).max(30).default(24),
  /** The first and the last share that may be given out; those of the network unless given. */
  subnetMin: address.optional(),
  subnetMax: address.optional(),
  backend: backend.default({ type: "vxlan", vni: 1, port: 8472, directRouting: false }),
  ipMasq: z.boolean().default(true),
  /** Of the CNI plugin: a bridge port may send a frame back out of the port it came in by. */
  hairpinMode: z.boolean().default(true),
  /** What flanneld writes its rules with; nftables is its `EnableNFTables`. */
  rules: z.enum(["iptables", "nftables"]).default("iptables"),
  /** flanneld's `--iface`: the card of a node that other nodes reach it by. The one of the default route unless given. */
  iface: written("eth[0-7]", "a card of the nodes, eth0 to eth7").default("eth0"),
});

/** How Calico's nodes find each other's blocks, with the words of BGPConfiguration and BGPPeer (projectcalico.org/v3). */
const bgp = z.strictObject({
  as: asNumber.default(64512),
  /** Every node speaks with every other. */
  mesh: z.boolean().default(true),
  /** Nodes that all others speak with, and that pass on what they hear. They take no part in the mesh. */
  reflectors: z.array(label).max(250).default([]),
  /** Routers outside the cluster that nodes speak with. */
  peers: z
    .array(
      z.strictObject({
        address,
        as: asNumber,
        /** All nodes unless given. */
        nodes: z.array(label).min(1).max(250).optional(),
        /** Blocks of other nodes, which nodes know from each other, are announced with those nodes as next hop. */
        keepOriginalNextHop: z.boolean().default(false),
      }),
    )
    .max(50)
    .default([]),
});

/** An IP pool and how its blocks are reached, with the words of Calico's IPPool (projectcalico.org/v3). */
const calico = z.strictObject({
  plugin: z.literal("calico"),
  network: subnet.default("192.168.0.0/16"),
  /** Prefix length of the blocks that nodes claim for their pods. */
  blockSize: z.int().min(20).max(32).default(26),
  /**
   * CrossSubnet: packets between nodes of one subnet are not put into a tunnel. Only one of the two may be other than
   * Never; both Never is no encapsulation, and neither given is IPIP Always, as in Calico's manifest.
   */
  ipipMode: z.enum(["Always", "CrossSubnet", "Never"]).optional(),
  vxlanMode: z.enum(["Always", "CrossSubnet", "Never"]).optional(),
  /** These two and the MTU as in FelixConfiguration. */
  vxlanVNI: z.int().min(1).max(16_777_215).default(4096),
  vxlanPort: port.default(4789),
  /** Of tunnels and pods. That of the smallest card less the tunnel's headers unless given. */
  mtu: mtu.optional(),
  natOutgoing: z.boolean().default(true),
  /** Who writes the routes of IPIP: Felix (`proto 80`, v3.33 and later) or, as before, BIRD (`proto bird`). */
  routes: z.enum(["felix", "bird"]).default("felix"),
  /** Only where BIRD writes the routes: without encapsulation, and with `routes: bird`. */
  bgp: bgp.optional(),
});

const network = z.discriminatedUnion("plugin", [flannel, calico]);

const vid = z.int().min(1).max(4094);

/** Of a port of a bridge that filters by VLAN, or of that bridge itself: one of the two. */
const membership = {
  /** Its one VLAN, whose frames have no tag here. */
  access: vid.optional(),
  /** The VLANs whose frames have their tag here. */
  trunk: z.array(vid).min(1).max(4094).optional(),
  /** Beside a trunk: the VLAN of frames without a tag. */
  native: vid.optional(),
};

interface Membership {
  access?: number;
  trunk?: number[];
  native?: number;
}

type BridgePort = Membership & { name: string };

/** A name alone is short for a mapping with only a name. */
const bridgePort = z
  .union([interfaceName, z.strictObject({ name: interfaceName, ...membership })], {
    error: ({ input }) =>
      typeof input === "object" && input !== null
        ? "allowed is a name, or a mapping with name and either access: VID, or trunk: [VID, …] and perhaps native: VID"
        : `found ${JSON.stringify(input)}; allowed is an interface name of at most ${INTERFACE_NAME_BYTES} letters, digits, dots, hyphens and underscores, and not lo, all or default`,
  })
  .transform((port): BridgePort => (typeof port === "string" ? { name: port } : port));

const freeBridge = z.strictObject({
  name: interfaceName,
  addresses: z.array(prefixed).max(32).default([]),
  mac: mac.optional(),
  /** The least of its ports' unless given. */
  mtu: mtu.optional(),
  /** Looks at 802.1Q tags: each port then needs its VLANs. */
  vlanFiltering: z.boolean().default(false),
  ...membership,
  ports: z.array(bridgePort).max(1000).default([]),
});

/** The end of a link, unless it is a device that works through another interface of the namespace. */
const freeInterface = z.strictObject({
  name: interfaceName,
  addresses: z.array(prefixed).max(32).default([]),
  mac: mac.optional(),
  /** 1500 unless given; for a VLAN that of its parent, for VXLAN 50 bytes less than that of `dev`. */
  mtu: mtu.optional(),
  /** A device for one VLAN of its parent. */
  vlan: z.strictObject({ parent: interfaceName, vid }).optional(),
  vxlan: z
    .strictObject({
      vni: z.int().min(1).max(16_777_215),
      /** The outer source address. */
      local: address,
      /** The interface that carries the outer packets. */
      dev: interfaceName,
      port: port.default(4789),
      /** The multicast group that gets what has no FDB entry. */
      group: address.optional(),
      /** The head-end list: each gets a copy of what has no FDB entry. */
      remotes: z.array(address).min(1).max(250).optional(),
      /** Writes an FDB entry for each source that comes in. */
      learning: z.boolean().default(true),
      /** Answers ARP itself where it has a neighbour entry. */
      proxy: z.boolean().default(false),
    })
    .optional(),
});

const iptablesChain = written(
  "[A-Za-z0-9_-]{1,28}",
  "a chain name of 1 to 28 letters, digits, hyphens and underscores",
);

/** Rules as iptables-save prints them. What a line may hold is checked in validate-iptables.ts. */
const iptablesTable = z.strictObject({
  /** Of built-in chains: what happens where no rule decides. ACCEPT unless given. */
  policies: z.record(iptablesChain, z.enum(["ACCEPT", "DROP"])).optional(),
  /** Chains of its own. */
  chains: z.array(iptablesChain).max(1000).default([]),
  rules: z.array(z.string().min(1).max(1000)).max(10_000).default([]),
});

/** A BGP router: BIRD with these neighbours. */
const bird = z.strictObject({
  as: asNumber,
  /** The router's id; its first address unless given. */
  id: address.optional(),
  neighbours: z
    .array(z.strictObject({ address, as: asNumber }))
    .min(1)
    .max(250),
  /** What it announces as its own, as far as it has routes to it. What it learns it passes on in any case. */
  networks: z.array(subnet).max(100).default([]),
});

const namespace = z.strictObject({
  name: label,
  bridges: z.array(freeBridge).max(32).default([]),
  interfaces: z.array(freeInterface).max(1000).default([]),
  routes: z
    .array(
      z.strictObject({
        to: destination,
        via: address.optional(),
        dev: interfaceName.optional(),
        /** Neither goes anywhere: without via and dev. */
        type: z.enum(["blackhole", "unreachable"]).optional(),
        /** The source address of what the namespace itself sends that way. */
        src: address.optional(),
        metric: z.int().min(1).max(4_294_967_295).optional(),
        /** The next hop is on the wire of dev, whatever the addresses say. */
        onlink: z.boolean().optional(),
      }),
    )
    .max(1000)
    .default([]),
  bird: bird.optional(),
  /** Permanent ARP entries. */
  neighbours: z
    .array(z.strictObject({ address, mac, dev: interfaceName }))
    .max(1000)
    .default([]),
  /** Permanent FDB entries: with dst those of a VXLAN device, without those of a bridge port. */
  fdb: z
    .array(z.strictObject({ mac, dev: interfaceName, dst: address.optional() }))
    .max(1000)
    .default([]),
  iptables: z
    .strictObject({
      raw: iptablesTable.optional(),
      mangle: iptablesTable.optional(),
      nat: iptablesTable.optional(),
      filter: iptablesTable.optional(),
    })
    .default({}),
  /** Ports on which the namespace sends back what comes in. */
  listeners: z
    .array(z.strictObject({ protocol: z.enum(["tcp", "udp"]), port }))
    .max(20)
    .default([]),
  /** Keys below net/, with dots or slashes. */
  sysctls: z
    .record(
      written(
        "net[./][A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*",
        "a network sysctl such as net.ipv4.ip_forward or net/ipv4/conf/eth0/proxy_arp",
      ),
      z.union([z.int(), written("[A-Za-z0-9 ._:/+-]{1,100}", "a number or a short text")], {
        error: ({ input }) => `found ${JSON.stringify(input)}; allowed is a whole number or a short text`,
      }),
    )
    .default({}),
});

/** Two labs that get the same traffic: ids of labs that come with Hoplab, or paths from the folder of this file. */
const compare = z.strictObject({
  labs: z.tuple([reference, reference], {
    error: ({ input }) =>
      `found ${JSON.stringify(input)}; allowed is a list of two labs such as [flannel-vxlan, flannel-host-gw]`,
  }),
});

/** `to` may be an address. `lost`: it must not be answered. */
const ping = z.strictObject({ from: reference, to: reference, lost: z.boolean().default(false) });

/** The request must pass by all of `through`, in that order, by none of `avoids`, and arrive. `to` may be an address. */
const path = z.strictObject({
  from: reference,
  to: reference,
  protocol: z.enum(PROTOCOL_CHOICES).default("icmp"),
  port: port.optional(),
  through: z.array(reference).max(100).default([]),
  avoids: z.array(reference).max(100).default([]),
});

export const labSchema = z.strictObject({
  id: label,
  title: words(100),
  summary: words(500).default({ en: "" }),
  /** Kernel features and programs, probed before anything is built. */
  requires: z
    .array(written("[A-Za-z0-9_.-]{1,40}", "the name of a kernel feature or program such as vxlan or tcpdump"))
    .max(40)
    .default([]),
  underlay: underlay.default({ networks: [] }),
  nodes: z.array(node).max(250).default([]),
  network: network.optional(),
  services: z.strictObject({ network: subnet.optional() }).optional(),
  pods: z
    .array(z.strictObject({ name: label, node: label }))
    .max(2000)
    .default([]),
  namespaces: z.array(namespace).max(500).default([]),
  /** Two ends each: `h1/eth0`, or `net/lan/port1` for a new port of an underlay network. */
  links: z
    .array(
      z.tuple([reference, reference], {
        error: ({ input }) =>
          `found ${JSON.stringify(input)}; allowed is a list of two ends such as [h1/eth0, switch/port1]`,
      }),
    )
    .max(2000)
    .default([]),
  /** A comparison builds nothing itself; `traffic` is then sent in both labs. */
  compare: compare.optional(),
  traffic: z.array(z.strictObject(trafficSchema.shape)).max(100).default([]),
  /** Each is one `ping` or one `path`. */
  checks: z
    .array(z.strictObject({ ping: ping.optional(), path: path.optional() }))
    .max(500)
    .default([]),
});

/** A lab that is up: also says which shares of the pod network its nodes hold, which others that come and go must not change. */
export const runningLabSchema = labSchema.extend({
  // Empty where the file has none.
  summary: words(500, 0),
  nodes: z
    .array(
      node.extend({
        /** Counted from 0: its flannel subnet, or its Calico blocks. The next free ones unless given. */
        shares: z.array(z.int().min(0)).optional(),
      }),
    )
    .max(250),
});

export type Lab = z.output<typeof runningLabSchema>;
export type LabNode = Lab["nodes"][number];
export type LabNetwork = Lab["underlay"]["networks"][number];
export type LabNamespace = Lab["namespaces"][number];
export type LabBridge = LabNamespace["bridges"][number];
export type LabInterface = LabNamespace["interfaces"][number];
export type LabTable = z.output<typeof iptablesTable>;
type PluginNetwork = NonNullable<Lab["network"]>;
export type FlannelNetwork = Extract<PluginNetwork, { plugin: "flannel" }>;
export type CalicoNetwork = Extract<PluginNetwork, { plugin: "calico" }>;
export type CalicoBgp = NonNullable<CalicoNetwork["bgp"]>;
export type LabBird = NonNullable<LabNamespace["bird"]>;
export type LabCheck = Lab["checks"][number];
