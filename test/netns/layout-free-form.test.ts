/** Free-form labs on the real kernel: a plain switch, and a router with a network of the cluster behind it. */

import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseLab, readLab } from "../../main/lab/read.ts";
import type { Lab } from "../../main/lab/schema.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import { planLab } from "../../main/plan/plan.ts";
import { printPlan } from "../../main/plan/script.ts";
import { buildAndRun, lacks, processesIn, type Who } from "./build.ts";
import { parseState, READ_STATE } from "./kernel-state.ts";

const reasons = { root: await lacks("root"), user: await lacks("user") };

/** Two nodes on two networks that a free-form router joins, and a client behind it. */
const ROUTED = `
id: routed
title: { en: Routed }
summary: { en: VXLAN between two networks. }
underlay:
  networks:
    - { name: east, subnet: 10.1.0.0/24, gateway: 10.1.0.254 }
    - { name: west, subnet: 10.2.0.0/24, gateway: 10.2.0.254 }
nodes:
  - { name: n1, address: 10.1.0.1 }
  - { name: n2, address: 10.2.0.2 }
network: { plugin: flannel, network: 10.244.0.0/16 }
pods: [{ name: a, node: n1 }, { name: b, node: n2 }]
namespaces:
  - name: router
    interfaces:
      - { name: eth0, addresses: [10.1.0.254/24] }
      - { name: eth1, addresses: [10.2.0.254/24] }
      - { name: eth2.5, addresses: [192.0.2.1/24], mac: "02:AA:BB:CC:DD:EE", mtu: 1400 }
    sysctls: { net.ipv4.ip_forward: 1, net/ipv4/conf/eth2.5/proxy_arp: 1 }
  - name: client
    interfaces: [{ name: eth0, addresses: [192.0.2.2/24] }]
    routes: [{ to: default, via: 192.0.2.1 }]
links:
  - [router/eth0, net/east/uplink]
  - [router/eth1, net/west/uplink]
  - [router/eth2.5, client/eth0]
`;

async function build(who: Who, lab: Lab, command: string) {
  const { code, stdout, stderr } = await buildAndRun(
    who,
    printPlan(planLab(layOutLab(lab))),
    `${READ_STATE}\n${command}`,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const state = parseState(stdout);
  expect(await processesIn(state.inodes)).toEqual([]);
  return state;
}

const ping = (netns: string, address: string) =>
  `echo "${netns} ${address} $(ip netns exec ${netns} ping -q -n -c 1 -W 2 ${address} | grep -o '[0-9.]*% packet loss')"`;

for (const who of ["root", "user"] as const) {
  const reason = reasons[who];
  describe(`built by ${who}${reason ? ` (skipped: ${reason})` : ""}`, { skip: reason !== undefined }, () => {
    it("bridge-arp is three machines on a switch without addresses, which learns nothing before they speak", async () => {
      const file = fileURLToPath(new URL("../../labs/bridge-arp/lab.yaml", import.meta.url));
      const read = await readLab(file);
      if (!read.ok) throw new Error(read.fault.message);
      const state = await build(
        who,
        read.value.lab,
        [ping("h1", "10.0.0.2"), ping("h1", "10.0.0.3"), ping("h2", "10.0.0.3")].join("\n"),
      );
      const sw = state.namespaces.get("switch")!;
      expect(sw.ports("br0")).toEqual(["port1", "port2", "port3"].map((name) => ({ name, hairpin: false })));
      expect(sw.addresses("br0")).toEqual([]);
      expect(sw.routes).toEqual([]);
      expect(sw.sysctl("net/bridge/bridge-nf-call-iptables")).toBe("0");
      const h3 = state.namespaces.get("h3")!;
      expect(h3.addresses("eth0")).toEqual(["10.0.0.3/24 brd 10.0.0.255 scope global"]);
      expect(sw.fdb("port3").filter((entry) => entry.startsWith(h3.link("eth0")!.address))).toEqual([]);
      expect(state.rest.trim().split("\n")).toEqual([
        "h1 10.0.0.2 0% packet loss",
        "h1 10.0.0.3 0% packet loss",
        "h2 10.0.0.3 0% packet loss",
      ]);
    });

    it("a free-form router joins two underlay networks, and the tunnel crosses it", async () => {
      const lab = parseLab(ROUTED, "routed.yaml");
      if (!lab.ok) throw new Error(lab.fault.message);
      const state = await build(
        who,
        lab.value,
        [ping("pod.a", "10.244.1.2"), ping("client", "10.1.0.1"), ping("pod.b", "192.0.2.2")].join("\n"),
      );
      const router = state.namespaces.get("router")!;
      expect(router.sysctl("net/ipv4/ip_forward")).toBe("1");
      expect(router.link("eth2.5")).toMatchObject({ address: "02:aa:bb:cc:dd:ee", mtu: 1400 });
      // The router has the gateway's address, so the switch has none.
      expect(state.namespaces.get("net.east")!.addresses("br0")).toEqual([]);
      expect(state.namespaces.get("node.n1")!.routes).toContain("default via 10.1.0.254 dev eth0");
      expect(state.rest.trim().split("\n")).toEqual([
        "pod.a 10.244.1.2 0% packet loss",
        "client 10.1.0.1 0% packet loss",
        "pod.b 192.0.2.2 0% packet loss",
      ]);
    });
  });
}
