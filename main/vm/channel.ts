/**
 * How Hoplab and a VM's QEMU talk to each other: a unix socket that only this user can reach, or, on Windows, a port of
 * the loopback interface.
 */

import { createHash } from "node:crypto";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { fail, messageOf, ok, type Result } from "../../preload/contract/result.ts";

export const channelSchema = z.union([z.object({ path: z.string() }), z.object({ port: z.int() })]);
export type Channel = z.infer<typeof channelSchema>;

/** A sockaddr_un has room for 108 bytes on Linux and 104 on macOS, and QEMU says so only when it fails. */
const MAX_PATH_BYTES = 100;

/** A channel of that name for the VM in that folder. */
export async function nameChannel(folder: string, name: string): Promise<Channel> {
  if (process.platform === "win32") return { port: await freePort() };
  const path = join(folder, `${name}.sock`);
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return { path };
  const short = createHash("sha256").update(folder).digest("hex").slice(0, 12);
  return { path: join(tmpdir(), `hoplab-${userInfo().uid}-${short}-${name}.sock`) };
}

/** As QEMU's -chardev wants it. A comma in a path is doubled. */
export function chardevOf(id: string, channel: Channel): string {
  const address = "path" in channel ? `path=${quoteOption(channel.path)}` : `host=127.0.0.1,port=${channel.port}`;
  return `socket,id=${id},${address},server=on,wait=off`;
}

/** A value inside one of QEMU's comma-separated options. */
export function quoteOption(value: string): string {
  return value.replaceAll(",", ",,");
}

/** Faults: `gone` where nobody listens. */
export function connectChannel(channel: Channel): Promise<Result<Socket>> {
  return new Promise((resolve) => {
    const socket = createConnection("path" in channel ? { path: channel.path } : { host: "127.0.0.1", ...channel });
    socket.once("connect", () => resolve(ok(socket)));
    socket.on("error", (error) => resolve(fail("gone", `the VM's QEMU can't be reached: ${messageOf(error)}`)));
  });
}

/** A port of the loopback interface that nobody listens on: the wanted one where that is free. */
export async function freePort(wanted?: number): Promise<number> {
  return (wanted && (await tryPort(wanted))) || (await tryPort(0)) || 0;
}

/** The port, or undefined where another program has it. 0 asks for any. */
export function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : undefined));
    });
  });
}
