/**
 * What the real projects put into the kernel, one fact at a time, as tables: NAME.facts.ts in this folder, each an
 * export `facts: LabFacts[]`. Each is read back from a lab that was built (test/netns/facts.test.ts), and all of them are
 * listed in docs/faithfulness.md. What must be printed is written by hand, never computed from the layout.
 */

export interface Fact {
  /** One sentence: "flannel.1 learns no addresses". */
  says: string;
  /** Where it is known from: "ground-truth 1.1", or a project, its version and the file. */
  source: string;
  /** The namespace that it is read in: "node/node1". */
  netns: string;
  /** A shell command that runs there, with the namespace's files under /run. */
  read: string;
  /** What it prints, line by line and without spaces around, in any order. */
  is?: string[];
  /** The same, in this order. */
  isInOrder?: string[];
  /** What is in what it prints. */
  has?: (string | RegExp)[];
  /** What is not. */
  hasNot?: (string | RegExp)[];
  /** It prints JSON that has at least this. An array has exactly as many items. */
  json?: unknown;
}

export interface LabFacts {
  /** The id of a lab that comes with Hoplab. */
  lab: string;
  facts: Fact[];
}
