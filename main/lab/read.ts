/**
 * Reads lab files. Every problem in one, of YAML, of shape or of sense, comes with its line and column, all of
 * them at once. Never throws for what is in a file.
 */

import { open, stat } from "node:fs/promises";
import { type Alias, type Document, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import { fail, ok, type Problem, type Result } from "../../preload/contract/result.ts";
import { describeIssue } from "./issue.ts";
import { keyText, Locator, startOf } from "./locate.ts";
import { salvageLab } from "./salvage.ts";
import { type Lab, labSchema } from "./schema.ts";
import { type Finding, validateLab } from "./validate.ts";
import type { Compared } from "./validate-comparison.ts";

/** A lab file may have this many bytes. */
export const LAB_FILE_BYTES = 1024 * 1024;

/** How many aliases a file may have. */
const MAX_ALIASES = 100;

/** A problem by its offset in the text. */
interface Spot {
  offset: number;
  message: string;
}

/** Faults: `not-found`, `storage` (unreadable), `bad-input` (no regular file, too large, not UTF-8, or with problems). */
export async function readLab(file: string): Promise<Result<{ lab: Lab; file: string }>> {
  const text = await readText(file);
  if (!text.ok) return text;
  const lab = parseLab(text.value, file);
  return lab.ok ? ok({ lab: lab.value, file }) : lab;
}

/** At most 1 MiB of UTF-8. */
export async function readText(file: string): Promise<Result<string>> {
  try {
    const found = await stat(file);
    if (!found.isFile()) return fail("bad-input", `${file} is ${found.isDirectory() ? "a folder" : "no regular file"}`);
    await using handle = await open(file);
    const buffer = Buffer.alloc(LAB_FILE_BYTES + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > LAB_FILE_BYTES) {
      return fail("bad-input", `${file} is larger than 1 MiB`, { fix: "A lab file may have at most 1 MiB." });
    }
    return decodeUtf8(buffer.subarray(0, length), file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return fail("not-found", `there is no file ${file}`);
    if (code) return fail("storage", `${file} could not be read (${code})`);
    throw error;
  }
}

function decodeUtf8(bytes: Uint8Array, file: string): Result<string> {
  try {
    return ok(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return fail("bad-input", `${file} is not UTF-8 text`);
  }
}

/** The labs that a comparison names, as far as the file can be read; none of any other lab. Pure. */
export function comparedLabs(text: string): string[] {
  const document = parseDocument(text, { prettyErrors: false, logLevel: "error" });
  if (!isMap(document.contents) || document.errors.length > 0) return [];
  const labs = isMap(document.get("compare")) ? document.getIn(["compare", "labs"]) : undefined;
  return isSeq(labs)
    ? labs.items.flatMap((item) => (isScalar(item) && typeof item.value === "string" ? item.value : []))
    : [];
}

/** Pure. `file` is only named in the problems. `compared`: of a comparison, the labs that it names. */
export function parseLab(text: string, file: string, compared?: ReadonlyMap<string, Compared>): Result<Lab> {
  const lines = new LineCounter();
  const { spots, lab } = readDocument(text, lines, compared);
  if (lab && spots.length === 0) return ok(lab);
  const problems = spots
    .sort((a, b) => a.offset - b.offset)
    .map(({ offset, message }): Problem => {
      const { line, col } = lines.linePos(offset);
      return { file, line: Math.max(line, 1), column: Math.max(col, 1), message };
    });
  const first = problems[0]!;
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  return fail("bad-input", `${file} has ${count}; line ${first.line}: ${first.message}`, { problems });
}

function readDocument(
  text: string,
  lineCounter: LineCounter,
  compared?: ReadonlyMap<string, Compared>,
): { spots: Spot[]; lab?: Lab } {
  // Duplicate keys are found below: the library compares every key with every other.
  const options = { lineCounter, prettyErrors: false, uniqueKeys: false, stringKeys: true, logLevel: "error" } as const;
  const document = parseDocument(text, options);
  const deep = document.errors.find(({ code }) => code === "RESOURCE_EXHAUSTION");
  if (deep) return { spots: [{ offset: deep.pos[0], message: "the file is nested too deeply" }] };
  const syntax = [...document.errors, ...document.warnings].map(({ pos, code, message }) => ({
    offset: pos[0],
    message: code === "MULTIPLE_DOCS" ? "a second document begins here; allowed is one lab in a file" : message,
  }));
  if (syntax.length > 0) return { spots: syntax };

  const duplicates = findDuplicateKeys(document);
  const aliases = checkAliases(document);
  if (aliases.length > 0) return { spots: [...duplicates, ...aliases] };
  const data: unknown = document.toJS({ maxAliasCount: -1 });
  if (data === null) {
    const message = "the file is empty; allowed is a mapping with id, title, summary and more";
    return { spots: [{ offset: 0, message }] };
  }
  const { findings, lab } = checkData(data, new Locator(document), compared);
  return { spots: [...duplicates, ...findings], lab };
}

/** Shape and sense. Where the shape is wrong, what is left of the lab is checked for sense all the same. */
function checkData(
  data: unknown,
  locator: Locator,
  compared?: ReadonlyMap<string, Compared>,
): { findings: Spot[]; lab?: Lab } {
  const spot = ({ path, message }: Finding): Spot => ({
    offset: locator.value(path),
    message: `${pathText(path)}${message}`,
  });
  const parsed = labSchema.safeParse(data, { error: describeIssue });
  if (parsed.success) return { findings: validateLab(parsed.data, new Set(), compared).map(spot), lab: parsed.data };
  const { issues } = parsed.error;
  const refused = issues.flatMap((issue): Spot[] => {
    if (issue.code === "invalid_key") {
      const offset = locator.key(issue.path.slice(0, -1), String(issue.path.at(-1)));
      return [{ offset, message: `${pathText(issue.path)}${issue.message}` }];
    }
    if (issue.code !== "unrecognized_keys") return [spot(issue)];
    return issue.keys.map((key) => ({
      offset: locator.key(issue.path, key),
      message: `${pathText(issue.path)}unknown key ${JSON.stringify(key)}; ${issue.message}`,
    }));
  });
  const salvage = salvageLab(data, issues);
  if (!salvage) return { findings: refused };
  const senseless = validateLab(salvage.lab, salvage.damaged, compared).map(({ path, message }) =>
    spot({ path: salvage.original(path), message }),
  );
  return { findings: [...refused, ...senseless] };
}

function findDuplicateKeys(document: Document): Spot[] {
  const spots: Spot[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const pair of map.items) {
        const key = keyText(pair.key);
        if (seen.has(key)) {
          const message = `the key ${JSON.stringify(key)} is there twice; allowed is once`;
          spots.push({ offset: startOf(pair.key) ?? 0, message });
        }
        seen.add(key);
      }
    },
  });
  return spots;
}

/**
 * Aliases may save a few lines, but not blow up: at most 100 of them, and none of something that has aliases
 * itself, which also rules out circles.
 */
function checkAliases(document: Document): Spot[] {
  const aliases: Alias[] = [];
  visit(document, {
    Alias(_, alias) {
      aliases.push(alias);
    },
  });
  const surplus = aliases[MAX_ALIASES];
  if (surplus) {
    const message = `the file has ${aliases.length} aliases; allowed are ${MAX_ALIASES}`;
    return [{ offset: startOf(surplus) ?? 0, message }];
  }
  let repeated = 0;
  return aliases.flatMap((alias): Spot[] => {
    const offset = startOf(alias) ?? 0;
    const named = alias.resolve(document);
    if (!named) return [{ offset, message: `the alias *${alias.source} names no anchor before it` }];
    const range = named.range ?? [0, 0, 0];
    repeated += range[1] - range[0];
    if (repeated > LAB_FILE_BYTES) {
      return [{ offset, message: "up to here aliases repeat more than 1 MiB; allowed is 1 MiB" }];
    }
    const nested = aliases.some((other) => (startOf(other) ?? 0) >= range[0] && (startOf(other) ?? 0) < range[1]);
    if (!nested) return [];
    return [
      {
        offset,
        message: `the alias *${alias.source} names something that has aliases itself; allowed is something without`,
      },
    ];
  });
}

/** `nodes[0].address: `, or nothing at the top. */
function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((segment) => (typeof segment === "number" ? `[${segment}]` : `.${String(segment)}`)).join("");
  return text ? `${text.replace(/^\./, "")}: ` : "";
}
