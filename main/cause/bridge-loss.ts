/** Why a bridge passed a frame on to none of its ports: its VLANs, its table, rules that it is made to ask, or its length. */

import type { Layer } from "../../preload/contract/frame.ts";
import type { Cause, Hop } from "../../preload/contract/journey.ts";
import { netnsFile } from "../../preload/contract/topology.ts";
import { field } from "../decode/field.ts";
import { ipLayers, textIn } from "../journey/stack.ts";
import { passHook } from "./netfilter.ts";
import { rulePacket } from "./rule-packet.ts";
import {
  bridgeFdbLine,
  filtersVlans,
  linkDetail,
  linkMtu,
  linkName,
  linkText,
  type NamespaceState,
  portVlans,
  sysctlLine,
  wordAfter,
} from "./state.ts";

interface BridgeLoss {
  hop: Hop;
  layers: readonly Layer[];
  state: NamespaceState;
  /** Runs a command in the namespace. */
  enter: string;
  bridge: string;
}

export function bridgeLoss(loss: BridgeLoss): Cause[] {
  for (const ask of [vlanCauses, backCauses, rulesCauses, lengthCauses]) {
    const causes = ask(loss);
    if (causes.length > 0) return causes;
  }
  return [];
}

function vlanCauses({ hop, layers, state, bridge }: BridgeLoss): Cause[] {
  if (!filtersVlans(state, bridge)) return [];
  const file = netnsFile(hop.netns);
  const own = portVlans(state, hop.interface);
  const tag = layers[1]?.protocol === "vlan" ? Number(textIn(layers[1], "id")) : undefined;
  const vid = tag ?? own.find(({ isPvid }) => isPvid)?.vid;
  const command = `bridge -n ${file} vlan show dev ${hop.interface}`;
  const list = own.map(({ line }) => line).join(", ");
  if (vid === undefined) {
    return [
      {
        kind: "vlan",
        text: `${hop.interface} has no VLAN for frames without a tag (${list || "none at all"})`,
        command,
      },
    ];
  }
  if (!own.some((each) => each.vid === vid)) {
    return [
      { kind: "vlan", text: `VLAN ${vid} is not allowed on ${hop.interface} (${list || "none at all"})`, command },
    ];
  }
  const mac = textIn(layers[0], "dst");
  const entry = state.fdb.find(
    (line) =>
      line.startsWith(`${mac} dev `) &&
      wordAfter(line, "master") === bridge &&
      (wordAfter(line, "vlan") ?? String(vid)) === String(vid),
  );
  if (entry) return [];
  const others = new Set(
    state.links.flatMap((line) => {
      const name = linkName(line);
      return name !== hop.interface && wordAfter(line.split("\\")[0] ?? "", "master") === bridge ? name : [];
    }),
  );
  const members = [...others, ...(hop.interface === bridge ? [] : [bridge])].filter((name) =>
    portVlans(state, name).some((each) => each.vid === vid),
  );
  if (members.length > 0) return [];
  return [
    { kind: "vlan", text: `no other port of ${bridge} is in VLAN ${vid}`, command: `bridge -n ${file} vlan show` },
  ];
}

/** A bridge sends nothing out of the port that it came by, unless that is a hairpin. */
function backCauses({ hop, layers, state, bridge }: BridgeLoss): Cause[] {
  const dev = hop.interface;
  const port = linkDetail(state, dev, "bridge_slave");
  const entry = bridgeFdbLine(state, bridge, { mac: textIn(layers[0], "dst"), dev });
  // Its own address is another matter: that is for the bridge's namespace.
  if (!entry || !port?.includes("hairpin off") || entry.endsWith(" permanent")) return [];
  const file = netnsFile(hop.netns);
  return [
    { kind: "fdb", text: `${entry}: the port that it came by`, command: `bridge -n ${file} fdb show dev ${dev}` },
    { kind: "bridge-port", text: `${dev}: ${port}`, command: `ip -n ${file} -d link show dev ${dev}` },
  ];
}

/** With br_netfilter, what is bridged goes through FORWARD with the bridge on both sides. */
function rulesCauses({ layers, state, enter, bridge }: BridgeLoss): Cause[] {
  const name = "net.bridge.bridge-nf-call-iptables";
  const setting = sysctlLine(state, name);
  const [at] = ipLayers(layers);
  const packet = at === undefined ? undefined : rulePacket(layers, at, state);
  if (!setting?.endsWith(" = 1") || !packet) return [];
  const early = passHook(state, "PREROUTING", { ...packet, in: bridge }, enter);
  if (early.verdict !== "passes" || early.translation || early.isTranslationUnknown) return [];
  const passage = passHook(state, "FORWARD", { ...packet, in: bridge, out: bridge, mark: early.mark }, enter);
  if (passage.verdict !== "drops" || !passage.decision) return [];
  return [passage.decision, { kind: "sysctl", text: setting, command: `${enter} sysctl ${name}` }];
}

/** A frame that is too long for the port it would leave by is dropped without a word, room for a VLAN tag aside. */
function lengthCauses({ hop, layers, state, bridge }: BridgeLoss): Cause[] {
  // What is to be cut into segments may be longer where it was captured.
  if (layers.some(({ protocol }) => protocol === "tcp")) return [];
  const mac = textIn(layers[0], "dst");
  const entry = state.fdb.find((line) => line.startsWith(`${mac} dev `) && wordAfter(line, "master") === bridge);
  const port = entry && wordAfter(entry, "dev");
  const mtu = port && linkMtu(state, port);
  const [at] = ipLayers(layers);
  const length = (at === undefined ? undefined : field(layers[at]!, "totalLength")?.number) ?? 0;
  if (!mtu || length <= mtu + 4) return [];
  const command = `ip -n ${netnsFile(hop.netns)} link show dev ${port}`;
  return [{ kind: "mtu", text: `${length} bytes, and ${linkText(state, port, "mtu")}`, command }];
}
