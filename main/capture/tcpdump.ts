/** The command line of one tcpdump. */

/** Longer frames are cut to this: headers and more. A ring slot of tcpdump is as large, so it bounds drops too. */
const SNAP_BYTES = 4096;
/** All rings of a capture together, and what one has at least and at most, in KiB: each holds memory of the kernel. */
const RINGS_KIB = 128 * 1024;
const LEAST_RING_KIB = 2 * 1024;
const MOST_RING_KIB = 16 * 1024;

export interface Tcpdump {
  /** The interface. */
  name: string;
  direction: "in" | "out";
  filter: string | undefined;
  /** How many tcpdumps the capture has. */
  taps: number;
}

/**
 * What tcpdump is run with. `-p`: promiscuous mode would change how a bridge forwards. `-Z root`: tcpdump's own user
 * does not exist in a sandbox. `-Q` and not the filter words inbound and outbound: with those, libpcap 1.10 loses the
 * first frame, which it filters in user space, where the direction is not known.
 */
export function tcpdumpArgv({ name, direction, filter, taps }: Tcpdump): string[] {
  const ring = Math.max(LEAST_RING_KIB, Math.min(MOST_RING_KIB, Math.floor(RINGS_KIB / taps)));
  return [
    ...["tcpdump", "-i", name, "-n", "-p", "-U", "-s", String(SNAP_BYTES), "-B", String(ring)],
    ...["--immediate-mode", "--time-stamp-precision=nano", "-Z", "root", "-w", "-", "-Q", direction],
    ...(filter ? ["--", filter] : []),
  ];
}
