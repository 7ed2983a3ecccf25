/** A canvas over the topology on which packets move. It draws only when something has changed. */

import type { Core } from "cytoscape";
import { useEffect, useRef } from "react";
import { drawJourney, type Scene } from "./draw-journey.ts";
import type { PlaybackPlayer } from "./use-playback.ts";

interface PacketOverlayProps {
  /** Whose pan and zoom the overlay follows. */
  cy: Core;
  scene: Scene;
  /** The clock; without one the journey stands at its first step. */
  player?: PlaybackPlayer;
}

const REDUCED_MOTION = "(prefers-reduced-motion: reduce)";

/** Redraws with Cytoscape's own frames, so that packets stay on their lines while the picture is panned. */
export function PacketOverlay({ cy, scene, player }: PacketOverlayProps) {
  const canvasRef = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    const canvas = canvasRef.current;
    const context = canvas?.getContext("2d");
    if (canvas === null || context === null || context === undefined) return;
    const reduced = matchMedia(REDUCED_MOTION);
    let frame: number | undefined;

    const draw = () => {
      const width = canvas.clientWidth;
      const height = canvas.clientHeight;
      const ratio = devicePixelRatio;
      const pixels = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
      if (canvas.width !== pixels.width || canvas.height !== pixels.height) Object.assign(canvas, pixels);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      const at = player?.read() ?? { step: 0, fraction: 0 };
      const shown = reduced.matches ? { step: at.step, fraction: 0 } : at;
      drawJourney(context, { zoom: cy.zoom(), pan: cy.pan(), width, height }, scene, shown);
    };
    const schedule = () => {
      frame ??= requestAnimationFrame(() => {
        frame = undefined;
        draw();
      });
    };

    draw();
    cy.on("render", draw);
    cy.on("viewport resize", schedule);
    reduced.addEventListener("change", schedule);
    // The player moves within a browser's frame already.
    const unwatch = player?.watch(draw);
    const sizes = new ResizeObserver(draw);
    sizes.observe(canvas);
    return () => {
      cy.off("render", draw);
      cy.off("viewport resize", schedule);
      reduced.removeEventListener("change", schedule);
      unwatch?.();
      sizes.disconnect();
      if (frame !== undefined) cancelAnimationFrame(frame);
    };
  }, [cy, scene, player]);

  return <canvas ref={canvasRef} className="topology-overlay" />;
}
