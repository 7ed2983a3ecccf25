import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { Guide } from "../../renderer/guide/Guide.tsx";
import { readInline, readMarkdown } from "../../renderer/guide/markdown.ts";

describe("a lab's guide", () => {
  it("reads headings, paragraphs, lists and code", () => {
    const blocks = readMarkdown(
      "# One\ntwo\nthree\n\n- a\n- b\n  more\n\n1. x\n\n```sh\nip route\n\n# no heading\n```\n> note",
    );
    expect(blocks.map((block) => block.kind)).toEqual(["heading", "paragraph", "list", "list", "code", "quote"]);
    expect(blocks[1]).toEqual({ kind: "paragraph", content: [{ kind: "text", text: "two three" }] });
    expect(blocks[2]).toMatchObject({ ordered: false, items: [[{ text: "a" }], [{ text: "b more" }]] });
    expect(blocks[3]).toMatchObject({ ordered: true });
    expect(blocks[4]).toEqual({ kind: "code", text: "ip route\n\n# no heading" });
  });

  it("reads tables", () => {
    expect(readMarkdown("| a | b |\n|---|---|\n| 1 | 2 |")).toMatchObject([
      { kind: "table", head: [[{ text: "a" }], [{ text: "b" }]], rows: [[[{ text: "1" }], [{ text: "2" }]]] },
    ]);
  });

  it("leaves stars inside of code alone", () => {
    expect(readInline("see `**x**` and **`bold`**")).toEqual([
      { kind: "text", text: "see " },
      { kind: "code", text: "**x**" },
      { kind: "text", text: " and " },
      { kind: "strong", text: "`bold`" },
    ]);
  });

  it("puts no space between Chinese characters where a line ends, and one beside a Latin word", () => {
    const text = (markdown: string) =>
      readMarkdown(markdown).map((block) => (block.kind === "paragraph" ? block.content : []).map((part) => part.text));
    expect(text("一切照\n樣通，\n`a` 與\n`b`")).toEqual([["一切照樣通，", "a", " 與 ", "b"]]);
    expect(text("節點的\n*預設*路由")).toEqual([["節點的", "預設", "路由"]]);
    expect(text("Pod 的\nMTU")).toEqual([["Pod 的 MTU"]]);
    expect(readMarkdown("- 兩者都\n  不對")).toMatchObject([{ items: [[{ text: "兩者都不對" }]] }]);
  });

  it("shows markup of its own as text and follows no link", () => {
    const html = renderToStaticMarkup(
      <Guide guide={{ en: "<script>alert(1)</script> [here](javascript:alert)" }} language="en" />,
    );
    expect(html).not.toContain("<script");
    expect(html).not.toContain("href");
    expect(html).toContain("&lt;script&gt;");
    expect(html).toContain("here");
  });

  it("ends for every text, also for an open fence or a lone table rule", () => {
    for (const text of ["", "```", "|---|", "- ", "#", "> ", "a | b\n---", "1) x\n- y"]) {
      expect(Array.isArray(readMarkdown(text))).toBe(true);
    }
  });

  it("falls back to English and says so", () => {
    const html = renderToStaticMarkup(<Guide guide={{ en: "text" }} language="zh-Hans" />);
    expect(html).toContain('lang="en"');
    expect(html).toContain("not translated");
  });
});
