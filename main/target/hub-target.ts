/** A target that is reached through a hub: over SSH, through a command, or as root through sudo. */

import type { Hub } from "./hub.ts";
import type { Process, Target, TargetLink } from "./target.ts";

export class HubTarget implements Target {
  readonly id: string;
  readonly root: boolean;
  readonly link?: TargetLink;
  readonly hub: Hub;
  readonly #way: AsyncDisposable | undefined;

  /** `remote`: it can be lost. `way`: what leads to the hub, let go after it. */
  constructor(id: string, hub: Hub, { remote, way }: { remote: boolean; way?: AsyncDisposable }) {
    this.id = id;
    this.hub = hub;
    this.root = hub.greeting.uid === 0;
    this.#way = way;
    if (remote) this.link = hub;
  }

  spawn(argv: readonly string[]): Process {
    return this.hub.spawn(argv);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub[Symbol.asyncDispose]();
    await this.#way?.[Symbol.asyncDispose]();
  }
}
