/** A short text with markdown in it; commands of it can be copied. Its parts have no other name than their place. */

import { Fragment, useMemo } from "react";
import { Command } from "../app/Command.tsx";
import { BlockView } from "./Guide.tsx";
import { readMarkdown } from "./markdown.ts";

const COMMAND = /`(hoplab [^`]+)`/g;

export function Prose({ text }: { text: string }) {
  const blocks = useMemo(() => readMarkdown(text), [text]);
  const commands = useMemo(() => [...new Set([...text.matchAll(COMMAND)].map(([, command]) => command ?? ""))], [text]);
  return (
    <div className="prose">
      {blocks.map((block, index) => (
        <Fragment key={index}>
          <BlockView block={block} />
        </Fragment>
      ))}
      {commands.length > 0 && (
        <ul className="prose-commands">
          {commands.map((command) => (
            <li key={command}>
              <Command text={command} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
