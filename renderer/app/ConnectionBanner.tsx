/** Says that the line to the server is not up, and that the page is trying. */

import type { ConnectionStatus } from "../client/client.ts";
import { useWords } from "./page-context.ts";

export function ConnectionBanner({ status, wasOpen }: { status: ConnectionStatus; wasOpen: boolean }) {
  const { connection } = useWords();
  if (status === "open") return null;
  return (
    <div className={wasOpen ? "banner banner-lost" : "banner"} role="status">
      <strong>{wasOpen ? connection.lost : connection.connecting}</strong>
      {wasOpen && <span>{connection.lostDetail}</span>}
    </div>
  );
}
