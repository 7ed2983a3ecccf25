/** Why an address was translated: the rule that did it for the connection's first packet, or the connection's entry. */

import type { Layer } from "../../preload/contract/frame.ts";
import type { Cause, Change, Hop } from "../../preload/contract/journey.ts";
import { netnsFile } from "../../preload/contract/topology.ts";
import { innermost } from "../journey/stack.ts";
import { type Passage, passHook, translates, translationTo } from "./netfilter.ts";
import { connectionIn, rulePacket } from "./rule-packet.ts";
import type { Rule, RulePacket } from "./ruleset.ts";
import { addressLine, masterOf, type NamespaceState } from "./state.ts";

/** `before` and `after` are the layers where the packet came in by `from` and went out at `hop`. */
export function natCauses(
  change: Change,
  hop: Hop,
  from: Hop | undefined,
  before: readonly Layer[],
  after: readonly Layer[],
  state: NamespaceState,
): Cause[] {
  const at = innermost(before);
  const packet = rulePacket(before, at, state);
  if (!packet || !change.address || from?.netns !== hop.netns || !state.rules) return [];
  const enter = `ip netns exec ${netnsFile(hop.netns)}`;
  if (!translates(state, enter)) return [];
  const causes: Cause[] = [];
  const connection = connectionIn(before, at, state);
  const isReply = connection?.direction === "reply";
  const rule = isReply ? undefined : ruleOf(change, hop, from, packet, after, state, enter);
  if (rule?.found) causes.push({ kind: "rule", text: rule.found.text, command: rule.found.command });
  const command = `${enter} cat /proc/net/nf_conntrack`;
  if (isReply)
    causes.push({ kind: "conntrack", text: `conntrack entry (reply direction): ${connection.line}`, command });
  else if (connection) causes.push({ kind: "conntrack", text: connection.line, command });
  else if (rule && !rule.found && !rule.isUnknown) {
    // No rule translates it, so the connection does: its entry has ended since.
    causes.push({ kind: "conntrack", text: "conntrack entry (reply direction)", command });
  }
  return causes;
}

function ruleOf(
  change: Change,
  hop: Hop,
  from: Hop,
  packet: RulePacket,
  after: readonly Layer[],
  state: NamespaceState,
  enter: string,
): { found?: Rule | undefined; isUnknown: boolean } {
  // Rules are asked for the first packet only; the later ones follow its entry.
  const first: RulePacket = { ...packet, states: ["NEW"], in: masterOf(state, from.interface) ?? from.interface };
  const is = addressOf(change.address?.[1] ?? "");
  const early = passHook(state, "PREROUTING", first, enter);
  if (change.kind === "dnat") return chosen(early, state, enter, (rule) => leadsTo(rule, "dnat", is));
  const translated = rulePacket(after, innermost(after), state);
  // Wrapped since, it left by a tunnel device that was not captured.
  const out = after.findIndex(({ protocol }) => protocol === "ipv4") === innermost(after);
  const late: RulePacket = {
    ...first,
    destination: translated?.destination ?? packet.destination,
    ...(translated?.destinationPort === undefined ? {} : { destinationPort: translated.destinationPort }),
    out: out ? (masterOf(state, hop.interface) ?? hop.interface) : undefined,
    mark: early.mark,
  };
  const forward = passHook(state, "FORWARD", late, enter);
  const passage = passHook(state, "POSTROUTING", { ...late, in: undefined, mark: forward.mark }, enter);
  return chosen(passage, state, enter, (rule) =>
    rule.target.kind === "masquerade" ? addressLine(state, is) !== undefined : leadsTo(rule, "snat", is),
  );
}

/** The rule that was met, if it leads to that address; where that is not known, the only one that does. */
function chosen(
  passage: Passage,
  state: NamespaceState,
  enter: string,
  fits: (rule: Rule) => boolean,
): { found?: Rule | undefined; isUnknown: boolean } {
  const { translation } = passage;
  if (translation) return { found: fits(translation) ? translation : undefined, isUnknown: !fits(translation) };
  if (!passage.isTranslationUnknown) return { isUnknown: false };
  const candidates = translationTo(state, enter, fits);
  return { found: candidates.length === 1 ? candidates[0] : undefined, isUnknown: true };
}

function leadsTo({ target }: Rule, kind: "dnat" | "snat", address: string): boolean {
  if (target.kind !== kind) return false;
  return target.to === undefined || addressOf(target.to) === address;
}

/** `10.0.0.1` of `10.0.0.1:80`. */
function addressOf(endpoint: string): string {
  return endpoint.split(":")[0] ?? "";
}
