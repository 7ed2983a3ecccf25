/** Puts a text into the clipboard and says so. */

import { useEffect, useState } from "react";
import { Icon } from "./Icon.tsx";
import { useWords } from "./page-context.ts";

interface Props {
  text: string;
  /** What the button does, where the text is no command. */
  label?: string;
}

export function CopyButton({ text, label: wanted }: Props) {
  const words = useWords();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const label = copied ? words.page.copied : (wanted ?? words.page.copyCommand);
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      title={label}
      onClick={() => {
        void navigator.clipboard.writeText(text).then(() => setCopied(true));
      }}
    >
      <Icon shape={copied ? "check" : "copy"} />
    </button>
  );
}
