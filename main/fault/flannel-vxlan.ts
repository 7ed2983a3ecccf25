/** What can go wrong with Flannel's VXLAN tunnel: an entry that is missing, and two ends that do not agree. */

import type { Namespace, Topology } from "../../preload/contract/topology.ts";
import type { FlannelNetwork, Lab } from "../lab/schema.ts";
import { externalAddress } from "../layout/flannel/external.ts";
import { vxlanDeviceName } from "../layout/flannel/vxlan.ts";
import { networkOf } from "../layout/underlay.ts";
import { editNamespace } from "./edit.ts";
import type { FarPods } from "./far-pods.ts";
import type { LabFault } from "./fault.ts";

type VxlanBackend = Extract<FlannelNetwork["backend"], { type: "vxlan" }>;

/** None where the two nodes talk without the tunnel. */
export function vxlanFaults(lab: Lab, network: FlannelNetwork, backend: VxlanBackend, pods: FarPods): LabFault[] {
  const [here, there] = [pods.from, pods.to].map((end) => {
    const address = externalAddress(network, lab.nodes.find(({ name }) => name === end.node)!)!;
    return { address, lan: networkOf(lab, address) };
  });
  if (backend.directRouting && here!.lan === there!.lan) return [];
  return [fdbMissing(lab, backend, pods, there!.address), vniWrong(lab, backend, pods), portWrong(lab, backend, pods)];
}

function fdbMissing({ id }: Lab, backend: VxlanBackend, { ping, from, to }: FarPods, address: string): LabFault {
  const netns = `node/${from.node}`;
  const device = vxlanDeviceName(backend);
  const neighbours = `hoplab exec ${id} ${netns} -- ip neigh show dev ${device}`;
  const fdb = `hoplab exec ${id} ${netns} -- bridge fdb show dev ${device}`;
  return {
    name: "fdb-entry-missing",
    title: {
      en: `${from.node} has no FDB entry for ${to.node}`,
      "zh-Hant": `${from.node} 沒有 ${to.node} 的 FDB 項目`,
      "zh-Hans": `${from.node} 没有 ${to.node} 的 FDB 条目`,
    },
    symptom: {
      en: `${from.pod} does not reach ${to.pod}, and gets no error. The packet is routed into ${device} on ${from.node}, with the right MAC address, and never comes out of the node's card. What ${to.pod} sends does arrive at ${from.pod}; its answer is lost.`,
      "zh-Hant": `${from.pod} 連不到 ${to.pod}，也沒有收到錯誤。封包在 ${from.node} 被路由進 ${device}，帶著正確的 MAC 位址，卻從沒有從節點的網路卡出來。${to.pod} 送出的封包到得了 ${from.pod}，遺失的是回答。`,
      "zh-Hans": `${from.pod} 到不了 ${to.pod}，也没有收到错误。数据包在 ${from.node} 被路由进 ${device}，带着正确的 MAC 地址，却从没有从节点的网卡出来。${to.pod} 发出的数据包到得了 ${from.pod}，丢失的是回答。`,
    },
    search: {
      en: `Three tables lead out of the tunnel: the route, the neighbour, the FDB. The route is taken (the packet is at ${device}), \`${neighbours}\` has the MAC address, \`${fdb}\` has no line with \`dst ${address}\`. The device does not learn and has no list of all, so it drops what it has no entry for.`,
      "zh-Hant": `走出隧道要靠三張表：路由、鄰居、FDB。路由用到了（封包在 ${device}），\`${neighbours}\` 有 MAC 位址，\`${fdb}\` 卻沒有 \`dst ${address}\` 那一行。這個裝置不學習，也沒有「送給所有人」的清單，所以沒有項目的就丟掉。`,
      "zh-Hans": `走出隧道要靠三张表：路由、邻居、FDB。路由用到了（数据包在 ${device}），\`${neighbours}\` 有 MAC 地址，\`${fdb}\` 却没有 \`dst ${address}\` 那一行。这个设备不学习，也没有“发给所有人”的清单，所以没有条目的就丢掉。`,
    },
    shows: ping,
    topology: (topology) => {
      const other = topology.namespaces.find(({ name }) => name === `node/${to.node}`);
      const end = other?.interfaces.find(({ kind }) => kind === "vxlan")?.addresses[0]?.split("/")[0];
      // By way of the neighbour entry: where the node is, and what its tunnel is called, other faults may have changed.
      return editNamespace(topology, netns, ({ fdb: entries, neighbours: known }) => {
        const macs = known.flatMap((entry) => (entry.address === end ? entry.mac : []));
        return { fdb: entries.filter(({ mac }) => !macs.includes(mac)) };
      });
    },
  };
}

function vniWrong({ id }: Lab, backend: VxlanBackend, { ping, from, to }: FarPods): LabFault {
  const netns = `node/${to.node}`;
  const device = vxlanDeviceName(backend);
  const vni = backend.vni === 1 ? 2 : 1;
  const wrong = vxlanDeviceName({ ...backend, vni });
  const look = `hoplab exec ${id} ${netns} -- ip -d link show type vxlan`;
  return {
    name: "vni-wrong",
    title: {
      en: `${to.node} has VNI ${vni}, the others ${backend.vni}`,
      "zh-Hant": `${to.node} 的 VNI 是 ${vni}，其他節點是 ${backend.vni}`,
      "zh-Hans": `${to.node} 的 VNI 是 ${vni}，其他节点是 ${backend.vni}`,
    },
    symptom: {
      en: `${from.pod} and ${to.pod} do not reach each other, and get no error. The wrapped packet arrives at ${to.node}'s card and goes no further: no device there has VNI ${backend.vni}. The tunnel of ${to.node} is called ${wrong}, after the number that it was given.`,
      "zh-Hant": `${from.pod} 與 ${to.pod} 互相連不到，也沒有收到錯誤。封裝好的封包到達 ${to.node} 的網路卡，然後就停在那裡：那邊沒有 VNI ${backend.vni} 的裝置。${to.node} 的隧道叫做 ${wrong}，名稱來自它拿到的號碼。`,
      "zh-Hans": `${from.pod} 与 ${to.pod} 互相到不了，也没有收到错误。封装好的数据包到达 ${to.node} 的网卡，然后就停在那里：那边没有 VNI ${backend.vni} 的设备。${to.node} 的隧道叫做 ${wrong}，名称来自它拿到的号码。`,
    },
    search: {
      en: `The UDP port is right, so the kernel takes the packet in and reads the VNI. Compare the one in the captured packet with \`${look}\` on both nodes. Both must have read the same configuration.`,
      "zh-Hant": `UDP 連接埠正確，所以核心收下封包並讀取 VNI。比較擷取到的封包裡的 VNI 與兩個節點上的 \`${look}\`。兩邊必須讀到同一份設定。`,
      "zh-Hans": `UDP 端口正确，所以内核收下数据包并读取 VNI。比较捕获到的数据包里的 VNI 与两个节点上的 \`${look}\`。两边必须读到同一份配置。`,
    },
    shows: ping,
    topology: (topology) => editNamespace(topology, netns, (node) => renameTunnel(node, device, wrong, vni)),
  };
}

/** All of the node that speaks of the tunnel speaks of the other one. */
function renameTunnel(node: Namespace, from: string, to: string, vni: number): Partial<Namespace> {
  const renamed = <T extends { dev?: string }>(items: T[]) =>
    items.map((item) => (item.dev === from ? { ...item, dev: to } : item));
  return {
    interfaces: node.interfaces.map((item) =>
      item.kind === "vxlan" && item.name === from
        ? { ...item, name: to, vni, why: `A fault: a tunnel with VNI ${vni}, which the other nodes do not have.` }
        : item,
    ),
    routes: renamed(node.routes),
    neighbours: renamed(node.neighbours),
    fdb: renamed(node.fdb),
    sysctls: node.sysctls.map((sysctl) => ({ ...sysctl, key: sysctl.key.replace(`/${from}/`, `/${to}/`) })),
  };
}

function portWrong({ id }: Lab, backend: VxlanBackend, { ping, from, to }: FarPods): LabFault {
  const netns = `node/${to.node}`;
  const device = vxlanDeviceName(backend);
  const port = backend.port === 4789 ? 8472 : 4789;
  const look = `hoplab exec ${id} ${netns} -- ip -d link show ${device}`;
  return {
    name: "port-wrong",
    title: {
      en: `${to.node} has its tunnel on UDP port ${port}, the others on ${backend.port}`,
      "zh-Hant": `${to.node} 的隧道在 UDP ${port}，其他節點在 ${backend.port}`,
      "zh-Hans": `${to.node} 的隧道在 UDP ${port}，其他节点在 ${backend.port}`,
    },
    symptom: {
      en: `${from.pod} and ${to.pod} do not reach each other. The wrapped packet arrives at ${to.node}'s card, and ${to.node} answers ${from.node} with *port unreachable*; that is about the outer packet, and ${from.pod} never hears of it. 4789 is the number of the RFC, 8472 that of Linux: two programs that each take their default don't meet.`,
      "zh-Hant": `${from.pod} 與 ${to.pod} 互相連不到。封裝好的封包到達 ${to.node} 的網路卡，${to.node} 便以 *port unreachable* 回答 ${from.node}；那是關於外層封包的，${from.pod} 對此一無所知。4789 是 RFC 的號碼，8472 是 Linux 的：兩個程式各用自己的預設值，就碰不到面。`,
      "zh-Hans": `${from.pod} 与 ${to.pod} 互相到不了。封装好的数据包到达 ${to.node} 的网卡，${to.node} 便以 *port unreachable* 回答 ${from.node}；那是关于外层数据包的，${from.pod} 对此一无所知。4789 是 RFC 的号码，8472 是 Linux 的：两个程序各用自己的默认值，就碰不到面。`,
    },
    search: {
      en: `Look for ICMP between the nodes: *port unreachable* names the port that nobody listens on. \`${look}\` says \`dstport ${port}\`; the device also sends there, so ${from.node} answers the same.`,
      "zh-Hant": `看節點之間的 ICMP：*port unreachable* 指出了沒有人在聽的連接埠。\`${look}\` 顯示 \`dstport ${port}\`；這個裝置也送往那裡，所以 ${from.node} 也同樣回答。`,
      "zh-Hans": `看节点之间的 ICMP：*port unreachable* 指出了没有人在听的端口。\`${look}\` 显示 \`dstport ${port}\`；这个设备也发往那里，所以 ${from.node} 也同样回答。`,
    },
    shows: ping,
    topology: (topology) =>
      editNamespace(topology, netns, ({ interfaces }) => ({
        interfaces: interfaces.map((item) =>
          // Whatever it is called: with a wrong VNI it has another name.
          item.kind === "vxlan"
            ? { ...item, port, why: `A fault: a tunnel on port ${port}, which the other nodes do not use.` }
            : item,
        ),
      })),
  };
}

/** Gives the node that moved a tunnel with another MAC address, which all know but the one whose entries are stale. */
export function changeTunnelMac(topology: Topology, { stale, moved }: { stale: string; moved: string }): Topology {
  const tunnel = topology.namespaces
    .find(({ name }) => name === moved)
    ?.interfaces.find((item) => item.kind === "vxlan");
  if (tunnel?.kind !== "vxlan") return topology;
  const { mac } = tunnel;
  const other = mac.replace(/^../, "06");
  const changed = <T extends object>(items: T[]): T[] =>
    items.map((item) => ("mac" in item && item.mac === mac ? { ...item, mac: other } : item));
  const namespaces = topology.namespaces.map((netns) =>
    netns.name === stale
      ? netns
      : {
          ...netns,
          interfaces: changed(netns.interfaces),
          neighbours: changed(netns.neighbours),
          fdb: changed(netns.fdb),
        },
  );
  return { ...topology, namespaces };
}
