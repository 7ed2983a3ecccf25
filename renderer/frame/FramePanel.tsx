/** The frame of the selected hop: its fields and its bytes, linked both ways. */

import { useEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import type { OpenedFrame } from "../../preload/contract/frame.ts";
import { Empty } from "../app/Empty.tsx";
import { FaultNote } from "../app/FaultNote.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { FieldTree } from "./FieldTree.tsx";
import { fieldAt, rangeOf } from "./field-tree.ts";
import { HexDump } from "./HexDump.tsx";

export function FramePanel() {
  const words = useWords();
  const session = useSession();
  const frame = useStore(session.view, (view) => view.frame);
  switch (frame.status) {
    case "none":
      return <Empty title={words.frame.none} fix={words.frame.noneFix} />;
    case "loading":
      return <p className="quiet pad">{words.page.loading}</p>;
    case "failed":
      return <FaultNote fault={frame.fault} />;
    case "ready":
      return <FrameView frame={frame.value} />;
  }
}

/** 16 bytes a row need this many pixels. */
const WIDE = 540;

export function FrameView({ frame }: { frame: OpenedFrame }) {
  const words = useWords();
  const place = useRef<HTMLDivElement>(null);
  const [wide, setWide] = useState(false);
  // Paths, not rows: what is open and selected stays so from frame to frame of a journey.
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(new Set(["ipv4#0", "arp#0", "vxlan#0"]));
  const [selected, setSelected] = useState<string>();
  const [hovered, setHovered] = useState<string>();

  useEffect(() => {
    if (!place.current) return;
    const observer = new ResizeObserver(([entry]) => entry && setWide(entry.contentRect.width >= WIDE));
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);

  const { layers } = frame;
  const expand = (paths: readonly string[], open: boolean) =>
    setExpanded((before) => {
      const after = new Set(before);
      for (const path of paths) open ? after.add(path) : after.delete(path);
      return after;
    });
  const range = (path: string | undefined) => (path === undefined ? undefined : rangeOf(layers, path));

  return (
    <div className="frame" ref={place}>
      <p className="frame-head">
        <strong>{words.frame.title(frame.index)}</strong>
        <code>{`${frame.netns}/${frame.interface}`}</code>
        <span className="muted">{words.direction[frame.direction]}</span>
        <span className="muted">{words.frame.length(frame.length)}</span>
      </p>
      {frame.captured < frame.length && <p className="warn pad">{words.frame.cut(frame.captured, frame.length)}</p>}
      <FieldTree
        layers={layers}
        expanded={expanded}
        selected={selected}
        hovered={hovered}
        onSelect={setSelected}
        onHover={setHovered}
        onExpand={(path, open) => expand([path], open)}
      />
      <HexDump
        bytes={frame.bytes}
        width={wide ? 16 : 8}
        selected={range(selected)}
        hovered={range(hovered)}
        onSelect={(byte) => {
          const found = fieldAt(layers, byte);
          if (!found) return;
          expand(found.ancestors, true);
          setSelected(found.path);
        }}
        onHover={(byte) => setHovered(byte === undefined ? undefined : fieldAt(layers, byte)?.path)}
      />
    </div>
  );
}
