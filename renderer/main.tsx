/** Starts the page: connects to the server, remembers preferences, draws. */

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App.tsx";
import { connect } from "./client/connect.ts";
import { createPreferences } from "./state/preferences.ts";
import { createSession } from "./state/session.ts";

const place = document.getElementById("page");
if (!place) throw new Error("index.html has no element #page");

const preferences = createPreferences(window.localStorage, navigator.languages);
const session = createSession(connect(), {
  remembered: preferences.getState().target,
  remember: (target) => preferences.setState({ target }),
});

createRoot(place).render(
  <StrictMode>
    <App session={session} preferences={preferences} />
  </StrictMode>,
);
