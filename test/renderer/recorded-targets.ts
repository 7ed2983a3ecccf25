/** Targets as a server would tell of them: one of each kind and state, the steps of a test, and what is asked. */

import type { Finding } from "../../preload/contract/lab.ts";
import type { Fault } from "../../preload/contract/result.ts";
import type { AskedQuestion, SshHost, TargetStep, TargetSummary, VmStatus } from "../../preload/contract/target.ts";

export const LOCAL: TargetSummary = {
  name: "local",
  kind: "local",
  address: "",
  state: "connected",
  runsAs: "rootless",
  kernel: "Linux 6.18.5",
  clockOffset: 0,
};

export const VM: TargetSummary = { name: "vm", kind: "vm", address: "ssh://root@127.0.0.1:2222", state: "idle" };

export const CLOUD: TargetSummary = {
  name: "cloud",
  kind: "ssh",
  address: "ssh://debian@lab.example.org:22",
  state: "connected",
  runsAs: "sudo",
  kernel: "Linux 6.1.0-37-amd64",
  clockOffset: 7_320_000,
};

export const WSL: TargetSummary = {
  name: "ubuntu",
  kind: "command",
  address: "wsl.exe -d Ubuntu -u root --",
  state: "idle",
};

export const REFUSED: Fault = {
  code: "denied",
  message: "lab.example.org refused every way to log in as debian: publickey, password",
  fix: "Check the user and the key: ssh debian@lab.example.org",
};

export const STOPPED_VM: VmStatus = {
  state: "saved",
  image: { bytes: 412 * 1024 * 1024, kernel: "6.1.0-37-amd64", builtAt: Date.UTC(2026, 0, 12), current: true },
  diskBytes: 301 * 1024 * 1024,
};

export const RUNNING_VM: VmStatus = {
  ...STOPPED_VM,
  state: "running",
  running: { pid: 4242, port: 2222, memoryMiB: 1024, accelerator: "tcg" },
};

export const OFFERS: SshHost[] = [
  { name: "lab-vm", address: "ssh://debian@192.168.122.40:22" },
  { name: "Bastion", address: "ssh://me@bastion.example.org:22" },
];

export const HOST_KEY: AskedQuestion = {
  id: 1,
  question: {
    kind: "host-key",
    target: "cloud",
    host: "lab.example.org",
    keyType: "ssh-ed25519",
    fingerprint: "SHA256:uNiVztksCsDhcc0u9e8BrxU9XqDN2fUZtM7dR9ZZiWo",
  },
};

export const SUDO: AskedQuestion = {
  id: 2,
  question: { kind: "sudo-password", target: "cloud", text: "Password of debian for sudo on cloud", echo: false },
};

export const PROMPT: AskedQuestion = {
  id: 3,
  question: { kind: "prompt", target: "cloud", text: "<b>One-time code</b>\nfrom your token: ", echo: true },
};

function program(name: string, found = true, more: Partial<Finding> = {}): Finding {
  return { name, kind: "program", found, detail: found ? `/usr/sbin/${name}` : `${name} is not installed`, ...more };
}

function feature(name: string, found = true): Finding {
  return found
    ? { name, kind: "kernel", found, detail: "module is loaded" }
    : { name, kind: "kernel", found, detail: `this kernel has no ${name}`, fix: "Load it as root: modprobe ipip" };
}

export const TEST_STEPS: TargetStep[] = [
  { step: "resolve", state: "ok", detail: "lab.example.org is 203.0.113.7" },
  { step: "connect", state: "ok", detail: "OpenSSH_9.2p1 on port 22, 24 ms away" },
  { step: "host-key", state: "ok", detail: "ed25519, known" },
  { step: "authenticate", state: "ok", detail: "debian, with ~/.ssh/id_ed25519" },
  { step: "shell", state: "ok", detail: "fish is the login shell; programs run in sh" },
  { step: "privileges", state: "ok", detail: "root through sudo, no password" },
  {
    step: "programs",
    state: "warning",
    detail: "11 of 12 found",
    findings: [
      ...["sh", "unshare", "nsenter", "ip", "bridge", "tcpdump", "ping", "perl", "iptables", "nft", "ipset"].map(
        (name) => program(name),
      ),
      program("ipvsadm", false, { fix: "sudo apt install ipvsadm" }),
    ],
  },
  {
    step: "kernel",
    state: "warning",
    detail: "Linux 6.1.0-37-amd64, 5 of 6 found",
    findings: [
      ...["veth", "bridge", "vxlan", "br_netfilter", "tun"].map((name) => feature(name)),
      feature("ipip", false),
    ],
  },
];

export const FAILED_STEPS: TargetStep[] = [
  ...TEST_STEPS.slice(0, 3),
  { step: "authenticate", state: "failed", detail: REFUSED.message, fix: REFUSED.fix },
];

export const LOST: Partial<TargetSummary> = {
  state: "lost",
  fault: { code: "gone", message: "lab.example.org sent nothing for 10 s", fix: "Check the network between the two." },
};

export const UNUSABLE: Fault = {
  code: "missing",
  message: "this machine runs macOS; labs need a Linux kernel",
  fix: "Use the built-in VM, or add a Linux machine over SSH.",
};

export const BROKEN: Fault = {
  code: "storage",
  message: "the disk of the VM could not be written: no space left on the device",
  fix: "Free some space, then start it again.",
};
