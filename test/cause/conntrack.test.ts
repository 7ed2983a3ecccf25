import { expect, test } from "vitest";
import { connectionOf } from "../../main/cause/conntrack.ts";

// As the kernel prints them (nf_conntrack_standalone.c).
const LINES = [
  "ipv4     2 icmp     1 29 src=10.0.1.2 dst=10.0.3.2 type=8 code=0 id=2090 src=10.0.3.2 dst=10.0.2.1 type=0 code=0 id=10504 mark=0 zone=0 use=2",
  "ipv4     2 tcp      6 117 TIME_WAIT src=10.0.1.2 dst=10.9.0.1 sport=41674 dport=80 src=10.0.3.2 dst=10.0.1.2 sport=8080 dport=41674 [ASSURED] mark=0 zone=0 use=2",
  "ipv4     2 udp      17 27 src=10.0.1.2 dst=10.0.3.2 sport=5000 dport=53 [UNREPLIED] src=10.0.3.2 dst=10.0.1.2 sport=53 dport=5000 mark=0 zone=0 use=2",
];

const icmp = (source: string, destination: string, id: number) =>
  connectionOf(LINES, { source, destination, protocol: 1, sourcePort: id, destinationPort: id });

test("a ping belongs to its connection by the identifier that each side sees", () => {
  expect(icmp("10.0.1.2", "10.0.3.2", 2090)).toEqual({
    line: LINES[0],
    direction: "original",
    isUnreplied: false,
    isDnat: false,
  });
  expect(icmp("10.0.3.2", "10.0.2.1", 10504)?.direction).toBe("reply");
  expect(icmp("10.0.3.2", "10.0.2.1", 2090)).toBeUndefined();
});

test("TCP's reply direction is what the translated destination answers", () => {
  const tuple = { source: "10.0.3.2", destination: "10.0.1.2", protocol: 6, sourcePort: 8080, destinationPort: 41674 };
  expect(connectionOf(LINES, tuple)).toMatchObject({ line: LINES[1], direction: "reply", isDnat: true });
  expect(connectionOf(LINES, { ...tuple, protocol: 17 })).toBeUndefined();
});

test("a connection that nothing came back on says so", () => {
  const tuple = { source: "10.0.1.2", destination: "10.0.3.2", protocol: 17, sourcePort: 5000, destinationPort: 53 };
  expect(connectionOf(LINES, tuple)).toMatchObject({ direction: "original", isUnreplied: true });
});
