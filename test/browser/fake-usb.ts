/** Puts the fake navigator.usb into a browser: into the page before it loads, and into the worker in place of its script. */
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright";
import { build, type Rolldown } from "vite";
import { FAKE_USB_CHANNEL } from "./page/fake-usb-channel.ts";

/** Bundles one file of test/browser/page/ as a script of its own. */
async function bundle(file: string, format: "iife" | "es"): Promise<string> {
  const built = (await build({
    configFile: false,
    logLevel: "error",
    build: {
      write: false,
      minify: false,
      target: "es2022",
      lib: { entry: join(import.meta.dirname, "page", file), formats: [format], name: "fake" },
      // package.json's sideEffects is about the library.
      rolldownOptions: { treeshake: false },
    },
  })) as Rolldown.RolldownOutput[];
  const code = built[0]?.output[0].code;
  if (!code) throw new Error(`${file} was not bundled.`);
  return code;
}

/** For Bench.open(). */
export async function withFakeUsb(context: BrowserContext): Promise<void> {
  const [page, worker] = await Promise.all([bundle("fake-usb.ts", "iife"), bundle("worker.ts", "es")]);
  await context.addInitScript(page);
  await context.route(/\/assets\/main-[\w-]+\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: worker });
  });
}

/**
 * A person pulls the device out of their computer, or pushes it in: plainly, or so that a driver of the computer holds it, or
 * so that they may not open it.
 */
export async function atTheComputer(
  page: Page,
  what: "unplug" | "plug" | "plug-held" | "plug-forbidden",
): Promise<void> {
  await page.evaluate(([channel, word]) => new BroadcastChannel(channel).postMessage(word), [
    FAKE_USB_CHANNEL,
    what,
  ] as const);
}
