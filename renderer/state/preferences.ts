/** What the reader chose and the page remembers: language and theme. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Language } from "../../preload/contract/lab.ts";
import { isLanguage, preferredLanguage } from "../words/catalogue.ts";

export const THEMES = ["system", "light", "dark"] as const;
export type ThemeChoice = (typeof THEMES)[number];
export type Theme = "light" | "dark";

export interface Preferences {
  language: Language;
  theme: ThemeChoice;
}

type Memory = Pick<Storage, "getItem" | "setItem">;

const LANGUAGE_KEY = "hoplab.language";
const THEME_KEY = "hoplab.theme";

export function isThemeChoice(text: string): text is ThemeChoice {
  return THEMES.some((theme) => theme === text);
}

/** What was remembered; else the browser's language and the system's theme. */
export function readPreferences(memory: Memory, languages: readonly string[]): Preferences {
  const language = memory.getItem(LANGUAGE_KEY);
  const theme = memory.getItem(THEME_KEY);
  return {
    language: language !== null && isLanguage(language) ? language : preferredLanguage(languages),
    theme: theme !== null && isThemeChoice(theme) ? theme : "system",
  };
}

/** A store that writes every change back to `memory`. */
export function createPreferences(memory: Memory, languages: readonly string[]): StoreApi<Preferences> {
  const store = createStore<Preferences>(() => readPreferences(memory, languages));
  store.subscribe(({ language, theme }) => {
    memory.setItem(LANGUAGE_KEY, language);
    memory.setItem(THEME_KEY, theme);
  });
  return store;
}
