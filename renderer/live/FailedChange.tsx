/** Why the last change failed, in the place that it was asked for. */

import { useStore } from "zustand";
import type { LabChange } from "../../preload/contract/live.ts";
import { FaultNote } from "../app/FaultNote.tsx";
import { useSession } from "../app/page-context.ts";

/** `kinds` and `name`: the changes that belong here. */
export function FailedChange({ kinds, name }: { kinds: readonly LabChange["kind"][]; name?: string }) {
  const session = useSession();
  const failed = useStore(session.live.state, (state) => state.failed);
  if (!failed || !kinds.includes(failed.change.kind)) return null;
  if (name !== undefined && failed.change.name !== name) return null;
  return <FaultNote fault={failed.fault} onDismiss={session.live.dismiss} />;
}
