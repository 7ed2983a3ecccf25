/** What can go wrong with Calico, whatever carries its packets: a pod's gateway that nobody answers for. */

import type { Lab } from "../lab/schema.ts";
import { hostSideName } from "../layout/calico/pods.ts";
import { tunnelFaults } from "./calico-tunnel.ts";
import { editNamespace, withSysctl } from "./edit.ts";
import { type FarPods, farPods } from "./far-pods.ts";
import type { FaultStep, LabFault } from "./fault.ts";

export function calicoFaults(lab: Lab): LabFault[] {
  if (lab.network?.plugin !== "calico") return [];
  const pods = farPods(lab);
  if (!pods) return [];
  return [proxyArpOff(lab, pods), defaultRouteMissing(lab, pods), ...tunnelFaults(lab, lab.network, pods)];
}

/** What a pod knows of its gateway it would use for a while yet. */
function forgetGateway(pod: string): FaultStep {
  return {
    netns: `pod/${pod}`,
    command: "ip neigh flush dev eth0",
    why: `${pod} forgets the MAC address of its gateway, as it would by itself after a while.`,
  };
}

function proxyArpOff({ id }: Lab, { ping, from, to }: FarPods): LabFault {
  const netns = `node/${from.node}`;
  const cable = hostSideName(from.pod);
  const ask = `hoplab exec ${id} pod/${from.pod} -- ip neigh`;
  const look = `hoplab exec ${id} ${netns} -- sysctl net.ipv4.conf.${cable}.proxy_arp`;
  return {
    name: "proxy-arp-off",
    title: {
      en: `${from.node} does not answer ${from.pod}'s ARP`,
      "zh-Hant": `${from.node} 不回答 ${from.pod} 的 ARP`,
      "zh-Hans": `${from.node} 不回答 ${from.pod} 的 ARP`,
    },
    symptom: {
      en: `${from.pod} reaches nothing at all, not even its own node. ping says *Destination Host Unreachable*, and no ICMP packet leaves ${from.pod}: only the question who has 169.254.1.1, again and again. Other pods of ${from.node} reach ${to.pod} as before.`,
      "zh-Hant": `${from.pod} 什麼都連不到，連自己的節點也不行。ping 顯示 *Destination Host Unreachable*，而且沒有任何 ICMP 封包離開 ${from.pod}：只有「誰有 169.254.1.1」一問再問。${from.node} 的其他 Pod 照樣連得到 ${to.pod}。`,
      "zh-Hans": `${from.pod} 什么都到不了，连自己的节点也不行。ping 显示 *Destination Host Unreachable*，而且没有任何 ICMP 数据包离开 ${from.pod}：只有“谁有 169.254.1.1”问了又问。${from.node} 的其他 Pod 照样能到达 ${to.pod}。`,
    },
    search: {
      en: `\`${ask}\` shows 169.254.1.1 as FAILED: nobody answers for the gateway that nobody has. Whoever should is the node's end of this one cable, so look there: \`${look}\`. It must be 1; Felix writes it when the pod comes, and somebody has written it since.`,
      "zh-Hant": `\`${ask}\` 顯示 169.254.1.1 是 FAILED：沒有人替這個無人擁有的閘道回答。該回答的是這條線的節點那一端，所以看那裡：\`${look}\`。它必須是 1；Felix 在 Pod 出現時寫入，之後有人改過。`,
      "zh-Hans": `\`${ask}\` 显示 169.254.1.1 是 FAILED：没有人替这个无人拥有的网关回答。该回答的是这条线的节点那一端，所以看那里：\`${look}\`。它必须是 1；Felix 在 Pod 出现时写入，之后有人改过。`,
    },
    shows: ping,
    topology: (topology) =>
      editNamespace(topology, netns, (node) =>
        withSysctl(
          node,
          `net/ipv4/conf/${cable}/proxy_arp`,
          "0",
          "A fault: the node answers for no other address here.",
        ),
      ),
    steps: { inject: [forgetGateway(from.pod)] },
  };
}

function defaultRouteMissing({ id }: Lab, { ping, from, to }: FarPods): LabFault {
  const netns = `node/${from.node}`;
  const ask = `hoplab exec ${id} pod/${from.pod} -- ip neigh`;
  const route = `hoplab exec ${id} ${netns} -- ip route get 169.254.1.1`;
  return {
    name: "default-route-missing",
    title: {
      en: `${from.node} has no default route`,
      "zh-Hant": `${from.node} 沒有預設路由`,
      "zh-Hans": `${from.node} 没有默认路由`,
    },
    symptom: {
      en: `No pod of ${from.node} reaches anything any more, not ${to.pod}, not the pod next door, although no route to a pod is missing. ${from.pod} asks who has 169.254.1.1 and gets no answer. ${from.node} itself still reaches the other nodes of its subnet.`,
      "zh-Hant": `${from.node} 的 Pod 全都什麼也連不到：${to.pod} 不行，隔壁的 Pod 也不行，雖然到 Pod 的路由一條也沒少。${from.pod} 問誰有 169.254.1.1，沒有人回答。${from.node} 本身仍連得到同一子網路的其他節點。`,
      "zh-Hans": `${from.node} 的 Pod 全都什么也到不了：${to.pod} 不行，隔壁的 Pod 也不行，虽然到 Pod 的路由一条也没少。${from.pod} 问谁有 169.254.1.1，没有人回答。${from.node} 本身仍能到达同一子网的其他节点。`,
    },
    search: {
      en: `\`${ask}\` shows 169.254.1.1 as FAILED, yet proxy_arp is 1. Proxy ARP answers only for what the node could pass on: \`${route}\` says *Network is unreachable*. No route covers that address, so there is no answer. A default route, or any route to 169.254.0.0/16 by another interface, brings it back.`,
      "zh-Hant": `\`${ask}\` 顯示 169.254.1.1 是 FAILED，可是 proxy_arp 是 1。Proxy ARP 只替節點能轉送過去的位址回答：\`${route}\` 說 *Network is unreachable*。沒有路由涵蓋那個位址，就沒有回答。一條預設路由，或任何從其他介面到 169.254.0.0/16 的路由，都能讓它恢復。`,
      "zh-Hans": `\`${ask}\` 显示 169.254.1.1 是 FAILED，可是 proxy_arp 是 1。Proxy ARP 只替节点能转发过去的地址回答：\`${route}\` 说 *Network is unreachable*。没有路由覆盖那个地址，就没有回答。一条默认路由，或任何从其他接口到 169.254.0.0/16 的路由，都能让它恢复。`,
    },
    shows: ping,
    topology: (topology) =>
      editNamespace(topology, netns, ({ routes }) => ({
        routes: routes.filter(({ to: covered }) => covered !== "default" && covered !== "169.254.0.0/16"),
      })),
    steps: { inject: [forgetGateway(from.pod)] },
  };
}
