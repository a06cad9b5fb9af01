/** Runs sections in a page in Chromium, served with what a page needs to share memory with its worker. */
import { fileURLToPath } from "node:url";
import { build, preview } from "vite";
import type { Row } from "../../app/bench/row.ts";
import type { BenchOptions } from "../../app/bench/section.ts";
import { launchChromium } from "../browser/chromium.ts";
import type { PageScope } from "./page-scope.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const root = path("../../../test/bench/page");
const publicDir = path("../../../public");
const outDir = path("../../bench-page");
const headers = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

export async function runInChromium(
  names: readonly string[],
  { rounds, onRow, onStage }: BenchOptions,
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
  const browser = await launchChromium(["--disable-gpu", "--disable-background-timer-throttling"]);
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
    await page.exposeFunction("cpuTime", async () => {
      const { processInfo } = await session.send("SystemInfo.getProcessInfo");
      return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime * 1000, 0);
    });
    await page.goto(server.resolvedUrls?.local[0] ?? "");
    await page.waitForFunction(() => document.title === "ready");
    await page.evaluate(([wanted, count]) => (globalThis as unknown as PageScope).runSections(wanted, count), [
      names,
      rounds,
    ] as const);
    return [...rows.values()];
  } finally {
    await browser.close();
    await server.close();
  }
}
