/** What is asked for after one more change. Pure. */

import type { LabChange } from "../../preload/contract/live.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { faultsOf } from "../fault/faults.ts";
import { type Lab, runningLabSchema } from "../lab/schema.ts";
import { validateLab } from "../lab/validate.ts";
import { parseAddress, parsePrefixed } from "../layout/address.ts";
import { networkOf, nodeAddresses } from "../layout/underlay.ts";
import { chooseAddresses } from "./free-address.ts";
import { withoutLeft } from "./left.ts";
import type { Live } from "./live.ts";
import { holdShares } from "./start.ts";
import { announcedLab, withFaults } from "./topology.ts";

/** Faults: `not-found` and `exists` (a fault or node), `bad-input` with what is wrong with the lab that it would be. */
export function applyChange(live: Live, change: LabChange): Result<Live> {
  const changed = apply(live, change);
  return changed.ok ? ok({ ...live, ...changed.value, revision: live.revision + 1 }) : changed;
}

function apply(live: Live, change: LabChange): Result<Partial<Live>> {
  switch (change.kind) {
    case "inject-fault":
      return injectFault(live, change.name);
    case "revert-fault":
      return revertFault(live, change.name);
    case "add-node":
      return addNode(live, change);
    case "remove-node":
      return removeNode(live, change.name);
    case "move-node":
      return moveNode(live, change.name, change.address);
    case "stop-agent":
      return stopAgent(live, change.name);
    case "start-agent":
      return startAgent(live, change.name);
  }
}

function injectFault(live: Live, name: string): Result<Partial<Live>> {
  const { lab, faults } = live;
  const offered = faultsOf(lab).map((fault) => fault.name);
  if (!offered.includes(name)) {
    return fail("not-found", `the lab ${lab.id} has no fault ${JSON.stringify(name)}`, {
      fix: offered.length > 0 ? `It has ${offered.join(", ")}.` : "It has none.",
    });
  }
  if (faults.includes(name)) {
    return fail("exists", `the fault ${name} is injected already`, { fix: "Revert it first." });
  }
  const changesLive = faultsOf(lab).some((fault) => fault.name === name && fault.live);
  const asOf = changesLive ? { ...live.asOf, [name]: announcedLab(withFaults(live)) } : live.asOf;
  return ok({ faults: [...faults, name], asOf });
}

function revertFault({ faults, asOf }: Live, name: string): Result<Partial<Live>> {
  if (!faults.includes(name)) {
    return fail("not-found", `the fault ${JSON.stringify(name)} is not injected`, {
      fix: faults.length > 0 ? `These are: ${faults.join(", ")}.` : "None is.",
    });
  }
  const { [name]: _then, ...others } = asOf;
  return ok({ faults: faults.filter((fault) => fault !== name), asOf: others });
}

function addNode(live: Live, wanted: Extract<LabChange, { kind: "add-node" }>): Result<Partial<Live>> {
  const { lab } = live;
  const { name, pods = lab.network ? [podName(lab, name)] : [] } = wanted;
  if (lab.nodes.length === 0) return noCluster(lab);
  if (lab.nodes.some((node) => node.name === name)) return fail("exists", `there is a node ${name} already`);
  const taken = pods.find((pod) => lab.pods.some((other) => other.name === pod));
  if (taken) return fail("exists", `there is a pod ${taken} already`);
  const addresses = chooseAddresses(lab, wanted);
  if (!addresses.ok) return addresses;
  const [first = "", ...others] = addresses.value;
  const holder = holderOf(live, first);
  if (holder) return fail("bad-input", `${name} can't join: ${first} belongs to ${holder} already`);
  const joined: Lab = {
    ...lab,
    nodes: [
      ...lab.nodes,
      {
        name,
        address: others.length > 0 ? [first, ...others] : first,
        ...(wanted.network ? { network: wanted.network } : {}),
      },
    ],
    pods: [...lab.pods, ...pods.map((pod) => ({ name: pod, node: name }))],
  };
  const checked = checkLab(joined, `${name} can't join`, first);
  return checked.ok ? ok({ lab: holdShares(checked.value) }) : checked;
}

/** The next free letter where pods are called by letters, else the node's name with what it is. */
function podName({ pods }: Lab, node: string): string {
  const letters = "abcdefghijklmnopqrstuvwxyz".split("");
  const free = letters.find((letter) => pods.every(({ name }) => name < letter));
  const isByLetter = pods.every(({ name }) => name.length === 1);
  return isByLetter && free ? free : `${node.slice(0, 59)}-pod`;
}

function removeNode(live: Live, name: string): Result<Partial<Live>> {
  const { lab, faults, stopped } = live;
  const found = findNode(lab, name);
  if (!found.ok) return found;
  if (lab.nodes.length === 1) {
    return fail("bad-input", `${name} is the last node of ${lab.id}`, {
      fix: `\`hoplab down\` removes the whole lab.`,
    });
  }
  if (faults.length > 0) {
    return fail("bad-input", `${name} can't leave while a fault is injected, which may be about it`, {
      fix: `Revert it first: ${faults.join(", ")}.`,
    });
  }
  const nodes = lab.nodes.filter((node) => node.name !== name);
  const pods = lab.pods.filter((pod) => pod.node !== name);
  const network = lab.network && withoutSpeaker(lab.network, name);
  const left: Lab = { ...withoutLeft(lab, { nodes, pods }), nodes, pods, network };
  const checked = checkLab(left, `${name} can't leave`);
  if (!checked.ok) return checked;
  const { [name]: _gone, ...others } = stopped;
  return ok({ lab: checked.value, stopped: others });
}

/** Nobody speaks BGP with a node that has left, as a route reflector or to a router outside. */
function withoutSpeaker(network: NonNullable<Lab["network"]>, name: string): Lab["network"] {
  if (network.plugin !== "calico" || !network.bgp) return network;
  const { reflectors, peers } = network.bgp;
  const left = peers.map(({ nodes, ...peer }) =>
    nodes ? { ...peer, nodes: nodes.filter((node) => node !== name) } : peer,
  );
  const bgp = {
    ...network.bgp,
    reflectors: reflectors.filter((node) => node !== name),
    peers: left.filter((peer) => !("nodes" in peer) || peer.nodes.length > 0),
  };
  return { ...network, bgp };
}

function moveNode(live: Live, name: string, address: string): Result<Partial<Live>> {
  const { lab } = live;
  const found = findNode(lab, name);
  if (!found.ok) return found;
  const [now, ...others] = nodeAddresses(found.value);
  if (now === address) return fail("exists", `${name} has the address ${address} already`);
  const holder = holderOf(live, address);
  if (holder) return fail("bad-input", `${name} can't move: ${address} belongs to ${holder} already`);
  const isElsewhere = (asked: Live) => !findAddresses(asked, name).includes(now ?? "");
  const mover = faultBehind(live, isElsewhere);
  if (mover) return fail("bad-input", `${name} can't move: the fault ${mover} has moved it`, revertIt(mover));
  const { network: _network, ...node } = found.value;
  const moved = { ...node, address: others.length > 0 ? [address, ...others] : address };
  const nodes = lab.nodes.map((other) => (other.name === name ? moved : other));
  const checked = checkLab({ ...lab, nodes }, `${name} can't move`, address);
  return checked.ok ? ok({ lab: checked.value }) : checked;
}

function stopAgent(live: Live, name: string): Result<Partial<Live>> {
  const found = findAgent(live.lab, name);
  if (!found.ok) return found;
  if (withFaults(live).stopped[name]) return fail("exists", `the agent of ${name} is stopped already`);
  return ok({ stopped: { ...live.stopped, [name]: announcedLab(live) } });
}

function startAgent(live: Live, name: string): Result<Partial<Live>> {
  const found = findAgent(live.lab, name);
  if (!found.ok) return found;
  const { [name]: frozen, ...others } = live.stopped;
  const stopper = faultBehind({ ...live, stopped: others }, ({ stopped }) => stopped[name] !== undefined);
  if (stopper)
    return fail(
      "bad-input",
      `the agent of ${name} can't start: the fault ${stopper} has stopped it`,
      revertIt(stopper),
    );
  return frozen ? ok({ stopped: others }) : fail("exists", `the agent of ${name} is running already`);
}

/** The fault with which it first is so. */
function faultBehind(live: Live, isSo: (asked: Live) => boolean): string | undefined {
  return live.faults.find((_, index) => isSo(withFaults({ ...live, faults: live.faults.slice(0, index + 1) })));
}

function revertIt(fault: string): { fix: string } {
  return { fix: `Revert it first: \`hoplab fault LAB ${fault} --revert\`.` };
}

function findAddresses({ lab }: Live, name: string): string[] {
  return lab.nodes.filter((node) => node.name === name).flatMap(nodeAddresses);
}

function findNode(lab: Lab, name: string): Result<Lab["nodes"][number]> {
  const found = lab.nodes.find((node) => node.name === name);
  if (found) return ok(found);
  if (lab.nodes.length === 0) return noCluster(lab);
  return fail("not-found", `the lab ${lab.id} has no node ${JSON.stringify(name)}`, {
    fix: `It has ${lab.nodes.map((node) => node.name).join(", ")}.`,
  });
}

function findAgent(lab: Lab, name: string): Result<Lab["nodes"][number]> {
  if (lab.network) return findNode(lab, name);
  return fail("bad-input", `the lab ${lab.id} has no network plugin, so no node of it has an agent`);
}

function noCluster(lab: Lab): Result<never> {
  return fail("bad-input", `the lab ${lab.id} is no cluster: it has no nodes that could come and go`);
}

/** The lab as it would be, if that makes sense. */
function checkLab(lab: Lab, refusal: string, address?: string): Result<Lab> {
  const parsed = runningLabSchema.safeParse(lab);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return fail("bad-input", `${refusal}: ${issue?.message ?? "not allowed"}`);
  }
  const held = address === undefined ? undefined : ownerOf(lab, address);
  if (held) return fail("bad-input", `${refusal}: ${address} belongs to ${held}`);
  const [finding] = validateLab(parsed.data);
  return finding ? fail("bad-input", `${refusal}: ${finding.message}`) : ok(parsed.data);
}

/** The node that has that address, or will have it again when a fault is reverted. */
function holderOf(live: Live, address: string): string | undefined {
  const nodes = [live, withFaults(live)].flatMap(({ lab }) => lab.nodes);
  return nodes.find((node) => nodeAddresses(node).includes(address))?.name;
}

/** What else than a node has that address. */
function ownerOf(lab: Lab, address: string): string | undefined {
  const network = networkOf(lab, address);
  if (network?.gateway === address) return `${network.name}, whose gateway it is`;
  return lab.namespaces.find((netns) =>
    [...netns.interfaces, ...netns.bridges]
      .flatMap((item) => item.addresses)
      .some((prefixed) => parsePrefixed(prefixed)?.address === parseAddress(address)),
  )?.name;
}
