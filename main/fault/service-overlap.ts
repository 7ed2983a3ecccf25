/**
 * A service network that overlaps the pod network: sooner or later a Service gets the address of a pod, and kube-proxy sends
 * what is meant for the pod somewhere else. The rules are those of kube-proxy's iptables mode, with its names: the first 16
 * base32 letters of a SHA-256 (kubernetes pkg/proxy/iptables/proxier.go, portProtoHash and servicePortEndpointChainName).
 */

import type { RuleTable, Topology } from "../../preload/contract/topology.ts";
import type { FlannelNetwork, Lab } from "../lab/schema.ts";
import { sha256 } from "../layout/sha2.ts";
import { editNamespace } from "./edit.ts";
import type { FarPods } from "./far-pods.ts";
import type { LabFault } from "./fault.ts";

const SERVICE = "default/web";
const PORT = 80;

export function serviceNetworkOverlaps(lab: Lab, network: FlannelNetwork, { ping, from, to }: FarPods): LabFault {
  const { id } = lab;
  const netns = `node/${from.node}`;
  const endpoint = lab.pods.find(({ name }) => name !== from.pod && name !== to.pod)?.name ?? from.pod;
  const rules = `hoplab exec ${id} ${netns} -- iptables -t nat -S KUBE-SERVICES`;
  const chain = `hoplab exec ${id} ${netns} -- iptables -t nat -S ${serviceChain()}`;
  return {
    name: "service-network-overlaps",
    title: {
      en: `The service network overlaps the pod network: a Service has ${to.pod}'s address`,
      "zh-Hant": `Service 網段與 Pod 網段重疊：有個 Service 拿到了 ${to.pod} 的位址`,
      "zh-Hans": `Service 网段与 Pod 网段重叠：有个 Service 拿到了 ${to.pod} 的地址`,
    },
    symptom: {
      en: `ping from ${from.pod} to ${to.pod} works, but TCP to its port ${PORT} is refused, by another pod: ${endpoint} gets the packet. On ${from.node} the destination address changes, where between two pods nothing must change.`,
      "zh-Hant": `從 ${from.pod} ping ${to.pod} 沒問題，但連它的 TCP ${PORT} 卻被拒絕，而且是被另一個 Pod：封包跑到了 ${endpoint}。在 ${from.node} 上目的位址變了，而兩個 Pod 之間本來什麼都不該變。`,
      "zh-Hans": `从 ${from.pod} ping ${to.pod} 没问题，但连它的 TCP ${PORT} 却被拒绝，而且是被另一个 Pod：数据包跑到了 ${endpoint}。在 ${from.node} 上目的地址变了，而两个 Pod 之间本来什么都不该变。`,
    },
    search: {
      en: `A destination changes by DNAT, and on a node kube-proxy does that. \`${rules}\` has ${to.pod}'s address as a cluster IP, and \`${chain}\` leads to ${endpoint}. A rule for one protocol and port leaves everything else alone, so ping tells nothing. The networks must not overlap; compare \`--service-cluster-ip-range\` with flannel's \`Network\` ${network.network}.`,
      "zh-Hant": `目的位址改變就是 DNAT，而節點上做這件事的是 kube-proxy。\`${rules}\` 把 ${to.pod} 的位址當成 cluster IP，\`${chain}\` 則通往 ${endpoint}。規則只針對一種協定與一個連接埠，其他都不碰，所以 ping 什麼都看不出來。兩個網段不可重疊；比較 \`--service-cluster-ip-range\` 與 flannel 的 \`Network\` ${network.network}。`,
      "zh-Hans": `目的地址改变就是 DNAT，而节点上做这件事的是 kube-proxy。\`${rules}\` 把 ${to.pod} 的地址当成 cluster IP，\`${chain}\` 则通往 ${endpoint}。规则只针对一种协议与一个端口，其他都不碰，所以 ping 什么都看不出来。两个网段不可重叠；比较 \`--service-cluster-ip-range\` 与 flannel 的 \`Network\` ${network.network}。`,
    },
    shows: { ...ping, protocol: "tcp", port: PORT },
    topology: (topology) => {
      const [clusterIp, backend] = [to.pod, endpoint].map((pod) => addressOf(topology, `pod/${pod}`));
      if (!clusterIp || !backend) return topology;
      const service = kubeProxyRules(network.network, clusterIp, backend);
      return lab.nodes.reduce(
        (changed, { name }) =>
          editNamespace(changed, `node/${name}`, ({ rules: tables }) => ({ rules: addRules(tables, service) })),
        topology,
      );
    },
  };
}

function addressOf(topology: Topology, pod: string): string | undefined {
  const netns = topology.namespaces.find(({ name }) => name === pod);
  return netns?.interfaces.find(({ name }) => name === "eth0")?.addresses[0]?.split("/")[0];
}

/** kube-proxy puts its jumps first. */
function addRules(tables: RuleTable[], service: Pick<RuleTable, "chains" | "rules">): RuleTable[] {
  const nat = tables.find(({ table }) => table === "nat");
  const both: RuleTable = {
    ...(nat ?? { family: "ipv4", table: "nat" }),
    chains: [...service.chains, ...(nat?.chains ?? [])],
    rules: [...service.rules, ...(nat?.rules ?? [])],
  };
  return [both, ...tables.filter((table) => table !== nat)];
}

function kubeProxyRules(cluster: string, clusterIp: string, endpoint: string): Pick<RuleTable, "chains" | "rules"> {
  const service = serviceChain();
  const backend = `KUBE-SEP-${hash(`${SERVICE}tcp${endpoint}:${PORT}`)}`;
  const comment = (text: string) => `-m comment --comment "${text}"`;
  const toService = `-d ${clusterIp}/32 -p tcp ${comment(`${SERVICE} cluster IP`)} -m tcp --dport ${PORT}`;
  const why = "A fault: kube-proxy's rules for a Service whose cluster IP is a pod's address.";
  const rules = [
    `-A PREROUTING ${comment("kubernetes service portals")} -j KUBE-SERVICES`,
    `-A OUTPUT ${comment("kubernetes service portals")} -j KUBE-SERVICES`,
    `-A POSTROUTING ${comment("kubernetes postrouting rules")} -j KUBE-POSTROUTING`,
    "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
    "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
    "-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0",
    `-A KUBE-POSTROUTING ${comment("kubernetes service traffic requiring SNAT")} -j MASQUERADE --random-fully`,
    `-A KUBE-SERVICES ${toService} -j ${service}`,
    `-A KUBE-SERVICES ${comment("kubernetes service nodeports; NOTE: this must be the last rule in this chain")} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`,
    `-A ${service} ! -s ${cluster} ${toService} -j KUBE-MARK-MASQ`,
    `-A ${service} ${comment(`${SERVICE} -> ${endpoint}:${PORT}`)} -j ${backend}`,
    `-A ${backend} -s ${endpoint}/32 ${comment(SERVICE)} -j KUBE-MARK-MASQ`,
    `-A ${backend} -p tcp ${comment(SERVICE)} -m tcp -j DNAT --to-destination ${endpoint}:${PORT}`,
  ];
  return {
    chains: ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ", service, backend],
    rules: rules.map((rule) => ({ rule, why })),
  };
}

function serviceChain(): string {
  return `KUBE-SVC-${hash(`${SERVICE}tcp`)}`;
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648 base32 of the SHA-256, its first 16 letters. */
function hash(text: string): string {
  const bits = [...sha256(Array.from(text, (letter) => letter.charCodeAt(0)))]
    .slice(0, 10)
    .map((byte) => byte.toString(2).padStart(8, "0"))
    .join("");
  return (bits.match(/.{5}/g) ?? []).map((five) => BASE32[Number.parseInt(five, 2)]).join("");
}
