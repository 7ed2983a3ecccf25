/**
 * Adds to package-lock.json the optional packages of other platforms that npm left out because the registry in reach
 * does not have them. Without their entries `npm ci` refuses the lock file. Run it after `npm install`.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SYSTEMS = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const PROCESSORS = ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "wasm32", "x64"];

const file = fileURLToPath(new URL("../package-lock.json", import.meta.url));
const lock = JSON.parse(readFileSync(file, "utf8"));

/** What a platform's package says of itself, read from its name: `@biomejs/cli-linux-x64-musl`. */
function platformOf(name) {
  const words = name.replace(/^@[^/]+\//, "").split(/[-_.]/);
  const os = words.find((word) => SYSTEMS.includes(word));
  const cpu = words.find((word) => PROCESSORS.includes(word));
  if (!os && !cpu) throw new Error(`${name} is missing from the lock file, and its name tells no platform`);
  const libc = words.some((word) => word.startsWith("musl")) ? "musl" : undefined;
  return { ...(os && { os: [os] }), ...(cpu && { cpu: [cpu] }), ...(libc && { libc: [libc] }) };
}

let added = 0;
for (const [parent, { optionalDependencies = {}, dev, license }] of Object.entries({ ...lock.packages })) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const path = `node_modules/${name}`;
    if (lock.packages[path] || lock.packages[`${parent}/${path}`]) continue;
    lock.packages[path] = { version, ...(dev && { dev }), license, optional: true, ...platformOf(name) };
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added === 0 ? "package-lock.json is complete" : `added ${added} packages of other platforms`);
