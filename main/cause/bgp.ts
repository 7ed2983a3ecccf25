/**
 * The BGP session behind a route that BIRD has written, found in what birdc printed. Never throws; where BIRD says nothing
 * that fits the route, there is no session.
 */

import type { Cause } from "../../preload/contract/journey.ts";
import { type NamespaceState, wordAfter } from "./state.ts";

/** One way to a prefix, as `birdc show route all` prints it. */
interface Path {
  session: string;
  /** BIRD's choice among several. */
  best: boolean;
  via?: string;
  asPath: string;
  originator?: string;
}

/** `route`: as `ip route` prints it, `gateway` its next hop. */
export function bgpSessionCauses(state: NamespaceState, route: string, gateway: string | undefined): Cause[] {
  const lines = state.bird ?? [];
  const socket = wordAfter(lines[0] ?? "", "socket");
  if (wordAfter(route, "proto") !== "bird" || !socket || !gateway) return [];
  const prefix = route.split(" ")[0]!;
  const fitting = pathsTo(lines, prefix).filter(({ via }) => via === gateway);
  const path = fitting.find(({ best }) => best) ?? fitting[0];
  const session = path && sessionOf(lines, path.session);
  if (!path || !session) return [];
  const text = [
    `${path.session} ${session.state.toLowerCase()}`,
    `from ${session.neighbour} (AS ${session.as})`,
    ...(path.originator ? [`originator ${path.originator}`] : []),
    `AS path ${path.asPath || "empty"}`,
  ].join(", ");
  return [{ kind: "bgp-session", text, command: `birdc -s ${socket} show route for ${prefix} all` }];
}

/** All lines about a prefix: the first begins with it, each further path with its kind. */
function pathsTo(lines: readonly string[], prefix: string): Path[] {
  const start = lines.findIndex((line) => line.startsWith(`${prefix} `) && line.includes("["));
  const paths: Path[] = [];
  for (const [index, line] of lines.slice(Math.max(start, 0)).entries()) {
    if (start < 0 || (index > 0 && /^\d+\.\d+\.\d+\.\d+\/\d+ /.test(line))) break;
    const session = /\bunicast \[(\S+) [^\]]*\](.*)/.exec(line);
    const path = paths.at(-1);
    if (session) paths.push({ session: session[1]!, best: session[2]!.includes("*"), asPath: "" });
    else if (path && line.startsWith("via ")) path.via ??= wordAfter(line, "via");
    else if (path && line.startsWith("BGP.as_path:")) path.asPath = line.slice("BGP.as_path:".length).trim();
    else if (path && line.startsWith("BGP.originator_id:")) path.originator = wordAfter(line, "BGP.originator_id:");
  }
  return paths;
}

/** What `birdc show protocols all` says of a session. */
function sessionOf(
  lines: readonly string[],
  name: string,
): { state: string; neighbour: string; as: string } | undefined {
  const start = lines.findIndex((line) => line.startsWith(`${name} `) && /\sBGP\s/.test(line));
  if (start < 0) return undefined;
  const said = (label: string) =>
    lines
      .slice(start)
      .find((line) => line.startsWith(label))
      ?.slice(label.length)
      .trim();
  const [state, neighbour, as] = [said("BGP state:"), said("Neighbor address:"), said("Neighbor AS:")];
  return state && neighbour && as ? { state, neighbour, as } : undefined;
}
