/** Where in a YAML document the value at a path stands. */

import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node, type Pair, type YAMLMap } from "yaml";

export type Path = readonly PropertyKey[];

export class Locator {
  readonly #document: Document;
  /** The pairs of a mapping by key: a search per problem would take minutes in a file of nothing but problems. */
  readonly #pairs = new WeakMap<YAMLMap, Map<string, Pair>>();

  constructor(document: Document) {
    this.#document = document;
  }

  /** The offset of the value; where it is missing, that of the nearest thing around it. */
  value(path: Path): number {
    let offset = startOf(this.#document.contents) ?? 0;
    let node = this.#resolve(this.#document.contents);
    for (const segment of path) {
      const child = this.#child(node, segment);
      if (!child) return offset;
      offset = startOf(child.value) ?? startOf(child.key) ?? offset;
      node = this.#resolve(child.value);
    }
    return offset;
  }

  /** The offset of a key in the mapping at the path. */
  key(path: Path, key: string): number {
    let node = this.#resolve(this.#document.contents);
    for (const segment of path) node = this.#resolve(this.#child(node, segment)?.value);
    return startOf(this.#child(node, key)?.key) ?? this.value(path);
  }

  #child(node: unknown, segment: PropertyKey): { key?: unknown; value: unknown } | undefined {
    if (isMap(node)) return this.#pairsOf(node).get(String(segment));
    if (isSeq(node) && typeof segment === "number" && segment < node.items.length)
      return { value: node.items[segment] };
    return undefined;
  }

  #pairsOf(map: YAMLMap): Map<string, Pair> {
    let pairs = this.#pairs.get(map);
    if (!pairs) {
      pairs = new Map(map.items.map((pair: Pair) => [keyText(pair.key), pair]));
      this.#pairs.set(map, pairs);
    }
    return pairs;
  }

  #resolve(value: unknown): Node | undefined {
    const node = isNode(value) ? value : undefined;
    return node && isAlias(node) ? node.resolve(this.#document) : node;
  }
}

export function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

/** Empty values have a range too, but it lies behind their key. */
export function startOf(value: unknown): number | undefined {
  if (!isNode(value) || !value.range) return undefined;
  return isScalar(value) && value.range[0] === value.range[1] ? undefined : value.range[0];
}
