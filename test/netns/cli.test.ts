import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const CLI = fileURLToPath(new URL("../../out/main/cli.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "hoplab-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

function hoplab(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: "utf8",
    env: { ...process.env, HOPLAB_DATA: folder },
  });
  return { code: status, stdout, stderr };
}

test("the labs are listed, for people and as JSON", () => {
  expect(hoplab("labs").stdout).toContain("flannel-vxlan");
  const labs: { id: string }[] = JSON.parse(hoplab("labs", "--json").stdout);
  expect(labs.map((lab) => lab.id)).toEqual(expect.arrayContaining(["bridge-arp", "flannel-host-gw", "flannel-vxlan"]));
});

test("bad usage exits 2 and says so on stderr only", () => {
  for (const args of [
    ["nonsense"],
    ["up"],
    ["send", "flannel-vxlan", "--count", "0"],
    ["plan", "x", "--format", "png"],
    ["down"],
  ]) {
    const ran = hoplab(...args);
    expect(ran.code, args.join(" ")).toBe(2);
    expect(ran.stdout, args.join(" ")).toBe("");
    expect(ran.stderr, args.join(" ")).not.toBe("");
  }
});

test("help and version exit 0", () => {
  expect(hoplab("--help").code).toBe(0);
  expect(hoplab("send", "--help").stdout).toContain("--protocol");
  expect(hoplab("--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("an unknown lab exits 2 and names those there are, also as JSON", () => {
  const ran = hoplab("plan", "flanel-vxlan");
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain("flannel-vxlan");
  const json = hoplab("plan", "flanel-vxlan", "--json");
  expect(json.code).toBe(2);
  expect(JSON.parse(json.stdout).fault.code).toBe("not-found");
});

test.each([
  [["node"], "a command is missing"],
  [["node", "frob"], "unknown command 'frob'"],
  [["compare"], "missing required argument 'lab'"],
  [["send", "flannel-vxlan", "--count", "0"], "A whole number from 1 to 100000 is allowed."],
  [["ps", "--tagret", "vm"], "unknown option '--tagret'"],
  [["fault", "flannel-vxlan", "--revert"], "which fault is to be reverted?"],
])("bad usage exits 2 and says so in one JSON document where that is asked for: %j", (words, message) => {
  const ran = hoplab(...words, "--json");
  expect(ran.code).toBe(2);
  expect(JSON.parse(ran.stdout).fault).toMatchObject({ code: "bad-input", message: expect.stringContaining(message) });
  expect(hoplab(...words).stdout).toBe("");
});

test("every problem of a lab file comes with its line and column, at once", () => {
  const file = join(folder, "it's broken.yaml");
  writeFileSync(file, "id: broken\ntitle: { en: Broken }\npods:\n  - { name: Bad_Name, node: nowhere }\nnodes: 5\n");
  const ran = hoplab("validate", file);
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain("it's broken.yaml:4:");
  expect(ran.stderr).toContain("it's broken.yaml:5:");
  expect(ran.stderr).toContain("Bad_Name");
  expect(hoplab("validate", join(folder, "none.yaml")).code).toBe(2);
});

test("the plan is printed as one script, the same every time", () => {
  const script = hoplab("plan", "flannel-vxlan", "--format", "sh");
  expect(script.code).toBe(0);
  expect(script.stdout).toMatch(/^#/);
  expect(hoplab("plan", "flannel-vxlan").stdout).toBe(script.stdout);
  expect(JSON.parse(hoplab("plan", "flannel-vxlan", "--json").stdout).lab).toBe("flannel-vxlan");
});

test("a file that is no capture is refused with what to do", () => {
  const file = join(folder, "notes.txt");
  writeFileSync(file, "these are notes and no capture at all\n");
  const ran = hoplab("read", file);
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain("neither pcap nor pcapng");
  expect(hoplab("read", join(folder, "absent.pcapng")).code).toBe(2);
  expect(hoplab("read", folder).code).toBe(2);
});

test("a capture of another program is followed without a lab at hand", () => {
  const file = fileURLToPath(new URL("../decode/fixtures/vxlan.pcap", import.meta.url));
  const ran = hoplab("read", file, "--json");
  expect(ran.code, ran.stderr).toBe(0);
  const read: { frames: number; packets: number; journeys: { summary: string; hops: { layers: string[] }[] }[] } =
    JSON.parse(ran.stdout);
  expect(read.frames).toBeGreaterThan(0);
  expect(read.journeys).toHaveLength(read.packets);
  expect(read.journeys.some((journey) => journey.hops.some((hop) => hop.layers.includes("vxlan")))).toBe(true);
  expect(hoplab("read", file).stdout).toContain(`${read.frames} frames of ${read.packets} packets`);
  expect(hoplab("read", file, "--journey", "0").stdout).toContain(read.journeys[0]?.summary);
  expect(hoplab("read", file, "--journey", "99999").code).toBe(2);
});

test("a capture for a folder that is not there is refused before it begins", () => {
  const ran = hoplab("capture", "flannel-vxlan", "-w", join(folder, "no such folder", "new.pcapng"));
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain("there is no folder");
});
