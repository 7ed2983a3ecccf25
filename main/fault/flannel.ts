/** What can go wrong with Flannel: an agent that is not there, the wrong card, and what is in flannel-vxlan.ts. */

import type { FlannelNetwork, Lab, LabNode } from "../lab/schema.ts";
import { formatAddress, lastAddress, parseAddress, parsePrefixed, parseSubnet } from "../layout/address.ts";
import { externalAddress } from "../layout/flannel/external.ts";
import { IPIP_DEVICE } from "../layout/flannel/ipip.ts";
import { UDP_DEVICE } from "../layout/flannel/udp.ts";
import { vxlanDeviceName } from "../layout/flannel/vxlan.ts";
import { networkOf, nodeAddresses } from "../layout/underlay.ts";
import type { Live } from "../live/live.ts";
import { type FarPods, farPods } from "./far-pods.ts";
import type { LabFault } from "./fault.ts";
import { changeTunnelMac, vxlanFaults } from "./flannel-vxlan.ts";
import { podMtuLarge } from "./pod-mtu.ts";
import { serviceNetworkOverlaps } from "./service-overlap.ts";

export function flannelFaults(lab: Lab): LabFault[] {
  const { network } = lab;
  const pods = farPods(lab);
  if (network?.plugin !== "flannel" || !pods) return [];
  const device = deviceOf(network);
  return [
    ...(network.backend.type === "udp" ? [processEnded(lab, pods)] : agentStopped(lab, network, pods)),
    ...(network.backend.type === "vxlan" ? vxlanFaults(lab, network, network.backend, pods) : []),
    ...(device ? [podMtuLarge(lab, pods, device, "cni0")] : []),
    ...wrongIface(lab, network, pods),
    ...(network.rules === "iptables" ? [serviceNetworkOverlaps(lab, network, pods)] : []),
  ];
}

/** The tunnel device; undefined where there is none. */
function deviceOf({ backend }: FlannelNetwork): string | undefined {
  switch (backend.type) {
    case "vxlan":
      return vxlanDeviceName(backend);
    case "udp":
      return UDP_DEVICE;
    case "ipip":
      return IPIP_DEVICE;
    case "host-gw":
      return undefined;
  }
}

function agentStopped(lab: Lab, network: FlannelNetwork, { ping, from, to }: FarPods): LabFault[] {
  const given = freeAddress(lab, network, to.node);
  if (!given) return [];
  const netns = `node/${from.node}`;
  const isVxlan = network.backend.type === "vxlan";
  const look = isVxlan
    ? `hoplab exec ${lab.id} ${netns} -- bridge fdb show dev ${deviceOf(network)}`
    : `hoplab exec ${lab.id} ${netns} -- ip route`;
  const actual = `hoplab exec ${lab.id} node/${to.node} -- ip -d addr`;
  const what = {
    en: isVxlan ? "neighbour and FDB entry" : "route",
    "zh-Hant": isVxlan ? "鄰居與 FDB 項目" : "路由",
    "zh-Hans": isVxlan ? "邻居与 FDB 条目" : "路由",
  };
  return [
    {
      name: "agent-stopped-node-moved",
      title: {
        en: `flanneld of ${from.node} has stopped, and ${to.node} has moved to another address`,
        "zh-Hant": `${from.node} 的 flanneld 停了，而 ${to.node} 換了位址`,
        "zh-Hans": `${from.node} 的 flanneld 停了，而 ${to.node} 换了地址`,
      },
      symptom: {
        en: `Pods of ${from.node} do not reach pods of ${to.node}; pods of other nodes do. The packet goes as far as ${from.node} and nothing of it comes out at ${to.node}: it is sent to an address that ${to.node} had until now. An older flanneld, which the kernel asked for each neighbour, logged *L3 miss but route for … not found* here.`,
        "zh-Hant": `${from.node} 的 Pod 連不到 ${to.node} 的 Pod；其他節點的 Pod 則可以。封包走到 ${from.node}，${to.node} 那邊卻什麼都沒出現：它被送往 ${to.node} 以前的位址。舊版的 flanneld 由核心逐一詢問鄰居，這時會記錄 *L3 miss but route for … not found*。`,
        "zh-Hans": `${from.node} 的 Pod 到不了 ${to.node} 的 Pod；其他节点的 Pod 则可以。数据包走到 ${from.node}，${to.node} 那边却什么都没出现：它被发往 ${to.node} 以前的地址。旧版的 flanneld 由内核逐一询问邻居，这时会记录 *L3 miss but route for … not found*。`,
      },
      search: {
        en: `Compare what ${from.node} believes (\`${look}\`) with what ${to.node} is (\`${actual}\`). The ${what.en} is stale: nobody but flanneld writes it, the kernel never asks by itself, and an entry that is permanent never grows old. So ask whether the agent lives, and start it.`,
        "zh-Hant": `比較 ${from.node} 以為的（\`${look}\`）與 ${to.node} 實際的（\`${actual}\`）。${what["zh-Hant"]}過期了：除了 flanneld 沒有人會寫它，核心從不自己詢問，而永久的項目永遠不會老化。所以該問的是代理程式還活著嗎，然後啟動它。`,
        "zh-Hans": `比较 ${from.node} 以为的（\`${look}\`）与 ${to.node} 实际的（\`${actual}\`）。${what["zh-Hans"]}过期了：除了 flanneld 没有人会写它，内核从不自己询问，而永久的条目永远不会老化。所以该问的是代理程序还活着吗，然后启动它。`,
      },
      shows: ping,
      live: (live, then) => {
        const address = freeAddress(then, network, to.node) ?? given;
        const nodes = live.lab.nodes.map((node) => moveNode(node, to.node, network, address));
        return { ...stopAgent(live, from.node, then), lab: { ...live.lab, nodes } };
      },
      // A machine that is set up anew has a tunnel with another MAC address.
      topology: (topology) =>
        isVxlan ? changeTunnelMac(topology, { stale: netns, moved: `node/${to.node}` }) : topology,
      steps: {
        inject: [
          {
            netns,
            command: `ip neigh flush dev ${network.iface}`,
            why: `${from.node} forgets who had the old address on the wire, as it would by itself within a minute.`,
          },
        ],
      },
    },
  ];
}

/** One that a person has stopped before knows even less. */
function stopAgent(live: Live, node: string, then: Lab): Live {
  return { ...live, stopped: { ...live.stopped, [node]: live.stopped[node] ?? then } };
}

function moveNode(node: LabNode, name: string, network: FlannelNetwork, address: string): LabNode {
  if (node.name !== name) return node;
  const now = externalAddress(network, node);
  if (typeof node.address === "string") return { ...node, address };
  return { ...node, address: node.address.map((each) => (each === now ? address : each)) };
}

/** The highest free one of the network that the node is on; undefined where all are taken. */
function freeAddress(lab: Lab, network: FlannelNetwork, name: string): string | undefined {
  const node = lab.nodes.find((each) => each.name === name)!;
  const lan = networkOf(lab, externalAddress(network, node)!)!;
  const subnet = parseSubnet(lan.subnet)!;
  const taken = new Set([
    ...lab.nodes.flatMap(nodeAddresses).map(parseAddress),
    ...lab.namespaces
      .flatMap((netns) => [...netns.interfaces, ...netns.bridges])
      .flatMap((item) => item.addresses)
      .map((text) => parsePrefixed(text)?.address),
    lan.gateway === undefined ? undefined : parseAddress(lan.gateway),
  ]);
  for (let address = lastAddress(subnet) - 1; address > subnet.base + 1; address--) {
    if (!taken.has(address)) return formatAddress(address);
  }
  return undefined;
}

function processEnded({ id }: Lab, { ping, from, to }: FarPods): LabFault {
  const netns = `node/${to.node}`;
  const sockets = `hoplab exec ${id} ${netns} -- ss -lunp`;
  const carrier = `hoplab exec ${id} ${netns} -- ip link show ${UDP_DEVICE}`;
  return {
    name: "flanneld-ended",
    title: {
      en: `flanneld has ended on ${to.node}`,
      "zh-Hant": `${to.node} 上的 flanneld 結束了`,
      "zh-Hans": `${to.node} 上的 flanneld 结束了`,
    },
    symptom: {
      en: `${to.pod} reaches no pod of another node, and none reaches it. A packet for it comes as far as ${to.node}'s card, and ${to.node} answers ${from.node} with *port unreachable*; ${from.pod} never hears of it. ping between the nodes works.`,
      "zh-Hant": `${to.pod} 連不到其他節點的任何 Pod，它們也連不到它。給它的封包到得了 ${to.node} 的網路卡，${to.node} 便以 *port unreachable* 回答 ${from.node}；${from.pod} 對此一無所知。節點之間 ping 得到。`,
      "zh-Hans": `${to.pod} 到不了其他节点的任何 Pod，它们也到不了它。给它的数据包到得了 ${to.node} 的网卡，${to.node} 便以 *port unreachable* 回答 ${from.node}；${from.pod} 对此一无所知。节点之间 ping 得通。`,
    },
    search: {
      en: `With this backend flanneld is the network and not only its clerk. \`${sockets}\` shows no socket on the port any more, and \`${carrier}\` says NO-CARRIER: nobody holds the other end of the device.`,
      "zh-Hant": `在這個後端裡，flanneld 就是網路本身，而不只是網路的書記。\`${sockets}\` 已看不到那個連接埠的 socket，\`${carrier}\` 顯示 NO-CARRIER：裝置的另一端沒有人握著。`,
      "zh-Hans": `在这个后端里，flanneld 就是网络本身，而不只是网络的书记。\`${sockets}\` 已看不到那个端口的套接字，\`${carrier}\` 显示 NO-CARRIER：设备的另一端没有人握着。`,
    },
    shows: ping,
    live: (live, then) => stopAgent(live, to.node, then),
  };
}

/** With the other card, where that leads to no other node. */
function wrongIface(lab: Lab, network: FlannelNetwork, { ping, from, to }: FarPods): LabFault[] {
  const wrong = ["eth0", "eth1"].find((iface) => iface !== network.iface)!;
  const [here, there] = [from, to].map((end) => {
    const node = lab.nodes.find(({ name }) => name === end.node)!;
    const address = externalAddress({ ...network, iface: wrong }, node);
    return address && { address, lan: networkOf(lab, address) };
  });
  const isEverywhere = lab.nodes.every((node) => externalAddress({ ...network, iface: wrong }, node));
  if (!here || !there || !isEverywhere || here.lan === there.lan) return [];
  const netns = `node/${from.node}`;
  const device = deviceOf(network) ?? network.iface;
  const link = `hoplab exec ${lab.id} ${netns} -- ip -d link show ${device}`;
  const reach = `hoplab exec ${lab.id} ${netns} -- ping -c 1 -W 1 ${there.address}`;
  return [
    {
      name: "wrong-iface",
      title: {
        en: `flanneld uses ${wrong}, which leads to no other node`,
        "zh-Hant": `flanneld 用了 ${wrong}，它到不了任何其他節點`,
        "zh-Hans": `flanneld 用了 ${wrong}，它到不了任何其他节点`,
      },
      symptom: {
        en: `Pods of one node reach each other, pods of two nodes don't, with no error at all. The packet goes into the tunnel on ${from.node}, and out of ${wrong} instead of ${network.iface}. From the nodes themselves everything looks well: they reach each other by ${network.iface}.`,
        "zh-Hant": `同一節點的 Pod 互通，不同節點的 Pod 不通，而且沒有任何錯誤。封包在 ${from.node} 進了隧道，卻從 ${wrong} 而不是 ${network.iface} 出去。從節點本身看一切正常：它們經由 ${network.iface} 互通。`,
        "zh-Hans": `同一节点的 Pod 互通，不同节点的 Pod 不通，而且没有任何错误。数据包在 ${from.node} 进了隧道，却从 ${wrong} 而不是 ${network.iface} 出去。从节点本身看一切正常：它们经由 ${network.iface} 互通。`,
      },
      search: {
        en: `Where does the tunnel end? \`${link}\` names \`dev ${wrong}\`, and the entries for ${to.node} name ${there.address}. Is that address reached? \`${reach}\` says no. flanneld took the card of the default route; \`--iface=${network.iface}\` tells it the right one.`,
        "zh-Hant": `隧道的終點在哪裡？\`${link}\` 寫著 \`dev ${wrong}\`，而給 ${to.node} 的項目寫著 ${there.address}。到得了那個位址嗎？\`${reach}\` 說不行。flanneld 選了預設路由的那張卡；\`--iface=${network.iface}\` 能告訴它正確的那張。`,
        "zh-Hans": `隧道的终点在哪里？\`${link}\` 写着 \`dev ${wrong}\`，而给 ${to.node} 的条目写着 ${there.address}。到得了那个地址吗？\`${reach}\` 说不行。flanneld 选了默认路由的那张卡；\`--iface=${network.iface}\` 能告诉它正确的那张。`,
      },
      shows: ping,
      live: (live) => ({ ...live, lab: { ...live.lab, network: { ...network, iface: wrong } } }),
    },
  ];
}
