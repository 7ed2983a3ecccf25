/** A pod with an MTU that leaves no room for what a tunnel puts around its packets. */

import type { Interface, Topology } from "../../preload/contract/topology.ts";
import type { Lab } from "../lab/schema.ts";
import { networkOf, nodeAddresses } from "../layout/underlay.ts";
import { editNamespace } from "./edit.ts";
import type { FarPods } from "./far-pods.ts";
import type { LabFault } from "./fault.ts";

/** `device`: the tunnel. `cable`: an interface of the node that has the pods' MTU too, to compare with. */
export function podMtuLarge(lab: Lab, { ping, from, to }: FarPods, device: string, cable: string): LabFault {
  const { mtu } = networkOf(lab, nodeAddresses(lab.nodes.find(({ name }) => name === from.node)!)[0]!)!;
  const compare = `hoplab exec ${lab.id} node/${from.node} -- ip link`;
  const learned = `hoplab exec ${lab.id} pod/${from.pod} -- ip route get ADDRESS`;
  return {
    name: "pod-mtu-large",
    title: {
      en: `${from.pod} has the MTU of the LAN, ${mtu}, over a tunnel`,
      "zh-Hant": `${from.pod} 的 MTU 是 LAN 的 ${mtu}，卻要走隧道`,
      "zh-Hans": `${from.pod} 的 MTU 是 LAN 的 ${mtu}，却要走隧道`,
    },
    symptom: {
      en: `Small packets arrive, also the handshake of TCP; the first large one from ${from.pod} to ${to.pod} is lost. ${from.node} sends back *Frag needed and DF set* with the right MTU, ${from.pod} learns it, and the next one arrives. Where a firewall drops that ICMP message it never does: connections come up, and hang as soon as data flows.`,
      "zh-Hant": `小封包到得了，TCP 的交握也行；但從 ${from.pod} 到 ${to.pod} 的第一個大封包會遺失。${from.node} 送回 *Frag needed and DF set*，附上正確的 MTU，${from.pod} 學會之後，下一個就到了。如果防火牆丟掉那個 ICMP 訊息，就永遠到不了：連線建得起來，一傳資料就卡住。`,
      "zh-Hans": `小数据包到得了，TCP 的握手也行；但从 ${from.pod} 到 ${to.pod} 的第一个大数据包会丢失。${from.node} 送回 *Frag needed and DF set*，附上正确的 MTU，${from.pod} 学会之后，下一个就到了。如果防火墙丢掉那个 ICMP 消息，就永远到不了：连接建得起来，一传数据就卡住。`,
    },
    search: {
      en: `What depends on size is the MTU. \`${compare}\`: ${cable} has ${mtu}, ${device} less. ${from.pod}'s must be the tunnel's, as it is for pods that came with the right CNI configuration. \`${learned}\` with ${to.pod}'s address shows what ${from.pod} has learned: \`cache expires … mtu …\`.`,
      "zh-Hant": `和大小有關的就是 MTU。\`${compare}\`：${cable} 是 ${mtu}，${device} 比較小。${from.pod} 的應該和隧道一樣，拿到正確 CNI 設定的 Pod 就是如此。以 ${to.pod} 的位址執行 \`${learned}\`，可以看到 ${from.pod} 學到了什麼：\`cache expires … mtu …\`。`,
      "zh-Hans": `和大小有关的就是 MTU。\`${compare}\`：${cable} 是 ${mtu}，${device} 比较小。${from.pod} 的应该和隧道一样，拿到正确 CNI 配置的 Pod 就是如此。以 ${to.pod} 的地址执行 \`${learned}\`，可以看到 ${from.pod} 学到了什么：\`cache expires … mtu …\`。`,
    },
    // 20 bytes of IPv4 and 8 of ICMP: exactly as large as the pod believes it may be.
    shows: { ...ping, size: mtu - 28 },
    topology: (topology) => enlarge(topology, from, mtu, cable),
    steps: {
      inject: [
        {
          netns: `pod/${from.pod}`,
          command: "ip route flush cache",
          why: `${from.pod} forgets what it has learned of MTUs.`,
        },
      ],
    },
  };
}

/** The pod's end of its cable, the node's end, and what the node has besides of that MTU. */
function enlarge(topology: Topology, { pod, node }: FarPods["from"], mtu: number, cable: string): Topology {
  const why = "A fault: the MTU of the LAN, without room for the tunnel's headers.";
  const larger = (items: Interface[], isOne: (item: Interface) => boolean) =>
    items.map((item) => (isOne(item) ? { ...item, mtu, why } : item));
  const isPeer = (item: Interface) => item.kind === "veth" && item.peer.netns === `pod/${pod}`;
  const withPod = editNamespace(topology, `pod/${pod}`, ({ interfaces }) => ({
    interfaces: larger(interfaces, ({ name }) => name === "eth0"),
  }));
  return editNamespace(withPod, `node/${node}`, ({ interfaces }) => ({
    interfaces: larger(interfaces, (item) => item.name === cable || isPeer(item)),
  }));
}
