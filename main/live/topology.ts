/**
 * The topology of a lab that is up, derived from nothing but what is asked for. On a node whose agent is stopped, what the
 * agent writes is as it last saw the cluster; the wires under it are as they are.
 */

import type { Namespace, Route, Topology } from "../../preload/contract/topology.ts";
import type { LabFault } from "../fault/fault.ts";
import { faultsOf } from "../fault/faults.ts";
import type { Lab } from "../lab/schema.ts";
import { layOutLab } from "../layout/layout.ts";
import type { Live } from "./live.ts";

export function topologyOf(live: Live): Topology {
  return injectedFaults(live).reduce(
    (topology, fault) => fault.topology?.(topology) ?? topology,
    layOutLive(withFaults(live)),
  );
}

/** What is asked for with the faults: nodes as they have moved them, and the agents that they have stopped. */
export function withFaults(live: Live): Live {
  return injectedFaults(live).reduce(
    (asked, { name, live: change }) => change?.(asked, live.asOf[name] ?? asked.lab) ?? asked,
    live,
  );
}

/** In the order in which they were injected. */
export function injectedFaults({ lab, faults }: Live): LabFault[] {
  const offered = faultsOf(lab);
  return faults.flatMap((name) => offered.find((fault) => fault.name === name) ?? []);
}

/**
 * The lab as the agents see it: a stopped agent does not tell the others either, so they know its node as it told them
 * last.
 */
export function announcedLab({ lab, stopped }: Pick<Live, "lab" | "stopped">): Lab {
  const nodes = lab.nodes.map((node) => stopped[node.name]?.nodes.find(({ name }) => name === node.name) ?? node);
  return { ...lab, nodes };
}

function layOutLive({ lab, stopped }: Live): Topology {
  const real = layOutLab(lab);
  if (Object.keys(stopped).length === 0) return real;
  const wires = layOutLab(withoutPlugin(lab));
  const announced = announcedLab({ lab, stopped });
  const namespaces = real.namespaces.map((netns) => {
    if (netns.kind !== "node") return netns;
    const frozen = stopped[netns.label];
    const seen = frozen ?? announced;
    const written = find(layOutLab(seen), netns.name);
    const wiresThen = find(layOutLab(withoutPlugin(seen)), netns.name);
    const wiresNow = find(wires, netns.name);
    if (!written || !wiresThen || !wiresNow) return netns;
    const onWires = putOnWires(written, wiresThen, wiresNow);
    // The agent is a program itself where it needs one in the lab, and has ended.
    return frozen ? { ...onWires, daemons: [] } : onWires;
  });
  return { ...real, namespaces };
}

function find(topology: Topology, name: string): Namespace | undefined {
  return topology.namespaces.find((netns) => netns.name === name);
}

/** The nodes and networks alone. */
function withoutPlugin({ network: _plugin, ...lab }: Lab): Lab {
  return { ...lab, pods: [], traffic: [], checks: [] };
}

/** What a plugin has written, on a node whose network cards are others than the plugin knows. */
function putOnWires(written: Namespace, then: Namespace, now: Namespace): Namespace {
  const isWire = (name: string) => [...then.interfaces, ...now.interfaces].some((item) => item.name === name);
  const isThen = (route: Route) => then.routes.some((other) => other.to === route.to && other.via === route.via);
  return {
    ...written,
    interfaces: [...now.interfaces, ...written.interfaces.filter((item) => !isWire(item.name))],
    routes: [...now.routes, ...written.routes.filter((route) => !isThen(route))],
  };
}
