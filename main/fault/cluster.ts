/** What can go wrong on the nodes of every cluster, whatever its network plugin: forwarding is off, or a firewall is in the way. */

import type { RuleTable, Topology } from "../../preload/contract/topology.ts";
import type { Lab } from "../lab/schema.ts";
import { editNamespace } from "./edit.ts";
import { type FarPods, farPods } from "./far-pods.ts";
import type { LabFault } from "./fault.ts";

export function clusterFaults(lab: Lab): LabFault[] {
  const pods = farPods(lab);
  return pods ? [ipForwardOff(lab, pods), forwardPolicyDrop(lab, pods)] : [];
}

function ipForwardOff({ id }: Lab, { ping, from, to }: FarPods): LabFault {
  const netns = `node/${from.node}`;
  const look = `hoplab exec ${id} ${netns} -- sysctl net.ipv4.ip_forward`;
  return {
    name: "ip-forward-off",
    title: {
      en: `IP forwarding is off on ${from.node}`,
      "zh-Hant": `${from.node} 關閉了 IP 轉送`,
      "zh-Hans": `${from.node} 关闭了 IP 转发`,
    },
    symptom: {
      en: `${from.pod} reaches ${from.node} itself, but nothing that ${from.node} would have to pass packets on to: not ${to.pod}, not another node. No error comes back; the packet is last seen as it enters ${from.node}.`,
      "zh-Hant": `${from.pod} 連得到 ${from.node} 本身，卻連不到任何需要 ${from.node} 轉送才到得了的地方：${to.pod} 不行，其他節點也不行。沒有任何錯誤訊息回來；封包最後出現在進入 ${from.node} 的地方。`,
      "zh-Hans": `${from.pod} 能到达 ${from.node} 本身，却到不了任何需要 ${from.node} 转发才能到的地方：${to.pod} 不行，其他节点也不行。没有任何错误消息返回；数据包最后出现在进入 ${from.node} 的地方。`,
    },
    search: {
      en: `Follow the ping: it ends on ${from.node}, although the route is there (\`hoplab exec ${id} ${netns} -- ip route get ADDRESS from POD iif DEVICE\` says so). A machine that routes nothing has forwarding off: \`${look}\`. Writing it also writes the \`forwarding\` of every interface.`,
      "zh-Hant": `跟著 ping 走：它停在 ${from.node}，雖然路由明明存在（用 \`hoplab exec ${id} ${netns} -- ip route get ADDRESS from POD iif DEVICE\` 確認）。什麼都不轉送的機器，就是關閉了轉送：\`${look}\`。寫入這個設定也會一併寫入每個介面的 \`forwarding\`。`,
      "zh-Hans": `跟着 ping 走：它停在 ${from.node}，尽管路由明明存在（用 \`hoplab exec ${id} ${netns} -- ip route get ADDRESS from POD iif DEVICE\` 确认）。什么都不转发的机器，就是关闭了转发：\`${look}\`。写入这个设置也会一并写入每个接口的 \`forwarding\`。`,
    },
    shows: ping,
    topology: (topology) => switchForwardingOff(topology, netns),
  };
}

/** As the kernel does it: what is written to ip_forward is written to all interfaces. */
function switchForwardingOff(topology: Topology, name: string): Topology {
  const isForwarding = (key: string) => key === "net/ipv4/ip_forward" || /^net\/ipv4\/conf\/.+\/forwarding$/.test(key);
  return editNamespace(topology, name, ({ sysctls }) => ({
    sysctls: sysctls.map((sysctl) =>
      isForwarding(sysctl.key)
        ? { ...sysctl, value: "0", why: "A fault: the node passes nothing on any more." }
        : sysctl,
    ),
  }));
}

function forwardPolicyDrop({ id }: Lab, { ping, from, to }: FarPods): LabFault {
  const netns = `node/${to.node}`;
  const look = `hoplab exec ${id} ${netns} -- iptables -L FORWARD -n -v`;
  return {
    name: "forward-policy-drop",
    title: {
      en: `A firewall drops what ${to.node} forwards`,
      "zh-Hant": `防火牆丟棄了 ${to.node} 要轉送的封包`,
      "zh-Hans": `防火墙丢弃了 ${to.node} 要转发的数据包`,
    },
    symptom: {
      en: `${from.pod} does not reach ${to.pod}, and gets no error; ${to.node} itself answers. The packet comes out of the network at ${to.node} and never leaves it towards ${to.pod}. A firewall service was started there: it has emptied FORWARD, where the network plugin's rules were, and set its policy to DROP. (A plugin that is alive puts its rules back after a while, flanneld within 5 s; here it has not.)`,
      "zh-Hant": `${from.pod} 連不到 ${to.pod}，也沒有收到錯誤；${to.node} 本身則會回應。封包已從網路到達 ${to.node}，卻沒有再往 ${to.pod} 送出。那裡有個防火牆服務啟動了：它清空了 FORWARD（網路外掛的規則就在裡面），並把原則設為 DROP。（運作中的外掛過一陣子會補回規則，flanneld 在 5 秒內；這裡還沒有補。）`,
      "zh-Hans": `${from.pod} 到不了 ${to.pod}，也没有收到错误；${to.node} 本身则会应答。数据包已从网络到达 ${to.node}，却没有再往 ${to.pod} 发出。那里有个防火墙服务启动了：它清空了 FORWARD（网络插件的规则就在里面），并把策略设为 DROP。（运行中的插件过一阵子会补回规则，flanneld 在 5 秒内；这里还没有补。）`,
    },
    search: {
      en: `The route on ${to.node} is right and forwarding is on, so look at who may forbid it: \`${look}\` shows the policy, its counter that grows with each ping, and that no rule is left that accepts pods.`,
      "zh-Hant": `${to.node} 的路由正確、轉送也開著，所以看看誰能禁止它：\`${look}\` 會顯示原則、每次 ping 都會增加的計數器，以及已經沒有任何放行 Pod 的規則。`,
      "zh-Hans": `${to.node} 的路由正确、转发也开着，所以看看谁能禁止它：\`${look}\` 会显示策略、每次 ping 都会增加的计数器，以及已经没有任何放行 Pod 的规则。`,
    },
    shows: ping,
    topology: (topology) => editNamespace(topology, netns, ({ rules }) => ({ rules: dropForwarded(rules) })),
  };
}

/** Empties FORWARD and sets its policy; the plugin's own chains stay, with nobody who jumps to them. */
function dropForwarded(tables: readonly RuleTable[]): RuleTable[] {
  const filter = tables.find(({ table }) => table === "filter");
  const closed: RuleTable = {
    ...(filter ?? { family: "ipv4", table: "filter", chains: [] }),
    policies: { ...filter?.policies, FORWARD: "DROP" },
    rules: (filter?.rules ?? []).filter(({ rule }) => !rule.startsWith("-A FORWARD ")),
  };
  return [...tables.filter((table) => table !== filter), closed];
}
