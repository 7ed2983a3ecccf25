/** The layers and fields of a frame as a tree for mouse and keyboard. */

import { type KeyboardEvent, useEffect, useRef } from "react";
import type { Layer } from "../../preload/contract/frame.ts";
import { Icon } from "../app/Icon.tsx";
import { useWords } from "../app/page-context.ts";
import { treeRows } from "./field-tree.ts";

interface Props {
  layers: readonly Layer[];
  expanded: ReadonlySet<string>;
  selected?: string;
  hovered?: string;
  onSelect: (path: string) => void;
  onHover: (path: string | undefined) => void;
  onExpand: (path: string, open: boolean) => void;
}

export function FieldTree({ layers, expanded, selected, hovered, onSelect, onHover, onExpand }: Props) {
  const words = useWords().frame;
  const tree = useRef<HTMLDivElement>(null);
  const rows = treeRows(layers, expanded);
  const at = rows.findIndex((row) => row.path === selected);

  // Brings a newly selected field into sight, e.g. from a byte
  useEffect(() => {
    tree.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [selected]);

  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[at];
    const go = (index: number) => {
      const to = rows[Math.max(0, Math.min(rows.length - 1, index))];
      if (to) onSelect(to.path);
    };
    const keys: Record<string, () => void> = {
      ArrowDown: () => go(at + 1),
      ArrowUp: () => go(at < 0 ? 0 : at - 1),
      Home: () => go(0),
      End: () => go(rows.length - 1),
      ArrowRight: () => (row?.expandable && !row.expanded ? onExpand(row.path, true) : row?.expanded && go(at + 1)),
      ArrowLeft: () => (row?.expanded ? onExpand(row.path, false) : row?.parent !== undefined && onSelect(row.parent)),
      Enter: () => row?.expandable && onExpand(row.path, !row.expanded),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };

  return (
    <div
      className="tree"
      ref={tree}
      role="tree"
      tabIndex={0}
      aria-label={words.fields}
      aria-activedescendant={at < 0 ? undefined : `field-${selected}`}
      onKeyDown={onKeyDown}
      onMouseLeave={() => onHover(undefined)}
    >
      {rows.map((row) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the tree has the keys
        <div
          key={row.path}
          id={`field-${row.path}`}
          role="treeitem"
          tabIndex={-1}
          aria-level={row.level}
          aria-expanded={row.expandable ? row.expanded : undefined}
          aria-selected={row.path === selected}
          className={[
            "field",
            row.level === 1 ? "field-layer" : "",
            row.path === hovered ? "field-hovered" : "",
            row.broken || row.problem !== undefined ? "field-problem" : "",
          ].join(" ")}
          data-level={row.level}
          data-path={row.path}
          onMouseEnter={() => onHover(row.path)}
          onClick={() => {
            onSelect(row.path);
            if (row.expandable && (row.level > 1 || row.path === selected || !row.expanded))
              onExpand(row.path, !row.expanded);
          }}
        >
          <span className={row.expanded ? "twist twist-open" : "twist"} aria-hidden="true">
            {row.expandable && <Icon shape="right" />}
          </span>
          <span className="field-label">{row.label}</span>
          {row.value !== undefined && <code className="field-value">{row.value}</code>}
          {row.problem !== undefined && (
            <span className="field-trouble">
              <Icon shape="warning" />
              {row.problem}
            </span>
          )}
        </div>
      ))}
    </div>
  );
}
