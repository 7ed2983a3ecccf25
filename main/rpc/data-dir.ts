/** Where a user's captures are kept, by the custom of each system. The window, the server and the command line share it. */

import { homedir } from "node:os";
import { join } from "node:path";

/** An absolute path; the folder may not exist yet. `HOPLAB_DATA` overrides it. */
export function userDataDir(
  platform: NodeJS.Platform = process.platform,
  environment: Readonly<Record<string, string | undefined>> = process.env,
  home: string = homedir(),
): string {
  const { HOPLAB_DATA, XDG_DATA_HOME, APPDATA } = environment;
  if (HOPLAB_DATA) return HOPLAB_DATA;
  if (platform === "darwin") return join(home, "Library", "Application Support", "Hoplab");
  if (platform === "win32") return join(APPDATA || join(home, "AppData", "Roaming"), "Hoplab");
  return join(XDG_DATA_HOME || join(home, ".local", "share"), "hoplab");
}
