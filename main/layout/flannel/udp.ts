/**
 * The UDP backend, flannel's oldest: a TUN device on each node whose other end is a process, flanneld itself. It reads what
 * is routed into the device and sends it in UDP to the node that has the destination, whose flanneld writes it into its own
 * device. The kernel knows one route; who is where, only the process knows. Source: flannel 0.28.9 pkg/backend/udp.
 */

import type { FlannelNetwork } from "../../lab/schema.ts";
import { formatAddress, formatSubnet } from "../address.ts";
import type { FlannelNode } from "./node.ts";
import { UDP_PROXY } from "./udp-proxy.ts";

/** Outer IPv4 20 and UDP 8 bytes. */
export const UDP_OVERHEAD = 28;

export const UDP_DEVICE = "flannel0";
const PROXY_FILE = "/run/flannel/udp-proxy.pl";
const ROUTES_FILE = "/run/flannel/udp-routes";

type UdpBackend = Extract<FlannelNetwork["backend"], { type: "udp" }>;

/** `mtu`: of the TUN device, by node. */
export function connectByUdp(
  network: FlannelNetwork,
  backend: UdpBackend,
  nodes: FlannelNode[],
  mtu: (node: FlannelNode) => number,
): void {
  for (const node of nodes) {
    const address = formatAddress(node.subnet.base);
    node.netns.interfaces.push({
      kind: "tun",
      name: UDP_DEVICE,
      mtu: mtu(node),
      addresses: [`${address}/32`],
      dev: node.iface,
      port: backend.port,
      why: `The way to the other nodes: whatever is routed into it, a process reads, which sends it out of ${node.iface} in a UDP packet to port ${backend.port}. Its MTU is ${UDP_OVERHEAD} bytes smaller, which leaves room for the outer IP and UDP headers. It has no MAC address.`,
    });
    node.netns.routes.push({
      to: network.network,
      dev: UDP_DEVICE,
      scope: "global",
      why: `All pods of the cluster but ${node.label}'s own, which have a more specific route. The kernel's table says no more; which node has which pods, only flanneld knows.`,
    });
    node.netns.files.push(
      {
        path: PROXY_FILE,
        content: UDP_PROXY,
        why: "The part of flanneld that carries packets, written anew in perl with the behaviour of flannel's proxy_amd64.c.",
      },
      {
        path: ROUTES_FILE,
        content: nodes
          .filter((remote) => remote !== node)
          .map((remote) => `${formatSubnet(remote.subnet)} ${remote.address}:${backend.port}\n`)
          .join(""),
        why: "The process's own routes: which node has which pods. The real flanneld learns them from Kubernetes.",
      },
    );
    node.netns.daemons.push({
      name: "flanneld",
      argv: [
        "perl",
        PROXY_FILE,
        UDP_DEVICE,
        address,
        `${node.address}:${backend.port}`,
        String(mtu(node)),
        ROUTES_FILE,
      ],
      why: `Carries packets between ${UDP_DEVICE} and UDP port ${backend.port}. Each time one passes it, it takes one off the TTL.`,
      ready: {
        command: `ip link show dev ${UDP_DEVICE} | grep -q LOWER_UP`,
        why: `A TUN device has a carrier once a process holds its other end.`,
      },
    });
  }
}
