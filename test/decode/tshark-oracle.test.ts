/** tshark reads the same frames, and field by field finds the same values. Needs tshark; says so where it is missing. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeFrame } from "../../main/decode/decode.ts";
import { field } from "../../main/decode/field.ts";
import type { Field, Layer, Protocol } from "../../preload/contract/frame.ts";
import { craftedFrames } from "./crafted-frames.ts";
import { fixture } from "./golden.ts";
import { readPcap, writePcap } from "./pcap-file.ts";

type Values = (string | number)[];

interface Comparison {
  tshark: string;
  ours: (layers: readonly Layer[]) => Values;
}

/** All headers of one kind in a frame, with those that ICMP errors quote, in the order of their bytes. */
function headers(layers: readonly Layer[], protocol: Protocol): (readonly Field[])[] {
  return layers.flatMap((layer) => {
    const quoted = find(layer.fields, ["original", protocol]).map((header) => header.children ?? []);
    return layer.protocol === protocol ? [layer.fields, ...quoted] : quoted;
  });
}

/** Follows a path of names through children; every field that it leads to. */
function find(fields: readonly Field[], path: readonly string[]): Field[] {
  const [name, ...rest] = path;
  const found = fields.filter((each) => each.name === name);
  return rest.length === 0 ? found : found.flatMap((each) => find(each.children ?? [], rest));
}

function numbers(protocol: Protocol, ...path: string[]): Comparison["ours"] {
  return (layers) => headers(layers, protocol).flatMap((fields) => find(fields, path).map((each) => each.number ?? -1));
}

function values(protocol: Protocol, ...path: string[]): Comparison["ours"] {
  return (layers) =>
    headers(layers, protocol).flatMap((fields) => find(fields, path).flatMap((each) => each.value.split(", ")));
}

function length(protocol: Protocol, name: string): Comparison["ours"] {
  return (layers) =>
    headers(layers, protocol).flatMap((fields) => find(fields, [name]).map((each) => Number.parseInt(each.value, 10)));
}

/** Data of DNS records of one type, by the type's name. */
function records(type: string): Comparison["ours"] {
  return (layers) =>
    headers(layers, "dns")
      .flatMap((fields) => [
        ...find(fields, ["answer"]),
        ...find(fields, ["authority"]),
        ...find(fields, ["additional"]),
      ])
      .filter((record) => record.value.startsWith(`${type} `))
      .map((record) => record.children?.find(({ name }) => name === "rdata")?.value ?? "");
}

/** One of the words of such data. */
function word(index: number, of: Comparison["ours"]): Comparison["ours"] {
  return (layers) => of(layers).map((value) => String(value).split(" ")[index] ?? "");
}

/** Names of all records but SRV, whose names tshark shows in another way. */
function recordNames(layers: readonly Layer[]): Values {
  return headers(layers, "dns")
    .flatMap((fields) => ["answer", "authority", "additional"].flatMap((section) => find(fields, [section])))
    .filter(({ value }) => !value.startsWith("SRV "))
    .flatMap((record) => find(record.children ?? [], ["name"]).map(({ value }) => (value === "." ? "<Root>" : value)));
}

/** Of withdrawn routes and of announced ones, or their path identifiers. */
function ofPrefixes(name: string): Comparison["ours"] {
  return (layers) =>
    headers(layers, "bgp").flatMap((fields) =>
      find(fields, ["message"]).flatMap(({ children = [] }) =>
        children
          .filter((each) => each.name === "withdrawn" || each.name === "nlri")
          .flatMap((prefix) => find(prefix.children ?? [], [name]).map(({ number }) => number ?? -1)),
      ),
    );
}

const CHECKSUM_GOOD = 1;
const CHECKSUM_BAD = 0;

const comparisons: Comparison[] = [
  { tshark: "eth.dst", ours: values("eth", "dst") },
  { tshark: "eth.src", ours: values("eth", "src") },
  { tshark: "eth.type", ours: numbers("eth", "etherType") },
  { tshark: "vlan.id", ours: tags(0x8100, "id") },
  { tshark: "ieee8021ad.id", ours: tags(0x88a8, "id") },
  { tshark: "vlan.priority", ours: tags(0x8100, "priority") },
  { tshark: "arp.opcode", ours: numbers("arp", "operation") },
  { tshark: "arp.src.hw_mac", ours: values("arp", "senderMac") },
  { tshark: "arp.src.proto_ipv4", ours: values("arp", "senderIp") },
  { tshark: "arp.dst.hw_mac", ours: values("arp", "targetMac") },
  { tshark: "arp.dst.proto_ipv4", ours: values("arp", "targetIp") },
  { tshark: "ip.hdr_len", ours: numbers("ipv4", "headerLength") },
  { tshark: "ip.dsfield", ours: numbers("ipv4", "tos") },
  { tshark: "ip.len", ours: numbers("ipv4", "totalLength") },
  { tshark: "ip.id", ours: numbers("ipv4", "id") },
  { tshark: "ip.flags", ours: numbers("ipv4", "flags") },
  { tshark: "ip.frag_offset", ours: inEights(numbers("ipv4", "fragmentOffset")) },
  { tshark: "ip.ttl", ours: numbers("ipv4", "ttl") },
  { tshark: "ip.proto", ours: numbers("ipv4", "protocol") },
  { tshark: "ip.checksum", ours: numbers("ipv4", "checksum") },
  {
    tshark: "ip.checksum.status",
    ours: (layers) =>
      values(
        "ipv4",
        "checksum",
      )(layers).map((value) => (`${value}`.endsWith("(correct)") ? CHECKSUM_GOOD : CHECKSUM_BAD)),
  },
  { tshark: "ip.src", ours: values("ipv4", "src") },
  { tshark: "ip.dst", ours: values("ipv4", "dst") },
  { tshark: "ip.opt.ra", ours: numbers("ipv4", "options", "routerAlert") },
  { tshark: "ipv6.tclass", ours: numbers("ipv6", "trafficClass") },
  { tshark: "ipv6.flow", ours: numbers("ipv6", "flowLabel") },
  { tshark: "ipv6.plen", ours: numbers("ipv6", "payloadLength") },
  { tshark: "ipv6.nxt", ours: numbers("ipv6", "nextHeader") },
  { tshark: "ipv6.hlim", ours: numbers("ipv6", "hopLimit") },
  { tshark: "ipv6.src", ours: values("ipv6", "src") },
  { tshark: "ipv6.dst", ours: values("ipv6", "dst") },
  { tshark: "ipv6.fraghdr.offset", ours: inEights(numbers("ipv6", "fragment", "fragmentOffset")) },
  { tshark: "ipv6.fraghdr.more", ours: numbers("ipv6", "fragment", "moreFragments") },
  { tshark: "ipv6.fraghdr.ident", ours: numbers("ipv6", "fragment", "id") },
  { tshark: "ipv6.hopopts.nxt", ours: numbers("ipv6", "hopByHop", "nextHeader") },
  { tshark: "ipv6.routing.type", ours: numbers("ipv6", "routing", "routingType") },
  { tshark: "ipv6.routing.segleft", ours: numbers("ipv6", "routing", "segmentsLeft") },
  { tshark: "ipv6.routing.srh.addr", ours: values("ipv6", "routing", "address") },
  { tshark: "ipv6.dstopts.nxt", ours: numbers("ipv6", "destinationOptions", "nextHeader") },
  { tshark: "icmp.type", ours: numbers("icmp", "type") },
  { tshark: "icmp.code", ours: numbers("icmp", "code") },
  { tshark: "icmp.checksum", ours: numbers("icmp", "checksum") },
  { tshark: "icmp.ident", ours: numbers("icmp", "id") },
  { tshark: "icmp.seq", ours: numbers("icmp", "seq") },
  { tshark: "icmp.mtu", ours: numbers("icmp", "mtu") },
  { tshark: "icmp.redir_gw", ours: values("icmp", "gateway") },
  { tshark: "igmp.type", ours: numbers("igmp", "type") },
  { tshark: "igmp.num_grp_recs", ours: numbers("igmp", "recordCount") },
  { tshark: "igmp.record_type", ours: numbers("igmp", "record", "recordType") },
  { tshark: "icmpv6.type", ours: numbers("icmpv6", "type") },
  { tshark: "icmpv6.code", ours: numbers("icmpv6", "code") },
  { tshark: "icmpv6.mtu", ours: ofType(2, numbers("icmpv6", "mtu")) },
  { tshark: "icmpv6.opt.mtu", ours: ofType(134, numbers("icmpv6", "mtu")) },
  { tshark: "icmpv6.echo.identifier", ours: numbers("icmpv6", "id") },
  { tshark: "icmpv6.echo.sequence_number", ours: numbers("icmpv6", "seq") },
  { tshark: "icmpv6.nd.ns.target_address", ours: ofType(135, values("icmpv6", "target")) },
  { tshark: "icmpv6.nd.na.target_address", ours: ofType(136, values("icmpv6", "target")) },
  { tshark: "icmpv6.rd.na.destination_address", ours: values("icmpv6", "destination") },
  { tshark: "icmpv6.opt.src_linkaddr", ours: values("icmpv6", "sourceMac") },
  { tshark: "icmpv6.opt.target_linkaddr", ours: values("icmpv6", "targetMac") },
  { tshark: "icmpv6.opt.prefix", ours: values("icmpv6", "prefix", "prefix") },
  { tshark: "icmpv6.opt.prefix.length", ours: numbers("icmpv6", "prefix", "prefixLength") },
  { tshark: "icmpv6.nd.ra.router_lifetime", ours: numbers("icmpv6", "lifetime") },
  { tshark: "udp.srcport", ours: numbers("udp", "srcPort") },
  { tshark: "udp.dstport", ours: numbers("udp", "dstPort") },
  { tshark: "udp.length", ours: numbers("udp", "length") },
  { tshark: "udp.checksum", ours: numbers("udp", "checksum") },
  { tshark: "tcp.srcport", ours: numbers("tcp", "srcPort") },
  { tshark: "tcp.dstport", ours: numbers("tcp", "dstPort") },
  { tshark: "tcp.seq_raw", ours: ownTcp("seq") },
  { tshark: "tcp.ack_raw", ours: numbers("tcp", "ack") },
  { tshark: "tcp.hdr_len", ours: length("tcp", "headerLength") },
  { tshark: "tcp.flags", ours: numbers("tcp", "flags") },
  { tshark: "tcp.window_size_value", ours: numbers("tcp", "window") },
  { tshark: "tcp.checksum", ours: numbers("tcp", "checksum") },
  { tshark: "tcp.options.mss_val", ours: numbers("tcp", "options", "mss") },
  { tshark: "tcp.options.wscale.shift", ours: numbers("tcp", "options", "windowScale") },
  { tshark: "tcp.options.timestamp.tsval", ours: numbers("tcp", "options", "timestamps", "value") },
  { tshark: "tcp.options.timestamp.tsecr", ours: numbers("tcp", "options", "timestamps", "echo") },
  { tshark: "tcp.options.sack.count", ours: (layers) => headers(layers, "tcp").flatMap(sackBlocks) },
  { tshark: "vxlan.vni", ours: numbers("vxlan", "vni") },
  {
    tshark: "vxlan.flag_i",
    ours: (layers) => numbers("vxlan", "flags")(layers).map((flags) => (Number(flags) >> 3) & 1),
  },
  { tshark: "gre.proto", ours: numbers("gre", "protocolType") },
  { tshark: "gre.key", ours: numbers("gre", "key") },
  { tshark: "gre.sequence_number", ours: numbers("gre", "seq") },
  { tshark: "gre.checksum", ours: numbers("gre", "checksum") },
  { tshark: "geneve.vni", ours: numbers("geneve", "vni") },
  { tshark: "geneve.proto_type", ours: numbers("geneve", "protocolType") },
  { tshark: "geneve.option.class", ours: numbers("geneve", "options", "option", "class") },
  { tshark: "geneve.option.type", ours: numbers("geneve", "options", "option", "type") },
  { tshark: "dns.id", ours: numbers("dns", "id") },
  { tshark: "dns.flags", ours: numbers("dns", "flags") },
  { tshark: "dns.count.queries", ours: numbers("dns", "questions") },
  { tshark: "dns.count.answers", ours: numbers("dns", "answers") },
  { tshark: "dns.count.auth_rr", ours: numbers("dns", "authorities") },
  { tshark: "dns.count.add_rr", ours: numbers("dns", "additionals") },
  { tshark: "dns.qry.name", ours: values("dns", "question", "name") },
  { tshark: "dns.qry.type", ours: numbers("dns", "question", "type") },
  { tshark: "dns.resp.name", ours: recordNames },
  { tshark: "dns.a", ours: records("A") },
  { tshark: "dns.aaaa", ours: records("AAAA") },
  { tshark: "dns.cname", ours: records("CNAME") },
  { tshark: "dns.ptr.domain_name", ours: records("PTR") },
  { tshark: "dns.mx.mail_exchange", ours: word(1, records("MX")) },
  { tshark: "dns.srv.port", ours: (layers) => word(2, records("SRV"))(layers).map(Number) },
  { tshark: "dns.srv.target", ours: word(3, records("SRV")) },
  { tshark: "dns.soa.mname", ours: word(0, records("SOA")) },
  { tshark: "dns.soa.rname", ours: word(1, records("SOA")) },
  { tshark: "dns.soa.minimum_ttl", ours: (layers) => word(6, records("SOA"))(layers).map(Number) },
  {
    tshark: "dns.txt",
    ours: (layers) => records("TXT")(layers).flatMap((text) => `${text}`.slice(1, -1).split('" "')),
  },
  { tshark: "dhcp.type", ours: numbers("dhcp", "op") },
  { tshark: "dhcp.id", ours: numbers("dhcp", "xid") },
  { tshark: "dhcp.secs", ours: numbers("dhcp", "secs") },
  { tshark: "dhcp.flags", ours: numbers("dhcp", "flags") },
  { tshark: "dhcp.ip.your", ours: values("dhcp", "yiaddr") },
  { tshark: "dhcp.option.dhcp", ours: numbers("dhcp", "messageType") },
  { tshark: "dhcp.option.hostname", ours: values("dhcp", "hostName") },
  { tshark: "dhcp.option.subnet_mask", ours: values("dhcp", "subnetMask") },
  { tshark: "dhcp.option.router", ours: values("dhcp", "router") },
  { tshark: "dhcp.option.domain_name_server", ours: values("dhcp", "dnsServer") },
  { tshark: "dhcp.option.domain_name", ours: values("dhcp", "domainName") },
  { tshark: "dhcp.option.ip_address_lease_time", ours: numbers("dhcp", "leaseTime") },
  { tshark: "dhcp.option.dhcp_server_id", ours: values("dhcp", "serverId") },
  {
    tshark: "dhcp.option.request_list_item",
    ours: (layers) => values("dhcp", "parameterList")(layers).map(Number),
  },
  { tshark: "bgp.length", ours: numbers("bgp", "message", "length") },
  { tshark: "bgp.type", ours: numbers("bgp", "message", "type") },
  { tshark: "bgp.open.version", ours: numbers("bgp", "message", "version") },
  { tshark: "bgp.open.myas", ours: numbers("bgp", "message", "as") },
  { tshark: "bgp.open.holdtime", ours: numbers("bgp", "message", "holdTime") },
  { tshark: "bgp.open.identifier", ours: values("bgp", "message", "id") },
  { tshark: "bgp.cap.type", ours: numbers("bgp", "message", "capability", "code") },
  { tshark: "bgp.cap.4as", ours: numbers("bgp", "message", "capability", "as") },
  { tshark: "bgp.cap.ap.sendreceive", ours: numbers("bgp", "message", "capability", "direction") },
  { tshark: "bgp.update.withdrawn_routes.length", ours: numbers("bgp", "message", "withdrawnLength") },
  { tshark: "bgp.update.path_attributes.length", ours: numbers("bgp", "message", "attributesLength") },
  { tshark: "bgp.update.path_attribute.type_code", ours: numbers("bgp", "message", "attribute", "type") },
  { tshark: "bgp.update.path_attribute.flags", ours: numbers("bgp", "message", "attribute", "flags") },
  { tshark: "bgp.update.path_attribute.origin", ours: numbers("bgp", "message", "attribute", "origin") },
  { tshark: "bgp.update.path_attribute.next_hop", ours: values("bgp", "message", "attribute", "nextHop") },
  { tshark: "bgp.update.path_attribute.multi_exit_disc", ours: numbers("bgp", "message", "attribute", "med") },
  { tshark: "bgp.update.path_attribute.local_pref", ours: numbers("bgp", "message", "attribute", "localPref") },
  { tshark: "bgp.update.path_attribute.originator_id", ours: values("bgp", "message", "attribute", "originatorId") },
  { tshark: "bgp.withdrawn_prefix", ours: values("bgp", "message", "withdrawn", "prefix") },
  { tshark: "bgp.nlri_prefix", ours: values("bgp", "message", "nlri", "prefix") },
  { tshark: "bgp.prefix_length", ours: ofPrefixes("prefixLength") },
  { tshark: "bgp.nlri_path_id", ours: ofPrefixes("pathId") },
  { tshark: "bgp.notify.major_error", ours: numbers("bgp", "message", "code") },
  { tshark: "http.request.method", ours: values("http", "method") },
  { tshark: "http.request.uri", ours: values("http", "target") },
  { tshark: "http.response.code", ours: numbers("http", "status") },
];

/** tshark counts fragment offsets in units of 8 bytes, as the header does. */
function inEights(ours: Comparison["ours"]): Comparison["ours"] {
  return (layers) => ours(layers).map((bytes) => Number(bytes) / 8);
}

/** Tags that a header with this type is followed by: tshark has two decoders for them. */
function tags(etherType: number, name: string): Comparison["ours"] {
  return (layers) =>
    layers.flatMap((layer, i) => {
      const before = layers[i - 1];
      const follows = before !== undefined && field(before, "etherType")?.number === etherType;
      return layer.protocol === "vlan" && follows ? [field(layer, name)?.number ?? -1] : [];
    });
}

/** Only of the frame's own TCP header: tshark reads no more than the ports of 8 quoted bytes. */
function ownTcp(name: string): Comparison["ours"] {
  return (layers) => numbers("tcp", name)(layers.filter(({ protocol }) => protocol === "tcp"));
}

/** Only where the ICMPv6 message is of that type. */
function ofType(type: number, ours: Comparison["ours"]): Comparison["ours"] {
  return (layers) => (numbers("icmpv6", "type")(layers)[0] === type ? ours(layers) : []);
}

function sackBlocks(fields: readonly Field[]): Values {
  return find(fields, ["options", "sack"]).map((sack) => (sack.children?.length ?? 0) / 2);
}

const frames = [
  ...["plain.pcap", "vxlan.pcap"].flatMap((name) =>
    readPcap(fixture(name)).map((bytes, i) => ({ title: `${name} frame ${i + 1}`, bytes })),
  ),
  ...craftedFrames.filter(({ notForTshark }) => notForTshark === undefined),
];

const missing = spawnSync("tshark", ["--version"]).error !== undefined;
if (missing) console.warn("tshark is not installed: decodeFrame is not compared with it");

describe.skipIf(missing)(missing ? "tshark is not installed, so nothing is compared with it" : "tshark agrees", () => {
  let folder: string | undefined;
  /** Of each frame: the layers' names, then the values of each comparison. */
  let rows: string[][] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "hoplab-oracle-"));
    const file = join(folder, "mixed.pcap");
    writePcap(
      file,
      frames.map(({ bytes }) => bytes),
    );
    const decodeAs = ["-d", "udp.port==8472,vxlan"];
    const asItIs = [
      "ip.defragment",
      "ipv6.defragment",
      "tcp.desegment_tcp_streams",
      "tcp.analyze_sequence_numbers",
    ].flatMap((o) => ["-o", `${o}:FALSE`]);
    const format = ["-T", "fields", "-E", "occurrence=a", "-E", "aggregator=;", "-E", "separator=/t"];
    const wanted = ["frame.protocols", ...comparisons.map(({ tshark }) => tshark)].flatMap((name) => ["-e", name]);
    const argv = ["-r", file, "-n", ...decodeAs, ...asItIs, "-o", "ip.check_checksum:TRUE", ...format, ...wanted];
    const { stdout, stderr, status } = spawnSync("tshark", argv, { encoding: "utf8", maxBuffer: 64 << 20 });
    if (status !== 0) throw new Error(`tshark ended with ${status}: ${stderr}`);
    rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t"));
  }, 60_000);

  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  test("on the number of frames", () => {
    expect(rows.length).toBe(frames.length);
  });

  test("on the layers of every frame", () => {
    const theirs = frames.map(({ title }, i) => `${title}: ${tsharkLayers(rows[i]?.[0] ?? "")}`);
    const ours = frames.map(({ title, bytes }) => `${title}: ${ourLayers(decodeFrame(bytes))}`);
    expect(ours).toEqual(theirs);
  });

  test.each(comparisons.map(({ tshark }, i) => ({ tshark, i })))("on $tshark", ({ i }) => {
    const { ours } = comparisons[i]!;
    const theirs = frames.map(({ title }, frame) => ({ title, values: normal(rows[frame]?.[i + 1] ?? "", ";") }));
    const found = frames.map(({ title, bytes }) => ({ title, values: ours(decodeFrame(bytes)).map(String) }));
    expect(theirs.some(({ values: some }) => some.length > 0)).toBe(true);
    expect(found).toEqual(theirs);
  });
});

/** Numbers in decimal, whatever tshark prints them in. */
function normal(text: string, separator: string): string[] {
  if (text === "") return [];
  return text.split(separator).map((value) => (/^0x[0-9a-f]+$/.test(value) ? String(Number(value)) : value));
}

const TSHARK_NAMES: Partial<Record<string, Protocol>> = { ip: "ipv4", ieee8021ad: "vlan" };
/** Without `http`: by its port, tshark also calls that what goes on with a message from an earlier segment. */
const COMPARED: ReadonlySet<string> = new Set<Protocol>([
  "eth",
  "vlan",
  "arp",
  "ipv4",
  "ipv6",
  "icmp",
  "icmpv6",
  "igmp",
  "udp",
  "tcp",
  "vxlan",
  "gre",
  "geneve",
  "dhcp",
  "dns",
  "bgp",
]);

/** What ICMP quotes are layers for tshark; for us they are fields. */
function tsharkLayers(protocols: string): string {
  const names = protocols.split(":").map((name) => TSHARK_NAMES[name] ?? name);
  const icmp = names.findIndex((name) => name === "icmp" || name === "icmpv6");
  const read = (icmp === -1 ? names : names.slice(0, icmp + 1)).filter((name) => COMPARED.has(name));
  // tshark names IGMP once for all versions and once for the one.
  return read.filter((name, index) => name !== "igmp" || read[index - 1] !== "igmp").join(" ");
}

function ourLayers(layers: readonly Layer[]): string {
  return layers
    .map(({ protocol }) => protocol)
    .filter((protocol) => COMPARED.has(protocol))
    .join(" ");
}
