import { describe, expect, test } from "vitest";
import { decodeFrame } from "../../main/decode/decode.ts";
import { summarizeFrame } from "../../main/decode/summary.ts";
import {
  arp,
  ascii,
  bgpAttribute,
  bgpPrefix,
  bgpUpdate,
  concat,
  eth,
  icmp,
  icmpEcho,
  ip,
  ipv4,
  ipv6,
  tcp,
  u8,
  u32,
  udp,
  vxlan,
} from "./build-frame.ts";

function summaryOf(bytes: Uint8Array) {
  return summarizeFrame(decodeFrame(bytes));
}

const none = new Uint8Array();
const ping = ipv4(1, icmpEcho(7, 1), { src: "10.244.0.2", dst: "10.244.1.2" });

describe("summarizeFrame", () => {
  test("a wrapped ping is summed up as the ping", () => {
    const expected = {
      protocol: "ICMP",
      source: "10.244.0.2",
      destination: "10.244.1.2",
      summary: "ICMP echo request 10.244.0.2 > 10.244.1.2 id 7 seq 1",
    };
    expect(summaryOf(eth(0x0800, ping))).toEqual(expected);
    expect(summaryOf(eth(0x0800, ipv4(17, udp(1, 8472, vxlan(1, eth(0x0800, ping))))))).toEqual(expected);
  });

  test("an ICMP error says what happened, from whom to whom", () => {
    const frame = eth(0x0800, ipv4(1, icmp(11, 0, new Uint8Array([0, 0, 0, 0, ...ping]))));
    expect(summaryOf(frame).summary).toBe("ICMP time exceeded in transit 10.0.0.1 > 10.0.0.2");
  });

  test("ARP is between the IP addresses it asks for", () => {
    const frame = eth(0x0806, arp(1, "02:00:00:00:00:01", "10.0.0.1", "00:00:00:00:00:00", "10.0.0.2"));
    expect(summaryOf(frame)).toEqual({
      protocol: "ARP",
      source: "10.0.0.1",
      destination: "10.0.0.2",
      summary: "ARP who-has 10.0.0.2 tell 10.0.0.1",
    });
    const reply = eth(0x0806, arp(2, "02:00:00:00:00:02", "10.0.0.2", "02:00:00:00:00:01", "10.0.0.1"));
    expect(summaryOf(reply).summary).toBe("ARP reply 10.0.0.2 is-at 02:00:00:00:00:02");
  });

  test("TCP and UDP say their ports, flags and bytes", () => {
    const port = { srcPort: 4000, dstPort: 80 };
    expect(summaryOf(eth(0x0800, ipv4(6, tcp(2, none, port)))).summary).toBe("TCP 10.0.0.1:4000 > 10.0.0.2:80 SYN");
    expect(summaryOf(eth(0x86dd, ipv6(6, tcp(0x12, none, port)))).summary).toBe(
      "TCP [fd00::1]:4000 > [fd00::2]:80 SYN ACK",
    );
    expect(summaryOf(eth(0x0800, ipv4(17, udp(5000, 6000, ascii("hello there!"))))).summary).toBe(
      "UDP 10.0.0.1:5000 > 10.0.0.2:6000, 12 bytes",
    );
  });

  test("BGP says what it announces, by which next hop and AS path, or what it withdraws", () => {
    const attributes = concat(
      bgpAttribute(0x40, 2, concat(u8(2), u8(1), u32(65000))),
      bgpAttribute(0x40, 3, ip("192.168.32.127")),
    );
    const announced = bgpUpdate(none, attributes, bgpPrefix("172.26.0.0", 26));
    const withdrawn = bgpUpdate(bgpPrefix("172.26.0.0", 26), none, none);
    const port = { srcPort: 40000, dstPort: 179 };
    expect(summaryOf(eth(0x0800, ipv4(6, tcp(0x18, concat(announced, withdrawn), port)))).summary).toBe(
      "BGP UPDATE 172.26.0.0/26 via 192.168.32.127, AS path 65000; UPDATE withdraws 172.26.0.0/26 (10.0.0.1 > 10.0.0.2)",
    );
  });

  test("a later fragment says what it is a fragment of", () => {
    const frame = eth(0x0800, ipv4(17, new Uint8Array(520), { fragmentOffset: 1480, flags: 0 }));
    expect(summaryOf(frame)).toMatchObject({
      protocol: "IPv4",
      summary: "IPv4 10.0.0.1 > 10.0.0.2 UDP fragment at 1480, 520 bytes",
    });
  });

  test("a frame without IP is between MAC addresses", () => {
    expect(summaryOf(eth(0x88cc, ascii("lldp")))).toEqual({
      protocol: "Ethernet",
      source: "02:00:00:00:00:01",
      destination: "02:00:00:00:00:02",
      summary: "Ethernet 02:00:00:00:00:01 > 02:00:00:00:00:02 0x88cc (LLDP), 4 bytes",
    });
  });

  test("a packet cut short is summed up as far as it goes, with what is wrong", () => {
    const frame = eth(0x0800, ipv4(6, u32(0)));
    expect(summaryOf(frame).summary).toBe("IPv4 10.0.0.1 > 10.0.0.2 TCP, broken: TCP needs 20 bytes, 4 are left");
  });

  test("a frame too short to have addresses says so", () => {
    expect(summaryOf(new Uint8Array(6))).toMatchObject({ source: "", summary: "Ethernet needs 14 bytes, 6 are left" });
  });
});
