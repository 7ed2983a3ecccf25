/**
 * In every cluster that comes with Hoplab a node joins while the lab is up, its pod is reached from another node, agents are
 * stopped and started, and when it has left, the kernel's state is what it was before.
 */

import { afterAll, expect, it } from "vitest";
import { inSandbox, newTraces, traces, until, Workplace } from "./hoplab.ts";
import { comparable, READ_STATE } from "./kernel-state.ts";
import { labsHere } from "./labs.ts";

const before = traces();
const place = new Workplace();
const labs = await labsHere();

/** Labs in which nobody can just join, and why. */
const REFUSED: Record<string, string> = {
  "calico-bgp-router": "does not have joins",
};

afterAll(async () => {
  await place.downAll();
  place[Symbol.dispose]();
  await until(
    () => newTraces(before),
    (left) => left.length === 0,
  );
});

for (const { id, lab, lacks } of labs) {
  if (lab.nodes.length === 0 || !lab.network) continue;
  it(`${id}: a node joins and leaves${lacks ? ` (skipped: ${lacks})` : ""}`, {
    skip: lacks !== undefined,
  }, async () => {
    const name = `${place.prefix}${id}`;
    const { pid } = await place.json("up", id, "--name", name);
    const state = () => comparable(inSandbox(pid, "sh", "-c", READ_STATE));
    const then = state();
    const first = lab.pods.find(({ node }) => node === lab.nodes[0]?.name)?.name ?? "";

    if (REFUSED[id]) {
      const refused = await place.hoplab("node", "add", name, "joins", "--pods", "newcomer", "--json");
      expect(JSON.parse(refused.stdout).fault.message).toContain(REFUSED[id]);
      expect(state()).toEqual(then);
      return;
    }
    const joined = await place.json("node", "add", name, "joins", "--pods", "newcomer");
    expect(joined.nodes).toHaveLength(lab.nodes.length + 1);
    const sent = await place.json("send", name, "--from", first, "--to", "newcomer");
    expect(sent).toMatchObject({ sent: 1, received: 1 });

    await place.json("agent", "stop", name, "joins");
    await place.json("agent", "start", name, "joins");
    const shown = inSandbox(pid, "ip", "-n", `pod.${first}`, "-4", "-o", "addr", "show", "eth0");
    const [, address = ""] = /inet ([\d.]+)/.exec(shown) ?? [];
    const pinged = inSandbox(pid, "ip", "netns", "exec", "pod.newcomer", "ping", "-c", "1", "-W", "5", address);
    expect(pinged).toContain("1 received");

    await place.json("node", "remove", name, "joins");
    // What a daemon has learned from a node goes when it notices.
    const now = await until(state, (lines) => lines.join("\n") === then.join("\n"), 20).catch(state);
    expect(now).toEqual(then);
    await place.json("down", name);
  });
}
