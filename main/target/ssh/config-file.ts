/**
 * ssh_config(5), as far as Hoplab honours it: Host, Include and `Match all`. Other Match blocks are skipped, whatever they
 * say: most of them run commands. Keywords that nobody asks for do no harm.
 */

import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { matchesGlob, matchesHost } from "./host-pattern.ts";

/** One line that sets something. */
interface Setting {
  /** In lower case. */
  keyword: string;
  values: string[];
  /** The pattern lists of the Host lines that it is under; all must match. An Include can be under one itself. */
  hosts: readonly (readonly string[])[];
  file: string;
  line: number;
}

export interface FoundSetting {
  values: string[];
  /** `file:line` */
  place: string;
}

/** Include loops end here, as in OpenSSH (READCONF_MAX_DEPTH). */
const MAX_DEPTH = 16;

export class SshConfigFile {
  readonly #settings: readonly Setting[];
  /** Whose `~` it is. */
  readonly home: string;

  private constructor(settings: readonly Setting[], home: string) {
    this.#settings = settings;
    this.home = home;
  }

  /** The user's file and then the machine's: of two values the first wins. Files that can't be read say nothing. */
  static read(home: string = homedir(), system: string = systemFile()): SshConfigFile {
    const user = join(home, ".ssh", "config");
    return new SshConfigFile(
      [...readSettings(user, { home, hosts: [], depth: 0 }), ...readSettings(system, { home, hosts: [], depth: 0 })],
      home,
    );
  }

  /** What a host is given for a keyword, in the order of the files. The first one counts, save for IdentityFile. */
  find(host: string, keyword: string): FoundSetting[] {
    return this.#settings
      .filter((setting) => setting.keyword === keyword.toLowerCase())
      .filter(({ hosts }) => hosts.every((patterns) => matchesHost(patterns, host)))
      .map(({ values, file, line }) => ({ values, place: `${file}:${line}` }));
  }

  /** The first value of a keyword. */
  value(host: string, keyword: string): string | undefined {
    return this.find(host, keyword)[0]?.values[0];
  }

  /** The names that Host lines spell out, in the order of the files: what a page can offer. */
  listHosts(): string[] {
    const names = this.#settings
      .filter(({ keyword }) => keyword === "host")
      .flatMap(({ values }) => values.filter((name) => !/[*?!]/.test(name)));
    return [...new Set(names)];
  }
}

interface Scope {
  home: string;
  hosts: readonly (readonly string[])[];
  depth: number;
}

function readSettings(file: string, scope: Scope): Setting[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  const settings: Setting[] = [];
  let { hosts } = scope;
  for (const [index, content] of text.split("\n").entries()) {
    const [first = "", ...values] = splitLine(content);
    const keyword = first.toLowerCase();
    if (keyword === "") continue;
    if (keyword === "host") {
      hosts = [...scope.hosts, values];
      // Kept to be listed; it sets nothing.
      settings.push({ keyword, values, hosts: scope.hosts, file, line: index + 1 });
    } else if (keyword === "match") {
      hosts = [...scope.hosts, values.length === 1 && values[0]?.toLowerCase() === "all" ? ["*"] : []];
    } else if (keyword === "include") {
      if (scope.depth >= MAX_DEPTH) continue;
      const included = values.flatMap((pattern) => findFiles(includePath(pattern, file, scope.home)));
      settings.push(...included.flatMap((each) => readSettings(each, { ...scope, hosts, depth: scope.depth + 1 })));
    } else {
      settings.push({ keyword, values, hosts, file, line: index + 1 });
    }
  }
  return settings;
}

/** Keyword and values: separated by blanks or one `=`, quoted where they hold blanks, up to a `#`. */
function splitLine(content: string): string[] {
  const words: string[] = [];
  const line = content.trim().replace(/^([A-Za-z0-9]+)\s*=\s*/, "$1 ");
  const pattern = /\s*(?:"((?:\\["\\]|[^"])*)"|'([^']*)'|([^\s"']+))/y;
  for (let match = pattern.exec(line); match; match = pattern.exec(line)) {
    const bare = match[3];
    if (bare?.startsWith("#")) break;
    words.push(bare ?? match[2] ?? (match[1] ?? "").replaceAll(/\\(["\\])/g, "$1"));
  }
  return words;
}

/** Relative to ~/.ssh in the user's files and to the machine's folder in its own. */
function includePath(pattern: string, file: string, home: string): string {
  const path = pattern.startsWith("~/") ? join(home, pattern.slice(2)) : pattern;
  if (isAbsolute(path)) return path;
  return join(file.startsWith(dirname(systemFile())) ? dirname(systemFile()) : join(home, ".ssh"), path);
}

/** The files that a path with `*` and `?` names, in the order of their names. */
function findFiles(path: string): string[] {
  const star = path.search(/[*?]/);
  if (star < 0) return [path];
  const cut = Math.max(path.lastIndexOf("/", star), path.lastIndexOf("\\", star));
  const folder = path.slice(0, cut + 1);
  const [pattern = "", ...rest] = path.slice(cut + 1).split(/[/\\]/);
  let names: string[];
  try {
    names = readdirSync(folder).toSorted();
  } catch {
    return [];
  }
  return names
    .filter((name) => matchesGlob(pattern, name) && (!name.startsWith(".") || pattern.startsWith(".")))
    .flatMap((name) => findFiles(join(folder, name, ...rest)));
}

function systemFile(): string {
  if (process.platform === "win32") return join(process.env.PROGRAMDATA ?? "C:\\ProgramData", "ssh", "ssh_config");
  return "/etc/ssh/ssh_config";
}
