/**
 * The floor under `up`: a script that a person who wants speed would write by hand for the cluster of large-lab.ts,
 * with the fewest processes that build the same objects one after the other. It knows nothing of main/plan.
 */

import { NODES, nodeAddress, PODS_PER_NODE } from "./large-lab.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const hex = (value: number) => value.toString(16).padStart(2, "0");
const mac = (kind: number, node: number, pod = 0) => `02:00:00:${hex(kind)}:${hex(node)}:${hex(pod)}`;

/** Run by `unshare -mnpf --mount-proc sh FILE COMMAND…`, it ends by becoming COMMAND. */
export function floorScript(): string {
  return [
    PREPARE,
    ...batch("ip -batch -", [...netns(), ...cables()]),
    ...underlay(),
    ...each(node),
    ...each(pods),
    'exec "$@"',
    "",
  ].join("\n");
}

const PREPARE = `set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/netns ${numbers(NODES)
  .map((n) => `/run/flannel${n}`)
  .join(" ")}
ip link set lo up`;

const NO_IPV6 =
  "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6";
const NO_FILTER = "echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter; echo 0 >/proc/sys/net/ipv4/conf/default/rp_filter";

function each(make: (node: number) => string[]): string[] {
  return numbers(NODES).flatMap(make);
}

function batch(command: string, lines: readonly string[]): string[] {
  return [`${command} <<'E'`, ...lines, "E"];
}

/** One process enters the namespace, sets the kernel, and then becomes `ip`. */
function pods(node: number): string[] {
  return numbers(PODS_PER_NODE).flatMap((pod) =>
    batch(`nsenter --net=/run/netns/p${node}-${pod} sh -c '${NO_IPV6}; exec ip -batch -'`, [
      "link set lo up",
      "link set eth0 up",
      `address add 10.244.${node}.${pod + 2}/24 brd + dev eth0`,
      `route add 10.244.0.0/16 via 10.244.${node}.1`,
      `route add default via 10.244.${node}.1`,
    ]),
  );
}

function netns(): string[] {
  const names = [
    "lan",
    ...numbers(NODES).flatMap((n) => [`n${n}`, ...numbers(PODS_PER_NODE).map((p) => `p${n}-${p}`)]),
  ];
  return names.map((name) => `netns add ${name}`);
}

function cables(): string[] {
  return numbers(NODES).flatMap((n) => [
    `link add name n${n} netns lan type veth peer name eth0 netns n${n} address ${mac(1, n)}`,
    ...numbers(PODS_PER_NODE).map(
      (p) =>
        `link add name veth${p} netns n${n} mtu 1450 type veth peer name eth0 netns p${n}-${p} mtu 1450 address ${mac(2, n, p)}`,
    ),
  ]);
}

function underlay(): string[] {
  const bridge = [
    "link set lo up",
    `link add name br0 address ${mac(3, 0)} type bridge`,
    ...numbers(NODES).map((n) => `link set n${n} master br0 up`),
    "link set br0 up",
    "address add 192.168.32.1/24 brd + dev br0",
  ];
  const kernel = `${NO_IPV6}; ${NO_FILTER}; echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables`;
  return batch(`nsenter --net=/run/netns/lan sh -c '${kernel}; exec ip -batch -'`, bridge);
}

/** One process enters the node; the tools that it starts are in the namespace already. */
function node(n: number): string[] {
  const others = numbers(NODES).filter((other) => other !== n);
  const links = [
    "link set lo up",
    `link add name cni0 address ${mac(4, n)} mtu 1450 type bridge`,
    "link set eth0 up",
    `address add ${nodeAddress(n)}/24 brd + dev eth0`,
    `link add name flannel.1 address ${mac(5, n)} mtu 1450 type vxlan id 1 local ${nodeAddress(n)} dev eth0 nolearning dstport 8472`,
    "link set flannel.1 up",
    `address add 10.244.${n}.0/32 dev flannel.1`,
    ...numbers(PODS_PER_NODE).flatMap((p) => [
      `link set veth${p} master cni0 up`,
      `link set veth${p} type bridge_slave hairpin on`,
    ]),
    "link set cni0 up",
    `address add 10.244.${n}.1/24 brd + dev cni0`,
    ...others.map((other) => `neighbour replace 10.244.${other}.0 lladdr ${mac(5, other)} dev flannel.1 nud permanent`),
    "route add default via 192.168.32.1 dev eth0",
    ...others.map((other) => `route add 10.244.${other}.0/24 via 10.244.${other}.0 dev flannel.1 onlink`),
  ];
  const fdb = others.map(
    (other) => `fdb replace ${mac(5, other)} dev flannel.1 dst ${nodeAddress(other)} self permanent`,
  );
  return [
    `nsenter --net=/run/netns/n${n} sh -e <<'N'`,
    NO_IPV6,
    NO_FILTER,
    "echo 1 >/proc/sys/net/ipv4/ip_forward",
    "echo 0 >/proc/sys/net/ipv4/conf/eth0/rp_filter",
    "echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables",
    ...batch("ip -batch -", links),
    ...batch("bridge -batch -", fdb),
    "echo 0 >/proc/sys/net/ipv6/conf/flannel.1/accept_ra",
    "echo 0 >/proc/sys/net/ipv6/conf/cni0/accept_ra",
    ...batch("iptables-restore -w --noflush", rules(n)),
    "N",
    ...batch(`cat >/run/flannel${n}/subnet.env`, [
      "FLANNEL_NETWORK=10.244.0.0/16",
      `FLANNEL_SUBNET=10.244.${n}.1/24`,
      "FLANNEL_MTU=1450",
      "FLANNEL_IPMASQ=true",
    ]),
  ];
}

function rules(n: number): string[] {
  const masq = '-m comment --comment "flanneld masq"';
  const forward = '-m comment --comment "flanneld forward"';
  const [all, own] = ["10.244.0.0/16", `10.244.${n}.0/24`];
  return [
    "*nat",
    ":FLANNEL-POSTRTG - [0:0]",
    `-A POSTROUTING ${masq} -j FLANNEL-POSTRTG`,
    `-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 ${masq} -j RETURN`,
    `-A FLANNEL-POSTRTG -s ${own} -d ${all} ${masq} -j RETURN`,
    `-A FLANNEL-POSTRTG -s ${all} -d ${own} ${masq} -j RETURN`,
    `-A FLANNEL-POSTRTG ! -s ${all} -d ${own} ${masq} -j RETURN`,
    `-A FLANNEL-POSTRTG -s ${all} ! -d 224.0.0.0/4 ${masq} -j MASQUERADE --random-fully`,
    `-A FLANNEL-POSTRTG ! -s ${all} -d ${all} ${masq} -j MASQUERADE --random-fully`,
    "COMMIT",
    "*filter",
    ":FLANNEL-FWD - [0:0]",
    `-A FORWARD ${forward} -j FLANNEL-FWD`,
    `-A FLANNEL-FWD -s ${all} ${forward} -j ACCEPT`,
    `-A FLANNEL-FWD -d ${all} ${forward} -j ACCEPT`,
    "COMMIT",
  ];
}

/** Run where the namespaces are: prints how many objects of each kind there are, in all of them together. */
export const COUNT_SCRIPT = `
cd /run/netns
count() { printf '%s=%s ' "$1" "$(for n in *; do eval "$2"; done | wc -l)"; }
count namespaces 'echo $n'
count links 'ip -n $n -o link show'
count up 'ip -n $n -o link show up'
count hairpin 'ip -n $n -d -o link show | grep "hairpin on"'
count mtu1450 'ip -n $n -o link show | grep "mtu 1450"'
count addresses 'ip -n $n -o address show'
count routes 'ip -n $n route show table all'
count neighbours 'ip -n $n neighbour show nud permanent'
count fdb 'bridge -n $n fdb show | grep permanent'
count rules 'nsenter --net=$n iptables-save | grep ^-A'
count chains 'nsenter --net=$n iptables-save | grep ^:FLANNEL'
count sysctls 'nsenter --net=$n sh -c "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/disable_ipv6" | grep 1'
count filters 'nsenter --net=$n sh -c "cat /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv6/conf/*/accept_ra /proc/sys/net/bridge/bridge-nf-call-iptables" | grep 0'
echo
`;
