/**
 * The developer's page: the real page over the recorded lab. `npx vite test/renderer/page`, then open it with
 * `?up` (a sandbox is up), `?more=100000` (many packets), `?lost` (the line is down), `?dropped`; for targets with
 * `?targets` (one of each kind), `?target=lost|failed|unusable|idle` (the state of this machine), `?failing` (a test
 * fails), `?ask=key|sudo|prompt` (a question waits; joined with commas, several), `?vm=absent|stopped|outdated|broken|running`,
 * `?gaps` and `?stalled` (of the capture). `?step=MS` is the time of a step; with `never` none ends.
 * `recorded` in the console is the server that never was: `recorded.ask(…)`, `recorded.setTarget(…)`.
 */

import { createRoot } from "react-dom/client";
import type { TargetSummary, VmStatus } from "../../../preload/contract/target.ts";
import { App } from "../../../renderer/app/App.tsx";
import { createPreferences } from "../../../renderer/state/preferences.ts";
import { createSession } from "../../../renderer/state/session.ts";
import topology from "../flannel-vxlan.topology.json";
import { RecordedClient } from "../recorded-client.ts";
import {
  BROKEN,
  CLOUD,
  FAILED_STEPS,
  HOST_KEY,
  LOCAL,
  LOST,
  OFFERS,
  PROMPT,
  REFUSED,
  RUNNING_VM,
  STOPPED_VM,
  SUDO,
  TEST_STEPS,
  UNUSABLE,
  VM,
  WSL,
} from "../recorded-targets.ts";
import { recordedTopology } from "../recorded-topology.ts";

const place = document.getElementById("page");
if (!place) throw new Error("index.html has no element #page");
const asked = new URLSearchParams(window.location.search);

const LOCAL_STATES: Record<string, Partial<TargetSummary>> = {
  lost: { ...LOST, since: Date.now() - 12_000, retryAt: Date.now() + 8_000 },
  failed: { state: "failed", fault: REFUSED },
  unusable: { state: "unusable", fault: UNUSABLE },
  idle: { state: "idle" },
};
const QUESTIONS: Record<string, typeof HOST_KEY> = { key: HOST_KEY, sudo: SUDO, prompt: PROMPT };
const local = { ...LOCAL, ...LOCAL_STATES[asked.get("target") ?? ""] };
const VMS: Record<string, VmStatus> = {
  absent: { state: "absent", diskBytes: 0 },
  stopped: { ...STOPPED_VM, state: "stopped" },
  outdated: { ...STOPPED_VM, image: STOPPED_VM.image && { ...STOPPED_VM.image, current: false } },
  broken: { ...STOPPED_VM, state: "broken", fault: BROKEN },
  running: RUNNING_VM,
};

const step = asked.get("step") ?? "400";
const client = new RecordedClient({
  topology: recordedTopology(topology),
  up: asked.has("up"),
  more: Number(asked.get("more") ?? 0),
  targets: asked.has("targets") ? [local, VM, CLOUD, WSL] : [local, VM],
  vm: VMS[asked.get("vm") ?? ""],
  offers: OFFERS,
  steps: asked.has("failing") ? FAILED_STEPS : TEST_STEPS,
  questions: (asked.get("ask") ?? "").split(",").flatMap((kind) => QUESTIONS[kind] ?? []),
  lacks: { local: ["ipip"] },
  pause: () => new Promise((resolve) => step !== "never" && setTimeout(resolve, Number(step))),
  guide: {
    en: "# Flannel VXLAN\n\nSend a ping from `a` to `c` and watch **flannel.1** wrap it.\n\n## What to look at\n\n- the TTL goes from 64 to 63 at `cni0`\n- the outer header goes from node to node\n\n```\n10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink\n```\n",
  },
});
for (const capture of client.captures) {
  if (asked.has("dropped")) capture.dropped = 37;
  if (asked.has("stalled")) capture.stalledSince = Date.now() - 7_000;
  if (asked.has("gaps")) {
    const { startedAt } = capture;
    capture.gaps = [{ from: startedAt - 60_000, to: startedAt - 32_000, why: "the connection to cloud was lost" }];
    capture.startedAt -= 60_010;
    capture.failed = [{ interface: "node/node3/flannel.1", why: "tcpdump: flannel.1: That device is not up" }];
  }
}
Object.assign(window, { recorded: client });
createRoot(place).render(
  <App session={createSession(client)} preferences={createPreferences(window.localStorage, navigator.languages)} />,
);
if (asked.has("lost")) setTimeout(() => client.setStatus("lost"), 1000);
