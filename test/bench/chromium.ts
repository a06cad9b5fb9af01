/** Runs sections in the benchmark's own page, in Chromium, served with what a page needs to share memory with its worker. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright";
import { preview } from "vite";
import type { Row } from "../../app/bench/row.ts";
import type { BenchOptions } from "../../app/bench/section.ts";
import type { DriverScope, Measures } from "../../app/page/bench/driver.ts";
import { launchChromium } from "../browser/chromium.ts";
import { missing } from "../usbfs/launch.ts";
import { startStreamingComputer } from "./streaming-computer.ts";

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
const SWITCHES = ["--disable-gpu", "--disable-background-timer-throttling"];

export async function runInChromium(
  names: readonly string[],
  { rounds, onRow, onStage, onSkip }: BenchOptions,
): Promise<readonly Row[]> {
  const server = await preview({
    configFile: join(REPOSITORY, "vite.config.ts"),
    root: join(REPOSITORY, "app/page"),
    build: { outDir: join(REPOSITORY, "dist/page") },
    logLevel: "error",
    preview: { port: 0, host: "127.0.0.1" },
  });
  const url = new URL("bench/", server.resolvedUrls?.local[0]);
  const { browser, stop } = await launch(names.includes("webusb"), url.origin);
  try {
    const session = await browser.newBrowserCDPSession();
    const page = await browser.newPage();
    page.on("pageerror", (error) => console.error(error));
    await page.exposeFunction("tellRow", onRow ?? (() => {}));
    await page.exposeFunction("tellStage", onStage ?? (() => {}));
    await page.exposeFunction("tellSkip", onSkip ?? (() => {}));
    await page.exposeFunction("cpuTime", async () => {
      const { processInfo } = await session.send("SystemInfo.getProcessInfo");
      return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime * 1000, 0);
    });
    await page.goto(url.href);
    await page.locator("pv-bench").waitFor();
    return await page.locator("pv-bench").evaluate(
      (bench, [wanted, count]) => {
        const scope = globalThis as unknown as DriverScope;
        return (bench as unknown as Measures).measure(wanted, count, {
          onRow: (row) => void scope.tellRow(row),
          onStage: (words) => void scope.tellStage(words),
          onSkip: (words) => void scope.tellSkip(words),
        });
      },
      [names, rounds] as const,
    );
  } finally {
    await stop();
    await server.close();
  }
}

/** With a device, where that can be had. */
async function launch(usb: boolean, origin: string): Promise<{ browser: Browser; stop(): Promise<void> }> {
  const reason = usb ? missing() : undefined;
  if (reason !== undefined) console.error(reason);
  if (usb && reason === undefined) return startStreamingComputer(origin, SWITCHES);
  const browser = await launchChromium(SWITCHES);
  return { browser, stop: () => browser.close() };
}
