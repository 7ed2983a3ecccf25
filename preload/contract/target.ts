/** Targets as the page and the command line see them: what a connection asks its user, and how far it has come. */

import type { Fault } from "./result.ts";

/** What only a person can decide or type. `target` is named as `--target` does; `host` is the machine that is meant, which may be a jump host. */
export type Question =
  | {
      /** Answered with "yes" to trust it from now on; anything else is a no. */
      kind: "host-key";
      target: string;
      host: string;
      /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` … */
      keyType: string;
      /** `SHA256:` and base64, as ssh-keygen -l prints it. */
      fingerprint: string;
    }
  | {
      /** Answered with the text, which is a secret unless `echo`. */
      kind: "password" | "passphrase" | "sudo-password" | "prompt";
      target: string;
      text: string;
      echo: boolean;
    };

/** One step of a connection, told when it ended. With jump hosts the steps come once for each host on the way. */
export interface ConnectionStep {
  step: "resolve" | "connect" | "host-key" | "authenticate";
  host: string;
  ok: boolean;
  detail: string;
  /** Set where it failed. */
  fault?: Fault;
}
