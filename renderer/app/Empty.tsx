/** A place with nothing in it yet: says so, and what to do. */

import type { ReactNode } from "react";

export function Empty({ title, fix, children }: { title: string; fix?: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {fix !== undefined && <p>{fix}</p>}
      {children}
    </div>
  );
}
