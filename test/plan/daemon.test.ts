import { expect, it } from "vitest";
import { emptyNamespace } from "../../main/layout/namespace.ts";
import { planDaemons } from "../../main/plan/daemon.ts";
import { planNftTable } from "../../main/plan/nft.ts";

it("all daemons are started before any is waited for, since some are ready only when others are", () => {
  const [one, two] = ["one", "two"].map((label) => {
    const netns = emptyNamespace("node", `node/${label}`, label, "A node.");
    netns.daemons.push({
      name: "bird",
      argv: ["bird", "-f", "-c", "/run/calico/it's.cfg"],
      why: "Tells its neighbours which pods are here.",
      ready: { command: "ip route | grep -q bird", why: "the neighbours' routes are there" },
    });
    return netns;
  });
  const [start, wait] = planDaemons([one!, two!]);
  expect(start?.steps.map(({ command }) => /\/run\/netns\/(\S+)/.exec(command)?.[1])).toEqual([
    undefined,
    "node.one",
    "node.two",
  ]);
  expect(start?.steps[1]?.command).toContain(`bird -f -c '/run/calico/it'\\''s.cfg' </dev/null`);
  expect(wait?.steps).toHaveLength(2);
  const waits = wait?.steps[0]?.command ?? "";
  expect(waits).toContain("until nsenter --net=/run/netns/node.one unshare --mount sh -c");
  expect(waits).toContain("node.one sh -c 'ip route | grep -q bird' >/dev/null");
});

it("an nftables table has all its chains before the rules that jump to them", () => {
  const steps = planNftTable({
    family: "ip",
    name: "t",
    why: "A table.",
    chains: [
      { name: "a", hook: "type filter hook forward priority filter;", rules: [{ rule: "jump b", why: "" }], why: "" },
      { name: "b", rules: [{ rule: "accept", why: "" }], why: "" },
    ],
  });
  expect(steps.map(({ command }) => command)).toEqual([
    "add table ip t",
    "add chain ip t a { type filter hook forward priority filter; }",
    "add chain ip t b",
    "add rule ip t a jump b",
    "add rule ip t b accept",
  ]);
});
