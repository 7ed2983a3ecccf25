/** All targets beside what there is to know and to do about one; and the forms for a new one. */

import { Dialog, Tabs } from "radix-ui";
import { useEffect, useRef } from "react";
import { useStore } from "zustand";
import { Icon } from "../app/Icon.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { useFocusReturn } from "../app/use-focus-return.ts";
import type { TargetPage } from "../state/targets.ts";
import { AddTarget } from "./AddTarget.tsx";
import { stateWord } from "./state-word.ts";
import { TargetMark } from "./TargetMark.tsx";
import { TargetPanel } from "./TargetPanel.tsx";

const ADD_KINDS = ["ssh", "command"] as const;

export function TargetsDialog() {
  const words = useWords();
  const { targets, vm } = useSession();
  const { dialog, targets: list, current } = useStore(targets.state);
  const status = useStore(vm.state, (state) => state.status);
  const open = dialog !== undefined;
  const tabs = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!open) return;
    vm.load();
    targets.loadOffers();
  }, [open, vm, targets]);

  // One that was removed meanwhile has no page any more.
  const page = dialog && "target" in dialog && !list.some(({ name }) => name === dialog.target) ? undefined : dialog;
  const activeTab = () => tabs.current?.querySelector<HTMLElement>('[role="tab"][data-state="active"]');
  const focusing = useFocusReturn(activeTab);
  const shown = page ?? (current === undefined ? { add: "ssh" as const } : { target: current });
  const key = keyOf(shown);
  // A form or a target that went away takes the focus with it.
  useEffect(() => {
    if (tabs.current && !tabs.current.contains(document.activeElement)) activeTab()?.focus();
  }, [key]);
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && targets.closeDialog()}>
      <Dialog.Portal>
        <div className="scrim" />
        <Dialog.Content className="dialog dialog-wide" aria-describedby={undefined} {...focusing}>
          <div className="dialog-head">
            <Dialog.Title>{words.targets.heading}</Dialog.Title>
            <Dialog.Close className="icon-button" aria-label={words.page.close}>
              <Icon shape="close" />
            </Dialog.Close>
          </div>
          <Tabs.Root
            ref={tabs}
            className="targets"
            orientation="vertical"
            value={key}
            onValueChange={(wanted) => {
              const chosen = [...list.map(({ name }) => ({ target: name })), ...ADD_KINDS.map((add) => ({ add }))].find(
                (one) => keyOf(one) === wanted,
              );
              if (!chosen) return;
              targets.forgetTest();
              targets.openDialog(chosen);
            }}
          >
            <Tabs.List className="target-list" aria-label={words.targets.heading}>
              {list.map((target) => (
                <Tabs.Trigger key={target.name} value={keyOf({ target: target.name })} className="target-row">
                  <TargetMark state={target.state} />
                  <span className="target-row-name">
                    <code>{target.name}</code>
                    {target.name === current && <span className="badge">{words.targets.current}</span>}
                  </span>
                  <span className="target-row-more muted">
                    {words.targets.kinds[target.kind]} · {stateWord(target, status, words)}
                  </span>
                </Tabs.Trigger>
              ))}
              <span className="target-list-gap" />
              {ADD_KINDS.map((add) => (
                <Tabs.Trigger key={add} value={keyOf({ add })} className="target-row target-row-add">
                  <Icon shape="plus" />
                  <span>{words.targets.add[add]}</span>
                </Tabs.Trigger>
              ))}
            </Tabs.List>
            <Tabs.Content value={key} className="target-panel" tabIndex={-1}>
              {"add" in shown ? (
                <AddTarget key={shown.add} kind={shown.add} />
              ) : (
                <TargetPanel key={shown.target} name={shown.target} />
              )}
            </Tabs.Content>
          </Tabs.Root>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function keyOf(page: TargetPage): string {
  return "add" in page ? `add ${page.add}` : `target ${page.target}`;
}
