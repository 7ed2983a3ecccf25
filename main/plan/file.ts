/** Files that a namespace's processes see. They lie in the sandbox's private /run, a folder per namespace. */

import { type Namespace, type NamespaceFile, netnsFile } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";
import { delimiterFor, quote } from "./quote.ts";

/** A folder per namespace, with its files as they lie there. */
export const FILES_FOLDER = "/run/hoplab/files";

/** Where the file of a namespace lies: /run/flannel/subnet.env of node/node1 is /run/hoplab/files/node.node1/run/flannel/subnet.env. */
function filePath(netns: string, path: string): string {
  return `${FILES_FOLDER}/${netnsFile(netns)}${path}`;
}

/** One step for all folders, then one per file. */
export function planFiles(namespaces: Namespace[]): Step[] {
  const files = namespaces.flatMap((netns) =>
    netns.files.map((file) => ({ file, path: filePath(netns.name, file.path) })),
  );
  if (files.length === 0) return [];
  const folders = [...new Set(files.map(({ path }) => path.slice(0, path.lastIndexOf("/"))))];
  return [
    { command: `mkdir -p ${folders.map(quote).join(" ")}`, why: "The folders of the files below." },
    ...files.map(({ file, path }) => planFile(file, path)),
  ];
}

function planFile(file: NamespaceFile, path: string): Step {
  const content = file.content.endsWith("\n") ? file.content : `${file.content}\n`;
  const delimiter = delimiterFor(content);
  return { command: `cat >${quote(path)} <<'${delimiter}'\n${content}${delimiter}`, why: file.why };
}

export function planNoFile(netns: string, { path }: NamespaceFile): Step {
  return { command: `rm -f ${quote(filePath(netns, path))}`, why: `No program is to find ${path} any more.` };
}
