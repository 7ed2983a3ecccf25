import { execFile } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { TcpProxy } from "./proxy.ts";
import { startSshd } from "./sshd.ts";

/** A client and the server's side of its connection, with the proxy in between. */
async function connectThrough(proxyOptions: { delayMs?: number } = {}) {
  // Disposing cuts what is left.
  const server = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = await TcpProxy.start({ port: (server.address() as AddressInfo).port, ...proxyOptions });
  const near = connect(proxy.port, "127.0.0.1").on("error", () => {});
  const [far] = (await once(server, "connection")) as [Socket];
  const dispose = async () => {
    await proxy[Symbol.asyncDispose]();
    await new Promise((resolve) => server.close(resolve));
  };
  return { proxy, near, far, [Symbol.asyncDispose]: dispose };
}

/** Something goes to the same process and comes back. */
async function roundTrip(socket: Socket): Promise<void> {
  const echo = createServer((other) => other.pipe(other)).listen(0, socket.localAddress);
  await once(echo, "listening");
  const sender = connect((echo.address() as AddressInfo).port, socket.localAddress);
  sender.write("x");
  await once(sender, "data");
  sender.destroy();
  echo.close();
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test("what is sent arrives whole and in order, also where the delay changes on the way", async () => {
  await using line = await connectThrough({ delayMs: 20 });
  const sent = Buffer.from(Array.from({ length: 5_000_000 }, (_, index) => index % 251));
  line.near.write(sent.subarray(0, 1_000_000));
  await once(line.far, "readable");
  line.proxy.delayMs = 1;
  const received = readAll(line.far);
  line.near.end(sent.subarray(1_000_000));
  expect(Buffer.compare(await received, sent)).toBe(0);
});

test("a frozen line carries nothing and closes nothing, and goes on where it was", async () => {
  await using line = await connectThrough();
  line.near.write("before ");
  await once(line.far, "readable");
  line.proxy.freeze();
  line.near.end("after");
  await expect.poll(() => line.proxy.carried, { timeout: 20_000 }).toBe("before after".length);
  await roundTrip(line.far); // what had been let through would be there now
  expect(line.far.readableLength).toBe("before ".length);
  expect(line.far.readableEnded).toBe(false);
  const received = readAll(line.far);
  line.proxy.thaw();
  expect((await received).toString()).toBe("before after");
});

test("a cut line is reset on both sides, and a refusing proxy takes nobody until it accepts again", async () => {
  await using line = await connectThrough();
  const errors = Promise.all([line.near, line.far].map((socket) => once(socket, "error")));
  line.proxy.cut({ refuse: true });
  expect((await errors).flat().map((error: NodeJS.ErrnoException) => error.code)).toEqual(["ECONNRESET", "ECONNRESET"]);
  const refused = connect(line.proxy.port, "127.0.0.1");
  await once(refused, "error");
  line.proxy.accept();
  const taken = connect(line.proxy.port, "127.0.0.1").on("error", () => {});
  await expect.poll(() => line.proxy.accepted, { timeout: 20_000 }).toBe(2);
  taken.destroy();
});

test("OpenSSH's own client reaches an sshd of the tests through a slow line", async () => {
  await using sshd = await startSshd({ hostKeyTypes: ["ed25519"] });
  await using proxy = await TcpProxy.start({ port: sshd.port, delayMs: 5 });
  writeFileSync(`${sshd.folder}/known_hosts`, sshd.knownHosts("fixture"));
  const options = [
    `UserKnownHostsFile=${sshd.folder}/known_hosts`,
    `HostKeyAlias=[fixture]:${sshd.port}`,
    "IdentityAgent=none",
    "BatchMode=yes",
  ].flatMap((option) => ["-o", option]);
  const address = ["-p", String(proxy.port), "-i", sshd.userKey, `${sshd.user}@127.0.0.1`];
  const ran = await promisify(execFile)("ssh", ["-F", "none", ...options, ...address, "echo through; id -un"]);
  expect(ran.stdout).toBe(`through\n${sshd.user}\n`);
  expect(sshd.log()).toContain("Accepted publickey");
});
