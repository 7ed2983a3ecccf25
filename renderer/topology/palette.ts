/** The theme's colours and fonts as a canvas needs them: plain `rgb()` values read from the page's CSS variables. */

import type { Encapsulation } from "./layer-stack.ts";

export interface Palette {
  /** Inside of hosts and networks. */
  bg: string;
  /** Behind everything, and inside of pods and interfaces. */
  panel: string;
  text: string;
  muted: string;
  line: string;
  accent: string;
  focus: string;
  ok: string;
  bad: string;
  encapsulation: Record<Encapsulation, string>;
  mono: string;
  sans: string;
  /** Width of one character of `mono` at 1 px. */
  advance: number;
}

export type Theme = "light" | "dark";

const FALLBACK: Record<Theme, Record<string, string>> = {
  light: {
    "--bg": "#f6f7f8",
    "--panel": "#ffffff",
    "--text": "#1a1a19",
    "--muted": "#6b6b67",
    "--line": "#d9d9d4",
    "--accent": "#1f5fbf",
    "--focus": "#1f5fbf",
    "--ok": "#1f7a3d",
    "--bad": "#b3261e",
    "--encap-none": "#3d3d3a",
    "--encap-vxlan": "#1f5fbf",
    "--encap-ipip": "#8a4b08",
    "--encap-udp": "#7a6000",
  },
  dark: {
    "--bg": "#0f1216",
    "--panel": "#161a1f",
    "--text": "#ececea",
    "--muted": "#9a9a94",
    "--line": "#3a3a37",
    "--accent": "#7fb0ff",
    "--focus": "#7fb0ff",
    "--ok": "#6fcf8a",
    "--bad": "#ff8a80",
    "--encap-none": "#d6d6d2",
    "--encap-vxlan": "#7fb0ff",
    "--encap-ipip": "#e8a55c",
    "--encap-udp": "#d9c05a",
  },
};

/** Reads the variables as they apply to `element`. Any CSS colour is understood, `oklch()` and `light-dark()` too. */
export function readPalette(element: HTMLElement, theme: Theme): Palette {
  const probe = document.createElement("span");
  probe.hidden = true;
  element.append(probe);
  const style = getComputedStyle(probe);
  const context = onePixel();
  const fallback = FALLBACK[theme];
  const colour = (name: string, instead = fallback[name] ?? "#808080"): string => {
    probe.style.color = `var(${name}, ${instead})`;
    return toRgb(context, style.color);
  };
  const font = (name: string, instead: string): string => {
    probe.style.fontFamily = `var(${name}, ${instead})`;
    return style.fontFamily;
  };
  const mono = font("--font-mono", "ui-monospace, Menlo, Consolas, monospace");
  const sans = font("--font-sans", "system-ui, sans-serif");
  const accent = colour("--accent");
  const palette: Palette = {
    bg: colour("--bg"),
    panel: colour("--panel"),
    text: colour("--text"),
    muted: colour("--muted"),
    line: colour("--line"),
    accent,
    focus: colour("--focus"),
    ok: colour("--ok"),
    bad: colour("--bad"),
    encapsulation: {
      none: colour("--encap-none"),
      vxlan: colour("--encap-vxlan"),
      geneve: colour("--encap-geneve", accent),
      gre: colour("--encap-gre", accent),
      udp: colour("--encap-udp"),
      ipip: colour("--encap-ipip"),
    },
    mono,
    sans,
    advance: measureAdvance(context, mono),
  };
  probe.remove();
  return palette;
}

function onePixel(): CanvasRenderingContext2D {
  const canvas = document.createElement("canvas");
  canvas.width = 1;
  canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("this browser has no 2D canvas");
  return context;
}

/** Cytoscape reads no newer notation than rgb(), so the colour is painted and read back. */
function toRgb(context: CanvasRenderingContext2D, colour: string): string {
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  return `rgb(${red}, ${green}, ${blue})`;
}

function measureAdvance(context: CanvasRenderingContext2D, mono: string): number {
  context.font = `100px ${mono}`;
  return context.measureText("0").width / 100;
}

function channelsOf(rgb: string): number[] {
  return (rgb.match(/\d+/g) ?? []).map(Number);
}

/** `part` (0 to 1) of `colour` on `ground`; both as `rgb()`. */
export function mixColours(colour: string, ground: string, part: number): string {
  const below = channelsOf(ground);
  const mixed = channelsOf(colour).map((value, index) => {
    const from = below[index] ?? 0;
    return Math.round(from + (value - from) * part);
  });
  return `rgb(${mixed.join(", ")})`;
}

/** Black or white, whichever reads better on `rgb`. */
export function inkOn(rgb: string): string {
  const [red = 0, green = 0, blue = 0] = channelsOf(rgb);
  return 0.299 * red + 0.587 * green + 0.114 * blue > 150 ? "rgb(0, 0, 0)" : "rgb(255, 255, 255)";
}
