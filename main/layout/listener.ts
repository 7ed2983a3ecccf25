/** Programs that listen on a port and send back what comes in, so that traffic to them is answered. */

import type { Namespace } from "../../preload/contract/topology.ts";

const FILE = "/run/listener/echo.pl";

/** Perl is on every target (main/target/probe.ts). */
const ECHO = `use strict; use warnings; use IO::Socket::INET;
my ($proto, $port) = @ARGV;
my $s = IO::Socket::INET->new(Proto => $proto, LocalPort => $port, ReuseAddr => 1, $proto eq "tcp" ? (Listen => 64) : ())
  or die "$proto $port: $!\\n";
while (1) {
  if ($proto eq "udp") { my $d; my $peer = $s->recv($d, 65536); $s->send($d, 0, $peer) if defined $peer; next }
  my $c = $s->accept or next;
  my $line = <$c>; print $c $line if defined $line; close $c;
}
`;

export function addListeners(netns: Namespace, listeners: readonly { protocol: "tcp" | "udp"; port: number }[]): void {
  if (listeners.length === 0) return;
  netns.files.push({ path: FILE, content: ECHO, why: "Sends a line back, or a datagram, to whoever sent it." });
  for (const { protocol, port } of listeners) {
    const hex = port.toString(16).toUpperCase().padStart(4, "0");
    netns.daemons.push({
      name: `listener-${protocol}-${port}`,
      argv: ["perl", FILE, protocol, String(port)],
      why: `${netns.label} answers on ${protocol.toUpperCase()} port ${port}.`,
      ready: {
        // Unconnected sockets; a TCP one that listens is in state 0A.
        command: `grep -q ':${hex} 00000000:0000 ${protocol === "tcp" ? "0A" : "07"}' /proc/net/${protocol}`,
        why: `Wait until ${netns.label} listens on ${protocol.toUpperCase()} port ${port}.`,
      },
    });
  }
}
