/** What the reader chose and the page remembers: language, theme and target. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Language } from "../../preload/contract/lab.ts";
import { isLanguage, preferredLanguage } from "../words/catalogue.ts";
import type { RememberedTarget } from "./targets.ts";

export const THEMES = ["system", "light", "dark"] as const;
export type ThemeChoice = (typeof THEMES)[number];
export type Theme = "light" | "dark";

export interface Preferences {
  language: Language;
  theme: ThemeChoice;
  /** Absent until one was chosen. */
  target?: RememberedTarget;
}

type Memory = Pick<Storage, "getItem" | "setItem">;

const LANGUAGE_KEY = "hoplab.language";
const THEME_KEY = "hoplab.theme";
/** The server's default and the target, with a space between: no name has one. */
const TARGET_KEY = "hoplab.target";

export function isThemeChoice(text: string): text is ThemeChoice {
  return THEMES.some((theme) => theme === text);
}

/** What was remembered; else the browser's language and the system's theme. */
export function readPreferences(memory: Memory, languages: readonly string[]): Preferences {
  const language = memory.getItem(LANGUAGE_KEY);
  const theme = memory.getItem(THEME_KEY);
  const [given, name] = memory.getItem(TARGET_KEY)?.split(" ") ?? [];
  return {
    language: language !== null && isLanguage(language) ? language : preferredLanguage(languages),
    theme: theme !== null && isThemeChoice(theme) ? theme : "system",
    target: given && name ? { name, given } : undefined,
  };
}

/** A store that writes every change back to `memory`. */
export function createPreferences(memory: Memory, languages: readonly string[]): StoreApi<Preferences> {
  const store = createStore<Preferences>(() => readPreferences(memory, languages));
  store.subscribe(({ language, theme, target }) => {
    memory.setItem(LANGUAGE_KEY, language);
    memory.setItem(THEME_KEY, theme);
    if (target) memory.setItem(TARGET_KEY, `${target.given} ${target.name}`);
  });
  return store;
}
