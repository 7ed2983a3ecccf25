/** From a stream to somewhere to a client that is logged in there: greeting, host key, authentication. */

import type { Duplex } from "node:stream";
import { type AuthenticationType, Client, type ConnectConfig } from "ssh2";
import { type Fault, messageOf, ok, type Result } from "../../../preload/contract/result.ts";
import { printSshAddress } from "./address.ts";
import { Authenticator } from "./authenticate.ts";
import { type Ask, HostKeyChecker, type TrustedKey } from "./host-key.ts";
import { oneLine } from "./one-line.ts";
import { cancelled, finish, type Report } from "./reach.ts";
import type { SshHop } from "./resolve.ts";
import { SilenceWatch } from "./silence.ts";

/** PAM may wait for a name server or after a wrong password; sshd itself gives up after two minutes. */
const AUTHENTICATION_SILENCE_MS = 60_000;

/**
 * How often the server is asked for a sign of life. Whether one came is for `silence.ts` to see: ssh2 would count only the
 * answers, which on a slow line wait behind much data.
 */
const KEEPALIVE_INTERVAL_MS = 2_000;

/** GCM first: Node has it from OpenSSL in one call, so it is the fastest without ssh2's native addon. No CBC, no SHA-1. */
const ALGORITHMS = {
  cipher: [
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes256-ctr",
    "chacha20-poly1305@openssh.com",
  ],
  hmac: ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"],
  compress: ["none"],
} satisfies ConnectConfig["algorithms"];

export interface HandshakeOptions {
  /** As questions name it. */
  target: string;
  ask: Ask;
  report: Report;
  signal: AbortSignal;
}

/** A client that is logged in. */
export interface Link {
  client: Client;
  stream: Duplex;
  hop: SshHop;
  /** Resolves when the connection has ended, with what the server or the network said about it. */
  ended: Promise<Error | undefined>;
}

/**
 * The stream is the client's from now on, and is destroyed where it fails. Faults: `denied` (host key, authentication),
 * `gone` (not SSH, closed), `timeout`, `cancelled`, `storage` (known_hosts can't be read).
 */
export async function shakeHands(stream: Duplex, hop: SshHop, options: HandshakeOptions): Promise<Result<Link>> {
  const checker = await HostKeyChecker.open(hop);
  if (checker.ok) return new Handshake(stream, hop, checker.value, options).result;
  stream.destroy();
  return finish("host-key", checker, options.report, () => "");
}

class Handshake {
  readonly result: Promise<Result<Link>>;
  readonly #stream: Duplex;
  readonly #client = new Client();
  readonly #hop: SshHop;
  readonly #options: HandshakeOptions;
  readonly #checker: HostKeyChecker;
  readonly #authenticator: Authenticator;
  readonly #watch: SilenceWatch;
  readonly #ended: Promise<Error | undefined>;
  #settle: (result: Result<Link>) => void = () => {};
  #settled = false;
  #step: "connect" | "host-key" | "authenticate" = "connect";
  #greeting = Buffer.alloc(0);
  #key: { bytes: Buffer; trusted: TrustedKey } | undefined;
  /** Of the step `host-key`, which ends before the next one is told. */
  #keyTold: Promise<void> = Promise.resolve();
  #error: Error | undefined;

  constructor(stream: Duplex, hop: SshHop, checker: HostKeyChecker, options: HandshakeOptions) {
    this.#stream = stream;
    this.#hop = hop;
    this.#checker = checker;
    this.#options = options;
    this.#authenticator = new Authenticator(hop, options.target, this.#ask, () =>
      this.#fail(this.#authenticator.fault()),
    );
    this.result = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#ended = this.#listen();
    this.#connect();
    this.#watch = new SilenceWatch(stream, hop.connectTimeoutMs, () => this.#fail(this.#silenceFault()));
    stream.on("data", (bytes: Buffer) => this.#keepGreeting(bytes));
    options.signal.addEventListener("abort", this.#abort);
    if (options.signal.aborted) this.#abort();
  }

  #connect(): void {
    this.#client.connect({
      sock: this.#stream,
      username: this.#hop.user,
      algorithms: { ...ALGORITHMS, serverHostKey: this.#checker.algorithms },
      readyTimeout: 0,
      keepaliveInterval: KEEPALIVE_INTERVAL_MS,
      keepaliveCountMax: Number.MAX_SAFE_INTEGER,
      hostVerifier: (key: Buffer, verify: (good: boolean) => void) => void this.#checkKey(key, verify),
      authHandler: (methods, _partial, next) => {
        // ssh2's typings don't say that it has none at first.
        const allowed: readonly AuthenticationType[] | null = methods;
        void this.#authenticator.next(allowed).then((method) => {
          if (method) next(method);
          else this.#fail(this.#authenticator.fault());
        });
      },
    });
  }

  #listen(): Promise<Error | undefined> {
    this.#client.on("handshake", () => {
      if (this.#step !== "host-key") return; // the session's keys were renewed
      this.#step = "authenticate";
      this.#watch.limitMs = AUTHENTICATION_SILENCE_MS;
      this.#keyTold = this.#keepKey();
    });
    this.#client.on("ready", () => {
      this.#stop();
      const { report } = this.#options;
      void this.#keyTold.then(() => {
        report({ step: "authenticate", ok: true, detail: `as ${this.#hop.user}` });
        this.#settle(ok({ client: this.#client, stream: this.#stream, hop: this.#hop, ended: this.#ended }));
      });
    });
    this.#client.on("change password", () =>
      this.#fail({
        code: "denied",
        message: `${printSshAddress(this.#hop)} wants a new password for ${this.#hop.user}`,
        fix: `Log in with ssh and change it there: ssh ${printSshAddress(this.#hop)}`,
      }),
    );
    return new Promise((resolve) => {
      this.#client.on("error", (error: Error & { level?: string }) => {
        // An agent that does not sign; the authenticator goes on with the next key.
        if (error.level === "agent") return;
        this.#error ??= error;
        // Not every error of ssh2 closes the stream, and without it nothing of the connection works.
        this.#stream.destroy();
        this.#fail(this.#endFault());
        resolve(error);
      });
      // A socket closes with its end; a stream through a jump host would stay half open.
      this.#client.on("end", () => this.#stream.destroy());
      this.#client.on("close", () => {
        this.#fail(this.#endFault());
        resolve(this.#error);
      });
    });
  }

  #ask: Ask = (question) => this.#watch.paused(() => this.#options.ask(question));

  async #checkKey(bytes: Buffer, verify: (good: boolean) => void): Promise<void> {
    if (this.#key) {
      verify(this.#key.bytes.equals(bytes));
      return;
    }
    this.#step = "host-key";
    const checked = await this.#checker.check(bytes, this.#options.target, this.#ask);
    if (checked.ok) {
      this.#key = { bytes, trusted: checked.value };
      verify(true);
    } else {
      this.#fail(checked.fault);
    }
  }

  /** The server has signed with its key by now: it is written down, and told. */
  async #keepKey(): Promise<void> {
    const trusted = this.#key?.trusted;
    const kept = await trusted?.keep?.();
    const detail = [trusted?.detail, kept].filter((part) => part !== undefined).join(", ");
    this.#options.report({ step: "host-key", ok: true, detail });
  }

  #keepGreeting(bytes: Buffer): void {
    if (this.#step !== "connect" || this.#greeting.length >= GREETING_BYTES) return;
    this.#greeting = Buffer.concat([this.#greeting, bytes.subarray(0, GREETING_BYTES)]);
  }

  #abort = (): void => {
    this.#fail(cancelled(this.#hop.host).fault);
  };

  #stop(): void {
    this.#settled = true;
    this.#watch.stop();
    this.#options.signal.removeEventListener("abort", this.#abort);
  }

  /** Once is enough: what comes after a failure is its echo. */
  #fail(fault: Fault): void {
    if (this.#settled) return;
    this.#stop();
    this.#stream.destroy();
    const step = this.#step;
    void this.#keyTold.then(() => {
      this.#options.report({ step, ok: false, detail: fault.message, fault });
      this.#settle({ ok: false, fault });
    });
  }

  #silenceFault(): Fault {
    const at = printSshAddress({ ...this.#hop, user: undefined });
    const seconds = this.#watch.limitMs / 1000;
    if (this.#step === "authenticate") {
      return {
        code: "timeout",
        message: `${at} did not answer the login for ${seconds} s`,
        fix: "Try ssh there: its PAM or name server may be stuck.",
      };
    }
    return {
      code: "timeout",
      message: `${at} takes connections, but said nothing for ${seconds} s`,
      fix: "Check that an SSH server listens on that port, and that the machine is not stuck.",
    };
  }

  #endFault(): Fault {
    const at = printSshAddress({ ...this.#hop, user: undefined });
    if (this.#step === "authenticate") {
      return this.#authenticator.fault(this.#error ?? "the server closed the connection");
    }
    const greeting = this.#greeting.toString("latin1");
    if (this.#step === "connect" && greeting === "") {
      return {
        code: "gone",
        message: `${at} closed the connection before it said anything`,
        fix: "Its sshd may refuse this machine or be overloaded (MaxStartups), or something else listens there. Its log says.",
      };
    }
    if (this.#step === "connect" && !/^SSH-/m.test(greeting)) {
      return {
        code: "gone",
        message: `${at} is no SSH server, or turns you away: it says ${JSON.stringify(oneLine(greeting.split("\n")[0] ?? ""))}`,
        fix: "Check the port.",
      };
    }
    return {
      code: "gone",
      message: `${at} and Hoplab did not come to an SSH session: ${oneLine(messageOf(this.#error ?? "it closed the connection"))}`,
      fix: "Where they have no algorithm in common, the server's sshd is old: update it.",
    };
  }
}

/** Of what is no greeting, enough to quote. */
const GREETING_BYTES = 256;
