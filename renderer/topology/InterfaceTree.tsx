/** The topology as a tree for the keyboard and for screen readers: out of sight until it has the focus. */

import { type KeyboardEvent, memo, useEffect, useId, useMemo, useRef, useState } from "react";
import { type InterfaceRef, interfaceName, type Topology } from "../../preload/contract/topology.ts";
import { rowAfterKey, treeRows } from "./tree.ts";

interface InterfaceTreeProps {
  topology: Topology;
  selected?: InterfaceRef;
  /** Names the tree. */
  label: string;
  onSelectInterface: (ref: InterfaceRef | undefined) => void;
  /** Tells which box the keyboard is on; undefined once the focus has left. */
  onActive: (id: string | undefined) => void;
}

/** Arrows move, Enter and Space select, Escape clears the selection. */
export const InterfaceTree = memo(function InterfaceTree(props: InterfaceTreeProps) {
  const { topology, selected, label, onSelectInterface, onActive } = props;
  const rows = useMemo(() => treeRows(topology), [topology]);
  const [active, setActive] = useState(0);
  const [focused, setFocused] = useState(false);
  const base = useId();
  const activeRef = useRef<HTMLDivElement>(null);
  const selectedId = selected === undefined ? undefined : interfaceName(selected);

  // A click on the canvas moves the keyboard's place too.
  useEffect(() => {
    const index = rows.findIndex((row) => row.id === selectedId);
    if (index >= 0) setActive(index);
  }, [rows, selectedId]);

  const current = Math.min(active, Math.max(0, rows.length - 1));
  const activeId = rows[current]?.id;
  useEffect(() => {
    onActive(focused ? activeId : undefined);
    if (focused && activeId !== undefined) activeRef.current?.scrollIntoView({ block: "nearest" });
  }, [focused, activeId, onActive]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") {
      const ref = rows[current]?.ref;
      if (ref !== undefined) onSelectInterface(ref);
    } else if (event.key === "Escape") {
      onSelectInterface(undefined);
    } else {
      const target = rowAfterKey(rows, current, event.key);
      if (target === undefined) return;
      setActive(target);
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div
      className="topology-tree"
      role="tree"
      aria-label={label}
      aria-activedescendant={rows.length === 0 ? undefined : `${base}${current}`}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onFocus={() => setFocused(true)}
      onBlur={() => setFocused(false)}
    >
      {rows.map((row, index) => (
        // biome-ignore lint/a11y/useFocusableInteractive: the tree itself has the focus and names the active row.
        // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the tree.
        <div
          key={row.id}
          ref={index === current ? activeRef : undefined}
          id={`${base}${index}`}
          role="treeitem"
          className={row.level === 1 ? "topology-tree-namespace" : "topology-tree-interface"}
          aria-level={row.level}
          aria-posinset={row.position}
          aria-setsize={row.size}
          aria-selected={row.ref !== undefined && row.id === selectedId}
          data-active={index === current ? "" : undefined}
          onClick={() => {
            setActive(index);
            if (row.ref !== undefined) onSelectInterface(row.ref);
          }}
        >
          <span>{row.name}</span>
          {row.addresses.length > 0 && <span className="topology-tree-addresses">{row.addresses.join(" ")}</span>}
        </div>
      ))}
    </div>
  );
});
