/** The page: theme and language around one workbench. */

import { useInsertionEffect, useMemo, useSyncExternalStore } from "react";
import { useStore } from "zustand";
import type { StoreApi } from "zustand/vanilla";
import type { Preferences, Theme, ThemeChoice } from "../state/preferences.ts";
import type { Session } from "../state/session.ts";
import "../theme/theme.css";
import "../theme/compare.css";
import "../theme/live.css";
import "../theme/page.css";
import "../theme/targets.css";
import { catalogues } from "../words/catalogue.ts";
import { SessionContext, WordsContext } from "./page-context.ts";
import { Workbench } from "./Workbench.tsx";

interface Props {
  session: Session;
  preferences: StoreApi<Preferences>;
}

export function App({ session, preferences }: Props) {
  const chosen = useStore(preferences);
  const { language } = chosen;
  const theme = useTheme(chosen.theme);
  const words = useMemo(() => ({ language, words: catalogues[language] }), [language]);
  // Before any other effect: the topology reads the theme's colours in one.
  useInsertionEffect(() => {
    document.documentElement.lang = language;
    document.documentElement.dataset.theme = theme;
  }, [language, theme]);
  return (
    <SessionContext value={session}>
      <WordsContext value={words}>
        <Workbench preferences={chosen} onPreferences={(change) => preferences.setState(change)} theme={theme} />
      </WordsContext>
    </SessionContext>
  );
}

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function watchSystem(listener: () => void): () => void {
  dark.addEventListener("change", listener);
  return () => dark.removeEventListener("change", listener);
}

/** The theme to draw: as chosen, else as the system has it now. */
function useTheme(choice: ThemeChoice): Theme {
  const system = useSyncExternalStore(watchSystem, () => (dark.matches ? "dark" : "light"));
  return choice === "system" ? system : choice;
}
