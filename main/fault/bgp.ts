/** What can go wrong between BGP speakers: they do not get to each other, or do not agree on who they are. */

import type { Namespace, Topology } from "../../preload/contract/topology.ts";
import type { CalicoNetwork, Lab } from "../lab/schema.ts";
import { announcedBlocks, asOf, needsBird } from "../layout/calico/bgp.ts";
import { nodeAddresses } from "../layout/underlay.ts";
import { editNamespace } from "./edit.ts";
import { type FarPods, farPods } from "./far-pods.ts";
import type { FaultStep, LabFault } from "./fault.ts";

const BIRDC = "birdc -s /run/calico/bird.ctl";

export function bgpFaults(lab: Lab): LabFault[] {
  if (lab.network?.plugin !== "calico" || !needsBird(lab.network)) return [];
  const pods = farPods(lab);
  return pods ? [sessionDown(lab, pods), wrongAs(lab, lab.network, pods)] : [];
}

/** Nobody waits for sessions that can't come up; once they can again, all do. */
function withoutWaiting(topology: Topology): Topology {
  const namespaces = topology.namespaces.map((netns) => ({
    ...netns,
    daemons: netns.daemons.map((daemon) => {
      const { ready: _ready, ...rest } = daemon;
      return daemon.name === "bird" ? rest : daemon;
    }),
  }));
  return { ...topology, namespaces };
}

/** Waits until one node has forgotten the way to the other's pods; where its BIRD has ended, the way stays. */
function forgotten(lab: Lab, { from, to }: FarPods): FaultStep {
  const node = lab.nodes.find(({ name }) => name === to.node);
  const blocks = node ? announcedBlocks(lab, nodeAddresses(node)[0]!) : [];
  return {
    netns: `node/${from.node}`,
    command: `! ${BIRDC} show status || ! { ${blocks.map((block) => `ip route show ${block}`).join("; ")}; } | grep -q via`,
    why: `${from.node} has no route to the pods of ${to.node} any more, unless nobody is there to remove it.`,
    wait: true,
  };
}

function sessionDown(lab: Lab, pods: FarPods): LabFault {
  const { ping, from, to } = pods;
  const netns = `node/${to.node}`;
  const show = (node: string) => `hoplab exec ${lab.id} node/${node} -- ${BIRDC} show protocols`;
  const capture = `hoplab capture ${lab.id} -w bgp.pcapng --interfaces ${netns}/eth0 --filter 'tcp port 179' --duration 15`;
  const rules = `hoplab exec ${lab.id} ${netns} -- iptables -S INPUT`;
  return {
    name: "bgp-port-filtered",
    title: {
      en: `BGP is filtered on ${to.node}`,
      "zh-Hant": `${to.node} 過濾掉了 BGP`,
      "zh-Hans": `${to.node} 过滤掉了 BGP`,
    },
    symptom: {
      en: `${from.pod} does not reach ${to.pod}. The nodes reach each other, and pods of one node reach each other. On ${from.node} the route to the block of ${to.node} is gone, so the packet leaves by the default route, to a router that knows no pods.`,
      "zh-Hant": `${from.pod} 連不到 ${to.pod}。節點之間是通的，同一節點的 Pod 之間也是通的。${from.node} 上往 ${to.node} 那個區塊的路由不見了，所以封包走預設路由，去了一台不認得任何 Pod 的路由器。`,
      "zh-Hans": `${from.pod} 到不了 ${to.pod}。节点之间是通的，同一节点的 Pod 之间也是通的。${from.node} 上通往 ${to.node} 那个地址块的路由不见了，所以数据包走默认路由，去了一台不认识任何 Pod 的路由器。`,
    },
    search: {
      en: `A route with \`proto bird\` is missing, so ask BIRD: \`${show(to.node)}\` shows sessions that are not Established but in Connect or Active; nobody has a wrong configuration. \`${capture}\` shows why: SYN after SYN to port 179, and no answer. Who drops them? \`${rules}\`. (A session that is up when such a rule comes stays up for as long as the hold time, 240 s; here the sessions were restarted at once.)`,
      "zh-Hant": `少了一條 \`proto bird\` 的路由，所以去問 BIRD：\`${show(to.node)}\` 顯示連線不是 Established，而是 Connect 或 Active；沒有人的設定是錯的。\`${capture}\` 說明原因：一個又一個送往 179 埠的 SYN，沒有回應。是誰丟掉的？\`${rules}\`。（規則出現時已經建立的連線，會一直撐到 hold time 的 240 秒結束；這裡的連線立刻被重新啟動了。）`,
      "zh-Hans": `少了一条 \`proto bird\` 的路由，所以去问 BIRD：\`${show(to.node)}\` 显示会话不是 Established，而是 Connect 或 Active；没有人的配置是错的。\`${capture}\` 说明原因：一个又一个发往 179 端口的 SYN，没有应答。是谁丢掉的？\`${rules}\`。（规则出现时已经建立的会话，会一直撑到 hold time 的 240 秒结束；这里的会话立刻被重启了。）`,
    },
    shows: ping,
    topology: (topology) =>
      editNamespace(withoutWaiting(topology), netns, (node) => ({
        rules: withInputRules(node, ["--dport", "--sport"]),
      })),
    steps: {
      inject: [
        {
          netns,
          // Where the agent is stopped, no BIRD runs.
          command: `! ${BIRDC} show status || ${BIRDC} restart '"*_*"'`,
          why: "Begin all BGP sessions anew. They would notice only when the hold time is over.",
        },
        forgotten(lab, pods),
      ],
    },
  };
}

/** Packets of BGP, both to this node's port and to a port from which it has connected, are dropped. */
function withInputRules({ rules }: Namespace, ports: string[]): Namespace["rules"] {
  const filtered = ports.map((port) => ({
    rule: `-A INPUT -p tcp -m tcp ${port} 179 -j DROP`,
    why: "A fault: a firewall on the node that nobody has told of BGP.",
  }));
  const filter = rules.find(({ table }) => table === "filter");
  if (!filter) return [...rules, { family: "ipv4", table: "filter", chains: [], rules: filtered }];
  return rules.map((table) => (table === filter ? { ...table, rules: [...filtered, ...table.rules] } : table));
}

function wrongAs(lab: Lab, network: CalicoNetwork, pods: FarPods): LabFault {
  const { ping, from, to } = pods;
  const netns = `node/${to.node}`;
  const right = asOf(network, lab.nodes.find(({ name }) => name === to.node) ?? {});
  const wrong = right === 64513 ? 64514 : 64513;
  const show = `hoplab exec ${lab.id} node/${from.node} -- ${BIRDC} show protocols`;
  const capture = `hoplab capture ${lab.id} -w bgp.pcapng --interfaces ${netns}/eth0 --filter 'tcp port 179' --duration 30`;
  const local = `hoplab exec ${lab.id} ${netns} -- grep 'local as' /run/calico/bird.cfg`;
  return {
    name: "bgp-wrong-as",
    title: {
      en: `${to.node} says it is in another AS`,
      "zh-Hant": `${to.node} 說自己在另一個 AS`,
      "zh-Hans": `${to.node} 说自己在另一个 AS`,
    },
    symptom: {
      en: `${from.pod} does not reach ${to.pod}, and the nodes reach each other. The route to the block of ${to.node} is gone everywhere, and ${to.node} has lost the routes to all others. Again and again a TCP connection to port 179 comes up, and ends after a few messages.`,
      "zh-Hant": `${from.pod} 連不到 ${to.pod}，而節點之間是通的。往 ${to.node} 那個區塊的路由到處都不見了，${to.node} 也失去了往所有其他節點的路由。到 179 埠的 TCP 連線一再建立，又在幾個訊息之後結束。`,
      "zh-Hans": `${from.pod} 到不了 ${to.pod}，而节点之间是通的。通往 ${to.node} 那个地址块的路由到处都不见了，${to.node} 也失去了通往所有其他节点的路由。到 179 端口的 TCP 连接一再建立，又在几个消息之后结束。`,
    },
    search: {
      en: `\`${show}\` says *BGP Error: Bad peer AS* beside the session, or *Received: Bad peer AS* on the other side. On the wire it is in plain words: \`${capture}\`, then \`hoplab read bgp.pcapng\`: an OPEN with AS ${wrong}, and a NOTIFICATION *OPEN message error: bad peer AS*. Compare \`${local}\` with what the others expect: ${right}. In Calico it comes from the node's BGP configuration.`,
      "zh-Hant": `\`${show}\` 在連線旁寫著 *BGP Error: Bad peer AS*，另一邊則是 *Received: Bad peer AS*。線路上講得很白：\`${capture}\`，再 \`hoplab read bgp.pcapng\`：一個 AS ${wrong} 的 OPEN，以及 NOTIFICATION *OPEN message error: bad peer AS*。把 \`${local}\` 和其他節點期待的 ${right} 比較。在 Calico 裡，它來自節點的 BGP 設定。`,
      "zh-Hans": `\`${show}\` 在会话旁写着 *BGP Error: Bad peer AS*，另一边则是 *Received: Bad peer AS*。线路上说得很明白：\`${capture}\`，再 \`hoplab read bgp.pcapng\`：一个 AS ${wrong} 的 OPEN，以及 NOTIFICATION *OPEN message error: bad peer AS*。把 \`${local}\` 和其他节点期待的 ${right} 比较。在 Calico 里，它来自节点的 BGP 配置。`,
    },
    shows: ping,
    topology: (topology) =>
      editNamespace(withoutWaiting(topology), netns, ({ files }) => ({
        files: files.map((file) => ({
          ...file,
          content: file.content.replace(`local as ${right};`, `local as ${wrong};`),
        })),
      })),
    steps: { inject: [forgotten(lab, pods)] },
  };
}
