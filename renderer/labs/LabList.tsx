/** All labs, one of them selected: what it is, what it needs, whether it is up; bring up and take down. */

import { useEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import type { LabSummary, Sandbox } from "../../preload/contract/lab.ts";
import type { TargetSummary } from "../../preload/contract/target.ts";
import { Empty } from "../app/Empty.tsx";
import { FaultNote } from "../app/FaultNote.tsx";
import { Icon } from "../app/Icon.tsx";
import { useLanguage, useSession, useWords } from "../app/page-context.ts";
import {
  alsoUpOn,
  type Building,
  buildingOf,
  faultOf,
  groupLabs,
  isSandbox,
  type LabsState,
  lacksOf,
  sandboxesOf,
} from "../state/labs.ts";
import { currentTarget } from "../state/targets.ts";
import { inLanguage } from "../words/catalogue.ts";
import { CaptureList } from "./CaptureList.tsx";
import { LabLacks, OtherTargets } from "./LabLacks.tsx";

export function LabList() {
  const words = useWords();
  const session = useSession();
  const state = useStore(session.labs);
  const selected = useStore(session.view, (view) => view.lab);
  const shownSandbox = useStore(session.view, (view) => view.sandbox);
  const targetState = useStore(session.targets.state, (targets) => currentTarget(targets)?.state);
  const list = useRef<HTMLDivElement>(null);
  const language = useLanguage();
  const [filter, setFilter] = useState("");
  const groups = groupLabs(state.labs, filter, language);

  const move = (event: React.KeyboardEvent) => {
    const buttons = [...(list.current?.querySelectorAll<HTMLButtonElement>(".lab-name") ?? [])];
    const at = buttons.findIndex((button) => button.matches(":focus"));
    if (at < 0) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    buttons[Math.max(0, Math.min(buttons.length - 1, to))]?.focus();
  };

  return (
    <nav className="labs" aria-label={words.labs.heading}>
      <h2>{words.labs.heading}</h2>
      {state.status === "loading" && <p className="quiet">{words.page.loading}</p>}
      {state.status === "failed" && state.fault && <FaultNote fault={state.fault} onRetry={session.reload} />}
      {state.status === "ready" && state.labs.length === 0 && (
        <Empty title={words.labs.none} fix={words.labs.noneFix} />
      )}
      {state.labs.length > 0 && (
        <input
          type="search"
          className="lab-filter"
          aria-label={words.labs.filter}
          placeholder={words.labs.filter}
          spellCheck={false}
          value={filter}
          onChange={({ target }) => setFilter(target.value)}
        />
      )}
      {state.labs.length > 0 && groups.length === 0 && <p className="quiet">{words.labs.noMatch}</p>}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrows move the focus between the buttons in it */}
      <div ref={list} onKeyDown={move}>
        {groups.map(({ group, labs }) => (
          <section key={group} aria-label={words.labs.groups[group]}>
            <h3 className="lab-group">{words.labs.groups[group]}</h3>
            <ul>
              {labs.map((lab) => (
                <LabItem
                  key={lab.id}
                  lab={lab}
                  state={state}
                  targetState={targetState}
                  selected={lab.id === selected}
                  shownSandbox={shownSandbox}
                />
              ))}
            </ul>
          </section>
        ))}
      </div>
    </nav>
  );
}

interface ItemProps {
  lab: LabSummary;
  state: LabsState;
  targetState?: TargetSummary["state"];
  selected: boolean;
  shownSandbox?: string;
}

function LabItem({ lab, state, targetState, selected, shownSandbox }: ItemProps) {
  const words = useWords();
  const language = useLanguage();
  const session = useSession();
  const isConnected = targetState === "connected";
  // Only a connected target says what is up there; of one that was lost the page remembers it.
  const isKnown = isConnected || targetState === "lost";
  const needsTarget = isConnected ? undefined : words.labs.needsTarget;
  const building = buildingOf(state, lab.id);
  const sandboxes = sandboxesOf(state, lab.id).filter(
    (sandbox) => !state.building.some((one) => isSandbox(one, sandbox)),
  );
  const fault = faultOf(state, lab.id);
  const lacks = lacksOf(state, lab.id);
  const elsewhere = alsoUpOn(state, lab.id);
  const phase = building.length > 0 ? "comingUp" : sandboxes.length > 0 ? "up" : "down";
  return (
    <li className={selected ? "lab lab-selected" : "lab"} data-lab={lab.id}>
      <button
        type="button"
        className="lab-name"
        aria-current={selected ? "true" : undefined}
        onClick={() => session.selectLab(lab.id)}
      >
        <span className={`dot dot-${phase}`} aria-hidden="true" />
        <span className="lab-title">{inLanguage(lab.title, language)}</span>
        {isConnected && (lacks ?? []).length > 0 && <LacksMark lacks={lacks ?? []} />}
        {lab.compares ? (
          <span className="lab-phase">{words.labs.comparison}</span>
        ) : isKnown || phase !== "down" ? (
          <span className={`lab-phase phase-${phase}`}>
            {phase === "down" && elsewhere[0] !== undefined ? words.labs.upOn(elsewhere) : words.labs[phase]}
          </span>
        ) : (
          <span className="lab-phase">{words.labs.unknown}</span>
        )}
      </button>
      {selected && (
        <div className="lab-body">
          <p className="lab-summary">{inLanguage(lab.summary, language)}</p>
          {lab.problem !== undefined && (
            <p className="problem">
              <Icon shape="warning" />
              <span>
                <strong>{words.labs.invalid}</strong> {lab.problem}
              </span>
            </p>
          )}
          <Requirements requires={lab.requires} lacks={lacks} />
          <LabLacks lab={lab.id} />
          {sandboxes.map((sandbox) => (
            <SandboxRow
              key={`${sandbox.target} ${sandbox.name}`}
              sandbox={sandbox}
              shown={sandbox.name === shownSandbox}
              several={sandboxes.length + building.length > 1}
              needsTarget={needsTarget}
              leaving={state.leaving.some((one) => isSandbox(one, sandbox))}
            />
          ))}
          {building.map((one) => (
            <BuildingRow
              key={`${one.target} ${one.name}`}
              building={one}
              several={sandboxes.length + building.length > 1}
            />
          ))}
          {fault && (
            <FaultNote fault={fault} onDismiss={() => session.dismissFault(lab.id)}>
              {fault.code === "missing" && (lacks ?? []).length === 0 && (
                <OtherTargets names={fault.targets ?? []} lab={lab.id} />
              )}
            </FaultNote>
          )}
          {lab.compares ? null : sandboxes.length + building.length === 0 ? (
            <button
              type="button"
              className={(lacks ?? []).length > 0 ? "button" : "button button-main"}
              disabled={lab.problem !== undefined || !isConnected}
              title={needsTarget}
              onClick={() => session.bringUp(lab.id)}
            >
              {words.labs.bringUp}
            </button>
          ) : (
            building.length === 0 && (
              <button
                type="button"
                className="button button-quiet"
                disabled={!isConnected}
                title={needsTarget}
                onClick={() => session.bringUp(lab.id)}
              >
                {words.labs.another}
              </button>
            )
          )}
          {sandboxes.length > 0 && <CompareWith lab={lab.id} labs={state.labs} />}
          {sandboxes.length > 0 && elsewhere.length > 0 && (
            <p className="quiet also-up">{words.labs.alsoUpOn(elsewhere)}</p>
          )}
          {!lab.compares && <CaptureList lab={lab.id} />}
        </div>
      )}
    </li>
  );
}

/** Of a lab in the list: that the current target can't host it. */
function LacksMark({ lacks }: { lacks: readonly string[] }) {
  const words = useWords().labs;
  const label = words.lacksAll(lacks);
  return (
    <span className="lab-lacks" title={label}>
      <Icon shape="forbidden" />
      <span className="unseen">{label}</span>
    </span>
  );
}

/** Another lab, or another copy of this one, to see side by side with it. */
function CompareWith({ lab, labs }: { lab: string; labs: readonly LabSummary[] }) {
  const words = useWords();
  const language = useLanguage();
  const session = useSession();
  return (
    <select
      className="compare-with"
      aria-label={words.compare.with}
      value=""
      onChange={({ target }) => session.compare.open({ left: lab, right: target.value })}
    >
      <option value="" hidden>
        {words.compare.with}
      </option>
      {labs
        .filter((other) => !other.compares && other.problem === undefined)
        .map((other) => (
          <option key={other.id} value={other.id}>
            {inLanguage(other.title, language)}
          </option>
        ))}
    </select>
  );
}

function Requirements({ requires, lacks }: { requires: readonly string[]; lacks?: readonly string[] }) {
  const words = useWords();
  const names = [...new Set([...requires, ...(lacks ?? [])])];
  if (names.length === 0) return null;
  return (
    <p className="requires">
      <span className="muted">{words.labs.requires}</span>
      {names.map((name) => {
        const missing = lacks?.includes(name) ?? false;
        const label = lacks === undefined ? undefined : missing ? words.labs.lacks(name) : words.labs.has(name);
        return (
          <span key={name} className={missing ? "badge badge-bad" : "badge"} title={label}>
            {missing && <Icon shape="close" />}
            <code>{name}</code>
            {missing && <span className="unseen">{label}</span>}
          </span>
        );
      })}
    </p>
  );
}

interface SandboxProps {
  sandbox: Sandbox;
  shown: boolean;
  several: boolean;
  /** Why nothing can be done about it now. */
  needsTarget?: string;
  leaving: boolean;
}

function SandboxRow({ sandbox, shown, several, needsTarget, leaving }: SandboxProps) {
  const words = useWords();
  const session = useSession();
  const now = useSeconds();
  const age = Math.max(0, Math.floor(now - sandbox.startedAt / 1000));
  const state = leaving ? words.labs.goingDown : `${words.labs.up} · ${words.labs.age(age)}`;
  return (
    <div className={shown && several ? "sandbox sandbox-shown" : "sandbox"} data-sandbox={sandbox.name}>
      {several ? (
        <button
          type="button"
          className="sandbox-name"
          aria-pressed={shown}
          onClick={() => session.selectSandbox(sandbox.name)}
        >
          <code>{sandbox.name}</code>
          <span className="muted">{state}</span>
        </button>
      ) : (
        <span className="sandbox-name">
          <span>{state}</span>
          <span className="muted">{words.labs.namespaces(sandbox.namespaces.length)}</span>
        </span>
      )}
      <button
        type="button"
        className="button"
        disabled={leaving || needsTarget !== undefined}
        title={needsTarget}
        onClick={() => session.takeDown(sandbox)}
      >
        {leaving ? words.labs.goingDown : words.labs.takeDown}
      </button>
    </div>
  );
}

export function BuildingRow({ building, several }: { building: Building; several: boolean }) {
  const words = useWords();
  const session = useSession();
  const { name, progress } = building;
  return (
    <div className="building" data-building={name}>
      {several && <code>{name}</code>}
      <progress
        max={progress?.total ?? 1}
        value={progress?.done}
        aria-label={progress ? words.labs.step(progress.done, progress.total) : words.labs.starting}
      />
      <p className="building-why">{progress?.why ?? words.labs.starting}</p>
      <p className="building-foot">
        <span className="muted">{progress ? words.labs.step(progress.done, progress.total) : words.labs.comingUp}</span>
        <button type="button" className="button" onClick={() => session.cancelBringUp(building)}>
          {words.page.cancel}
        </button>
      </p>
    </div>
  );
}

/** Seconds since 1970, kept current every 10 seconds. */
function useSeconds(): number {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), 10_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
