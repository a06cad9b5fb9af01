/** Opens the benchmark's page in Chromium, served with what a page needs to share memory with its worker. */
import { fileURLToPath } from "node:url";
import type { Page } from "playwright";
import { build, preview } from "vite";
import { launchChromium } from "../browser/chromium.ts";

const root = fileURLToPath(new URL("../../../test/bench/page", import.meta.url));
const outDir = fileURLToPath(new URL("../../bench-page", import.meta.url));
const headers = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

export async function inChromium<T>(use: (page: Page) => Promise<T>): Promise<T> {
  await build({
    configFile: false,
    logLevel: "error",
    root,
    base: "./",
    build: { outDir, emptyOutDir: true, target: "es2022" },
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
    const page = await browser.newPage();
    page.on("pageerror", (error) => console.error(error));
    await page.goto(server.resolvedUrls?.local[0] ?? "");
    await page.waitForFunction(() => document.title === "ready");
    return await use(page);
  } finally {
    await browser.close();
    await server.close();
  }
}
