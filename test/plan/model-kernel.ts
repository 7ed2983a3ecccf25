/**
 * A kernel as far as plans need one: it takes the steps of a plan and keeps what they make, with the habits that matter for
 * their order. What goes takes along what hangs on it; what is not there can't be changed; what is there can't be made
 * again. It is no judge of what Linux does (test/netns is), but of whether a plan says everything and nothing twice.
 */

import type { Batch, Plan, Step } from "../../main/plan/plan.ts";

interface Device {
  /** What it was made with. */
  made: string;
  peer?: string;
  lower?: string;
  settings: Map<string, string>;
}

class Namespace {
  readonly devices = new Map<string, Device>([["lo", { made: "", settings: new Map() }]]);
  /** Addresses, routes, neighbours, FDB entries and VLANs, by what tells them from others. */
  readonly addresses = new Map<string, string>();
  readonly routes = new Map<string, string>();
  readonly neighbours = new Map<string, string>();
  readonly fdb = new Map<string, string>();
  readonly vlans = new Map<string, string>();
  readonly sysctls = new Map<string, string>();
  readonly sets = new Map<string, Set<string>>();
  readonly tables = new Map<string, string[]>();
  readonly nft = new Map<string, string[]>();
}

export class ModelKernel {
  readonly #namespaces = new Map<string, Namespace>([["", new Namespace()]]);
  readonly #files = new Map<string, string>();
  readonly #daemons = new Map<string, string>();
  readonly #kept = new Map<string, string>();

  /** Runs the first `steps` steps of a plan; all of them unless given. Throws where one fails that must not. */
  run(plan: Plan, steps = Number.POSITIVE_INFINITY): void {
    let left = steps;
    for (const batch of plan.batches) {
      if (batch.tool === "iptables-restore" && left > 0) this.#restoreTables(batch);
      for (const step of batch.steps) {
        if (left-- <= 0) return;
        try {
          this.#step(batch, step);
        } catch (error) {
          if (!batch.tolerant) throw new Error(`${batch.netns ?? ""} ${batch.tool}: ${step.command}`, { cause: error });
        }
      }
    }
  }

  /** All that there is, a line each. */
  state(): string[] {
    const lines: string[] = [];
    for (const [name, netns] of this.#namespaces) {
      for (const [device, { made, settings }] of netns.devices) {
        const set = [...settings].map(([key, value]) => `${key}=${value}`).sort();
        lines.push(`${name} link ${device} ${made} ${set.join(" ")}`);
      }
      const maps = {
        address: netns.addresses,
        route: netns.routes,
        neigh: netns.neighbours,
        fdb: netns.fdb,
        vlan: netns.vlans,
      };
      for (const [kind, map] of Object.entries(maps)) {
        for (const [key, value] of map) lines.push(`${name} ${kind} ${key} ${value}`);
      }
      for (const [key, value] of netns.sysctls) if (value !== "kernel") lines.push(`${name} sysctl ${key} ${value}`);
      for (const [set, members] of netns.sets) lines.push(`${name} set ${set} ${[...members].sort().join(" ")}`);
      for (const [table, rules] of netns.tables) lines.push(`${name} table ${table} ${rules.join("\n")}`);
      for (const [table, rules] of netns.nft) lines.push(`${name} nft ${table} ${rules.join("\n")}`);
    }
    for (const [path, content] of this.#files) lines.push(`file ${path} ${content}`);
    for (const [name, argv] of this.#daemons) lines.push(`daemon ${name} ${argv}`);
    return lines.sort();
  }

  #step({ tool, netns = "", replace = false }: Batch, { command }: Step): void {
    const words = command.split(" ");
    const place = this.#netns(netns);
    switch (tool) {
      case "sh":
        this.#shell(netns, command);
        break;
      case "ip":
        this.#ip(netns, place, words);
        break;
      case "bridge":
        bridge(place, words);
        break;
      case "ipset":
        ipset(place, words, replace);
        break;
      case "nft":
        nft(place, words, command);
        break;
      default: // the whole batch at once, before its first step
    }
  }

  #netns(name: string): Namespace {
    const found = this.#namespaces.get(name);
    if (!found) throw new Error(`no namespace ${name}`);
    return found;
  }

  #ip(name: string, netns: Namespace, words: string[]): void {
    const [object = "", verb = "", ...rest] = words;
    const after = (word: string) => (rest.includes(word) ? rest[rest.indexOf(word) + 1] : undefined);
    if (object === "netns") {
      const [file = ""] = rest;
      if (this.#namespaces.has(file)) throw new Error("exists");
      this.#namespaces.set(file, new Namespace());
      return;
    }
    if (object === "link") {
      this.#link(name, netns, verb, rest);
      return;
    }
    const dev = after("dev");
    if (object !== "tuntap" && dev !== undefined && !netns.devices.has(dev)) throw new Error(`no device ${dev}`);
    const to = rest.find((word) => !["blackhole", "unreachable"].includes(word)) ?? "";
    if (object === "address") address(netns, verb, rest, dev ?? "");
    if (object === "tuntap") netns.devices.set(dev ?? "", { made: "tun", settings: new Map() });
    if (object === "neighbour") put(netns.neighbours, verb, `${rest[0]} ${dev}`, rest.join(" "));
    if (object === "route") put(netns.routes, verb, `${to} ${after("metric") ?? ""}`, rest.join(" "));
  }

  #link(name: string, netns: Namespace, verb: string, rest: string[]): void {
    if (verb === "add") {
      this.#addLink(name, netns, rest);
      return;
    }
    const device = rest[rest.indexOf("dev") + 1] ?? "";
    const found = netns.devices.get(device);
    if (!found) throw new Error(`no device ${device}`);
    if (verb === "delete") {
      this.#deleteLink(name, device);
      return;
    }
    const words = rest.slice(rest.indexOf("dev") + 2).filter((word) => word !== "type" && word !== "bridge_slave");
    for (let index = 0; index < words.length; index++) {
      const word = words[index] ?? "";
      if (word === "up" || word === "down") found.settings.set("state", word);
      else if (word === "nomaster") for (const key of ["master", "hairpin"]) found.settings.delete(key);
      else {
        const value = words[++index] ?? "";
        if (word === "master" && !netns.devices.has(value)) throw new Error(`no bridge ${value}`);
        if (word === "master" && found.settings.get("master") !== value) found.settings.delete("hairpin");
        found.settings.set(word, value);
      }
    }
    if (found.settings.get("hairpin") === "off") found.settings.delete("hairpin");
  }

  #addLink(name: string, netns: Namespace, rest: string[]): void {
    const text = rest.join(" ");
    const veth =
      /^name (\S+) netns (\S+) address (\S+) mtu (\S+) type veth peer name (\S+) netns (\S+) address (\S+) mtu (\S+)$/;
    const [, device, at = "", mac = "", mtu = "", peer, there = "", peerMac = "", peerMtu = ""] = veth.exec(text) ?? [];
    if (device && peer) {
      this.#addDevice(at, device, {
        made: "veth",
        peer: `${there} ${peer}`,
        settings: new Map([
          ["address", mac],
          ["mtu", mtu],
        ]),
      });
      this.#addDevice(there, peer, {
        made: "veth",
        peer: `${at} ${device}`,
        settings: new Map([
          ["address", peerMac],
          ["mtu", peerMtu],
        ]),
      });
      return;
    }
    const value = (word: string) => (rest.includes(word) ? rest[rest.indexOf(word) + 1] : undefined);
    const type = rest.slice(rest.indexOf("type"));
    const lower = rest.includes("vlan") ? value("link") : type[type.indexOf("dev") + 1];
    const carried = rest.includes("vlan") || rest.includes("vxlan");
    if (carried && !netns.devices.has(lower ?? "")) throw new Error(`no lower device ${lower}`);
    const settings = new Map(
      ["address", "mtu"].flatMap((word) => (value(word) ? [[word, value(word) ?? ""]] : [])) as [string, string][],
    );
    this.#addDevice(name, value("name") ?? "", {
      made: type.join(" "),
      settings,
      ...(carried && lower ? { lower } : {}),
    });
  }

  #addDevice(netns: string, name: string, device: Device): void {
    const { devices } = this.#netns(netns);
    if (devices.has(name)) throw new Error(`${name} exists`);
    devices.set(name, device);
  }

  #deleteLink(name: string, device: string): void {
    const netns = this.#netns(name);
    const found = netns.devices.get(device);
    if (!found) return;
    netns.devices.delete(device);
    for (const map of [netns.addresses, netns.routes, netns.neighbours, netns.fdb, netns.vlans]) dropOn(map, device);
    for (const key of [...netns.sysctls.keys()]) if (key.includes(`/${device}/`)) netns.sysctls.delete(key);
    for (const [other, { settings, lower }] of [...netns.devices]) {
      if (settings.get("master") === device) for (const key of ["master", "hairpin"]) settings.delete(key);
      if (lower === device) this.#deleteLink(name, other);
    }
    const [there = "", peer = ""] = (found.peer ?? "").split(" ");
    if (found.peer && this.#namespaces.has(there)) this.#deleteLink(there, peer);
  }

  #shell(name: string, command: string): void {
    const netns = this.#netns(name);
    const commands: [RegExp, (...words: string[]) => void][] = [
      [/^ip netns delete (\S+)$/, (gone) => this.#deleteNetns(gone ?? "")],
      [/^rm -r?f (\S+)/, (path) => this.#removeFiles(path ?? "")],
      [/^cat >(\S+) <<'EOF'\n([\s\S]*)EOF$/, (path = "", content = "") => this.#files.set(path, content)],
      [/^stop \/run\/hoplab\/daemons\/(\S+) /, (daemon = "") => this.#daemons.delete(daemon)],
      [
        /unshare --mount sh -c '[\s\S]*' \S+ (.*) <\/dev\/null >\/run\/hoplab\/daemons\/(\S+)\.log/,
        (argv = "", daemon = "") => put(this.#daemons, "add", daemon, argv),
      ],
      [
        /^\[ -e (\/run\/hoplab\/sysctls\/\S+) \] .* cat \/proc\/sys\/(\S+) >/,
        (place = "", key = "") => this.#kept.set(place, this.#kept.get(place) ?? netns.sysctls.get(key) ?? "kernel"),
      ],
      [
        /^\[ ! -e (\/run\/hoplab\/sysctls\/\S+) \] .* >\/proc\/sys\/(\S+); rm /,
        (place = "", key = "") => {
          const value = this.#kept.get(place);
          if (value !== undefined) netns.sysctls.set(key, value);
          this.#kept.delete(place);
        },
      ],
      [/echo (\S+) >\/proc\/sys\/(\S+)$/, (value = "", key = "") => setSysctl(netns, key, value)],
      [
        /^ip ntable change name arp_cache dev (\S+) proxy_delay (\d+)$/,
        (device = "", value = "") => setSysctl(netns, `net/ipv4/neigh/${device}/proxy_delay`, value),
      ],
      [/^ipset destroy (\S+)$/, (set = "") => netns.sets.delete(set)],
      [
        /^nft delete table (.+)$/,
        (table = "") => {
          netns.nft.delete(table);
          netns.tables.delete(table.replace(/^ip /, ""));
        },
      ],
      [
        /^\[ -e \/proc\/sys\/net\/ipv4\/conf\/(\S+) \] \|\| ip link add/,
        (device = "") => {
          if (!netns.devices.has(device)) netns.devices.set(device, { made: "kernel", settings: new Map() });
        },
      ],
      // Folders, waiting, how a daemon is ended, and how it is told to read its files.
      [/^(?:mkdir -p|tries=0|runs\(\)|mount |ip link set dev lo up|nsenter )/, () => {}],
    ];
    for (const [pattern, run] of commands) {
      const found = pattern.exec(command);
      if (found) {
        run(...found.slice(1));
        return;
      }
    }
    throw new Error("nobody knows what that does");
  }

  #deleteNetns(name: string): void {
    for (const device of [...this.#netns(name).devices.keys()]) this.#deleteLink(name, device);
    this.#namespaces.delete(name);
  }

  #removeFiles(path: string): void {
    for (const file of [...this.#files.keys()]) if (file.startsWith(path)) this.#files.delete(file);
  }

  #restoreTables({ netns = "", replace = false, steps }: Batch): void {
    const { tables, sets } = this.#netns(netns);
    let table = "";
    for (const { command } of steps) {
      for (const [, set = ""] of command.matchAll(/--match-set (\S+)/g))
        if (!sets.has(set)) throw new Error(`no set ${set}`);
      if (command.startsWith("*")) {
        table = command.slice(1);
        if (replace) tables.set(table, []);
      } else if (command !== "COMMIT" && !/^:\S+ ACCEPT/.test(command)) {
        tables.set(table, [...(tables.get(table) ?? []), command]);
      }
    }
  }
}

/** What is written to ip_forward is written to all interfaces. */
function setSysctl({ sysctls, devices }: Namespace, key: string, value: string): void {
  const device = /^net\/[^/]+\/(?:conf|neigh)\/(.+)\/[^/]+$/.exec(key)?.[1];
  if (device && device !== "all" && device !== "default" && !devices.has(device))
    throw new Error(`no device ${device}`);
  sysctls.set(key, value);
  if (key !== "net/ipv4/ip_forward") return;
  for (const other of sysctls.keys()) if (/^net\/ipv4\/conf\/.+\/forwarding$/.test(other)) sysctls.set(other, value);
}

/** Worse than Linux is: whenever an address goes, so do all routes and neighbours of its device. */
function address(netns: Namespace, verb: string, rest: string[], dev: string): void {
  if (verb === "flush") {
    dropOn(netns.addresses, dev);
    return;
  }
  put(netns.addresses, verb, `${rest[0]} dev ${dev}`, rest.join(" "));
  if (verb !== "delete") return;
  dropOn(netns.routes, dev);
  dropOn(netns.neighbours, dev);
}

function bridge(netns: Namespace, words: string[]): void {
  const [object, verb = "", ...rest] = words;
  const dev = rest[rest.indexOf("dev") + 1] ?? "";
  if (!netns.devices.has(dev)) throw new Error(`no device ${dev}`);
  if (object === "vlan") {
    put(netns.vlans, verb === "add" ? "replace" : verb, `dev ${dev} ${rest[3]}`, rest.join(" "));
    return;
  }
  const key =
    verb === "append" || rest[0] === "00:00:00:00:00:00" ? rest.slice(0, 5).join(" ") : `${rest[0]} dev ${dev}`;
  put(netns.fdb, verb === "append" ? "add" : verb, key, rest.join(" "));
}

function ipset({ sets }: Namespace, [verb, name = "", member = ""]: string[], replace: boolean): void {
  const found = sets.get(name);
  if (verb === "create") {
    if (found && !replace) throw new Error("exists");
    if (!found) sets.set(name, new Set());
    return;
  }
  if (!found) throw new Error(`no set ${name}`);
  if (verb === "add") found.add(member);
  else found.delete(member);
}

function nft(netns: Namespace, [verb, object, family, name]: string[], command: string): void {
  const key = `${family} ${name}`;
  if (object === "table") {
    if (verb === "delete") netns.nft.delete(key);
    else netns.nft.set(key, netns.nft.get(key) ?? []);
    return;
  }
  const rules = netns.nft.get(key);
  if (!rules) throw new Error(`no table ${key}`);
  rules.push(command);
}

function put(map: Map<string, string>, verb: string, key: string, value: string): void {
  if (verb === "delete") {
    if (!map.delete(key)) throw new Error(`no ${key}`);
    return;
  }
  if (verb === "add" && map.has(key)) throw new Error(`${key} exists`);
  map.set(key, value);
}

function dropOn(map: Map<string, string>, device: string): void {
  for (const [key, value] of [...map]) if (`${key} ${value} `.includes(`dev ${device} `)) map.delete(key);
}
