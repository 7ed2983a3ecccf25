/** The TCP connection to a machine, in two steps that can fail each: its name and its port. */

import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { type Fault, fail, messageOf, ok, type Result } from "../../../preload/contract/result.ts";
import type { ConnectionStep } from "../../../preload/contract/target.ts";
import { printSshAddress } from "./address.ts";

export interface Place {
  host: string;
  port: number;
  connectTimeoutMs: number;
}

/** Told of each step's end; `host` is filled in by whoever knows it. */
export type Report = (step: Omit<ConnectionStep, "host">) => void;

/** Ends a step: tells it, and hands on its result. */
export function finish<T>(
  step: ConnectionStep["step"],
  result: Result<T>,
  report: Report,
  detail: (value: T) => string,
) {
  if (result.ok) report({ step, ok: true, detail: detail(result.value) });
  else report({ step, ok: false, detail: result.fault.message, fault: result.fault });
  return result;
}

/** Faults: `not-found` (name), `gone` (refused, unreachable), `timeout`, `cancelled`. */
export async function openSocket(place: Place, report: Report, signal: AbortSignal): Promise<Result<Socket>> {
  const resolved = finish("resolve", await resolveName(place, signal), report, (addresses) => addresses.join(", "));
  if (!resolved.ok) return resolved;
  return finish(
    "connect",
    await connectTo(place, resolved.value, signal),
    report,
    ({ remoteAddress }) => `${remoteAddress} port ${place.port}`,
  );
}

async function resolveName({ host, connectTimeoutMs }: Place, signal: AbortSignal): Promise<Result<string[]>> {
  if (isIP(host)) return ok([host]);
  const limit = limitTo(connectTimeoutMs, signal);
  try {
    const found = await Promise.race([lookup(host, { all: true }), limit.reached]);
    if (found === "cancelled") return cancelled(host);
    if (found === "timeout") {
      return fail("timeout", `The name ${host} was not resolved in ${connectTimeoutMs / 1000} s`, {
        fix: "Check this machine's network and name server, or use the machine's address.",
      });
    }
    return ok(found.map(({ address }) => address));
  } catch (error) {
    const noAnswer = codeOf(error) === "EAI_AGAIN";
    return fail(
      "not-found",
      `The name ${host} can't be resolved: ${noAnswer ? "no name server answers" : "nobody has it"}`,
      {
        fix: "Check how it is written, or use the machine's address. ~/.ssh/config can give a name to it (HostName).",
      },
    );
  } finally {
    limit.stop();
  }
}

async function connectTo(place: Place, addresses: readonly string[], signal: AbortSignal): Promise<Result<Socket>> {
  const { host, port, connectTimeoutMs } = place;
  const socket = connect({
    host,
    port,
    noDelay: true,
    // All addresses are tried, IPv6 and IPv4 side by side; they are those that were told.
    lookup: (_name, _options, done) =>
      done(
        null,
        addresses.map((address) => ({ address, family: isIP(address) })),
      ),
    autoSelectFamily: true,
  });
  // Nothing is read, not even an end, until somebody listens.
  socket.pause();
  const limit = limitTo(connectTimeoutMs, signal);
  const connected = new Promise<Socket | Error>((resolve) => {
    socket.once("connect", () => resolve(socket));
    socket.on("error", resolve); // stays: an error after this is told by `close`, and must not be thrown
  });
  const outcome = await Promise.race([connected, limit.reached]);
  limit.stop();
  if (outcome === socket) return ok(socket);
  socket.destroy();
  if (outcome === "cancelled") return cancelled(host);
  const at = `${printSshAddress({ host, port: port === 22 ? undefined : port })} (${addresses.join(", ")} port ${port})`;
  const code = outcome === "timeout" ? "ETIMEDOUT" : codeOf(outcome);
  switch (code) {
    case "ETIMEDOUT":
      return fail("timeout", `${at} did not answer in ${connectTimeoutMs / 1000} s`, {
        fix: "Is the machine on, and the address right? A firewall between you and it may drop the connection.",
      });
    case "ECONNREFUSED":
      return fail("gone", `${at} refused the connection: nothing listens there`, {
        fix: "Check the port, and that sshd runs on the machine (systemctl status ssh).",
      });
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return fail("gone", `${at} can't be reached: there is no way to it from here`, {
        fix: "Check this machine's network, and whether a VPN or a jump host (--jump) leads there.",
      });
    default:
      return fail("gone", `${at} could not be connected to: ${messageOf(outcome)}`);
  }
}

/** Of several addresses that failed, what the first one said. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

export function cancelled(host: string): { ok: false; fault: Fault } {
  return fail("cancelled", `The connection to ${host} was cancelled`);
}

/** A time and a cancellation, in one promise that never rejects. */
function limitTo(ms: number, signal: AbortSignal): { reached: Promise<"timeout" | "cancelled">; stop: () => void } {
  let stop = () => {};
  const reached = new Promise<"timeout" | "cancelled">((resolve) => {
    const timer = setTimeout(() => resolve("timeout"), ms);
    const abort = () => resolve("cancelled");
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    stop = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    };
  });
  return { reached, stop };
}
