/** What can go wrong with Calico's tunnels, IPIP and VXLAN: between the nodes, at their ends, and with their MTU. */

import type { Namespace, Route, Topology } from "../../preload/contract/topology.ts";
import type { CalicoNetwork, Lab, LabNetwork, LabNode } from "../lab/schema.ts";
import { encapsulationOf } from "../layout/calico/encapsulation.ts";
import { IPIP_DEVICE } from "../layout/calico/ipip.ts";
import { PARENT_INTERFACE } from "../layout/calico/node.ts";
import { hostSideName } from "../layout/calico/pods.ts";
import { tunnelMac, VXLAN_DEVICE } from "../layout/calico/vxlan.ts";
import { networkOf, nodeAddresses } from "../layout/underlay.ts";
import { editNamespace, withSysctl } from "./edit.ts";
import type { FarPods } from "./far-pods.ts";
import type { LabFault } from "./fault.ts";
import { podMtuLarge } from "./pod-mtu.ts";

/** A tunnel as its faults see it. */
interface Tunnel {
  kind: "ipip" | "vxlan";
  device: string;
  /** The match of a rule for its packets. */
  match: string;
  /** What its packets are, in words. */
  packets: string;
  /** The set of nodes whose packets are let in. */
  sources: string;
}

export function tunnelFaults(lab: Lab, network: CalicoNetwork, pods: FarPods): LabFault[] {
  const tunnel = tunnelOf(network);
  if (!tunnel) return [];
  const near = nearPods(lab, pods);
  return [
    filteredBetween(lab, pods, tunnel),
    sourceUnknown(lab, pods, tunnel),
    ...(near ? [rpFilterStrict(lab, near, tunnel)] : []),
    podMtuLarge(lab, pods, tunnel.device, hostSideName(pods.from.pod)),
    switchMtuSmall(lab, pods),
    ...(tunnel.kind === "vxlan" ? [vtepMacWrong(lab, pods)] : []),
  ];
}

function tunnelOf(network: CalicoNetwork): Tunnel | undefined {
  switch (encapsulationOf(network).kind) {
    case "ipip":
      return {
        kind: "ipip",
        device: IPIP_DEVICE,
        match: "-p 4",
        packets: "IP protocol 4",
        sources: "cali40all-hosts-net",
      };
    case "vxlan":
      return {
        kind: "vxlan",
        device: VXLAN_DEVICE,
        match: `-p 17 -m udp --dport ${network.vxlanPort}`,
        packets: `UDP ${network.vxlanPort}`,
        sources: "cali40all-vxlan-net",
      };
    case "none":
      return undefined;
  }
}

/** The node and network of a pod's node; a valid lab has both. */
function nodeOf(lab: Lab, name: string): LabNode {
  return lab.nodes.find((node) => node.name === name)!;
}

function addressOf(lab: Lab, node: string): string {
  return nodeAddresses(nodeOf(lab, node))[0]!;
}

function lanOf(lab: Lab, node: string): LabNetwork {
  return networkOf(lab, addressOf(lab, node))!;
}

/** The same sender and a pod on another node of the same network; undefined where there is none. */
function nearPods(lab: Lab, { ping, from, to }: FarPods): FarPods | undefined {
  const lan = lanOf(lab, from.node);
  const isNear = (node: string) => node !== from.node && lanOf(lab, node) === lan;
  const near = isNear(to.node) ? to : nearestOf(lab, isNear);
  return near && { ping: { ...ping, to: `pod/${near.pod}` }, from, to: near };
}

function nearestOf(lab: Lab, isNear: (node: string) => boolean): FarPods["to"] | undefined {
  const found = lab.pods.find(({ node }) => isNear(node));
  return found && { pod: found.name, node: found.node };
}

function filteredBetween(lab: Lab, { ping, from, to }: FarPods, { kind, match, packets }: Tunnel): LabFault {
  const lan = lanOf(lab, to.node).name;
  const switchNetns = `net/${lan}`;
  const [there, look] = [
    `hoplab exec ${lab.id} node/${from.node} -- ping -c 1 ${addressOf(lab, to.node)}`,
    `hoplab capture ${lab.id} -w tunnel.pcapng --interfaces node/${from.node}/eth0,node/${to.node}/eth0 --duration 10`,
  ];
  return {
    name: kind === "ipip" ? "ipip-filtered" : "vxlan-port-filtered",
    title: {
      en: `${packets} is filtered in ${lan}`,
      "zh-Hant": `${lan} 過濾掉了 ${packets}`,
      "zh-Hans": `${lan} 过滤掉了 ${packets}`,
    },
    symptom: {
      en: `${from.pod} does not reach ${to.pod}, and gets no error. The nodes reach each other: a ping from ${from.node} to ${to.node} is answered. The wrapped packet leaves ${from.node} and never comes in at ${to.node}. So it looks where a cloud's security group lets TCP, UDP and ICMP through${kind === "ipip" ? " and nobody has thought of protocol 4" : ` but not UDP from node to node`}.`,
      "zh-Hant": `${from.pod} 連不到 ${to.pod}，也沒有錯誤。節點之間是通的：從 ${from.node} ping ${to.node} 有回應。封裝好的封包離開了 ${from.node}，卻從未進入 ${to.node}。雲端的安全群組${kind === "ipip" ? "放行了 TCP、UDP 與 ICMP，卻沒有人想到協定 4 時" : "沒有放行節點之間的這個 UDP 埠時"}，看起來就是這樣。`,
      "zh-Hans": `${from.pod} 到不了 ${to.pod}，也没有错误。节点之间是通的：从 ${from.node} ping ${to.node} 有应答。封装好的数据包离开了 ${from.node}，却从未进入 ${to.node}。云的安全组${kind === "ipip" ? "放行了 TCP、UDP 与 ICMP，却没有人想到协议 4 时" : "没有放行节点之间的这个 UDP 端口时"}，看起来就是这样。`,
    },
    search: {
      en: `First the nodes themselves: \`${there}\` works. Then both ends of the way at once: \`${look}\` while you ping. ${packets} is seen on the first card and not on the second: it was lost in between, and neither node can do anything about it. Ask whoever runs the network.`,
      "zh-Hant": `先看節點本身：\`${there}\` 是通的。再同時看路的兩端：一邊 ping 一邊 \`${look}\`。第一張網卡上看得到 ${packets}，第二張看不到：它在中間不見了，兩個節點都無能為力。去問管網路的人。`,
      "zh-Hans": `先看节点本身：\`${there}\` 是通的。再同时看路的两端：一边 ping 一边 \`${look}\`。第一张网卡上看得到 ${packets}，第二张看不到：它在中间不见了，两个节点都无能为力。去问管网络的人。`,
    },
    shows: ping,
    topology: (topology) =>
      editNamespace(topology, switchNetns, (netns) => ({
        ...withSysctl(
          netns,
          "net/bridge/bridge-nf-call-iptables",
          "1",
          "A fault: frames that cross this switch meet a filter, as a cloud's security group is one.",
        ),
        rules: [
          ...netns.rules,
          {
            family: "ipv4",
            table: "filter",
            chains: [],
            rules: [{ rule: `-A FORWARD ${match} -j DROP`, why: `A fault: nobody has allowed ${packets}.` }],
          },
        ],
      })),
  };
}

function sourceUnknown(lab: Lab, { ping, from, to }: FarPods, { kind, packets, sources }: Tunnel): LabFault {
  const netns = `node/${to.node}`;
  const address = addressOf(lab, from.node);
  const counters = `hoplab exec ${lab.id} ${netns} -- iptables -L cali-INPUT -n -v`;
  const set = `hoplab exec ${lab.id} ${netns} -- ipset list ${sources}`;
  return {
    name: "tunnel-source-unknown",
    title: {
      en: `${to.node} does not know ${from.node} by the address that it sends from`,
      "zh-Hant": `${to.node} 不認得 ${from.node} 送出封包的位址`,
      "zh-Hans": `${to.node} 不认识 ${from.node} 发出数据包的地址`,
    },
    symptom: {
      en: `${from.pod} does not reach ${to.pod}, and gets no error; from other nodes ${to.pod} is reached. The wrapped packet comes in by ${to.node}'s card, but never out of its tunnel. So it looks where Calico has detected another address of ${from.node} than the one that it sends from, as on a node with two cards.`,
      "zh-Hant": `${from.pod} 連不到 ${to.pod}，也沒有錯誤；從其他節點連得到 ${to.pod}。封裝好的封包從 ${to.node} 的網卡進來了，卻從未從隧道出來。節點有兩張網卡，而 Calico 偵測到的不是 ${from.node} 送出封包的那個位址時，看起來就是這樣。`,
      "zh-Hans": `${from.pod} 到不了 ${to.pod}，也没有错误；从其他节点能到达 ${to.pod}。封装好的数据包从 ${to.node} 的网卡进来了，却从未从隧道出来。节点有两张网卡，而 Calico 检测到的不是 ${from.node} 发出数据包的那个地址时，看起来就是这样。`,
    },
    search: {
      en: `It arrives at ${to.node} and is dropped there before the tunnel, so it meets a rule: \`${counters}\` shows the counter of *Drop … packets from ${kind === "ipip" ? "non-Calico" : "non-allowed"} hosts* that grows. Who is allowed? \`${set}\` lacks ${address}, the source of the outer header.`,
      "zh-Hant": `它到了 ${to.node}，在進隧道之前就被丟棄，所以遇到了規則：\`${counters}\` 顯示 *Drop … packets from ${kind === "ipip" ? "non-Calico" : "non-allowed"} hosts* 的計數器在增加。允許的是誰？\`${set}\` 裡沒有 ${address}，也就是外層標頭的來源。`,
      "zh-Hans": `它到了 ${to.node}，在进隧道之前就被丢弃，所以遇到了规则：\`${counters}\` 显示 *Drop … packets from ${kind === "ipip" ? "non-Calico" : "non-allowed"} hosts* 的计数器在增加。允许的是谁？\`${set}\` 里没有 ${address}，也就是外层报头的来源。`,
    },
    shows: ping,
    topology: (topology) =>
      editNamespace(topology, netns, ({ ipSets }) => ({
        ipSets: ipSets.map((found) =>
          found.name === sources
            ? {
                ...found,
                members: found.members.filter((member) => member !== address),
                why: `A fault: ${from.node} is not among those whose ${packets} is let in.`,
              }
            : found,
        ),
      })),
  };
}

function rpFilterStrict(lab: Lab, { ping, from, to }: FarPods, { device }: Tunnel): LabFault {
  const netns = `node/${to.node}`;
  const count = `hoplab exec ${lab.id} ${netns} -- nstat -az TcpExtIPReversePathFilter`;
  const back = `hoplab exec ${lab.id} ${netns} -- ip route get ADDRESS`;
  return {
    name: "rp-filter-strict",
    title: {
      en: `${to.node} drops what comes by another way than its answer would go`,
      "zh-Hant": `${to.node} 丟棄來路與回路不同的封包`,
      "zh-Hans": `${to.node} 丢弃来路与回路不同的数据包`,
    },
    symptom: {
      en: `${from.pod} does not reach ${to.pod}, and gets no error. The packet even comes out of ${to.node}'s tunnel, and is gone after that. ${from.node} sends through the tunnel while ${to.node} answers by its card, as where the subnet of one of them was detected wrongly: that alone would do no harm. But ${to.node} filters by reverse path, strictly, as some distributions do by default.`,
      "zh-Hant": `${from.pod} 連不到 ${to.pod}，也沒有錯誤。封包甚至已從 ${to.node} 的隧道出來，之後就不見了。${from.node} 走隧道送，${to.node} 卻從網卡直接回，就像其中一個節點的子網路偵測錯了：光是這樣並無妨。但 ${to.node} 開了嚴格的反向路徑過濾，有些發行版預設如此。`,
      "zh-Hans": `${from.pod} 到不了 ${to.pod}，也没有错误。数据包甚至已从 ${to.node} 的隧道出来，之后就不见了。${from.node} 走隧道发，${to.node} 却从网卡直接回，就像其中一个节点的子网检测错了：光是这样并无妨。但 ${to.node} 开了严格的反向路径过滤，有些发行版默认如此。`,
    },
    search: {
      en: `No rule drops it, and the route to ${to.pod} is right. Look at the way back: \`${back}\` with ${from.pod}'s address leads out of ${PARENT_INTERFACE}, but the packet came by ${device}. \`${count}\` grows with each ping. \`sysctl net.ipv4.conf.all.rp_filter\` is 1; the kernel takes the larger of it and the interface's own. 2 (loose) would let it pass: any way back is good enough then.`,
      "zh-Hant": `沒有規則丟棄它，到 ${to.pod} 的路由也正確。看回程：以 ${from.pod} 的位址執行 \`${back}\`，會從 ${PARENT_INTERFACE} 出去，但封包是從 ${device} 來的。每 ping 一次，\`${count}\` 就增加。\`sysctl net.ipv4.conf.all.rp_filter\` 是 1；核心取它和介面自身設定中較大的。2（寬鬆）就會放行：只要有任何回程的路就夠了。`,
      "zh-Hans": `没有规则丢弃它，到 ${to.pod} 的路由也正确。看回程：以 ${from.pod} 的地址执行 \`${back}\`，会从 ${PARENT_INTERFACE} 出去，但数据包是从 ${device} 来的。每 ping 一次，\`${count}\` 就增加。\`sysctl net.ipv4.conf.all.rp_filter\` 是 1；内核取它和接口自身设置中较大的。2（宽松）就会放行：只要有任何回程的路就够了。`,
    },
    shows: ping,
    topology: (topology) => {
      const [sender, receiver] = [from.node, to.node].map((name) => namespaceOf(topology, `node/${name}`));
      const tunnel = receiver?.interfaces.find(({ name }) => name === device);
      if (!sender || !receiver || !tunnel) return topology;
      const gateway = tunnel.kind === "vxlan" ? tunnel.addresses[0]!.split("/")[0]! : addressOf(lab, to.node);
      const there = redirected(topology, sender, receiver, { via: gateway, dev: device });
      return editNamespace(
        redirected(there, receiver, sender, { via: addressOf(lab, from.node), dev: PARENT_INTERFACE }),
        netns,
        (node) =>
          withSysctl(
            node,
            "net/ipv4/conf/all/rp_filter",
            "1",
            "A fault: strict. What comes in by another interface than the way back leads to is dropped.",
          ),
      );
    },
  };
}

function namespaceOf(topology: Topology, name: string): Namespace | undefined {
  return topology.namespaces.find((netns) => netns.name === name);
}

/** The topology in which `node` reaches the blocks of `other` by another way. */
function redirected(topology: Topology, node: Namespace, other: Namespace, way: Pick<Route, "via" | "dev">): Topology {
  const blocks = new Set(other.routes.flatMap(({ type, to }) => (type === "blackhole" ? to : [])));
  return editNamespace(topology, node.name, ({ routes }) => ({
    routes: routes.map((route) =>
      blocks.has(route.to) && (route.via !== way.via || route.dev !== way.dev)
        ? {
            ...route,
            ...way,
            proto: way.dev === VXLAN_DEVICE ? undefined : (route.proto ?? "80"),
            onlink: true,
            why: `A fault: the pods of ${other.label} are reached by another way.`,
          }
        : route,
    ),
  }));
}

const SMALL_MTU = 1400;

function switchMtuSmall(lab: Lab, { ping, from, to }: FarPods): LabFault {
  const netns = `net/${lanOf(lab, to.node).name}`;
  const small = `hoplab send ${lab.id} --from ${from.pod} --to ${to.pod} --size 1000`;
  const large = `hoplab send ${lab.id} --from ${from.pod} --to ${to.pod} --size 1400`;
  return {
    name: "switch-mtu-small",
    title: {
      en: `The switch port of ${to.node} carries only ${SMALL_MTU} bytes`,
      "zh-Hant": `${to.node} 的交換器連接埠只能承載 ${SMALL_MTU} 個位元組`,
      "zh-Hans": `${to.node} 的交换机端口只能承载 ${SMALL_MTU} 个字节`,
    },
    symptom: {
      en: `Small packets from ${from.pod} to ${to.pod} arrive, large ones vanish, without an error and for good: a black hole. A switch that finds a frame too large drops it; it has no address to send an ICMP message from. Connections come up, and hang as soon as data flows.`,
      "zh-Hant": `從 ${from.pod} 到 ${to.pod} 的小封包到得了，大封包就此消失，沒有錯誤，而且一直如此：這就是黑洞。交換器發現訊框太大就丟掉，它沒有位址可以送出 ICMP 訊息。連線建得起來，一傳資料就卡住。`,
      "zh-Hans": `从 ${from.pod} 到 ${to.pod} 的小数据包到得了，大数据包就此消失，没有错误，而且一直如此：这就是黑洞。交换机发现帧太大就丢掉，它没有地址可以送出 ICMP 消息。连接建得起来，一传数据就卡住。`,
    },
    search: {
      en: `\`${small}\` arrives, \`${large}\` does not: find the size between, and you have the MTU of the narrowest place. Both nodes have a larger one and neither says anything, so it is in between. The cure is at the switch, or a smaller MTU in Calico's configuration.`,
      "zh-Hant": `\`${small}\` 到得了，\`${large}\` 到不了：找出介於中間的大小，就知道最窄之處的 MTU。兩個節點的 MTU 都比較大，誰也沒說話，所以問題在中間。解法在交換器上，或在 Calico 的設定裡改用較小的 MTU。`,
      "zh-Hans": `\`${small}\` 到得了，\`${large}\` 到不了：找出介于中间的大小，就知道最窄之处的 MTU。两个节点的 MTU 都比较大，谁也没说话，所以问题在中间。解法在交换机上，或在 Calico 的配置里改用较小的 MTU。`,
    },
    shows: { ...ping, size: SMALL_MTU },
    topology: (topology) =>
      editNamespace(topology, netns, ({ interfaces }) => ({
        interfaces: interfaces.map((item) =>
          item.kind === "veth" && item.peer.netns === `node/${to.node}`
            ? { ...item, mtu: SMALL_MTU, why: `A fault: the port of ${to.node} takes no larger frames.` }
            : item,
        ),
      })),
  };
}

function vtepMacWrong(lab: Lab, { ping, from, to }: FarPods): LabFault {
  const netns = `node/${from.node}`;
  const [right, wrong] = [tunnelMac(to.node), tunnelMac(`${to.node}.local`)];
  const entries = `hoplab exec ${lab.id} ${netns} -- ip neigh show dev ${VXLAN_DEVICE}`;
  const own = `hoplab exec ${lab.id} node/${to.node} -- ip link show ${VXLAN_DEVICE}`;
  const why = `A fault: the MAC address of a node called ${to.node}.local, which is not what ${to.node} is called any more.`;
  return {
    name: "vtep-mac-wrong",
    title: {
      en: `${from.node} has an old MAC address of ${to.node}'s tunnel`,
      "zh-Hant": `${from.node} 記著 ${to.node} 隧道的舊 MAC 位址`,
      "zh-Hans": `${from.node} 记着 ${to.node} 隧道的旧 MAC 地址`,
    },
    symptom: {
      en: `${from.pod} does not reach ${to.pod}, and gets no error. The packet goes all the way, comes out of ${to.node}'s tunnel, and is gone after that. The MAC address of a tunnel is made from the node's name: ${to.node} was called ${to.node}.local before, and ${from.node}'s Felix has not heard that it was renamed.`,
      "zh-Hant": `${from.pod} 連不到 ${to.pod}，也沒有錯誤。封包走完全程，從 ${to.node} 的隧道出來，之後就不見了。隧道的 MAC 位址由節點名稱算出：${to.node} 以前叫 ${to.node}.local，而 ${from.node} 的 Felix 還不知道它改了名。`,
      "zh-Hans": `${from.pod} 到不了 ${to.pod}，也没有错误。数据包走完全程，从 ${to.node} 的隧道出来，之后就不见了。隧道的 MAC 地址由节点名称算出：${to.node} 以前叫 ${to.node}.local，而 ${from.node} 的 Felix 还不知道它改了名。`,
    },
    search: {
      en: `The inner frame is for a MAC address that ${to.node} does not have, and a card drops silently what is for another. Compare \`${entries}\` with \`${own}\`: ${wrong} here, ${right} there. Which name is it? 66 and the first five bytes of its SHA-1: \`printf ${to.node} | sha1sum\`.`,
      "zh-Hant": `內層訊框的目的 MAC 位址不是 ${to.node} 的，而網卡會默默丟掉給別人的訊框。比較 \`${entries}\` 與 \`${own}\`：這裡是 ${wrong}，那裡是 ${right}。那是哪個名稱的？66 加上 SHA-1 的前五個位元組：\`printf ${to.node} | sha1sum\`。`,
      "zh-Hans": `内层帧的目的 MAC 地址不是 ${to.node} 的，而网卡会默默丢掉给别人的帧。比较 \`${entries}\` 与 \`${own}\`：这里是 ${wrong}，那里是 ${right}。那是哪个名称的？66 加上 SHA-1 的前五个字节：\`printf ${to.node} | sha1sum\`。`,
    },
    shows: ping,
    topology: (topology) =>
      editNamespace(topology, netns, ({ neighbours, fdb }) => ({
        neighbours: neighbours.map((entry) => (entry.mac === right ? { ...entry, mac: wrong, why } : entry)),
        fdb: fdb.map((entry) => (entry.mac === right ? { ...entry, mac: wrong, why } : entry)),
      })),
  };
}
