/** The calls on targets, questions and the embedded VM. */

import { ok, type Result } from "../../preload/contract/result.ts";
import type { TargetSpec, TargetStep, TargetTest } from "../../preload/contract/target.ts";
import { Steps } from "../target/connect.ts";
import { FEATURES, probeTarget } from "../target/probe.ts";
import { listSshHosts } from "../target/ssh/resolve.ts";
import type { Target } from "../target/target.ts";
import type { Targets } from "../target/targets.ts";
import type { CallContext, Handlers } from "./backend.ts";
import type { Questions } from "./questions.ts";
import type { Vm } from "./vm.ts";

type TargetCall = Extract<keyof Handlers, `target.${string}` | `question.${string}` | `vm.${string}`>;

export function targetHandlers(targets: Targets, questions: Questions, vm: Vm): Pick<Handlers, TargetCall> {
  return {
    "target.list": () => targets.list(),
    "target.add": (spec) => targets.add(spec),
    "target.remove": ({ target }) => targets.remove(target),
    "target.connect": ({ target }, { signal, progress }) => targets.connect(target, { signal, onStep: progress }),
    "target.disconnect": async ({ target }) => {
      const known = await targets.spec(target);
      if (!known.ok) return known;
      await targets.disconnect(target);
      return ok(null);
    },
    "target.test": async (input, context) => {
      if ("target" in input && input.target === "local") return testLocal(targets, context);
      const spec = "spec" in input ? ok(input.spec) : await targets.spec(input.target);
      return spec.ok ? testTarget(targets, spec.value, context) : spec;
    },
    "target.offers": async () => ok(listSshHosts()),
    "question.list": async () => ok(questions.list()),
    "question.answer": async ({ question, answer }) => questions.answer(question, answer),
    "vm.status": () => vm.status(),
    "vm.build": (_, context) => vm.build(context),
    "vm.up": (_, context) => vm.up(context),
    "vm.down": async () => {
      await targets.disconnect("vm");
      return vm.down();
    },
    "vm.delete": async () => {
      await targets.disconnect("vm");
      return vm.delete();
    },
  };
}

/** Every step by a connection of its own; a failed step is a result, with its fix, and no fault. */
async function testTarget(
  targets: Targets,
  spec: TargetSpec | "vm",
  { signal, progress }: CallContext<TargetStep>,
): Promise<Result<TargetTest>> {
  const steps: TargetStep[] = [];
  const tell = (step: TargetStep) => {
    const at = steps.findIndex((known) => known.step === step.step);
    if (at < 0) steps.push(step);
    else steps[at] = step;
    progress(step);
  };
  const connected = await targets.open(spec, { signal, onStep: tell });
  if (connected.ok) {
    await probeSteps(connected.value.target, tell);
    await connected.value.target[Symbol.asyncDispose]();
  } else if (connected.fault.code === "cancelled") {
    return connected;
  } else if (!steps.some((step) => step.state === "failed")) {
    new Steps(tell).failed(steps.at(-1)?.step ?? "resolve", connected.fault);
  }
  return ok({ ok: !steps.some((step) => step.state === "failed"), steps });
}

/** This machine needs no connecting. */
async function testLocal(targets: Targets, { progress }: CallContext<TargetStep>): Promise<Result<TargetTest>> {
  const local = await targets.use("local");
  if (!local.ok) return local;
  const steps: TargetStep[] = [];
  const tell = (step: TargetStep) => {
    if (step.state !== "running") steps.push(step);
    progress(step);
  };
  tell({ step: "privileges", state: "ok", detail: local.value.root ? "root" : "rootless" });
  await probeSteps(local.value, tell);
  return ok({ ok: !steps.some((step) => step.state === "failed"), steps });
}

async function probeSteps(target: Target, tell: (step: TargetStep) => void): Promise<void> {
  const steps = new Steps(tell);
  steps.begin("programs");
  const findings = await probeTarget(target, FEATURES);
  if (!findings.ok) {
    steps.failed("programs", findings.fault);
    return;
  }
  for (const step of ["programs", "kernel"] as const) {
    const those = findings.value.filter((finding) => (finding.kind === "kernel") === (step === "kernel"));
    const missing = those.filter((finding) => !finding.found);
    // Something that no lab at hand needs may well be missing: what a lab lacks is said where it is brought up.
    tell({
      step,
      state: missing.length > 0 ? "warning" : "ok",
      detail:
        missing.length > 0 ? `missing: ${missing.map(({ name }) => name).join(", ")}` : `all ${those.length} there`,
      findings: those,
      ...(missing.length > 0 ? { fix: missing.flatMap(({ fix }) => fix ?? []).join("\n") } : {}),
    });
  }
}
