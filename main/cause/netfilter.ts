/**
 * What netfilter does with a packet at a hook: walks the chains as the kernel would. A rule that is not understood makes
 * the answer unknown and never a wrong one.
 */

import { readIptables } from "./iptables.ts";
import { readNftables } from "./nftables.ts";
import { type Chain, HOOKS, type Hook, isInSubnet, type Rule, type RulePacket } from "./ruleset.ts";
import type { NamespaceState } from "./state.ts";

/** The rule or the policy that decided, as printed, and the command that shows it. */
export interface Decision {
  kind: "rule" | "policy";
  text: string;
  command: string;
}

/** What became of the packet at one hook. */
export interface Passage {
  /** `unknown`: a rule that is not understood decides. */
  verdict: "passes" | "drops" | "unknown";
  /** Of what drops. */
  decision?: Decision;
  /** The rule that translates an address; undefined for none. */
  translation?: Rule;
  /** The rules of address translation could not all be followed. */
  isTranslationUnknown: boolean;
  /** Of the packet from here on. */
  mark: number | undefined;
}

const read = new WeakMap<NamespaceState, Chain[]>();

/** The chains of the hook in the order in which a packet meets them. `enter`: what runs a command in the namespace. */
function chainsOf(state: NamespaceState, hook: Hook, enter: string): Chain[] {
  let chains = read.get(state);
  if (!chains) {
    const rules = state.rules ?? [];
    const managed = new Set(rules.flatMap((line) => (line.startsWith("*") ? `ip ${line.slice(1).trim()}` : [])));
    chains = [...readIptables(rules, enter), ...readNftables(state.nftables ?? [], managed, enter)];
    chains.sort((one, other) => one.priority - other.priority);
    read.set(state, chains);
  }
  return chains.filter((chain) => chain.hook === hook);
}

/** Whether any rule translates addresses, or may. */
export function translates(state: NamespaceState, enter: string): boolean {
  return HOOKS.some((hook) =>
    chainsOf(state, hook, enter).some(({ type, rules }) => type === "nat" && rules.length > 0),
  );
}

/** All rules that translate an address and fit, wherever they stand. */
export function translationTo(state: NamespaceState, enter: string, fits: (rule: Rule) => boolean): Rule[] {
  const chains = new Set(
    HOOKS.flatMap((hook) => chainsOf(state, hook, enter))
      .filter(({ type }) => type === "nat")
      .flatMap((chain) => [chain, ...chain.table.values()]),
  );
  const isTranslation = ({ target }: Rule) => ["masquerade", "snat", "dnat"].includes(target.kind);
  return [...chains].flatMap(({ rules }) => rules.filter((rule) => isTranslation(rule) && fits(rule)));
}

/** Walks all chains of the hook. Address translation is asked only for the first packet of a connection. */
export function passHook(state: NamespaceState, hook: Hook, packet: RulePacket, enter: string): Passage {
  let { mark } = packet;
  const passage: Passage = { verdict: "passes", isTranslationUnknown: false, mark };
  for (const chain of chainsOf(state, hook, enter)) {
    if (chain.type === "nat" && !packet.states.includes("NEW")) continue;
    const walk: Walk = { packet: { ...packet, mark }, steps: 0, depth: 0 };
    const end = walkChain(chain, walk);
    ({ mark } = walk.packet);
    passage.mark = mark;
    if (chain.type === "nat") {
      if (end.kind === "unknown") passage.isTranslationUnknown = true;
      if (end.kind === "translated") passage.translation ??= end.rule;
      if (end.kind === "drop") return { ...passage, verdict: "unknown" };
      continue;
    }
    if (end.kind === "unknown") {
      passage.mark = undefined;
      mark = undefined;
      passage.verdict = "unknown";
      continue;
    }
    const drops = end.kind === "drop" || (end.kind === "through" && chain.policy.drops);
    if (!drops) continue;
    // What an earlier chain made of it is not known, but it can hardly have come further than this.
    const decision: Decision =
      end.kind === "drop"
        ? { kind: "rule", text: end.rule.text, command: end.rule.command }
        : { kind: "policy", text: chain.policy.text, command: chain.policy.command };
    if (passage.verdict === "passes") return { ...passage, verdict: "drops", decision };
    return passage;
  }
  return passage;
}

interface Walk {
  packet: RulePacket;
  steps: number;
  /** Chains that were jumped to from each other. */
  depth: number;
}

type End = { kind: "accept" | "through" | "unknown" } | { kind: "drop" | "translated"; rule: Rule };

/** Rules that are looked at for one packet: chains may jump to each other in a loop only where they were misread. */
const MOST_STEPS = 50_000;
const DEEPEST = 200;

function walkChain(chain: Chain, walk: Walk): End {
  for (const rule of chain.rules) {
    if (walk.steps++ > MOST_STEPS) return { kind: "unknown" };
    const { target } = rule;
    if (target.kind === "none") continue;
    const holds = matches(rule, walk.packet);
    if (holds === false) continue;
    if (holds === undefined) {
      if (target.kind === "mark") {
        walk.packet.mark = undefined;
        continue;
      }
      return { kind: "unknown" };
    }
    switch (target.kind) {
      case "accept":
        return { kind: "accept" };
      case "drop":
        return { kind: "drop", rule };
      case "return":
        return { kind: "through" };
      case "masquerade":
      case "snat":
      case "dnat":
        return { kind: "translated", rule };
      case "mark":
        if (walk.packet.mark !== undefined) {
          walk.packet.mark = ((walk.packet.mark & ~target.mask) ^ target.value) >>> 0;
        }
        break;
      case "jump":
      case "goto": {
        const next = chain.table.get(target.chain);
        if (!next || walk.depth >= DEEPEST) return { kind: "unknown" };
        walk.depth++;
        const end = walkChain(next, walk);
        walk.depth--;
        if (end.kind !== "through" || target.kind === "goto") return end;
        break;
      }
      default:
        return { kind: "unknown" };
    }
  }
  return { kind: "through" };
}

/** Undefined where no match fails and one is not understood. */
function matches(rule: Rule, packet: RulePacket): boolean | undefined {
  let isKnown = true;
  for (const match of rule.matches) {
    const holds = match(packet);
    if (holds === false) return false;
    if (holds === undefined) isKnown = false;
  }
  return isKnown ? true : undefined;
}

/** Looks an address up in what `ipset save` printed; undefined for a set of another kind or none of that name. */
export function isInSet(lines: readonly string[], name: string, address: string): boolean | undefined {
  const type = lines.find((line) => line.startsWith(`create ${name} `))?.split(" ")[2];
  if (type !== "hash:net" && type !== "hash:ip") return undefined;
  const members = lines.filter((line) => line.startsWith(`add ${name} `));
  if (members.some((line) => line.includes("nomatch"))) return undefined;
  return members.some((line) => isInSubnet(address, line.split(" ")[2] ?? "") === true);
}
