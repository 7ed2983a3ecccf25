/** Routes. */

import type { Route } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

export function planRoute(route: Route): Step {
  const words = ["route", "add", ...(route.type ? [route.type] : []), route.to];
  if (route.via) words.push("via", route.via);
  if (route.dev) words.push("dev", route.dev);
  if (route.proto) words.push("proto", route.proto);
  if (route.scope) words.push("scope", route.scope);
  if (route.src) words.push("src", route.src);
  if (route.metric !== undefined) words.push("metric", String(route.metric));
  if (route.onlink) words.push("onlink");
  return { command: words.join(" "), why: route.why };
}
