/** Frames per second in which the page draws while a packet moves over the lab flannel-vxlan, in Chromium. */

import { chromium, type Page } from "@playwright/test";
import type { Benchmark } from "./benchmark.ts";
import { median } from "./figure.ts";
import { hoplab, startServer, takeDown } from "./program.ts";

const ROUNDS = 5;
const TARGET = 60;
/** A frame more or less in three seconds is how a count falls between two clocks. */
const ROUNDING = 0.4;

/** Run in the page for three seconds. Text, because functions that tsx has compiled do not run elsewhere. */
const COUNT_FRAMES = `new Promise((resolve) => {
  let first, last, frames = 0, longest = 0;
  requestAnimationFrame(function count(now) {
    first ??= now;
    longest = Math.max(longest, now - (last ?? now));
    last = now;
    if (now - first >= 3000) resolve({ rate: (frames * 1000) / (now - first), longest });
    else { frames++; requestAnimationFrame(count); }
  });
})`;

export const fps: Benchmark = {
  name: "fps",
  async run({ folder, say }) {
    const lab = "flannel-vxlan";
    const listed: { name: string }[] = JSON.parse((await hoplab(folder, "--json", "ps")).stdout);
    if (listed.some(({ name }) => name === lab)) throw new Error(`${lab} is up already: take it down first`);
    const { server, url } = await startServer(folder);
    await using _server = server;
    await hoplab(folder, "up", lab);
    try {
      const browser = await chromium.launch({
        executablePath: process.env.HOPLAB_CHROMIUM ?? "/usr/bin/chromium",
        args: ["--no-sandbox", "--disable-gpu"],
      });
      try {
        const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
        await page.goto(url);
        await page.getByText("Flannel VXLAN").first().click();
        await page.locator("#traffic button[type=submit]").click();
        await page.locator(".playback-play:enabled").waitFor();

        const [still, moving]: [number[], number[]] = [[], []];
        let longest = 0;
        for (let round = 0; round < ROUNDS; round++) {
          await page.locator(".playback input[type=range]").press("Home");
          still.push((await countFrames(page)).rate);
          const before = await page.locator(".playback-step").textContent();
          await page.locator(".playback-play").click();
          const counted = await countFrames(page);
          const after = await page.locator(".playback-step").textContent();
          if (before === after) throw new Error(`the packet did not move on from step ${before}`);
          moving.push(counted.rate);
          longest = Math.max(longest, counted.longest);
          say(`round ${round + 1}: ${counted.rate.toFixed(1)} frames/s, from step ${before} to ${after}`);
        }
        const rate = median(moving);
        return [
          {
            name: "fps: while a packet moves, drawn without a GPU",
            measured: `median ${rate.toFixed(1)} (least ${Math.min(...moving).toFixed(1)}, ${ROUNDS} runs), longest frame ${longest.toFixed(0)} ms`,
            target: `${TARGET} frames/s`,
            met: rate >= TARGET - ROUNDING,
          },
          { name: "fps: while nothing moves", measured: `median ${median(still).toFixed(1)}` },
        ];
      } finally {
        await browser.close();
      }
    } finally {
      await takeDown(folder, lab);
    }
  },
};

/** `rate` in frames per second, `longest` in milliseconds. */
function countFrames(page: Page): Promise<{ rate: number; longest: number }> {
  return page.evaluate(COUNT_FRAMES);
}
