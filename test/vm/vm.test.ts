/**
 * The built-in VM on a real QEMU, from the image to the SSH login, and what it does about everything that can be broken
 * under it. Runs in order: each test starts from what the one before left.
 */

import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tryAccelerator } from "../../main/vm/accelerator.ts";
import { buildImage, readImage } from "../../main/vm/image.ts";
import type { VmStarted } from "../../main/vm/machine.ts";
import { vmPlaces } from "../../main/vm/places.ts";
import { type StartOptions, startVm } from "../../main/vm/start.ts";
import { deleteVm, stopVm, syncVmClock, vmAddress, vmStatus } from "../../main/vm/vm.ts";
import type { Result } from "../../preload/contract/result.ts";

// A folder as a person may have it: QEMU's options are separated by commas.
const folder = mkdtempSync(join(tmpdir(), "hoplab-vm, test-"));
const dataDir = join(folder, "data");
const places = vmPlaces(dataDir);

beforeAll(async () => {
  const built = await buildImage(dataDir, {
    onProgress: ({ done, total, why }) => console.log(`${done}/${total} ${why}`),
  });
  if (!built.ok) throw new Error(`${built.fault.message}\n${built.fault.command?.stderr ?? ""}`);
  console.log(`image: ${(built.value.bytes / 2 ** 20).toFixed(0)} MiB, kernel ${built.value.kernel}`);
});

afterAll(async () => {
  await deleteVm(dataDir);
  rmSync(folder, { recursive: true, force: true });
});

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.fault, null, 1));
  return result.value;
}

async function up(options: StartOptions = {}): Promise<VmStarted> {
  const started = value(await startVm(dataDir, options));
  const { how, accelerator, seconds, clockOffsetMs } = started;
  console.log(`${how} with ${accelerator} in ${seconds.toFixed(1)} s, clock ${clockOffsetMs} ms off`);
  return started;
}

/** Logs in with the system's own ssh, which must know the host key. */
async function ssh(command: string, user = "root"): Promise<string> {
  const { host, port, identityFile, knownHostsFile } = value(await vmAddress(dataDir));
  const options = [
    "StrictHostKeyChecking=yes",
    `UserKnownHostsFile="${knownHostsFile}"`,
    "BatchMode=yes",
    "IdentitiesOnly=yes",
    "ConnectTimeout=60",
  ].flatMap((option) => ["-o", option]);
  const argv = ["-F", "none", ...options, "-i", identityFile, "-p", String(port), `${user}@${host}`, command];
  const { stdout } = await promisify(execFile)("ssh", argv, { timeout: 120_000 });
  return stdout.trim();
}

async function pid(): Promise<number> {
  const { running } = await vmStatus(dataDir);
  if (!running) throw new Error("the VM does not run");
  return running.pid;
}

/** This test's QEMUs: their command lines have its folder. */
function qemus(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const argv = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
        return argv[0]?.startsWith("qemu-system") && argv.some((word) => word.includes(places.pidFile));
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function until(what: () => unknown): Promise<void> {
  while (!(await what())) await new Promise((resolve) => setTimeout(resolve, 50));
}

test("before the first start there is an image and nothing else", async () => {
  const status = await vmStatus(dataDir);
  expect(status).toMatchObject({ state: "stopped", diskBytes: 0, image: { current: true } });
  expect(await vmAddress(dataDir)).toMatchObject({ ok: false, fault: { code: "gone" } });
});

test("the first start boots, lives on without the process that started it, and lets root and hoplab log in", async () => {
  const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const script = `const { startVm } = await import(${url("../../main/vm/start.ts")});
    console.log(JSON.stringify(await startVm(${JSON.stringify(dataDir)})));`;
  const argv = ["--import", "tsx", "--input-type=module", "-e", script];
  const { stdout } = await promisify(execFile)(process.execPath, argv);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, value: { how: "booted" } });
  console.log(stdout.trim());

  const { image, running, state } = await vmStatus(dataDir);
  expect(state).toBe("running");
  expect(qemus()).toEqual([running?.pid]);
  expect(await ssh("uname -r")).toBe(image?.kernel);
  expect(await ssh("id -un; sudo -n id -un", "hoplab")).toBe("hoplab\nroot");
  // Nothing that was secret is in the command line.
  const argvOfQemu = readFileSync(`/proc/${running?.pid}/cmdline`, "utf8");
  expect(argvOfQemu).not.toContain(readFileSync(places.identity, "utf8").split("\n")[1]);
});

test("the kernel has everything that labs need, the programs are there, and no service of theirs runs", async () => {
  const modules =
    "ipip sit ip_gre geneve 8021q dummy ipvlan macvlan vrf wireguard ip_vs openvswitch sch_netem vxlan br_netfilter nf_tables tun veth";
  const programs =
    "ip bridge tc tcpdump iptables nft ipset ipvsadm conntrack bird birdc ovs-vsctl ovs-vswitchd ovsdb-server vtysh dnsmasq curl socat ping perl python3 unshare nsenter setpriv iperf3";
  expect(await ssh(`for m in ${modules}; do modprobe $m || echo $m; done 2>&1`)).toBe("");
  expect(await ssh(`for p in ${programs}; do command -v $p >/dev/null || echo $p; done`)).toBe("");
  expect(await ssh("ls /usr/lib/cni")).toContain("bridge");
  expect(await ssh("systemctl --failed --no-legend")).toBe("");
  expect(await ssh("ps -e -o comm= | grep -E 'bird|zebra|ovs|dnsmasq|udevd' || true")).toBe("");
});

test("an ordinary user can build a lab in a user namespace", async () => {
  const inside =
    "ip link add v0 type veth peer name v1 && ip link add x type vxlan id 5 dstport 8472 && \
    ip link add i type ipip local 192.0.2.1 remote 192.0.2.2 && ip tuntap add dev t mode tun && \
    iptables -t nat -A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE --random-fully && \
    test -e /proc/sys/net/bridge/bridge-nf-call-iptables && echo built";
  expect(await ssh(`unshare -Urmnpf --mount-proc sh -c '${inside}'`, "hoplab")).toBe("built");
});

test("the guest reaches neither this machine nor its network", async () => {
  const server = createServer((socket) => socket.end("hello")).listen(0, "0.0.0.0");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  expect(await ssh(`curl -sS -m 5 telnet://10.0.2.2:${port} </dev/null 2>&1 || echo no way`)).toContain("no way");
  server.close();
});

test("a second start finds it running, and two at once start one", async () => {
  const before = await pid();
  const both = await Promise.all([up(), up()]);
  expect(both.map(({ how }) => how)).toEqual(["found", "found"]);
  expect(await pid()).toBe(before);
});

test("a stop leaves no process, and the next start goes on from the state after the first boot, with the right time", async () => {
  await ssh("touch /root/of-the-last-run");
  expect(value(await stopVm(dataDir))).toEqual({ ran: true });
  expect(qemus()).toEqual([]);
  expect(value(await stopVm(dataDir))).toEqual({ ran: false });
  expect(await vmStatus(dataDir)).toMatchObject({ state: "saved" });
  // A guest that is not told would be behind by at least this.
  await new Promise((resolve) => setTimeout(resolve, 2500));

  expect(await up()).toMatchObject({ how: "resumed" });
  const before = Date.now();
  const guest = Number(await ssh("date +%s%3N"));
  expect(guest).toBeGreaterThan(before - 1000);
  expect(guest).toBeLessThan(Date.now() + 1000);
  expect(Math.abs(value(await syncVmClock(dataDir)))).toBeLessThan(1000);
  expect(await ssh("ls /root")).toBe("");
});

test("two starts from one state do not share their randomness", async () => {
  const draw = () => ssh("head -c 16 /dev/urandom | od -An -tx1");
  const first = await draw();
  await stopVm(dataDir);
  expect(await up()).toMatchObject({ how: "resumed" });
  expect(await draw()).not.toBe(first);
});

test("a QEMU that was killed is started again", async () => {
  process.kill(await pid(), "SIGKILL");
  await until(() => qemus().length === 0);
  expect(await vmStatus(dataDir)).toMatchObject({ state: "saved" });
  expect(existsSync(places.pidFile)).toBe(true);
  expect(await up()).toMatchObject({ how: "resumed" });
  expect(await ssh("echo here")).toBe("here");
});

test("a QEMU that hangs is seen, and is replaced by the next start", async () => {
  const hung = await pid();
  process.kill(hung, "SIGSTOP");
  expect(await vmStatus(dataDir)).toMatchObject({ state: "broken", problem: { code: "timeout" } });
  expect(await up()).toMatchObject({ how: "resumed" });
  expect(qemus()).toEqual([await pid()]);
  expect(await pid()).not.toBe(hung);
});

test("another program on its port: another port is taken, and the host key is known there too", async () => {
  const { port } = value(await vmAddress(dataDir));
  await stopVm(dataDir);
  const other = createServer().listen(port, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const refused = await startVm(dataDir, { port });
  expect(refused).toMatchObject({
    ok: false,
    fault: { code: "exists", message: expect.stringContaining(String(port)) },
  });
  const said: string[] = [];
  const { address } = await up({ onProgress: ({ why }) => said.push(why) });
  expect(address.port).not.toBe(port);
  expect(said.join("\n")).toContain(`port ${port} is taken`);
  expect(await ssh("echo here")).toBe("here");
  await new Promise((resolve) => other.close(resolve));
});

test("a state that was saved with another amount of memory is not used", async () => {
  await stopVm(dataDir);
  expect(await up({ memoryMiB: 768 })).toMatchObject({ how: "booted" });
  expect(Number(await ssh("awk '/^MemTotal/ { print $2 }' /proc/meminfo"))).toBeLessThan(768 * 1024);
  await stopVm(dataDir);
});

test("a disk that is broken is made anew", async () => {
  truncateSync(places.disk, 300_000);
  const said: string[] = [];
  expect(await up({ memoryMiB: 768, onProgress: ({ why }) => said.push(why) })).toMatchObject({ how: "booted" });
  expect(said.join("\n")).toContain("the saved state can't be used");
});

test("half a state is none: the next start boots", async () => {
  await stopVm(dataDir);
  writeFileSync(places.saved, '{"fits":');
  expect(await up({ memoryMiB: 768 })).toMatchObject({ how: "booted" });
  await stopVm(dataDir);
});

test("a start that is cancelled leaves no process, and one whose process was killed is taken over", async () => {
  const controller = new AbortController();
  rmSync(places.saved);
  const cancelled = await startVm(dataDir, {
    signal: controller.signal,
    onProgress: ({ done }) => done === 2 && void until(() => qemus().length > 0).then(() => controller.abort()),
  });
  expect(cancelled).toMatchObject({ ok: false, fault: { code: "cancelled" } });
  expect(qemus()).toEqual([]);
  expect(existsSync(places.running)).toBe(false);

  const starter: ChildProcess = spawn(process.execPath, [
    ...["--import", "tsx", "--input-type=module", "-e"],
    `const { startVm } = await import(${JSON.stringify(new URL("../../main/vm/start.ts", import.meta.url).href)});
     await startVm(${JSON.stringify(dataDir)});`,
  ]);
  await until(() => qemus().length > 0 && existsSync(places.pidFile));
  expect(await vmStatus(dataDir)).toMatchObject({ state: "starting" });
  starter.kill("SIGKILL");
  await new Promise((resolve) => starter.once("exit", resolve));
  const [orphan] = qemus();
  expect(await vmStatus(dataDir)).toMatchObject({
    state: "broken",
    problem: { message: expect.stringContaining("cut off") },
  });
  expect(await up()).toMatchObject({ how: "booted" });
  expect(qemus()).not.toContain(orphan);
});

test("a second QEMU on the same disk is refused by name", async () => {
  // As when the files that say what runs were removed by hand.
  const files = [places.running, places.pidFile].map((file) => [file, readFileSync(file, "utf8")] as const);
  for (const [file] of files) rmSync(file);
  expect(await startVm(dataDir)).toMatchObject({
    ok: false,
    fault: { code: "exists", fix: expect.stringContaining("disk.qcow2") },
  });
  for (const [file, text] of files) writeFileSync(file, text);
  await stopVm(dataDir);
  expect(qemus()).toEqual([]);
});

test("without the image a start says how to get one", async () => {
  const images = join(folder, "no-images");
  mkdirSync(images);
  const before = process.env.HOPLAB_VM_CACHE;
  process.env.HOPLAB_VM_CACHE = images;
  expect(await startVm(dataDir)).toMatchObject({
    ok: false,
    fault: { code: "missing", fix: expect.stringContaining("hoplab vm build") },
  });
  expect(await vmStatus(dataDir)).toMatchObject({ state: "none" });
  process.env.HOPLAB_VM_CACHE = before;
});

test("an accelerator counts only if the kernel gets somewhere in it", async () => {
  const image = await readImage(places.images);
  expect(await tryAccelerator("tcg", image?.kernelFile ?? "", undefined, 60_000)).toBe(true);
  // A kernel that hangs, as one does in some clouds' KVM.
  expect(await tryAccelerator("tcg", image?.kernelFile ?? "", undefined, 1)).toBe(false);
  expect(await tryAccelerator("tcg", places.identity)).toBe(false);
});

test.skipIf(process.getuid?.() !== 0)(
  "a full disk is a fault of its own, and when there is room the VM goes on",
  async () => {
    const small = join(folder, "small");
    mkdirSync(small);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=600m", "tmpfs", small]);
    try {
      const filler = join(small, "filler");
      execFileSync("fallocate", ["-l", "300M", filler]);
      expect(await startVm(small)).toMatchObject({
        ok: false,
        fault: { code: "storage", message: expect.stringContaining("MiB are free") },
      });
      expect((await vmStatus(small)).state).toBe("stopped");

      rmSync(filler);
      const { address } = value(await startVm(small, { memoryMiB: 512 }));
      const { port, identityFile, knownHostsFile } = address;
      // The guest writes more than there is room for: QEMU stops it.
      const known = `UserKnownHostsFile="${knownHostsFile}"`;
      const writer = spawn("ssh", [
        ...["-F", "none", "-o", known, "-o", "BatchMode=yes", "-i", identityFile, "-p", String(port), "root@127.0.0.1"],
        "head -c 400M /dev/urandom >/big; rm /big; sync; echo written",
      ]);
      let said = "";
      writer.stdout.on("data", (data) => {
        said += data;
      });
      await until(async () => {
        if (existsSync(filler)) return (await vmStatus(small)).state === "broken";
        execFileSync("sh", [
          "-c",
          `fallocate -l $(($(df --output=avail -B1 "$1" | tail -n 1) - 20000000)) "$1/filler"`,
          "sh",
          small,
        ]);
        return false;
      });
      expect(await vmStatus(small)).toMatchObject({ state: "broken", problem: { code: "storage" } });
      rmSync(filler);
      writer.kill();
      expect(value(await startVm(small, { memoryMiB: 512 }))).toMatchObject({ how: "found" });
      expect((await vmStatus(small)).state).toBe("running");
      expect(said).not.toContain("written");
    } finally {
      await deleteVm(small);
      execFileSync("umount", [small]);
    }
  },
);

test("a delete leaves neither process nor file but the image", async () => {
  expect(await up()).toMatchObject({ how: expect.stringMatching(/booted|resumed/) });
  expect(value(await deleteVm(dataDir))).toEqual({ ran: true });
  expect(qemus()).toEqual([]);
  expect(readdirSync(places.folder)).toEqual([]);
  expect(await readImage(places.images)).toMatchObject({ current: true });
});
