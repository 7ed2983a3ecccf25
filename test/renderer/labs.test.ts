import { describe, expect, it } from "vitest";
import type { Capture } from "../../preload/contract/calls.ts";
import type { Sandbox } from "../../preload/contract/lab.ts";
import { shortcutOf } from "../../renderer/app/shortcuts.ts";
import { captureOfSandbox, capturesById, capturesOfLab, withCounters } from "../../renderer/state/captures.ts";
import {
  freeName,
  noLabs,
  sandboxesOf,
  withBuilding,
  withoutBuilding,
  withSandboxes,
} from "../../renderer/state/labs.ts";
import { createPreferences } from "../../renderer/state/preferences.ts";
import { endGroups, endNamed } from "../../renderer/traffic/ends.ts";
import topology from "./flannel-vxlan.topology.json";
import { recordedTopology } from "./recorded-topology.ts";

function sandbox(name: string, startedAt = 1000): Sandbox {
  return { name, lab: "flannel-vxlan", target: "local", pid: 1, startedAt, namespaces: [], rootless: true };
}
function capture(id: string, startedAt: number, running = false): Capture {
  return {
    id,
    sandbox: "flannel-vxlan",
    lab: "flannel-vxlan",
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

describe("sandboxes", () => {
  it("of one lab stand side by side, each under a name of its own", () => {
    let state = withSandboxes(noLabs, [sandbox("flannel-vxlan")]);
    expect(freeName(noLabs, "flannel-vxlan")).toBe("flannel-vxlan");
    expect(freeName(state, "flannel-vxlan")).toBe("flannel-vxlan-2");
    state = withBuilding(state, "flannel-vxlan-2", { lab: "flannel-vxlan" });
    expect(freeName(state, "flannel-vxlan")).toBe("flannel-vxlan-3");
    expect(withoutBuilding(state, "flannel-vxlan-2").building).toEqual({});
  });

  it("are listed oldest first", () => {
    const state = withSandboxes(noLabs, [sandbox("b", 2000), sandbox("a", 1000)]);
    expect(sandboxesOf(state, "flannel-vxlan").map(({ name }) => name)).toEqual(["a", "b"]);
  });

  it("stop leaving when they are gone", () => {
    const state = { ...noLabs, leaving: ["a", "b"] };
    expect(withSandboxes(state, [sandbox("b")]).leaving).toEqual(["b"]);
  });
});

describe("captures", () => {
  it("of an earlier sandbox of the same name are not this sandbox's", () => {
    const all = capturesById([capture("old", 500), capture("new", 1500), capture("newer", 1700)]);
    expect(captureOfSandbox(all, sandbox("flannel-vxlan"))?.id).toBe("newer");
    expect(captureOfSandbox(capturesById([capture("old", 500)]), sandbox("flannel-vxlan"))).toBeUndefined();
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
    first.setState({ theme: "dark", language: "en" });
    expect(createPreferences(place, ["zh-TW"]).getState()).toEqual({ language: "en", theme: "dark" });
  });

  it("ignore what is not a language or a theme", () => {
    const place = memory();
    place.setItem("hoplab.language", "klingon");
    place.setItem("hoplab.theme", "pink");
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
