/** What only a whole machine of the tests' own can be made to do: labs over SSH on a kernel with everything. */

import { afterEach, expect, test } from "vitest";
import type { Hop, Journey } from "../../preload/contract/journey.ts";
import { until, Workplace } from "../netns/hoplab.ts";
import { scriptThere } from "../netns/there.ts";

const place = new Workplace();
const one = `${place.prefix}vm`;

afterEach(async () => {
  await place.downAll();
});

const where = (journey?: Journey) => journey?.hops.map((hop: Hop) => `${hop.netns}/${hop.interface} ${hop.direction}`);

/**
 * What a lab could leave there: processes, mounts and named network namespaces, a line each. Kernel threads come and go
 * with their work, and ssh's own with the connections that ask.
 */
function left(): string[] {
  const lines = scriptThere("ps -eo ppid=,args=; cat /proc/self/mounts; ls /run/netns 2>/dev/null || true").split("\n");
  return lines.map((line) => line.trim()).filter((line) => !/^2 |\[kthreadd\]|sshd|ps -eo ppid=|^$/.test(line));
}

test("every kernel feature and program that a lab may need is there", async () => {
  const diagnosis = await place.json("doctor");
  expect(diagnosis.findings.filter(({ found }: { found: boolean }) => !found)).toEqual([]);
  expect(diagnosis.labs.filter(({ lacks }: { lacks: string[] }) => lacks.length > 0)).toEqual([]);
});

test("a lab is followed over SSH as it is here, and the machine is as it was when it is gone", async () => {
  const before = left();
  await place.json("up", "flannel-vxlan", "--name", one);
  const sent = await place.json("send", one, "--from", "a", "--to", "c");
  expect(sent).toMatchObject({ sent: 1, received: 1 });
  expect(where(sent.journeys[0])).toEqual([
    "pod/a/eth0 out",
    "node/node1/veth9debe759 in",
    "node/node1/cni0 in",
    "node/node1/flannel.1 out",
    "node/node1/eth0 out",
    "net/lan/node1 in",
    "net/lan/node2 out",
    "node/node2/eth0 in",
    "node/node2/flannel.1 in",
    "node/node2/cni0 out",
    "node/node2/vethee176ba6 out",
    "pod/c/eth0 in",
  ]);
  await place.hoplab("down", one);
  await until(
    () => left().filter((line) => !before.includes(line)),
    (more) => more.length === 0,
    60,
  );
});

test("a clock that is hours off spoils nothing", async () => {
  const hours = 3;
  scriptThere(`date -s "@$(($(date +%s) + ${hours * 3600}))"`);
  try {
    await place.json("up", "bridge-arp", "--name", one);
    const sent = await place.json("send", one, "--from", "h1", "--to", "h2");
    expect(sent).toMatchObject({ sent: 1, received: 1 });
    expect(sent.journeys.map(({ end }: Journey) => end)).toEqual(["arrived", "arrived"]);
    const [capture] = (await place.json("read", `${place.folder}/data/captures/${sent.capture}/capture.pcapng`))
      .journeys;
    expect(capture.end).toBe("arrived");
  } finally {
    scriptThere(`date -s "@$(($(date +%s) - ${hours * 3600}))"`);
  }
});
