/** The list of keyboard shortcuts. */

import { Dialog } from "radix-ui";
import { Icon } from "./Icon.tsx";
import { useWords } from "./page-context.ts";
import { SHORTCUTS } from "./shortcuts.ts";
import { useFocusReturn } from "./use-focus-return.ts";

export function ShortcutsDialog({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const words = useWords();
  const focusing = useFocusReturn();
  // No Dialog.Overlay: it would put an inline style sheet into the page, which the content security policy forbids.
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <div className="scrim" />
        <Dialog.Content className="dialog" aria-describedby={undefined} {...focusing}>
          <div className="dialog-head">
            <Dialog.Title>{words.shortcuts.heading}</Dialog.Title>
            <Dialog.Close className="icon-button" aria-label={words.page.close}>
              <Icon shape="close" />
            </Dialog.Close>
          </div>
          <dl className="shortcuts">
            {SHORTCUTS.map(({ id, keys }) => (
              <div key={id}>
                <dt>
                  {keys.map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </dt>
                <dd>{words.shortcuts.keys[id]}</dd>
              </div>
            ))}
          </dl>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
