/** The same traffic in two labs, packet by packet and hop by hop. */

import type { Journey } from "./journey.ts";

export const SIDES = ["left", "right"] as const;
export type Side = (typeof SIDES)[number];

export const FACT_NAMES = ["kind", "layers", "ttl", "addresses", "macs", "changes"] as const;
export type FactName = (typeof FACT_NAMES)[number];

/**
 * What a hop is, in words that mean the same in any lab: addresses and MACs by who has them, so that labs with other
 * addresses can be compared. `kind`: of the interface. `layers`, `ttl`, `addresses` (source > destination) and `macs`
 * (likewise) are outermost first. `changes`: what happened on the way to this hop.
 */
export type HopFacts = Record<FactName, string[]>;

/** A hop of one journey. */
export interface ComparedHop {
  /** Its index. */
  hop: number;
  facts: HopFacts;
}

/** What happened at the same place on both sides, or on one of them only. */
export interface ComparedRow {
  left?: ComparedHop;
  right?: ComparedHop;
  /** Where both are there: what is not the same. */
  differs: FactName[];
}

/** A packet and its counterpart; one without a counterpart stands alone. */
export interface ComparedPacket {
  left?: Journey;
  right?: Journey;
  rows: ComparedRow[];
}
