/**
 * The developer's page: the real page over the recorded lab. `npx vite test/renderer/page`, then open it with
 * `?up` (a sandbox is up), `?more=100000` (many packets), `?lost` (the line is down), `?dropped`.
 */

import { createRoot } from "react-dom/client";
import { App } from "../../../renderer/app/App.tsx";
import { createPreferences } from "../../../renderer/state/preferences.ts";
import { createSession } from "../../../renderer/state/session.ts";
import topology from "../flannel-vxlan.topology.json";
import { RecordedClient } from "../recorded-client.ts";
import { recordedTopology } from "../recorded-topology.ts";

const place = document.getElementById("page");
if (!place) throw new Error("index.html has no element #page");
const asked = new URLSearchParams(window.location.search);

const client = new RecordedClient({
  topology: recordedTopology(topology),
  up: asked.has("up"),
  more: Number(asked.get("more") ?? 0),
  pause: () => new Promise((resolve) => setTimeout(resolve, 400)),
  guide: {
    en: "# Flannel VXLAN\n\nSend a ping from `a` to `c` and watch **flannel.1** wrap it.\n\n## What to look at\n\n- the TTL goes from 64 to 63 at `cni0`\n- the outer header goes from node to node\n\n```\n10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink\n```\n",
  },
});
if (asked.has("dropped")) for (const capture of client.captures) capture.dropped = 37;
createRoot(place).render(
  <App session={createSession(client)} preferences={createPreferences(window.localStorage, navigator.languages)} />,
);
if (asked.has("lost")) setTimeout(() => client.setStatus("lost"), 1000);
