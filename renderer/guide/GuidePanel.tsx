/** The guide of the lab that is open. */

import { useStore } from "zustand";
import { Empty } from "../app/Empty.tsx";
import { FaultNote } from "../app/FaultNote.tsx";
import { useLanguage, useSession, useWords } from "../app/page-context.ts";
import { Guide } from "./Guide.tsx";

export function GuidePanel() {
  const words = useWords();
  const language = useLanguage();
  const detail = useStore(useSession().view, (view) => view.detail);
  if (detail.status === "ready") return <Guide guide={detail.value.guide} language={language} />;
  if (detail.status === "loading") return <p className="quiet pad">{words.page.loading}</p>;
  if (detail.status === "failed") return <FaultNote fault={detail.fault} />;
  return <Empty title={words.guide.none} />;
}
