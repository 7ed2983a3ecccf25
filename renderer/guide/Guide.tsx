/** A lab's guide. Its markdown becomes elements one by one; no markup of the guide's own ever runs.
 * The parts of a text have no other name than their place, so their index is their key. */

import { type ReactNode, useMemo } from "react";
import type { Language } from "../../preload/contract/lab.ts";
import { Empty } from "../app/Empty.tsx";
import { useWords } from "../app/page-context.ts";
import { type Block, type Inline, readMarkdown } from "./markdown.ts";

interface Props {
  /** By language. */
  guide: Readonly<Record<string, string>>;
  language: Language;
}

export function Guide({ guide, language }: Props) {
  const words = useWords().guide;
  const own = guide[language];
  const text = own ?? guide.en;
  const blocks = useMemo(() => (text === undefined ? [] : readMarkdown(text)), [text]);
  if (text === undefined) return <Empty title={words.none} />;
  return (
    <article className="guide" lang={own === undefined ? "en" : language}>
      {own === undefined && <p className="quiet">{words.inEnglish}</p>}
      {blocks.map((block, index) => (
        <BlockView key={index} block={block} />
      ))}
    </article>
  );
}

export function BlockView({ block }: { block: Block }): ReactNode {
  switch (block.kind) {
    case "heading": {
      // The panel's own heading is an h2.
      const Tag = block.level <= 1 ? "h3" : block.level === 2 ? "h4" : "h5";
      return (
        <Tag>
          <Inlines content={block.content} />
        </Tag>
      );
    }
    case "paragraph":
      return (
        <p>
          <Inlines content={block.content} />
        </p>
      );
    case "quote":
      return (
        <blockquote>
          <Inlines content={block.content} />
        </blockquote>
      );
    case "code":
      return <pre>{block.text}</pre>;
    case "list": {
      const Tag = block.ordered ? "ol" : "ul";
      return (
        <Tag>
          {block.items.map((item, index) => (
            <li key={index}>
              <Inlines content={item} />
            </li>
          ))}
        </Tag>
      );
    }
    case "table":
      return (
        <table>
          <thead>
            <tr>
              {block.head.map((cell, index) => (
                <th key={index}>
                  <Inlines content={cell} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {block.rows.map((row, index) => (
              <tr key={index}>
                {row.map((cell, column) => (
                  <td key={column}>
                    <Inlines content={cell} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      );
  }
}

function Inlines({ content }: { content: readonly Inline[] }): ReactNode {
  return content.map((part, index) => {
    const key = `${index} ${part.text}`;
    switch (part.kind) {
      case "code":
        return <code key={key}>{part.text}</code>;
      case "strong":
        return <strong key={key}>{part.text}</strong>;
      case "emphasis":
        return <em key={key}>{part.text}</em>;
      case "link":
        return (
          <span key={key} className="link-text" title={part.url}>
            {part.text}
          </span>
        );
      default:
        return part.text;
    }
  });
}
