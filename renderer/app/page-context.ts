/** What every component may take from the page: the session and the words of the chosen language. */

import { createContext, useContext } from "react";
import type { Language } from "../../preload/contract/lab.ts";
import type { Session } from "../state/session.ts";
import { type Catalogue, en } from "../words/en.ts";

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("no SessionContext above this component");
  return session;
}

export const WordsContext = createContext<{ language: Language; words: Catalogue }>({ language: "en", words: en });

export function useWords(): Catalogue {
  return useContext(WordsContext).words;
}

export function useLanguage(): Language {
  return useContext(WordsContext).language;
}
