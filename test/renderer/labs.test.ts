import { describe, expect, it } from "vitest";
import type { Capture } from "../../preload/contract/calls.ts";
import type { LabSummary, Language, Sandbox } from "../../preload/contract/lab.ts";
import { shortcutOf } from "../../renderer/app/shortcuts.ts";
import {
  captureOfSandbox,
  capturesById,
  capturesOfLab,
  gapBetween,
  gapTimes,
  withCounters,
} from "../../renderer/state/captures.ts";
import {
  alsoUpOn,
  freeName,
  groupLabs,
  type LabsState,
  lacksOf,
  noLabs,
  sandboxesOf,
  targetsThatCan,
  withBuilding,
  withFault,
  withoutBuilding,
  withSandboxes,
} from "../../renderer/state/labs.ts";
import { createPreferences } from "../../renderer/state/preferences.ts";
import { endGroups, endNamed } from "../../renderer/traffic/ends.ts";
import topology from "./flannel-vxlan.topology.json";
import { recordedTopology } from "./recorded-topology.ts";

function sandbox(name: string, startedAt = 1000, target = "local"): Sandbox {
  return { name, lab: "flannel-vxlan", target, pid: 1, startedAt, namespaces: [], rootless: true, revision: 0 };
}
function capture(id: string, startedAt: number, running = false): Capture {
  return {
    id,
    sandbox: "flannel-vxlan",
    lab: "flannel-vxlan",
    target: "local",
    gaps: [],
    file: `${id}.pcapng`,
    startedAt,
    running,
    interfaces: [],
    frames: 0,
    packets: 0,
    dropped: 0,
    bytes: 0,
  };
}

const onLocal: LabsState = { ...noLabs, target: "local" };

import { LAB } from "./recorded-client.ts";

describe("the list of labs", () => {
  const labs: LabSummary[] = [
    { ...LAB, id: "calico-ipip", title: { en: "Calico IPIP" }, summary: { en: "" }, group: "calico" },
    {
      ...LAB,
      id: "bridge-arp",
      title: { en: "ARP", "zh-Hant": "橋接器" },
      summary: { en: "" },
      group: "basics",
      requires: [],
    },
    LAB,
  ];
  const names = (filter: string, language: Language = "en") =>
    groupLabs(labs, filter, language).map((one) => [one.group, ...one.labs.map(({ id }) => id)]);

  it("is grouped by family, in the order of the families", () => {
    expect(names("")).toEqual([
      ["basics", "bridge-arp"],
      ["flannel", "flannel-vxlan"],
      ["calico", "calico-ipip"],
    ]);
  });

  it("is found in by any words of a lab, in any order and case, and by what it needs", () => {
    expect(names("ipip CAL")).toEqual([["calico", "calico-ipip"]]);
    expect(names("tunnel")).toEqual([["flannel", "flannel-vxlan"]]);
    expect(names("橋接", "zh-Hant")).toEqual([["basics", "bridge-arp"]]);
    expect(names("br_netfilter").flat()).not.toContain("bridge-arp");
    expect(names("no such lab")).toEqual([]);
  });
});

describe("sandboxes", () => {
  it("of one lab stand side by side, each under a name of its own", () => {
    let state = withSandboxes(onLocal, [sandbox("flannel-vxlan")]);
    expect(freeName(onLocal, "flannel-vxlan")).toBe("flannel-vxlan");
    expect(freeName(state, "flannel-vxlan")).toBe("flannel-vxlan-2");
    state = withBuilding(state, { target: "local", name: "flannel-vxlan-2", lab: "flannel-vxlan" });
    expect(freeName(state, "flannel-vxlan")).toBe("flannel-vxlan-3");
    expect(withoutBuilding(state, { target: "local", name: "flannel-vxlan-2" }).building).toEqual([]);
  });

  it("are listed oldest first", () => {
    const state = withSandboxes(onLocal, [sandbox("b", 2000), sandbox("a", 1000)]);
    expect(sandboxesOf(state, "flannel-vxlan").map(({ name }) => name)).toEqual(["a", "b"]);
  });

  it("stop leaving when they are gone", () => {
    const leaving = [
      { target: "local", name: "a" },
      { target: "local", name: "b" },
    ];
    expect(withSandboxes({ ...onLocal, leaving }, [sandbox("b")]).leaving).toEqual([{ target: "local", name: "b" }]);
  });

  it("of another target may have the same name, are told apart, and are named as being up there too", () => {
    const state = withSandboxes(onLocal, [sandbox("flannel-vxlan", 1000, "vm")]);
    expect(sandboxesOf(state, "flannel-vxlan")).toEqual([]);
    expect(freeName(state, "flannel-vxlan")).toBe("flannel-vxlan");
    expect(alsoUpOn(state, "flannel-vxlan")).toEqual(["vm"]);
    expect(alsoUpOn({ ...state, target: "vm" }, "flannel-vxlan")).toEqual([]);
  });

  it("of a target that was lost are kept until it is heard of again", () => {
    const state = withSandboxes(onLocal, [sandbox("a"), sandbox("b", 1000, "vm")]);
    expect(withSandboxes(state, [], ["local"]).sandboxes.map(({ name }) => name)).toEqual(["a"]);
    expect(withSandboxes(state, []).sandboxes).toEqual([]);
  });
});

describe("a lab that a target can't run", () => {
  const state: LabsState = {
    ...noLabs,
    target: "local",
    lacks: { local: { calico: ["ipip"] }, vm: { calico: [] }, cloud: { calico: ["ipip", "bird"] } },
  };

  it("is offered where nothing is missing, as probed or as its fault tells", () => {
    expect(lacksOf(state, "calico")).toEqual(["ipip"]);
    expect(targetsThatCan(state, "calico")).toEqual(["vm"]);
    const fault = { code: "missing" as const, message: "no ipip", targets: ["vm", "ubuntu"] };
    expect(targetsThatCan(withFault(state, "local", "calico", fault), "calico")).toEqual(["vm", "ubuntu"]);
    expect(lacksOf({ ...state, target: "ubuntu" }, "calico")).toBeUndefined();
  });
});

describe("captures", () => {
  it("of an earlier sandbox of the same name are not this sandbox's", () => {
    const all = capturesById([capture("old", 500), capture("new", 1500), capture("newer", 1700)]);
    expect(captureOfSandbox(all, sandbox("flannel-vxlan"))?.id).toBe("newer");
    expect(captureOfSandbox(capturesById([capture("old", 500)]), sandbox("flannel-vxlan"))).toBeUndefined();
    expect(captureOfSandbox(all, sandbox("flannel-vxlan", 1000, "vm"))).toBeUndefined();
  });

  it("that run are not listed as stored", () => {
    const all = capturesById([capture("a", 1), capture("b", 2, true), capture("c", 3)]);
    expect(capturesOfLab(all, "flannel-vxlan").map(({ id }) => id)).toEqual(["c", "a"]);
  });

  it("count their packets and drops as they come", () => {
    const all = withCounters(capturesById([capture("a", 1, true)]), {
      capture: "a",
      total: 5,
      packets: [],
      dropped: 2,
      frames: 60,
    });
    expect(all.a).toMatchObject({ packets: 5, dropped: 2, frames: 60 });
  });
});

describe("gaps", () => {
  const gaps = gapTimes(1000, [
    { from: 3000, to: 5000, why: "lost" },
    { from: 9000, why: "lost again" },
  ]);

  it("stand between the packets before and after them, once they are over", () => {
    expect(gapBetween(gaps, 1.5e9, 4.1e9)?.why).toBe("lost");
    expect(gapBetween(gaps, 0.5e9, 1.9e9)).toBeUndefined();
    expect(gapBetween(gaps, 4.1e9, 12e9)).toBeUndefined();
  });
});

describe("the ends of traffic", () => {
  const lab = recordedTopology(topology);

  it("are pods and nodes, never the network between them", () => {
    expect(endGroups(lab).map(({ kind, ends }) => [kind, ends.length])).toEqual([
      ["pod", 5],
      ["node", 3],
    ]);
  });

  it("are found by the short name that a lab file uses", () => {
    expect(endNamed(lab, "a")).toBe("pod/a");
    expect(endNamed(lab, "node/node2")).toBe("node/node2");
    expect(endNamed(lab, "10.244.1.2")).toBeUndefined();
    expect(endNamed(lab, "lan")).toBeUndefined();
  });
});

describe("preferences", () => {
  function memory(): Pick<Storage, "getItem" | "setItem"> {
    const kept = new Map<string, string>();
    return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
  }

  it("are the browser's language and the system's theme until chosen, then remembered", () => {
    const place = memory();
    const first = createPreferences(place, ["zh-TW"]);
    expect(first.getState()).toEqual({ language: "zh-Hant", theme: "system" });
    first.setState({ theme: "dark", language: "en", target: { name: "cloud", given: "local" } });
    expect(createPreferences(place, ["zh-TW"]).getState()).toEqual({
      language: "en",
      theme: "dark",
      target: { name: "cloud", given: "local" },
    });
  });

  it("ignore what is not a language or a theme", () => {
    const place = memory();
    place.setItem("hoplab.language", "klingon");
    place.setItem("hoplab.theme", "pink");
    place.setItem("hoplab.target", "cloud");
    expect(createPreferences(place, ["en"]).getState()).toEqual({ language: "en", theme: "system" });
  });
});

describe("shortcuts", () => {
  const key = (name: string, more = {}) => ({ key: name, ctrlKey: false, altKey: false, metaKey: false, ...more });

  it("work with and without Shift, but not while text is typed or with Ctrl", () => {
    expect(shortcutOf(key("f"), false)).toEqual({ id: "follow" });
    expect(shortcutOf(key("F"), false)).toEqual({ id: "follow" });
    expect(shortcutOf(key("f"), true)).toBeUndefined();
    expect(shortcutOf(key("f", { ctrlKey: true }), false)).toBeUndefined();
    expect(shortcutOf(key("2"), false)).toEqual({ id: "tab", index: 1 });
  });
});
