/** The line on top: what this is, where labs run, language, theme and help. */

import { LANGUAGES } from "../../preload/contract/lab.ts";
import { FaultBadge } from "../live/FaultBadge.tsx";
import { isThemeChoice, type Preferences, THEMES } from "../state/preferences.ts";
import { Activity } from "../targets/Activity.tsx";
import { TargetMenu } from "../targets/TargetMenu.tsx";
import { isLanguage } from "../words/catalogue.ts";
import { Icon } from "./Icon.tsx";
import { useWords } from "./page-context.ts";

interface Props {
  preferences: Preferences;
  onPreferences: (change: Partial<Preferences>) => void;
  menu: boolean;
  onMenu: (open: boolean) => void;
  onToggleLabs: () => void;
  onShortcuts: () => void;
}

export function Header({ preferences, onPreferences, menu, onMenu, onToggleLabs, onShortcuts }: Props) {
  const words = useWords();
  return (
    <header className="header">
      <button
        type="button"
        className="icon-button"
        aria-label={words.page.toggleLabs}
        title={words.page.toggleLabs}
        onClick={onToggleLabs}
      >
        <Icon shape="panel" />
      </button>
      <h1>{PRODUCT}</h1>
      <TargetMenu open={menu} onOpenChange={onMenu} />
      <Activity />
      <FaultBadge />
      <span className="spacer" />
      <select
        aria-label={words.language.label}
        title={words.language.label}
        value={preferences.language}
        onChange={({ target }) => isLanguage(target.value) && onPreferences({ language: target.value })}
      >
        {LANGUAGES.map((language) => (
          <option key={language} value={language} lang={language}>
            {words.language.names[language]}
          </option>
        ))}
      </select>
      <select
        aria-label={words.theme.label}
        title={words.theme.label}
        value={preferences.theme}
        onChange={({ target }) => isThemeChoice(target.value) && onPreferences({ theme: target.value })}
      >
        {THEMES.map((theme) => (
          <option key={theme} value={theme}>
            {words.theme[theme]}
          </option>
        ))}
      </select>
      <button
        type="button"
        className="icon-button"
        aria-label={words.page.shortcuts}
        title={words.page.shortcuts}
        onClick={onShortcuts}
      >
        <kbd>?</kbd>
      </button>
    </header>
  );
}

/** A name, the same in every language. */
const PRODUCT = "Hoplab";
