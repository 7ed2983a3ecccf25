import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import type { Capture } from "../../preload/contract/calls.ts";
import type { Journey } from "../../preload/contract/journey.ts";
import { ConnectionBanner } from "../../renderer/app/ConnectionBanner.tsx";
import { FaultNote } from "../../renderer/app/FaultNote.tsx";
import { WordsContext } from "../../renderer/app/page-context.ts";
import { FrameView } from "../../renderer/frame/FramePanel.tsx";
import { JourneyHead } from "../../renderer/journey/JourneyPanel.tsx";
import { JourneyStrip } from "../../renderer/journey/JourneyStrip.tsx";
import { Why } from "../../renderer/journey/Why.tsx";
import { Counters, HoleList, StalledNote } from "../../renderer/packets/CaptureControls.tsx";
import { catalogues } from "../../renderer/words/catalogue.ts";
import { frames, journeys } from "./recorded-lab.ts";

const ping = journeys[2];
if (!ping) throw new Error("the recording has no ping");

const quiet: Capture = {
  id: "c",
  target: "cloud",
  sandbox: "s",
  lab: "l",
  file: "f",
  startedAt: 0,
  running: true,
  interfaces: ["pod/a/eth0"],
  frames: 0,
  packets: 0,
  dropped: 0,
  bytes: 0,
  gaps: [],
};

describe("the page", () => {
  it("shows a wrapped packet as a taller stack and says what decided it", () => {
    const html = renderToStaticMarkup(
      <JourneyStrip journey={ping} selected={4} current={[4]} onSelect={() => undefined} />,
    );
    expect(html.match(/layer encap-vxlan/g)).toHaveLength(5 * 4 - 4);
    expect(html).toContain("ttl 64→63");
    expect(html).toContain("10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink");
    expect(html).toContain("Layers, outermost first: Eth, IP, UDP, VXLAN, Eth, IP, ICMP");
  });

  it("names the command that shows the kernel state behind a hop", () => {
    const hop = ping.hops[3];
    const html = hop ? renderToStaticMarkup(<Why journey={ping} hop={hop} index={3} />) : "";
    expect(html).toContain("ip -n node.node1 route get fibmatch 10.244.1.2");
    expect(html).toContain("10.244.1.0 dev flannel.1 lladdr 02:7b:3b:74:a7:28 PERMANENT");
    expect(html).toContain("Hop 4 of 12");
  });

  it("says of a packet that arrived and was dropped that it was", () => {
    const hops = ping.hops.map((hop, index) =>
      index === ping.hops.length - 1
        ? { ...hop, causes: [{ kind: "rule" as const, text: "-A INPUT -p icmp -j DROP", command: "iptables -S" }] }
        : hop,
    );
    const head = (journey: Journey) => renderToStaticMarkup(<JourneyHead journey={journey} onGo={() => undefined} />);
    expect(head({ ...ping, hops })).toContain("and dropped there");
    expect(head(ping)).not.toContain("dropped");
  });

  it("says of a packet that went out of sight that nothing is captured there", () => {
    const journey = { ...ping, end: "out of sight" as const, lastSeen: "node/node1/flannel.1" };
    const index = journey.hops.findIndex((hop) => hop.interface === "flannel.1");
    const html = renderToStaticMarkup(<Why journey={journey} hop={journey.hops[index]!} index={index} />);
    expect(html).toContain("Where it goes on nothing is captured.");
    expect(html).not.toContain("Not seen any further");
  });

  it("tells a fault in full, with the place in the file and the command's output", () => {
    const html = renderToStaticMarkup(
      <FaultNote
        fault={{
          code: "command-failed",
          message: "ip could not add flannel.1",
          fix: "Load the module vxlan.",
          command: { argv: ["ip", "link", "add"], exitCode: 2, stderr: "RTNETLINK answers: Operation not supported" },
          problems: [{ file: "lab.yaml", line: 7, column: 3, message: "vni must be a number" }],
        }}
      />,
    );
    for (const part of [
      "A command failed",
      "ip could not add flannel.1",
      "Load the module vxlan.",
      "lab.yaml:7:3",
      "vni must be a number",
      "ip link add",
      "exit 2",
      "Operation not supported",
    ]) {
      expect(html).toContain(part);
    }
  });

  it("warns of dropped frames and of interfaces that are not captured, and says why", () => {
    const capture = {
      ...quiet,
      left: { interfaces: ["pod/z/eth0"], why: "Not on the way from a to b." },
      frames: 10,
      packets: 2,
    };
    expect(renderToStaticMarkup(<Counters capture={capture} />)).not.toContain("dropped");
    const html = renderToStaticMarkup(<Counters capture={{ ...capture, dropped: 37 }} />);
    expect(html).toContain("37 dropped");
    expect(html).toContain("1 interface not captured");
    expect(renderToStaticMarkup(<HoleList capture={capture} />)).toContain("Not on the way from a to b.");
  });

  it("names the times and interfaces at which nothing could be seen, and why", () => {
    const at = new Date(2026, 0, 12, 10, 4, 12).getTime();
    const html = renderToStaticMarkup(
      <HoleList
        capture={{
          ...quiet,
          gaps: [{ from: at, to: at + 28_000, why: "the connection to cloud was lost" }],
          failed: [{ interface: "pod/a/eth0", why: "tcpdump: eth0: That device is not up" }],
        }}
      />,
    );
    for (const part of ["10:04:12 – 10:04:40", "28 s", "connection to cloud was lost", "pod/a/eth0", "not up"]) {
      expect(html).toContain(part);
    }
  });

  it("tells a capture that hears nothing of its target from one that sees no packets", () => {
    expect(renderToStaticMarkup(<StalledNote capture={quiet} />)).toBe("");
    expect(renderToStaticMarkup(<Counters capture={quiet} />)).toContain("capturing");
    const stalled = { ...quiet, stalledSince: Date.now() - 7000 };
    expect(renderToStaticMarkup(<StalledNote capture={stalled} />)).toMatch(/Nothing heard of cloud for [78] s\./);
    expect(renderToStaticMarkup(<Counters capture={stalled} />)).not.toContain("capturing");
    // One that has ended is silent for another reason.
    expect(renderToStaticMarkup(<StalledNote capture={{ ...stalled, running: false }} />)).toBe("");
  });

  it("says that it reconnects when the line is lost, in the reader's language", () => {
    const lost = (language: "en" | "zh-Hans") =>
      renderToStaticMarkup(
        <WordsContext value={{ language, words: catalogues[language] }}>
          <ConnectionBanner status="lost" wasOpen />
        </WordsContext>,
      );
    expect(lost("en")).toContain("Reconnecting");
    expect(lost("zh-Hans")).toContain("正在重新连接");
    expect(renderToStaticMarkup(<ConnectionBanner status="open" wasOpen />)).toBe("");
  });

  it("says that a frame was cut short and what is wrong with it", () => {
    const cut = frames.at(-1);
    const html = cut ? renderToStaticMarkup(<FrameView frame={cut} />) : "";
    expect(html).toContain("Only 49 of 112 bytes were captured.");
    expect(html).toContain("field-trouble");
  });
});
