/** A row of places to choose from, which scrolls to the chosen one: a list box with the keys of its owner. */

import { type CSSProperties, type ReactNode, useEffect, useRef } from "react";

interface StripProps {
  /** What its items are, for their ids. */
  of: "hop" | "row";
  className?: string;
  label: string;
  selected?: number;
  /** Changes where the items become others. */
  identity: unknown;
  /** Where a key leads to; undefined where it leads nowhere. */
  keyTo: (key: string) => number | undefined;
  onSelect: (index: number) => void;
  children: ReactNode;
}

export function Strip({ of, className = "", label, selected, identity, keyTo, onSelect, children }: StripProps) {
  const strip = useRef<HTMLDivElement>(null);

  // The strip follows the selected item and nothing else
  useEffect(() => {
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    strip.current
      ?.querySelector(`#${of}-${selected}`)
      ?.scrollIntoView({ block: "nearest", inline: "center", behavior: calm ? "auto" : "smooth" });
  }, [of, selected, identity]);

  return (
    <div
      className={`strip ${className}`}
      ref={strip}
      role="listbox"
      tabIndex={0}
      aria-orientation="horizontal"
      aria-label={label}
      aria-activedescendant={selected === undefined ? undefined : `${of}-${selected}`}
      onKeyDown={(event) => {
        const to = keyTo(event.key);
        if (to === undefined) return;
        event.preventDefault();
        onSelect(to);
      }}
    >
      {children}
    </div>
  );
}

interface ItemProps {
  of: StripProps["of"];
  index: number;
  selected: boolean;
  /** Whether the playback is here. */
  current: boolean;
  className: string;
  mark?: string;
  style: CSSProperties;
  onSelect: (index: number) => void;
  children: ReactNode;
}

export function StripItem({ of, index, selected, current, className, mark, style, onSelect, children }: ItemProps) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the keys
    <div
      id={`${of}-${index}`}
      data-mark={mark}
      className={[className, selected ? "hop-selected" : "", current ? "hop-current" : ""].join(" ")}
      style={style}
      role="option"
      tabIndex={-1}
      aria-selected={selected}
      onClick={() => onSelect(index)}
    >
      {children}
    </div>
  );
}
