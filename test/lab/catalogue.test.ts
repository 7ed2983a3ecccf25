/** Finding labs, and the labs that come with Hoplab. */

import { readdirSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { findLab, listLabs } from "../../main/lab/catalogue.ts";
import { labSchema } from "../../main/lab/schema.ts";
import { LANGUAGES } from "../../preload/contract/lab.ts";
import { commandsOf, drawingsOf, namesOf, outlineOf } from "./guide.ts";

const LABS = fileURLToPath(new URL("../../labs", import.meta.url));
const IDS = readdirSync(LABS, { withFileTypes: true })
  .flatMap((entry) => (entry.isDirectory() ? entry.name : []))
  .sort();

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hoplab-labs-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("the labs that come with Hoplab", () => {
  it("are listed by id, valid, with what they need and words in every language", async () => {
    const labs = await listLabs(LABS);
    expect(labs.map(({ id, problem }) => [id, problem])).toEqual(IDS.map((id) => [id, undefined]));
    expect(labs.find(({ id }) => id === "flannel-vxlan")?.requires).toEqual([
      "br_netfilter",
      "bridge",
      "iptables",
      "veth",
      "vxlan",
    ]);
    for (const { id, title, summary } of labs) {
      expect([Object.keys(title), Object.keys(summary)], id).toEqual([[...LANGUAGES], [...LANGUAGES]]);
    }
  });

  it.each(IDS)("%s has a guide in every language with the same commands", async (id) => {
    const found = await findLab(id, LABS);
    if (!found.ok) throw new Error(found.fault.message);
    const { guide, lab } = found.value;
    expect(commandsOf(guide.en).length).toBeGreaterThan(4);
    for (const language of LANGUAGES) {
      expect(commandsOf(guide[language]), language).toEqual(commandsOf(guide.en));
      const named = [lab.id, ...(lab.compare?.labs ?? [])];
      // `hoplab read` reads a file.
      const aboutLabs = commandsOf(guide[language]).filter((command) => /^hoplab (?!read )/.test(command));
      for (const command of aboutLabs) {
        const [, verb, ...words] = command.split(" ");
        // `hoplab node add LAB` and `hoplab agent stop LAB` have one word more.
        expect(named, command).toContain(words[verb === "node" || verb === "agent" ? 1 : 0]);
      }
    }
    expect(new Set(Object.values(guide)).size).toBe(LANGUAGES.length);
  });

  it.each(IDS)("%s has no guide that lacks something of the others: headings, rows, names, drawings", async (id) => {
    const found = await findLab(id, LABS);
    if (!found.ok) throw new Error(found.fault.message);
    const { guide } = found.value;
    // Of a drawing all but its words: lines, boxes, and whatever has a digit.
    const bare = (drawing: string) => drawing.split("\n").map((line) => line.match(/[|+]|[\w./:]*\d[\w./:]*/g));
    for (const language of LANGUAGES) {
      expect(outlineOf(guide[language]), language).toEqual(outlineOf(guide.en));
      expect(namesOf(guide[language]), language).toEqual(namesOf(guide.en));
      expect(drawingsOf(guide[language]).map(bare), language).toEqual(drawingsOf(guide.en).map(bare));
    }
  });

  it("names the schema for editors, and the schema is current", async () => {
    const written: unknown = JSON.parse(await readFile(join(LABS, "lab.schema.json"), "utf8"));
    const current = z.toJSONSchema(labSchema, { io: "input", target: "draft-7" });
    expect(written).toEqual({ title: "A Hoplab lab", ...current });
    for (const { file } of await listLabs(LABS)) {
      expect(await readFile(file, "utf8"), file).toMatch(/^# yaml-language-server: \$schema=\.\.\/lab\.schema\.json\n/);
    }
  });
});

describe("finding a lab", () => {
  it("takes an id, a path to a lab file, and a path to its folder", async () => {
    const copy = join(folder, "elsewhere");
    await cp(join(LABS, "bridge-arp"), copy, { recursive: true });
    for (const ref of ["bridge-arp", copy, join(copy, "lab.yaml")]) {
      const found = await findLab(ref, LABS);
      expect(found, ref).toMatchObject({ ok: true, value: { lab: { id: "bridge-arp" } } });
    }
  });

  it("falls back to the English guide, and to none", async () => {
    const copy = join(folder, "english");
    await cp(join(LABS, "bridge-arp"), copy, { recursive: true });
    await rm(join(copy, "guide.zh-Hant.md"));
    const found = await findLab(copy, LABS);
    expect(found.ok && found.value.guide["zh-Hant"]).toBe(await readFile(join(copy, "guide.en.md"), "utf8"));
    await rm(join(copy, "guide.en.md"));
    const bare = await findLab(copy, LABS);
    expect(bare.ok && [bare.value.guide.en, bare.value.guide["zh-Hant"]]).toEqual(["", ""]);
  });

  it("says which labs there are when it knows none of that name", async () => {
    expect(await findLab("flannel-vxlam", LABS)).toMatchObject({
      ok: false,
      fault: {
        code: "not-found",
        fix: expect.stringMatching(/^.*\bbridge-arp, .*\bcalico-ipip, calico-ipip-bird, calico-ipip-crosssubnet, /),
      },
    });
  });

  it("lists a broken lab with its problem, and one whose id is not its folder's name", async () => {
    const labs = join(folder, "labs");
    await mkdir(join(labs, "broken"), { recursive: true });
    await mkdir(join(labs, "no-lab"), { recursive: true });
    await writeFile(join(labs, "broken", "lab.yaml"), "id: [\n");
    await cp(join(LABS, "bridge-arp"), join(labs, "other-name"), { recursive: true });
    expect((await listLabs(labs)).map(({ id, problem }) => [id, problem])).toEqual([
      ["broken", expect.stringContaining("lab.yaml has")],
      ["other-name", "it should be the lab other-name, but its id is bridge-arp"],
    ]);
    expect(await listLabs(join(folder, "nowhere"))).toEqual([]);
  });
});
