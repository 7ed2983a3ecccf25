/**
 * A TCP proxy on loopback that can make a network worse: it delays each byte by a time each way, stops forwarding without
 * closing anything (a cable that was pulled), and cuts connections (a firewall that resets them).
 */

import { type AddressInfo, createServer, type Server, Socket } from "node:net";
import { Transform } from "node:stream";

export interface ProxyOptions {
  /** Where it connects to. */
  port: number;
  host?: string;
  /** Added to each byte in each direction. The bandwidth stays what it was. */
  delayMs?: number;
  /** The port that it listens on; 0, the default, takes a free one. */
  listen?: number;
}

export class TcpProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #delays = new Set<Delay>();
  readonly #to: { host: string; port: number };
  /** May be changed at any time; holds for bytes that arrive from then on. */
  delayMs: number;
  /** How many connections it has taken. */
  accepted = 0;
  /** Bytes that came through, both ways together. */
  carried = 0;
  #frozen = false;
  #refusing = false;

  private constructor({ port, host = "127.0.0.1", delayMs = 0 }: ProxyOptions) {
    this.#to = { host, port };
    this.delayMs = delayMs;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#take(socket));
  }

  static async start(options: ProxyOptions): Promise<TcpProxy> {
    const proxy = new TcpProxy(options);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject).listen(options.listen ?? 0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Keeps what arrives, in both directions and of new connections too, until `thaw`. Nothing is lost or closed. */
  freeze(): void {
    this.#setFrozen(true);
  }

  thaw(): void {
    this.#setFrozen(false);
  }

  /** Resets every connection. New ones are taken, unless `refuse`. */
  cut({ refuse = false } = {}): void {
    this.#refusing = refuse;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Takes connections again after `cut({ refuse: true })`. */
  accept(): void {
    this.#refusing = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(near: Socket): void {
    if (this.#refusing) {
      near.resetAndDestroy();
      return;
    }
    this.accepted++;
    const far = new Socket({ allowHalfOpen: true }).connect(this.#to);
    this.#forward(near, far);
    this.#forward(far, near);
  }

  #forward(from: Socket, to: Socket): void {
    const delay = new Delay(() => this.delayMs);
    delay.frozen = this.#frozen;
    this.#sockets.add(from);
    this.#delays.add(delay);
    from.setNoDelay(true);
    from.on("error", () => {}); // `close` follows
    from.on("close", () => {
      this.#sockets.delete(from);
      this.#delays.delete(delay);
      if (from.errored && !this.#frozen) to.resetAndDestroy();
    });
    from.on("data", (chunk: Buffer) => {
      this.carried += chunk.length;
    });
    from.pipe(delay).pipe(to);
  }

  #setFrozen(frozen: boolean): void {
    this.#frozen = frozen;
    for (const delay of this.#delays) delay.frozen = frozen;
  }
}

/** Passes each chunk on after a time, in order, and takes the next ones meanwhile: latency, not bandwidth. */
class Delay extends Transform {
  readonly #delayMs: () => number;
  readonly #queue: Buffer[] = [];
  /** How many of the queue have waited long enough. */
  #due = 0;
  #frozen = false;
  #room: (() => void) | undefined;
  #empty: (() => void) | undefined;

  constructor(delayMs: () => number) {
    super();
    this.#delayMs = delayMs;
  }

  set frozen(frozen: boolean) {
    this.#frozen = frozen;
    this.#release();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#queue.push(chunk);
    // So much at most is on a long line; the sender waits then.
    if (this.#queue.length < MAX_CHUNKS) done();
    else this.#room = done;
    const delay = this.#delayMs();
    if (delay > 0) setTimeout(() => this.#arrive(), delay);
    else this.#arrive();
  }

  override _flush(done: () => void): void {
    if (this.#queue.length === 0) done();
    else this.#empty = done;
  }

  #arrive(): void {
    this.#due++;
    this.#release();
  }

  #release(): void {
    while (!this.#frozen && this.#due > 0) {
      this.#due--;
      this.push(this.#queue.shift());
    }
    if (this.#queue.length < MAX_CHUNKS) {
      const room = this.#room;
      this.#room = undefined;
      room?.();
    }
    if (this.#queue.length === 0) this.#empty?.();
  }
}

/** Of up to 64 KiB each. */
const MAX_CHUNKS = 1024;
