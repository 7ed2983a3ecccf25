/** Serves the page, and with a lab: brings it up, sends its traffic and leaves it open. */

import { join } from "node:path";
import { ok, type Result } from "../../preload/contract/result.ts";
import { userDataDir } from "../rpc/data-dir.ts";
import { keepAccess, readAccess } from "../web/keep-access.ts";
import { startWebServer, type WebServer } from "../web/server.ts";
import { bringUp, printUp, sandboxName } from "./lab-commands.ts";
import { PAGE_DIR } from "./places.ts";
import { printSent, send } from "./send-command.ts";
import { type CliOptions, CliSession } from "./session.ts";

export interface ServeOptions {
  port: number;
  host: string;
  openLab?: string;
}

export async function runServe(options: CliOptions, { port, host, openLab }: ServeOptions): Promise<void> {
  await using session = await CliSession.open(options, openLab ? { open: openLab } : {});
  const own = openLab ? await openFirstLab(session, openLab) : ok(undefined);
  if (!own.ok) return session.fault(own.fault);
  const server = await startServer(session, host, port);
  if (!server.ok) {
    if (own.value) await session.call("lab.down", { sandbox: own.value });
    return session.fault(server.fault);
  }
  if (session.json) process.stdout.write(`${JSON.stringify({ url: server.value.url })}\n`);
  else process.stdout.write(`Open ${server.value.url}\nCtrl-C ends it.\n`);
  await new Promise<void>((resolve) => session.signal.addEventListener("abort", () => resolve()));
  await server.value.close();
  const ended = own.value ? await session.call("lab.down", { sandbox: own.value }) : ok(null);
  if (!ended.ok) session.fault(ended.fault);
  const left = await session.sandboxes();
  const names = left.ok ? left.value.map((sandbox) => sandbox.name) : [];
  process.stderr.write(
    `\nEnded: the server${own.value && ended.ok ? ` and the lab ${own.value}` : ""}.${
      names.length > 0 ? ` Still up: ${names.join(", ")} (\`hoplab down --all\` removes them).` : ""
    }\n`,
  );
}

/** Serves where the last server did, unless told a port, so that pages that are still open find it again. */
async function startServer(session: CliSession, host: string, port: number): Promise<Result<WebServer>> {
  const file = join(userDataDir(), "browser.json");
  const { port: lastPort, ...secrets } = await readAccess(file);
  const options = { backend: session.backend, pageDir: PAGE_DIR, host, ...secrets };
  const again = port === 0 && lastPort ? await startWebServer({ ...options, port: lastPort }) : undefined;
  const server = again?.ok ? again : await startWebServer({ ...options, port });
  if (server.ok) await keepAccess(file, { ...secrets, port: server.value.port });
  return server;
}

/** Answers with the sandbox to take down at the end; undefined where the lab was up before. */
async function openFirstLab(session: CliSession, ref: string): Promise<Result<string | undefined>> {
  const listed = await session.sandboxes();
  if (!listed.ok) return listed;
  const name = await sandboxName(ref, listed.value);
  const before = listed.value.find((sandbox) => sandbox.name === name);
  const up = before ? ok(before) : await bringUp(session, ref);
  if (!up.ok) return up;
  process.stderr.write(`${printUp(up.value)}\n\n`);
  const sent = await send(session, up.value.name, up.value, {});
  if (sent.ok) process.stdout.write(`${printSent(sent.value)}\n\n`);
  else session.fault(sent.fault);
  return ok(before ? undefined : up.value.name);
}
