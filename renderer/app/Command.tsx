/** A command as a person would type it, with a button that copies it. */

import { CopyButton } from "./CopyButton.tsx";

export function Command({ text }: { text: string }) {
  return (
    <span className="command">
      <code>{text}</code>
      <CopyButton text={text} />
    </span>
  );
}
