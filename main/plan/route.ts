/** Routes. */

import type { Route } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

export function planRoute(route: Route, verb: "add" | "replace" = "add"): Step {
  const words = ["route", verb, ...(route.type ? [route.type] : []), route.to];
  if (route.via) words.push("via", route.via);
  if (route.dev) words.push("dev", route.dev);
  if (route.proto) words.push("proto", route.proto);
  if (route.scope) words.push("scope", route.scope);
  if (route.src) words.push("src", route.src);
  if (route.metric !== undefined) words.push("metric", String(route.metric));
  if (route.onlink) words.push("onlink");
  return { command: words.join(" "), why: route.why };
}

/** What tells it from the others of its namespace. */
export function routeKey({ to, metric }: Route): string {
  return `${to} ${metric ?? ""}`;
}

export function planNoRoute({ to, type, via, dev, metric }: Route): Step {
  const words = ["route", "delete", ...(type ? [type] : []), to];
  if (via) words.push("via", via);
  if (dev) words.push("dev", dev);
  if (metric !== undefined) words.push("metric", String(metric));
  return { command: words.join(" "), why: `The route to ${to} has to go.` };
}
