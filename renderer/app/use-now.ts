/** The clock of whatever counts seconds on the page. */

import { useEffect, useState } from "react";

/** Milliseconds since 1970, kept current every second while something counts. */
export function useNow(counting: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!counting) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [counting]);
  return now;
}
