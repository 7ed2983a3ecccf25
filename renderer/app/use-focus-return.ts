/** Where the focus goes when a dialog opens and when it closes. Radix returns it to a trigger; ours have none. */

import { useRef } from "react";

/** Handlers for a Dialog.Content. `first` is what has the focus at first; left out, the first that can have it. */
export function useFocusReturn(first?: () => HTMLElement | null | undefined) {
  const before = useRef<Element>(null);
  return {
    onOpenAutoFocus(event: Event) {
      before.current = document.activeElement;
      const wanted = first?.();
      if (!wanted) return;
      event.preventDefault();
      wanted.focus();
    },
    onCloseAutoFocus() {
      if (before.current instanceof HTMLElement) before.current.focus();
    },
  };
}
