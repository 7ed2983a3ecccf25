/**
 * What flanneld does where routes are all that joins the nodes (host-gw, ipip): every 10 s it looks whether each route is
 * still there, and adds what is missing. With vxlan it does not. Source: flannel 0.28.9 pkg/backend/route_network.go,
 * routeCheck. Here it is a small program of its own on each node, which ends where the agent is stopped.
 */

import type { Route } from "../../../preload/contract/topology.ts";
import type { FlannelNode } from "./node.ts";

const ROUTES_FILE = "/run/flannel/routes";
const SECONDS = 10;

/**
 * Looks at its start too, as flanneld writes its routes then. `ip` adds what is missing, and says of the others that they
 * exist. The name is what ps shows.
 */
const CHECK = `$0 = "flanneld"; while (1) { system("ip -force -batch ${ROUTES_FILE} >/dev/null 2>&1"); sleep ${SECONDS} }`;
const ALL_THERE = `cut -d" " -f3 ${ROUTES_FILE} | while read -r to; do ip route show "$to" | grep -q . || exit 1; done`;

export function keepRoutes(node: FlannelNode, routes: readonly Route[]): void {
  node.netns.files.push({
    path: ROUTES_FILE,
    content: routes.map(addLine).join(""),
    why: "The routes that flanneld has written and looks after. The real one keeps them in its memory.",
  });
  node.netns.daemons.push({
    name: "flanneld",
    argv: ["perl", "-e", CHECK],
    why: `Puts back what is missing of ${node.label}'s routes to the other nodes, at its start and every ${SECONDS} s.`,
    ready: { command: ALL_THERE, why: "flanneld has looked at its routes once." },
  });
}

function addLine({ to, via, dev, onlink }: Route): string {
  return `route add ${to} via ${via} dev ${dev}${onlink ? " onlink" : ""}\n`;
}
