import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "vite";
import { describe, expect, it } from "vitest";
import { LANGUAGES } from "../../preload/contract/lab.ts";
import { catalogues, inLanguage, preferredLanguage } from "../../renderer/words/catalogue.ts";

const RENDERER = join(import.meta.dirname, "../../renderer");

/** Every leaf of a catalogue with its path: `labs.bringUp`. */
function leaves(value: unknown, path = ""): [string, unknown][] {
  if (typeof value !== "object" || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, part]) => leaves(part, path === "" ? key : `${path}.${key}`));
}

/** Words that stand in the markup itself: text between tags, and attributes that are read out or shown. */
function literalWords(source: string): string[] {
  const found: string[] = [];
  const shown = ["title", "alt", "placeholder", "label", "aria-label", "aria-description"];
  const walk = (node: unknown) => {
    if (Array.isArray(node)) {
      for (const part of node) walk(part);
      return;
    }
    if (typeof node !== "object" || node === null) return;
    const record: Record<string, unknown> = { ...node };
    const text = textOf(record, shown);
    if (text !== undefined && /\p{L}/u.test(text)) found.push(text.trim());
    for (const part of Object.values(record)) walk(part);
  };
  walk(parseSync("file.tsx", source, { lang: "tsx" }).program);
  return found;
}

function textOf(node: Record<string, unknown>, shown: readonly string[]): string | undefined {
  const textIn = (part: unknown): string | undefined =>
    typeof part === "object" && part !== null && "value" in part && typeof part.value === "string"
      ? part.value
      : undefined;
  if (node.type === "JSXText") return textIn(node);
  if (node.type !== "JSXAttribute") return undefined;
  const { name } = node;
  const isShown = typeof name === "object" && name !== null && "name" in name && shown.some((one) => one === name.name);
  return isShown ? textIn(node.value) : undefined;
}

describe("the words of the page", () => {
  it("has the same words in every language, none of them empty", () => {
    const english = leaves(catalogues.en).map(([path, value]) => [path, typeof value]);
    for (const language of LANGUAGES) {
      const own = leaves(catalogues[language]);
      expect(own.map(([path, value]) => [path, typeof value])).toEqual(english);
      expect(own.filter(([, value]) => value === "")).toEqual([]);
    }
  });

  it("counts one packet and many packets as English does", () => {
    expect(catalogues.en.packets.total(1)).toBe("1 packet");
    expect(catalogues.en.packets.total(100_000)).toBe("100,000 packets");
  });

  it("finds words that stand in the markup", () => {
    expect(literalWords('const a = <p title="Hello">Send {n} <b>·</b></p>;')).toEqual(["Hello", "Send"]);
  });

  it("keeps all words out of the components", () => {
    const files = readdirSync(RENDERER, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".tsx"));
    expect(files.length).toBeGreaterThan(20);
    const found = files.flatMap((file) =>
      literalWords(readFileSync(join(RENDERER, file), "utf8")).map((text) => `${file}: ${text}`),
    );
    expect(found).toEqual([]);
  });

  it("takes the browser's language where the page has it", () => {
    expect(preferredLanguage(["zh-TW", "en"])).toBe("zh-Hant");
    expect(preferredLanguage(["zh-HK"])).toBe("zh-Hant");
    expect(preferredLanguage(["zh-Hant-SG"])).toBe("zh-Hant");
    expect(preferredLanguage(["zh-CN"])).toBe("zh-Hans");
    expect(preferredLanguage(["zh"])).toBe("zh-Hans");
    expect(preferredLanguage(["de-DE", "zh-CN"])).toBe("zh-Hans");
    expect(preferredLanguage(["de-DE"])).toBe("en");
  });

  it("shows a lab's own words in English where they were not translated", () => {
    expect(inLanguage({ en: "ARP", "zh-Hans": "地址解析" }, "zh-Hans")).toBe("地址解析");
    expect(inLanguage({ en: "ARP" }, "zh-Hant")).toBe("ARP");
  });
});
