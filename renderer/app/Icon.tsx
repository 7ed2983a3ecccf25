/** The few small pictures of the page, drawn in the colour of the text. Decoration only: words say what they mean. */

const SHAPES = {
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M6 6h7v7H6zM3.5 10V3.5H10",
  check: "M3 8.5l3.5 3.5L13 4.5",
  refresh: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5V5h-2.5",
  panel: "M2.5 3h11v10h-11zM6.5 3v10",
  right: "M6 4l4 4-4 4",
  down: "M4 6l4 4 4-4",
  plus: "M8 3.5v9M3.5 8h9",
  minus: "M4 8h8",
  forbidden: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11M4.2 4.2l7.6 7.6",
  arrow: "M2.5 8h11M10 4.5L13.5 8 10 11.5",
  reply: "M6.5 4L3 7.5 6.5 11M3 7.5h6a4 4 0 0 1 4 4V13",
  warning: "M8 2.5l6 11H2zM8 6.5v3.5M8 11.7v.4",
} as const;

export function Icon({ shape }: { shape: keyof typeof SHAPES }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" focusable="false">
      <path d={SHAPES[shape]} />
    </svg>
  );
}
