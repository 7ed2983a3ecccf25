/** What a benchmark is: a name to call it by, and a run that measures its figures. */

import type { Figure } from "./figure.ts";

export interface Workplace {
  /** A folder of this run's own, removed at the end. */
  folder: string;
  /** Bundles a program of measured/ as the product is bundled; answers with the file to run. */
  bundle(program: string): Promise<string>;
  /** Says how far it is. */
  say(text: string): void;
}

export interface Benchmark {
  name: string;
  run(place: Workplace): Promise<Figure[]>;
}
