/** Runs sections in a page in Chromium, served with what a page needs to share memory with its worker. */
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright";
import { build, preview } from "vite";
import type { Row } from "../../app/bench/row.ts";
import type { BenchOptions } from "../../app/bench/section.ts";
import { launchChromium } from "../browser/chromium.ts";
import { missing } from "../usbfs/launch.ts";
import type { PageScope } from "./page-scope.ts";
import { startStreamingComputer } from "./streaming-computer.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const root = path("../../../test/bench/page");
const publicDir = path("../../../public");
const outDir = path("../../bench-page");
const headers = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const SWITCHES = ["--disable-gpu", "--disable-background-timer-throttling"];

export async function runInChromium(
  names: readonly string[],
  { rounds, onRow, onStage, onSkip }: BenchOptions,
): Promise<readonly Row[]> {
  await build({
    configFile: false,
    logLevel: "error",
    root,
    publicDir,
    base: "./",
    build: { outDir, emptyOutDir: true, target: "es2022", chunkSizeWarningLimit: 1000 },
    worker: { format: "es" },
  });
  const server = await preview({
    configFile: false,
    logLevel: "error",
    root,
    build: { outDir },
    preview: { headers, port: 0, host: "127.0.0.1" },
  });
  const url = new URL(server.resolvedUrls?.local[0] ?? "");
  const { browser, stop } = await launch(names.includes("webusb"), url.origin);
  try {
    const rows = new Map<string, Row>();
    const session = await browser.newBrowserCDPSession();
    const page = await browser.newPage();
    page.on("pageerror", (error) => console.error(error));
    await page.exposeFunction("tellRow", (row: Row) => {
      rows.set(row.name, row);
      onRow?.(row);
    });
    await page.exposeFunction("tellStage", (words: string) => onStage?.(words));
    await page.exposeFunction("tellSkip", (words: string) => onSkip?.(words));
    await page.exposeFunction("cpuTime", async () => {
      const { processInfo } = await session.send("SystemInfo.getProcessInfo");
      return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime * 1000, 0);
    });
    await page.goto(url.href);
    await page.waitForFunction(() => document.title === "ready");
    await page.evaluate(([wanted, count]) => (globalThis as unknown as PageScope).runSections(wanted, count), [
      names,
      rounds,
    ] as const);
    return [...rows.values()];
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
