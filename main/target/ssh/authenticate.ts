/**
 * Logs in: the agent's keys, the key files, keyboard-interactive, and the password; of these what the server allows, in the
 * order that ssh has. Keeps what was tried, for the fault where nothing did.
 */

import type { AnyAuthMethod, AuthenticationType, Prompt } from "ssh2";
import { type Fault, messageOf } from "../../../preload/contract/result.ts";
import type { Question } from "../../../preload/contract/target.ts";
import { printSshAddress } from "./address.ts";
import { listAgentKeys } from "./agent.ts";
import type { Ask } from "./host-key.ts";
import { type Identity, IdentityAgent, readIdentity } from "./identity.ts";
import { oneLine } from "./one-line.ts";
import type { SshHop } from "./resolve.ts";

/** NumberOfPasswordPrompts of ssh_config(5): so often a person may mistype. */
const PROMPTS = 3;

export class Authenticator {
  readonly #hop: SshHop;
  readonly #target: string;
  readonly #ask: Ask;
  readonly #giveUp: () => void;
  readonly #keys: AsyncGenerator<Identity>;
  /** What the server takes at the moment. */
  #allowed: readonly AuthenticationType[] = [];
  /** What, and how often. */
  readonly #tried = new Map<string, number>();
  #offered: { identity: Identity; agent: IdentityAgent } | undefined;
  #keysLeft = true;
  /** What a person typed and the server did not take; counted anew after each part that succeeded. */
  #mistyped = 0;
  #interactive: "untried" | "asked" | "useless" = "untried";
  /** Nobody answered: nobody is asked again. */
  #silent = false;

  /**
   * `giveUp` is called where the server waits for an answer that nobody gives: an empty one would be a failed login there.
   */
  constructor(hop: SshHop, target: string, ask: Ask, giveUp: () => void) {
    this.#hop = hop;
    this.#target = target;
    this.#ask = ask;
    this.#giveUp = giveUp;
    this.#keys = this.#findKeys();
  }

  /** What to try next, after the server said what it still takes; undefined when there is nothing left. */
  async next(methods: readonly AuthenticationType[] | null): Promise<AnyAuthMethod | undefined> {
    const username = this.#hop.user;
    // The way to ask what the server allows.
    if (methods === null) return { type: "none", username };
    const part = this.#allowed.length > 0 && methods.join() !== this.#allowed.join();
    this.#allowed = methods;
    if (part) {
      this.#mistyped = 0;
      this.#interactive = "untried";
    }
    const offered = this.#offered;
    this.#offered = undefined;
    if (offered) {
      this.#note(`${offered.identity.name} (${offered.agent.refusal ?? "not accepted"})`);
      // The key was good, and more is wanted; ssh2 does not tell of what, so the server is asked again.
      if (offered.agent.asked && offered.agent.refusal === undefined) return { type: "none", username };
    }
    if (methods.includes("publickey") && this.#keysLeft) {
      const found = await this.#keys.next();
      if (!found.done) {
        const agent = new IdentityAgent(found.value);
        this.#offered = { identity: found.value, agent };
        return { type: "agent", username, agent };
      }
      this.#keysLeft = false;
    }
    return this.#nextPrompt();
  }

  async #nextPrompt(): Promise<AnyAuthMethod | undefined> {
    const username = this.#hop.user;
    if (this.#interactive === "asked") this.#noteMistyped("keyboard-interactive");
    if (this.#canAsk("keyboard-interactive") && this.#interactive !== "useless") {
      // One that fails without a question would do so again.
      this.#interactive = "useless";
      return { type: "keyboard-interactive", username, prompt: (...args) => this.#prompt(...args) };
    }
    if (this.#canAsk("password")) {
      const password = await this.#question("password", `Password of ${printSshAddress(this.#hop)}`, false);
      if (password !== undefined) {
        this.#noteMistyped("password");
        return { type: "password", username, password };
      }
    }
    return undefined;
  }

  #canAsk(method: "keyboard-interactive" | "password"): boolean {
    return this.#allowed.includes(method) && !this.#silent && this.#mistyped < PROMPTS;
  }

  #noteMistyped(method: string): void {
    this.#mistyped++;
    this.#note(method);
  }

  #note(what: string): void {
    this.#tried.set(what, (this.#tried.get(what) ?? 0) + 1);
  }

  #prompt(name: string, instructions: string, _language: string, prompts: Prompt[], done: (answers: string[]) => void) {
    const answer = async () => {
      const answers: string[] = [];
      for (const { prompt, echo = false } of prompts) {
        const text = [name, instructions, prompt]
          .map(oneLine)
          .filter((part) => part !== "")
          .join(": ");
        const kind = !echo && /password/i.test(prompt) ? "password" : "prompt";
        const given = await this.#question(kind, text, echo);
        if (given === undefined) {
          this.#giveUp();
          return;
        }
        answers.push(given);
      }
      this.#interactive = "asked";
      done(answers);
    };
    void answer();
  }

  async #question(
    kind: Exclude<Question["kind"], "host-key">,
    text: string,
    echo: boolean,
  ): Promise<string | undefined> {
    if (this.#silent) return undefined;
    const again = this.#mistyped > 0 && kind === "password" ? "That was not right. " : "";
    const answer = await this.#ask({ kind, target: this.#target, text: `${again}${text}`, echo });
    if (answer === undefined) this.#silent = true;
    return answer;
  }

  /** Those that an agent holds, the configured ones first, and then the files that it doesn't hold. */
  async *#findKeys(): AsyncGenerator<Identity> {
    const files: Identity[] = [];
    for (const file of this.#hop.identities) {
      const ask = (text: string) => this.#ask({ kind: "passphrase", target: this.#target, text, echo: false });
      const read = await readIdentity(file, ask);
      if (read?.ok) files.push(read.value);
      else if (read) this.#note([read.fault.message, read.fault.fix].filter(Boolean).join(": "));
    }
    const same = (one: Identity) => (other: Identity) =>
      one.publicKey.getPublicSSH().equals(other.publicKey.getPublicSSH());
    const held = await this.#agentKeys();
    const meant = held.filter((key) => files.some(same(key)));
    yield* meant;
    if (!this.#hop.identitiesOnly) yield* held.filter((key) => !meant.includes(key));
    yield* files.filter((key) => !held.some(same(key)));
  }

  async #agentKeys(): Promise<Identity[]> {
    if (this.#hop.agent === undefined) return [];
    const keys = await listAgentKeys(this.#hop.agent);
    if (keys.ok) return keys.value;
    this.#note(keys.fault.message);
    return [];
  }

  /** Why nobody got in. `disconnected` is what the server said where it had enough. */
  fault(disconnected?: unknown): Fault {
    const { user, host } = this.#hop;
    const allows = this.#allowed.join(", ") || "nothing";
    const attempts = [...this.#tried].map(([what, times]) => (times > 1 ? `${what} (${times} times)` : what));
    const tried = attempts.join("; ") || "nothing, for want of a key and of somebody to ask";
    const said = disconnected === undefined ? "" : `. It ended with: ${oneLine(messageOf(disconnected))}`;
    const prompted = this.#allowed.some((method) => method === "password" || method === "keyboard-interactive");
    const fixes = [
      this.#allowed.includes("publickey")
        ? `Put a public key into ~${user}/.ssh/authorized_keys there (ssh-copy-id) and name its private half with --identity, or load it into an agent (ssh-add).`
        : "",
      prompted && this.#silent ? "Or give the password when Hoplab asks for it, on a terminal or in the page." : "",
      disconnected !== undefined ? "A server takes a few tries only: --identity makes it the right key at once." : "",
    ];
    return {
      code: "denied",
      message: `${printSshAddress(this.#hop)} did not let you in. It takes ${allows}. Tried: ${tried}${said}`,
      fix: fixes.filter((fix) => fix !== "").join(" ") || `Check whether ${user} may log in on ${host}.`,
    };
  }
}
