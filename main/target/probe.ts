/**
 * What a target can do, found out by trying: each kernel feature is used once in a throw-away sandbox that ends
 * with the probe, each program is looked for on the PATH.
 */

import type { Diagnosis, Finding } from "../../preload/contract/lab.ts";
import { type Fault, fail, ok, type Result } from "../../preload/contract/result.ts";
import { run } from "./run.ts";
import type { Target } from "./target.ts";

type ProbedTarget = Pick<Target, "id" | "root" | "spawn">;

interface Probe {
  kind: Finding["kind"];
  /** Shell that succeeds where the feature is there. Runs as root of fresh namespaces; `$d` is a free device name. */
  try: string;
  fix: string;
}

function program(name: string, debian: string): Probe {
  return { kind: "program", try: `command -v ${name}`, fix: `Install it: apt-get install ${debian}` };
}

function link(type: string, more = ""): Probe {
  return {
    kind: "kernel",
    try: `ip link add $d type ${type} ${more}`,
    fix: `This kernel has no ${type}: load the module as root (modprobe ${type}), or use a target whose kernel has it, e.g. the embedded VM.`,
  };
}

/** Everything that can be asked for, by the name that a lab's \`requires\` gives it. */
const PROBES: Record<string, Probe> = {
  ip: program("ip", "iproute2"),
  bridge: { ...link("bridge"), try: "command -v bridge && ip link add $d type bridge" },
  nsenter: program("nsenter", "util-linux"),
  tcpdump: program("tcpdump", "tcpdump"),
  ping: program("ping", "iputils-ping"),
  perl: program("perl", "perl-base"),
  iptables: {
    kind: "program",
    try: "command -v iptables-restore && iptables -w -t nat -A POSTROUTING -m comment --comment probe -s 10.0.0.0/8 -j MASQUERADE --random-fully && iptables -w -t filter -N PROBE",
    fix: "Install it: apt-get install iptables. If it is there, this kernel lacks nf_tables or NAT.",
  },
  ipset: {
    kind: "program",
    try: "command -v ipset && ipset create probe hash:net && iptables -w -A INPUT -m set --match-set probe src -j ACCEPT",
    fix: "Install it: apt-get install ipset. If it is there, this kernel lacks ip_set or xt_set.",
  },
  bird: {
    kind: "program",
    // The answer goes to stderr. BIRD 1 has no `ipv4` channels.
    try: 'command -v birdc && bird --version 2>&1 | grep -q "version 2"',
    fix: "Install BIRD 2: apt-get install bird2",
  },
  nft: {
    kind: "program",
    try: "command -v nft && nft add table ip probe",
    fix: "Install it: apt-get install nftables",
  },
  veth: { ...link("veth"), try: "ip link add $d type veth peer name p$d" },
  vxlan: link("vxlan", "id 1 dstport 8472"),
  br_netfilter: {
    kind: "kernel",
    // Nothing loads it by itself, as `ip link add` does for a link type; root can.
    try: "f=/proc/sys/net/bridge/bridge-nf-call-iptables; [ -e $f ] || modprobe br_netfilter; [ -e $f ]",
    fix: "Load the module as root: modprobe br_netfilter",
  },
  ipip: link("ipip", "local 192.0.2.1 remote 192.0.2.2"),
  sit: link("sit", "local 192.0.2.1 remote 192.0.2.2"),
  gre: link("gre", "local 192.0.2.1 remote 192.0.2.2"),
  geneve: link("geneve", "id 1 remote 192.0.2.2"),
  vlan: { ...link("8021q"), try: "ip link add p$d type bridge && ip link add link p$d name $d type vlan id 5" },
  vlan_filtering: {
    kind: "kernel",
    try: "ip link add $d type bridge vlan_filtering 1 && bridge vlan add dev $d vid 5 self",
    fix: "This kernel's bridges look at no VLAN tags (BRIDGE_VLAN_FILTERING, with 8021q): use a target whose kernel has it, e.g. the embedded VM.",
  },
  dummy: link("dummy"),
  macvlan: { ...link("macvlan"), try: "ip link add p$d type bridge && ip link add link p$d name $d type macvlan" },
  ipvlan: { ...link("ipvlan"), try: "ip link add p$d type bridge && ip link add link p$d name $d type ipvlan" },
  vrf: link("vrf", "table 10"),
  wireguard: link("wireguard"),
  tun: {
    kind: "kernel",
    try: "ip tuntap add dev $d mode tun",
    fix: "Load the module as root: modprobe tun. If it says that permission is denied, /dev/net/tun is for root alone: chmod 666 /dev/net/tun, or build labs as root.",
  },
};

/** What every lab needs, whatever its file says. Captures and traffic are started by perl (see hub-script.ts). */
const NEEDED_BY_ALL = ["ip", "nsenter", "perl", "tcpdump", "veth"];

/** What a lab file may require. */
export const FEATURES = Object.keys(PROBES);

/** Tries the named features (all of them when left out). Faults: `denied` where no namespaces can be made at all. */
export async function probeTarget(
  target: ProbedTarget,
  names: readonly string[] = FEATURES,
): Promise<Result<Finding[]>> {
  const wanted = [...new Set([...NEEDED_BY_ALL, ...names])];
  const tries = wanted
    .filter((name) => PROBES[name])
    .map(
      (name, index) =>
        `d=d${index}; (${PROBES[name]?.try}) >/dev/null 2>"$errors" && echo "yes ${name}" || echo "no ${name} $(head -n 1 "$errors")"`,
    );
  const script = `mount -t tmpfs tmpfs /run || exit 1
errors=/run/errors
ip link set lo up 2>/dev/null
${tries.join("\n")}
exit 0
`;
  const flags = target.root ? "-mnpf" : "-Urmnpf";
  const answer = await run(target, ["unshare", flags, "--mount-proc", "sh"], { input: script });
  if (!answer.ok) {
    if (answer.fault.code === "missing") return answer;
    return { ok: false, fault: namespacesDenied(target, answer.fault.command?.stderr ?? "") };
  }
  const said = new Map<string, { found: boolean; detail: string }>();
  for (const line of answer.value.stdout.split("\n")) {
    const [word, name, ...detail] = line.split(" ");
    if (name) said.set(name, { found: word === "yes", detail: detail.join(" ") });
  }
  return ok(
    wanted.map((name) => {
      const probe = PROBES[name];
      if (!probe) {
        return {
          name,
          kind: "kernel" as const,
          found: false,
          detail: "Hoplab does not know this feature",
          fix: `A lab may require ${FEATURES.join(", ")}.`,
        };
      }
      const { found, detail } = said.get(name) ?? { found: false, detail: "the probe did not get this far" };
      return { name, kind: probe.kind, found, detail, ...(found ? {} : { fix: probe.fix }) };
    }),
  );
}

/** The fault of a target that makes no namespaces for this user. */
export function namespacesDenied(target: ProbedTarget, stderr: string): Fault {
  return {
    code: "denied",
    message: `${target.id} does not let this user make namespaces: ${stderr.trim()}`,
    fix: target.root
      ? "A container needs CAP_SYS_ADMIN (docker run --privileged) to host labs."
      : "Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0), or run hoplab as root or with --sudo.",
  };
}

/** What was found on a target that is connected. In a VM without hardware support finding out takes seconds. */
const featuresOf = new WeakMap<Target, Set<string>>();

/**
 * Checks that a target has what a lab requires. The fault names everything that is missing, and how to get it. What was
 * found once is not looked for again as long as the target is connected.
 */
export async function requireFeatures(target: Target, lab: string, requires: readonly string[]): Promise<Result<null>> {
  const known = featuresOf.get(target) ?? new Set();
  if ([...NEEDED_BY_ALL, ...requires].every((name) => known.has(name))) return ok(null);
  const findings = await probeTarget(target, requires);
  if (!findings.ok) return findings;
  for (const finding of findings.value) if (finding.found) known.add(finding.name);
  featuresOf.set(target, known);
  const missing = findings.value.filter((finding) => !finding.found);
  if (missing.length === 0) return ok(null);
  const names = missing.map((finding) => `${finding.name}${finding.detail ? ` (${finding.detail})` : ""}`);
  return fail("missing", `${target.id} can't host ${lab}: it lacks ${names.join(", ")}`, {
    fix: missing.flatMap((finding) => finding.fix ?? []).join("\n"),
  });
}

/** The whole picture: the kernel, every feature, and what each lab lacks. */
export async function diagnose(
  target: Target,
  labs: readonly { id: string; requires: readonly string[] }[],
): Promise<Result<Diagnosis>> {
  const kernel = await run(target, ["uname", "-sr"]);
  if (!kernel.ok) return kernel;
  const findings = await probeTarget(target, [...FEATURES, ...labs.flatMap((lab) => lab.requires)]);
  if (!findings.ok) return findings;
  const missing = new Set(findings.value.filter((finding) => !finding.found).map((finding) => finding.name));
  return ok({
    target: target.id,
    kernel: kernel.value.stdout.trim(),
    findings: findings.value,
    labs: labs.map(({ id, requires }) => ({
      id,
      lacks: [...new Set([...NEEDED_BY_ALL, ...requires])].filter((name) => missing.has(name)),
    })),
  });
}
