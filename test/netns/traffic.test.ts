/**
 * What the programs send, on the real kernel: sizes, the DF bit, and what a sender is told of what was too big.
 *
 *     a eth0 10.0.1.2 --- eth0 10.0.1.1 r eth1 10.0.2.1 --- eth0 10.0.2.2 b
 *                 1500                     1400
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { finish, inSandbox, until, Workplace } from "./hoplab.ts";

const place = new Workplace();
const name = `${place.prefix}traffic`;
let pid = 0;
const LAB = `id: narrow
title: { en: A narrow link }
requires: [veth]
namespaces:
  - name: a
    interfaces: [{ name: eth0, addresses: [10.0.1.2/24] }]
    routes: [{ to: default, via: 10.0.1.1 }]
  - name: r
    interfaces:
      - { name: eth0, addresses: [10.0.1.1/24] }
      - { name: eth1, addresses: [10.0.2.1/24], mtu: 1400 }
    sysctls: { net.ipv4.ip_forward: 1 }
  - name: b
    interfaces: [{ name: eth0, addresses: [10.0.2.2/24], mtu: 1400 }]
    routes: [{ to: default, via: 10.0.2.1 }]
links: [[a/eth0, r/eth0], [r/eth1, b/eth0]]
traffic: [{ from: a, to: b, size: 1400, dontFragment: true }]
`;

beforeAll(async () => {
  const file = join(place.folder, "narrow", "lab.yaml");
  mkdirSync(join(place.folder, "narrow"));
  writeFileSync(file, LAB);
  ({ pid } = await place.json("up", file, "--name", name));
});

afterAll(async () => {
  await place.downAll();
  place[Symbol.dispose]();
});

test("a ping with DF that the lab file suggests and that is too long for a link says what the router answered", async () => {
  const { code, stdout } = await place.hoplab("send", name);
  expect(code).toBe(1);
  expect(stdout).toContain(
    "What the sender was told\n  From 10.0.1.1 icmp_seq=1 Frag needed and DF set (mtu = 1400)\n",
  );
});

test("UDP with DF is refused by the sender's own kernel once it has learned the path MTU", async () => {
  await place.hoplab("send", name, "--size", "1400", "--dont-fragment", "--protocol", "udp");
  const again = await place.hoplab("send", name, "--size", "1400", "--dont-fragment", "--protocol", "udp", "--json");
  expect(again.code).toBe(1);
  expect(JSON.parse(again.stdout).complaints).toEqual(["udp 1: Message too long, mtu=1400"]);
});

test.each(["icmp", "udp", "tcp"])(
  "%s of more than any link takes is answered where it may be cut",
  async (protocol) => {
    const large = ["send", name, "--size", "3000", "--fragment", "--protocol", protocol];
    expect(await place.json(...large)).toMatchObject({ sent: 1, received: 1, complaints: [] });
  },
);

test.each([
  ["icmp", "ping"],
  ["udp", "perl"],
])("%s that is cancelled says so, and ends with all that was started for it", async (protocol, program) => {
  const running = () => inSandbox(pid, "sh", "-c", `pgrep -x '${program}|tcpdump' || true`).trim().split("\n");
  const before = running();
  const sending = place.start("send", name, "--protocol", protocol, "--count", "100000");
  const ended = finish(sending);
  await until(running, (now) => now.length > before.length + 4, 60);
  sending.kill("SIGINT");
  const { code, stderr } = await ended;
  expect(code).toBe(1);
  expect(stderr).toContain("the sending was cancelled");
  await until(running, (now) => now.length <= before.length);
});

test("a lab that is taken down while something is sent says what to do", async () => {
  const other = `${name}-down`;
  const { pid: there } = await place.json("up", "bridge-arp", "--name", other);
  const sending = place.start("send", other, "--from", "h1", "--to", "h2", "--count", "100000");
  const ended = finish(sending);
  const pings = () => inSandbox(there, "sh", "-c", "pgrep -x ping || true").trim();
  await until(pings, (found) => found !== "", 60);
  await place.json("down", other);
  const { code, stderr } = await ended;
  expect(code).toBe(1);
  expect(stderr).toContain("bring it up again with `hoplab up`");
  expect(stderr).not.toContain("stay up");
});

test.each(["icmp", "udp", "tcp"])("%s with no payload at all is answered", async (protocol) => {
  const empty = ["send", name, "--size", "0", "--protocol", protocol];
  expect(await place.json(...empty)).toMatchObject({ sent: 1, received: 1, complaints: [] });
});

test("a destination without a route is told as what it is, and no packet is seen", async () => {
  const { code, stdout } = await place.hoplab(
    "send",
    name,
    "--from",
    "r",
    "--to",
    "10.9.9.9",
    "--size",
    "56",
    "--json",
  );
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    received: 0,
    journeys: [],
    complaints: ["ping: connect: Network is unreachable"],
  });
});

test("what a namespace sends to itself is answered and not seen, and the way that it goes is named", async () => {
  const { code, stdout } = await place.hoplab("send", name, "--from", "a", "--to", "a");
  expect(code).toBe(0);
  expect(stdout).toContain("No packet of this traffic was seen: what a namespace sends to itself goes over lo");
  expect(stdout).toContain("1 sent, 1 answered");
});
