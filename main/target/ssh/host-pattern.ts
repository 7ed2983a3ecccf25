/** Host patterns as ssh_config(5) and known_hosts have them: `*`, `?`, and `!` for what must not match. */

/** Whether a pattern list matches: at least one pattern does, and none with a `!`. An empty list matches nothing. */
export function matchesHost(patterns: readonly string[], host: string): boolean {
  const name = host.toLowerCase();
  const matches = (pattern: string) => matchesGlob(pattern.toLowerCase(), name);
  return (
    patterns.some((pattern) => !pattern.startsWith("!") && matches(pattern)) &&
    !patterns.some((pattern) => pattern.startsWith("!") && matches(pattern.slice(1)))
  );
}

/** Linear in both lengths times the number of stars, however the pattern is written. */
export function matchesGlob(pattern: string, text: string): boolean {
  let [p, t, star, mark] = [0, 0, -1, 0];
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = p++;
      mark = t;
    } else if (pattern[p] === "?" || pattern[p] === text[t]) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
