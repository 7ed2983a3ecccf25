/** Checks the free-form part of a lab: namespaces, their interfaces, routes and sysctls, and the links. */

import { holdsAddress, parseAddress, parsePrefixed, parseSubnet, type Subnet } from "../layout/address.ts";
import { parseLinkEnd } from "../layout/free-form.ts";
import { UNDERLAY_BRIDGE } from "../layout/underlay.ts";
import { checkHostAddress, checkUsable, type Finding, findTwice, list } from "./finding.ts";
import { show } from "./issue.ts";
import type { Path } from "./locate.ts";
import { INTERFACE_NAME_BYTES, type Lab, type LabNamespace } from "./schema.ts";
import { stationsByWire } from "./segments.ts";
import { checkDevices, devicesOf, isDevice } from "./validate-devices.ts";
import { checkIptables } from "./validate-iptables.ts";

type Damaged = ReadonlySet<string>;

export function validateFreeForm(lab: Lab, damaged: Damaged): Finding[] {
  return [
    ...findTwice(
      lab.namespaces,
      (netns) => netns.name,
      (index) => ["namespaces", index, "name"],
    ),
    ...lab.namespaces.flatMap((netns, index) => [
      ...checkInterfaces(netns, ["namespaces", index]),
      ...checkAddresses(netns, ["namespaces", index]),
      ...checkRoutes(netns, ["namespaces", index, "routes"]),
      ...checkSysctls(netns, ["namespaces", index, "sysctls"]),
      ...checkDevices(netns, ["namespaces", index]),
      ...checkIptables(netns, ["namespaces", index, "iptables"]),
    ]),
    ...checkMacs(lab),
    ...checkLinks(lab, damaged),
    ...checkSharedWires(lab),
  ];
}

function checkInterfaces(netns: LabNamespace, path: Path): Finding[] {
  const bridges = netns.bridges.map(({ name }) => name);
  const ports = netns.bridges.flatMap((bridge, index) =>
    bridge.ports.map(({ name }, position) => ({ name, path: [...path, "bridges", index, "ports", position] })),
  );
  const interfaces = netns.interfaces.map(({ name }, index) => ({
    name,
    path: [...path, "interfaces", index, "name"],
  }));
  const isBridge = ({ name, path: place }: { name: string; path: Path }): Finding[] =>
    bridges.includes(name)
      ? [{ path: place, message: `${show(name)} is a bridge already; allowed is a name of its own` }]
      : [];
  return [
    ...findTwice(
      netns.bridges,
      ({ name }) => name,
      (index) => [...path, "bridges", index, "name"],
    ),
    ...findTwice(
      ports,
      ({ name }) => name,
      (index) => ports[index]!.path,
    ),
    ...findTwice(
      interfaces,
      ({ name }) => name,
      (index) => interfaces[index]!.path,
    ),
    ...[...ports, ...interfaces].flatMap(isBridge),
  ];
}

function checkAddresses(netns: LabNamespace, path: Path): Finding[] {
  const addresses = (["bridges", "interfaces"] as const).flatMap((kind) =>
    netns[kind].flatMap((item, index) =>
      item.addresses.map((text, place) => ({ text, path: [...path, kind, index, "addresses", place] })),
    ),
  );
  return [
    ...findTwice(
      addresses,
      ({ text }) => text.split("/")[0]!,
      (index) => addresses[index]!.path,
    ),
    ...addresses.flatMap(({ text, path: place }) => {
      const { address, subnet } = parsePrefixed(text)!;
      return [...checkHostAddress(address, subnet, place), ...checkUsable({ base: address, length: 32 }, text, place)];
    }),
  ];
}

/** The kernel takes a route only if it knows where the next hop is. */
function checkRoutes(netns: LabNamespace, path: Path): Finding[] {
  const items = [...netns.bridges, ...netns.interfaces];
  const devices = devicesOf(netns);
  const own = items.flatMap((item) => item.addresses.map((text) => parsePrefixed(text)!));
  const direct: Subnet[] = own.map(({ subnet }) => subnet);
  const findings = findTwice(
    netns.routes,
    ({ to, metric }) => (metric === undefined ? to : `${to} metric ${metric}`),
    (index) => [...path, index, "to"],
  );
  for (const [index, { to, via, dev, type, src, onlink }] of netns.routes.entries()) {
    const subnet = to === "default" ? parseSubnet("0.0.0.0/0")! : parseSubnet(to);
    if (!subnet) {
      findings.push({
        path: [...path, index, "to"],
        message: `${to} has host bits set; allowed is the first address of the subnet`,
      });
    }
    if (dev !== undefined && !devices.includes(dev)) {
      findings.push({ path: [...path, index, "dev"], message: `found ${show(dev)}; allowed are ${list(devices)}` });
    }
    if (src !== undefined && !own.some(({ address }) => address === parseAddress(src))) {
      findings.push({ path: [...path, index, "src"], message: `no interface of ${netns.name} has the address ${src}` });
    }
    if (onlink && (via === undefined || dev === undefined)) {
      findings.push({ path: [...path, index, "onlink"], message: "onlink is about a next hop: it needs via and dev" });
    }
    if (type !== undefined) {
      if (via !== undefined || dev !== undefined || src !== undefined) {
        const message = `${type} goes nowhere; allowed beside it are to and metric`;
        findings.push({ path: [...path, index, "type"], message });
      }
      continue;
    }
    const gateway = via === undefined ? undefined : parseAddress(via)!;
    if (onlink) continue;
    if (gateway === undefined) {
      if (dev === undefined) findings.push({ path: [...path, index], message: "a route needs via, dev or both" });
      else if (subnet) direct.push(subnet);
    } else if (!direct.some((known) => holdsAddress(known, gateway))) {
      const message = `${netns.name} has no address or earlier route that says where ${via} is`;
      findings.push({ path: [...path, index, "via"], message });
    }
  }
  return findings;
}

function checkSysctls(netns: LabNamespace, path: Path): Finding[] {
  const devices = ["all", "default", "lo", ...devicesOf(netns)];
  const keys = Object.keys(netns.sysctls);
  return [
    ...findTwice(
      keys,
      (key) => key.replaceAll(".", "/"),
      (index) => [...path, keys[index]!],
    ),
    ...keys.flatMap((key) => {
      const device = /^net\/ipv[46]\/(?:conf|neigh)\/(.+)\/[^/]+$/.exec(
        key.includes("/") ? key : key.replaceAll(".", "/"),
      )?.[1];
      if (device === undefined || devices.includes(device)) return [];
      return [{ path: [...path, key], message: `there is no interface ${show(device)}; allowed are ${list(devices)}` }];
    }),
  ];
}

function checkMacs(lab: Lab): Finding[] {
  const macs = lab.namespaces.flatMap((netns, index) =>
    (["bridges", "interfaces"] as const).flatMap((kind) =>
      netns[kind].flatMap(({ mac }, position) =>
        mac === undefined ? [] : [{ mac: mac.toLowerCase(), path: ["namespaces", index, kind, position, "mac"] }],
      ),
    ),
  );
  return findTwice(
    macs,
    ({ mac }) => mac,
    (index) => macs[index]!.path,
  );
}

function checkLinks(lab: Lab, damaged: Damaged): Finding[] {
  const findings: Finding[] = [];
  const used = new Set<string>();
  for (const [index, link] of lab.links.entries()) {
    for (const [side, text] of link.entries()) {
      const path: Path = ["links", index, side];
      const problem = checkEnd(lab, text, damaged);
      if (problem) findings.push({ path, message: problem });
      else if (used.has(text))
        findings.push({ path, message: `${text} is linked already; allowed is one link per interface` });
      used.add(text);
    }
  }
  if (damaged.has("links")) return findings;
  for (const [index, netns] of lab.namespaces.entries()) {
    const ends = [
      ...netns.bridges.flatMap(({ ports }, bridge) =>
        ports.map(({ name }, place) => ({ name, path: ["namespaces", index, "bridges", bridge, "ports", place] })),
      ),
      ...netns.interfaces.map(({ name }, place) => ({
        name,
        path: ["namespaces", index, "interfaces", place, "name"],
      })),
    ].filter(({ name }) => !isDevice(netns, name));
    for (const { name, path } of new Map(ends.map((end) => [end.name, end])).values()) {
      if (used.has(`${netns.name}/${name}`)) continue;
      findings.push({ path, message: `${netns.name}/${name} is the end of no link; every interface needs one` });
    }
  }
  return findings;
}

/** What is wrong with one end of a link, if anything. */
function checkEnd(lab: Lab, text: string, damaged: Damaged): string | undefined {
  const end = parseLinkEnd(text);
  if (!end) return `found ${show(text)}; allowed is NAMESPACE/INTERFACE such as h1/eth0, or net/NETWORK/PORT`;
  if (end.netns.startsWith("net/"))
    return checkUnderlayPort(lab, end.netns.slice("net/".length), end.interface, damaged);
  const netns = lab.namespaces.find(({ name }) => name === end.netns);
  if (!netns) {
    if (damaged.has("namespaces")) return undefined;
    return `there is no namespace ${show(end.netns)}; allowed are ${list(lab.namespaces.map(({ name }) => name))}`;
  }
  const bridges = netns.bridges.map(({ name }) => name);
  const names = devicesOf(netns).filter((name) => !bridges.includes(name) && !isDevice(netns, name));
  if (names.includes(end.interface)) return undefined;
  return `${problemWithEnd(netns, end.interface)}; allowed are ${list(names)}`;
}

function problemWithEnd(netns: LabNamespace, name: string): string {
  const place = `${netns.name}/${name}`;
  if (netns.bridges.some((bridge) => bridge.name === name)) return `${place} is a bridge, not an interface of it`;
  const item = netns.interfaces.find((candidate) => candidate.name === name);
  if (item) return `${place} is a ${item.vlan ? "VLAN" : "VXLAN"} device, which no cable leads to`;
  return `${netns.name} has no interface ${show(name)}`;
}

function checkUnderlayPort(lab: Lab, network: string, port: string, damaged: Damaged): string | undefined {
  if (!lab.underlay.networks.some(({ name }) => name === network)) {
    if (damaged.has("underlay")) return undefined;
    return `there is no underlay network ${show(network)}; allowed are ${list(lab.underlay.networks.map(({ name }) => name))}`;
  }
  if (port === UNDERLAY_BRIDGE || lab.nodes.some(({ name }) => name === port)) {
    return `${show(port)} is taken on ${network}; allowed is a port name that is neither ${UNDERLAY_BRIDGE} nor a node`;
  }
  const legal = /^(?!(lo|all|default)$)[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(port) && port.length <= INTERFACE_NAME_BYTES;
  return legal
    ? undefined
    : `found ${show(port)}; allowed is an interface name of at most ${INTERFACE_NAME_BYTES} bytes`;
}

/** Two machines with one address on one wire answer for each other. Duplicates of nodes are found with the nodes. */
function checkSharedWires(lab: Lab): Finding[] {
  return stationsByWire(lab).flatMap((stations) => {
    const owners = new Map<number, string>();
    return stations.flatMap(({ address, text, owner, path }) => {
      const other = owners.get(address);
      owners.set(address, owner);
      if (other === undefined || other === owner || path[0] === "nodes") return [];
      return [{ path, message: `${text.split("/")[0]} belongs to ${other} already, on the same wire` }];
    });
  });
}
