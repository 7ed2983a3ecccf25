/** Where labs run: the current target, and a menu of all of them. */

import { DropdownMenu } from "radix-ui";
import { useRef } from "react";
import { useStore } from "zustand";
import type { TargetSummary } from "../../preload/contract/target.ts";
import { Icon } from "../app/Icon.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { currentTarget } from "../state/targets.ts";
import { stateWord } from "./state-word.ts";
import { TargetMark } from "./TargetMark.tsx";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function TargetMenu({ open, onOpenChange }: Props) {
  const words = useWords();
  const { targets, vm } = useSession();
  const state = useStore(targets.state);
  const status = useStore(vm.state, (now) => now.status);
  const target = currentTarget(state);
  // The dialog opens once the menu has given the focus back, so that it returns there when the dialog is closed.
  const toDialog = useRef(false);
  if (!target) return null;
  const word = stateWord(target, status, words);
  const runsAs = target.runsAs && words.targets.runsAs[target.runsAs];
  return (
    // Not modal: a modal menu would put an inline style sheet into the page to stop it from scrolling.
    <DropdownMenu.Root modal={false} open={open} onOpenChange={onOpenChange}>
      <DropdownMenu.Trigger className="target-button" title={words.targets.runOn(target.name)}>
        <span className="unseen">{words.targets.label}</span>
        <TargetMark state={target.state} />
        <code>{target.name}</code>
        <span className="muted">{target.state === "connected" ? runsAs : word}</span>
        <Icon shape="down" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          className="menu"
          align="start"
          sideOffset={4}
          collisionPadding={8}
          onCloseAutoFocus={() => {
            if (toDialog.current) targets.openDialog();
            toDialog.current = false;
          }}
        >
          <DropdownMenu.RadioGroup value={target.name} onValueChange={targets.use}>
            {state.targets.map((one) => (
              <DropdownMenu.RadioItem key={one.name} value={one.name} textValue={one.name} className="menu-item">
                <TargetMark state={one.state} />
                <span className="menu-line">
                  <code className="menu-name">{one.name}</code>
                  <span className="muted">{words.targets.kinds[one.kind]}</span>
                  <span className="spacer" />
                  <span className={`target-state target-${one.state}`}>{stateWord(one, status, words)}</span>
                </span>
                <Facts target={one} />
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Separator className="menu-separator" />
          <DropdownMenu.Item
            className="menu-item menu-plain"
            onSelect={() => {
              toDialog.current = true;
            }}
          >
            {words.targets.manage}
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** Where it is, and once it is connected what it is. */
function Facts({ target }: { target: TargetSummary }) {
  const { runsAs: words } = useWords().targets;
  const facts = [target.runsAs && words[target.runsAs], target.kernel].filter((fact) => fact !== undefined);
  if (target.address === "" && facts.length === 0) return null;
  return (
    <span className="menu-facts muted">
      {target.address !== "" && <code title={target.address}>{target.address}</code>}
      {facts.length > 0 && <span>{facts.join(" · ")}</span>}
    </span>
  );
}
