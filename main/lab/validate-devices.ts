/** Checks what free-form namespaces put on top of their cables: VLANs, tunnels, and permanent entries. */

import { parseAddress, parsePrefixed } from "../layout/address.ts";
import { type Finding, findTwice, list } from "./finding.ts";
import { show } from "./issue.ts";
import type { Path } from "./locate.ts";
import type { LabBridge, LabInterface, LabNamespace } from "./schema.ts";

/** Every interface of a namespace, bridges and their ports among them, each once. */
export function devicesOf(netns: LabNamespace): string[] {
  return [
    ...new Set([
      ...netns.bridges.flatMap(({ name, ports }) => [name, ...ports.map((port) => port.name)]),
      ...netns.interfaces.map(({ name }) => name),
    ]),
  ];
}

/** It is carried by another interface, so that no cable leads to it. */
export function isDevice(netns: LabNamespace, name: string): boolean {
  return netns.interfaces.some((item) => item.name === name && carriers(item).length > 0);
}

export function checkDevices(netns: LabNamespace, path: Path): Finding[] {
  const bridges = netns.bridges.flatMap((bridge, index) => checkMembership(bridge, [...path, "bridges", index]));
  const interfaces = netns.interfaces.flatMap((item, index) => {
    const place = [...path, "interfaces", index];
    return [...checkVlan(netns, item, place), ...checkVxlan(netns, item, place), ...checkCircle(netns, item, place)];
  });
  return [
    ...bridges,
    ...interfaces,
    ...checkTwins(netns, path),
    ...checkNeighbours(netns, [...path, "neighbours"]),
    ...checkFdb(netns, [...path, "fdb"]),
    ...findTwice(
      netns.listeners,
      ({ protocol, port }) => `${protocol} ${port}`,
      (index) => [...path, "listeners", index],
    ),
  ];
}

/** The VLANs of a bridge and of its ports. */
function checkMembership(bridge: LabBridge, path: Path): Finding[] {
  const members = [
    { ...bridge, what: `the bridge ${bridge.name}`, path, isPort: false },
    ...bridge.ports.map((port, index) => ({
      ...port,
      what: `the port ${port.name}`,
      path: [...path, "ports", index],
      isPort: true,
    })),
  ];
  return members.flatMap(({ access, trunk, native, what, path: place, isPort }): Finding[] => {
    const key = access === undefined ? (trunk ? "trunk" : "native") : "access";
    const hasSome = access !== undefined || trunk !== undefined || native !== undefined;
    if (!bridge.vlanFiltering) {
      if (!hasSome) return [];
      const message = `${bridge.name} looks at no tags; allowed is ${key} where the bridge has vlanFiltering: true`;
      return [{ path: [...place, key], message }];
    }
    if (!hasSome && isPort) return [{ path: place, message: `${what} belongs to no VLAN; it needs access or trunk` }];
    if (access !== undefined && (trunk !== undefined || native !== undefined)) {
      return [{ path: [...place, "access"], message: `${what} has access and trunk; allowed is one of them` }];
    }
    if (native !== undefined && trunk === undefined) {
      const message = "native is for frames without a tag on a trunk; allowed is access for a port of one VLAN";
      return [{ path: [...place, "native"], message }];
    }
    const twice = findTwice(trunk ?? [], String, (index) => [...place, "trunk", index]);
    if (native === undefined || !trunk?.includes(native)) return twice;
    const message = `VLAN ${native} is in trunk too; its frames have a tag there or none`;
    return [...twice, { path: [...place, "native"], message }];
  });
}

function checkVlan(netns: LabNamespace, { name, vlan, vxlan }: LabInterface, path: Path): Finding[] {
  if (!vlan) return [];
  const findings = checkDev(netns, name, vlan.parent, [...path, "vlan", "parent"]);
  if (vxlan)
    findings.push({ path: [...path, "vlan"], message: `${name} is a VXLAN device too; allowed is one of them` });
  return findings;
}

function checkVxlan(netns: LabNamespace, { name, vxlan }: LabInterface, path: Path): Finding[] {
  if (!vxlan) return [];
  const place = [...path, "vxlan"];
  const findings = checkDev(netns, name, vxlan.dev, [...place, "dev"]);
  const addresses = [...netns.bridges, ...netns.interfaces].flatMap((item) =>
    item.addresses.map((text) => text.split("/")[0]!),
  );
  if (!addresses.includes(vxlan.local)) {
    const message = `no interface of ${netns.name} has the address ${vxlan.local}; allowed are ${list(addresses)}`;
    findings.push({ path: [...place, "local"], message });
  }
  if (vxlan.group !== undefined && !isMulticast(vxlan.group)) {
    const message = `${vxlan.group} is no multicast address; allowed is 224.0.0.0 to 239.255.255.255`;
    findings.push({ path: [...place, "group"], message });
  }
  if (vxlan.group !== undefined && vxlan.remotes !== undefined) {
    const message = "there is a group already; allowed is one of group and remotes";
    findings.push({ path: [...place, "remotes"], message });
  }
  const remotes = vxlan.remotes ?? [];
  findings.push(...findTwice(remotes, String, (index) => [...place, "remotes", index]));
  for (const [index, remote] of remotes.entries()) {
    if (remote === vxlan.local) {
      const message = `${remote} is ${name}'s own end; allowed are the addresses of the others`;
      findings.push({ path: [...place, "remotes", index], message });
    } else if (isMulticast(remote)) {
      findings.push({
        path: [...place, "remotes", index],
        message: `${remote} is a multicast address; write it as group`,
      });
    }
  }
  return findings;
}

/** The interface that another one is carried by. */
function checkDev(netns: LabNamespace, name: string, dev: string, path: Path): Finding[] {
  const others = devicesOf(netns).filter((other) => other !== name);
  return others.includes(dev) ? [] : [{ path, message: `found ${show(dev)}; allowed are ${list(others)}` }];
}

function carriers({ vlan, vxlan }: LabInterface): string[] {
  return [...(vlan ? [vlan.parent] : []), ...(vxlan ? [vxlan.dev] : [])];
}

/** A bridge stands on its ports, a device on what carries it; nothing can stand on itself. */
function checkCircle(netns: LabNamespace, item: LabInterface, path: Path): Finding[] {
  const below = (name: string): string[] => [
    ...netns.interfaces.filter((other) => other.name === name).flatMap(carriers),
    ...netns.bridges.filter((bridge) => bridge.name === name).flatMap(({ ports }) => ports.map((port) => port.name)),
  ];
  const reached = new Set(carriers(item).filter((name) => name !== item.name));
  for (const name of reached) for (const next of below(name)) reached.add(next);
  if (!reached.has(item.name)) return [];
  const key = item.vlan ? "vlan" : "vxlan";
  return [
    {
      path: [...path, key],
      message: `${item.name} is carried by itself, by way of ${list([...reached].filter((name) => name !== item.name))}`,
    },
  ];
}

/** The kernel makes one device for a VLAN of an interface, and one for a VXLAN network on a port. */
function checkTwins(netns: LabNamespace, path: Path): Finding[] {
  const devices = netns.interfaces.flatMap(({ vlan, vxlan }, index) => [
    ...(vlan
      ? [{ name: `VLAN ${vlan.vid} of ${vlan.parent}`, path: [...path, "interfaces", index, "vlan", "vid"] }]
      : []),
    ...(vxlan
      ? [{ name: `VNI ${vxlan.vni} on port ${vxlan.port}`, path: [...path, "interfaces", index, "vxlan", "vni"] }]
      : []),
  ]);
  return findTwice(
    devices,
    ({ name }) => name,
    (index) => devices[index]!.path,
  );
}

function checkNeighbours(netns: LabNamespace, path: Path): Finding[] {
  const devices = devicesOf(netns);
  return [
    ...findTwice(
      netns.neighbours,
      ({ address, dev }) => `${address} dev ${dev}`,
      (index) => [...path, index, "address"],
    ),
    ...netns.neighbours.flatMap(({ dev, address }, index): Finding[] => {
      if (!devices.includes(dev)) {
        return [{ path: [...path, index, "dev"], message: `found ${show(dev)}; allowed are ${list(devices)}` }];
      }
      const isOwn = [...netns.bridges, ...netns.interfaces].some((item) =>
        item.addresses.some((text) => parsePrefixed(text)!.address === parseAddress(address)),
      );
      if (!isOwn) return [];
      return [{ path: [...path, index, "address"], message: `${address} is an address of ${netns.name} itself` }];
    }),
  ];
}

function checkFdb(netns: LabNamespace, path: Path): Finding[] {
  const tunnels = netns.interfaces.filter(({ vxlan }) => vxlan).map(({ name }) => name);
  const ports = netns.bridges.flatMap((bridge) => bridge.ports.map(({ name }) => name));
  return [
    ...findTwice(
      netns.fdb,
      ({ mac, dev, dst }) => `${mac.toLowerCase()} dev ${dev}${dst ? " with dst" : ""}`,
      (index) => [...path, index, "mac"],
    ),
    ...netns.fdb.flatMap(({ dev, dst }, index): Finding[] => {
      const allowed = dst === undefined ? ports : tunnels;
      if (allowed.includes(dev)) return [];
      const needed = dst === undefined ? "an entry without dst is one of a bridge port" : "dst is for VXLAN devices";
      return [
        { path: [...path, index, "dev"], message: `found ${show(dev)}, and ${needed}; allowed are ${list(allowed)}` },
      ];
    }),
  ];
}

function isMulticast(address: string): boolean {
  return parseAddress(address)! >>> 28 === 14;
}
