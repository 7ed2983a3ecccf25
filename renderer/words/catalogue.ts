/** The catalogue of each language, and which language a reader gets. */

import { LANGUAGES, type Language, type Words } from "../../preload/contract/lab.ts";
import { type Catalogue, en } from "./en.ts";
import { zhHans } from "./zh-hans.ts";
import { zhHant } from "./zh-hant.ts";

export const catalogues: Record<Language, Catalogue> = { en, "zh-Hant": zhHant, "zh-Hans": zhHans };

export function isLanguage(text: string): text is Language {
  return LANGUAGES.some((language) => language === text);
}

/** The best of our languages for a browser's list of tags such as `zh-TW`; English when none fits. */
export function preferredLanguage(tags: readonly string[]): Language {
  for (const tag of tags) {
    const lower = tag.toLowerCase();
    if (/^zh(-hant|-.*\b(tw|hk|mo)\b|-(tw|hk|mo))/.test(lower)) return "zh-Hant";
    if (/^zh\b/.test(lower)) return "zh-Hans";
    if (/^en\b/.test(lower)) return "en";
  }
  return "en";
}

/** A lab's own words in the reader's language, else in English. */
export function inLanguage(words: Words, language: Language): string {
  return words[language] ?? words.en;
}
