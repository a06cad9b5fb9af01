/** The page for everybody: from a static host that sets no headers, without a network, for any screen and any assistive technology. */
import { join } from "node:path";
import type { Browser, Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { amount } from "../guest/harness.ts";
import { axeFindings, focusStops } from "./axe.ts";
import { launchChromium } from "./chromium.ts";
import { REPOSITORY, STEP_MS, Tab } from "./harness.ts";
import { StaticHost } from "./static-host.ts";

const PAGE = join(REPOSITORY, "dist/page");
const MIB = 2 ** 20;
/** A phone, a tablet, a laptop, 4K. */
const SCREENS = [
  { width: 360, height: 780 },
  { width: 768, height: 1024 },
  { width: 1440, height: 900 },
  { width: 3840, height: 2160 },
];
const LAPTOP = { width: 1280, height: 800 };
/** A laptop's screen at 400 % (WCAG 2.2 §1.4.10). */
const ZOOMED = { width: 320, height: 640 };

/** Nothing serious for axe and nothing too wide, in light on a laptop and in dark at 400 %. Pictures are kept in test/artefacts/. */
async function isForEverybody(tab: Tab, what: string): Promise<void> {
  const { page } = tab;
  for (const [size, colorScheme] of [
    [LAPTOP, "light"],
    [ZOOMED, "dark"],
  ] as const) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme });
    await tab.picture(`${what} ${size.width}`);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width, `${what}: width of the page on ${size.width}`).toBeLessThanOrEqual(size.width);
    expect(await axeFindings(page), `${what}, ${colorScheme}, ${size.width}`).toEqual([]);
  }
  await page.setViewportSize(LAPTOP);
  // Everything that is long scrolls by itself.
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  expect(height, `${what}: height of the page on a laptop`).toBeLessThanOrEqual(LAPTOP.height);
}

/** What moves, but for what xterm.js fades in and out. */
function motions(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    document.getAnimations().flatMap(({ effect }) => {
      const target = effect instanceof KeyframeEffect ? effect.target : null;
      return target?.closest(".xterm") ? [] : `${target?.localName} ${target?.className}`;
    }),
  );
}

/** To be looked at: each size in one theme, and by `npm run soak` in both. */
async function pictures(tab: Tab, what: string): Promise<void> {
  const themes = ["light", "dark"] as const;
  for (const [index, size] of SCREENS.entries()) {
    await tab.page.setViewportSize(size);
    const first = index % 2;
    for (const colorScheme of themes.slice(amount(first, 0), amount(first + 1, 2))) {
      await tab.page.emulateMedia({ colorScheme });
      await tab.picture(`${what} ${size.width} ${colorScheme}`);
    }
  }
  await tab.page.setViewportSize(LAPTOP);
  await tab.page.emulateMedia({ forcedColors: "active" });
  await tab.picture(`${what} forced colours`);
  await tab.page.emulateMedia({ forcedColors: null, colorScheme: null });
}

describe("the page on a static host without headers, below a path", () => {
  let browser: Browser;
  let host: StaticHost;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    host = await StaticHost.start(PAGE, "/some/where/pvusb/");
  });
  afterEach(() => host.stop());

  /** A fresh profile of somebody who wants no motion. Gives the tab, and how often it has loaded the page. */
  async function open(): Promise<{ tab: Tab; loads: () => number }> {
    const context = await browser.newContext({
      viewport: LAPTOP,
      reducedMotion: "reduce",
      permissions: ["clipboard-read", "clipboard-write"],
    });
    context.setDefaultTimeout(STEP_MS);
    return follow(await context.newPage());
  }

  async function follow(page: Page): Promise<{ tab: Tab; loads: () => number }> {
    const tab = new Tab(page);
    tab.pictureOnFailure();
    let count = 0;
    page.on("domcontentloaded", () => count++);
    await page.goto(host.address);
    await tab.button("Start Linux").waitFor();
    return { tab, loads: () => count };
  }

  const isIsolated = (tab: Tab) => tab.page.evaluate(() => globalThis.crossOriginIsolated);

  /** The files of the page's store, by name. */
  const kept = (tab: Tab): Promise<string[]> =>
    tab.page.evaluate(async () => {
      const [name = ""] = await caches.keys();
      const keys = await (await caches.open(name)).keys();
      return keys.map(({ url }) => url.replace(/\?.*/, "").replace(document.baseURI, ""));
    });

  it("is isolated, small, for everybody in each of its states, and starts again without a network", async () => {
    const { tab, loads } = await open();
    const { page } = tab;
    expect(await isIsolated(tab)).toBe(true);
    expect(loads()).toBe(2);
    const devtools = await page.context().newCDPSession(page);
    expect((await devtools.send("Page.getAppManifest")).errors).toEqual([]);
    // It would be installable but for the tests' profile.
    const { installabilityErrors } = await devtools.send("Page.getInstallabilityErrors");
    expect(installabilityErrors.map(({ errorId }) => errorId)).toEqual(["in-incognito"]);
    // All that is kept for offline, gzip'd: the page, its library and backend, the emulator's code.
    expect(host.total()).toBeLessThan(MIB);

    await isForEverybody(tab, "off");
    await tab.button("Start Linux").click();
    await page.getByRole("progressbar").waitFor();
    expect(await motions(page)).toEqual([]);
    await isForEverybody(tab, "starting");
    await tab.untilRuns();
    // v86.wasm, too; not counted is the guest: its kernel, initrd and BIOS.
    expect(host.total(/^(?!guest\/)/)).toBeLessThan(MIB);

    const cards = ["Flash drive (blank, 64 MiB)", "USB hub", "Keyboard", "Serial terminal", "Piano"];
    for (const name of cards) await page.getByRole("button", { name: `Plug in ${name}`, exact: true }).click();
    for (const port of ["1", "2", "3", "4", "5"]) await tab.untilPort(port, "ready");
    await tab.button("New drive…").click();
    await isForEverybody(tab, "running");
    await pictures(tab, "running");
    for (const panel of await page.locator("pv-panels button[aria-expanded]").all()) {
      if ((await panel.getAttribute("aria-expanded")) === "false") await panel.click();
      await isForEverybody(tab, `panel ${await panel.textContent()}`);
    }
    await page.getByLabel("More", { exact: true }).click();
    await isForEverybody(tab, "menu");
    const { count, unseen } = await focusStops(page);
    expect(unseen).toEqual([]);
    expect(count).toBeGreaterThan(20);

    await page.evaluate(() => void Promise.reject(new TypeError("It broke\n    at plug (file.js:1:2)")));
    await expect.poll(() => tab.problems(), { timeout: STEP_MS }).toContain("It says: “It broke”");
    expect(await tab.problems()).not.toContain("file.js");
    // The devices were scrolled to their end meanwhile.
    expect(await page.locator(".problem").evaluate((problem) => problem.getBoundingClientRect().top)).toBeGreaterThan(
      0,
    );
    await isForEverybody(tab, "words");
    await tab.button("Copy details").click();
    await tab.button("Copied").waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(
      "TypeError: It broke\n    at plug (file.js:1:2)",
    );
    expect(tab.errors.splice(0)).toHaveLength(1);
    await expect
      .poll(() => kept(tab), { timeout: STEP_MS })
      .toEqual(expect.arrayContaining(["guest/vmlinuz", "guest/initrd", "guest/bios.bin"]));

    await host.stop();
    await page.context().setOffline(true);
    await page.reload();
    await tab.startLinux();
    expect(await tab.run("uname")).toContain("Linux");
    expect(await isIsolated(tab)).toBe(true);
    await tab.close();
  });

  it("offers a newer version, and loads it when asked, but not while another tab has the page", async () => {
    const { tab, loads } = await open();
    const other = await follow(await tab.page.context().newPage());
    expect(other.loads()).toBe(1);
    host.replace("icon.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>");
    await tab.page.evaluate(() => navigator.serviceWorker.getRegistration().then((found) => found?.update()));
    const offer = tab.page.locator("pv-update p");
    await expect.poll(() => offer.textContent(), { timeout: STEP_MS }).toContain("newer version");
    await tab.button("Load it").click();
    await expect.poll(() => offer.textContent(), { timeout: STEP_MS }).toContain("Another tab");
    expect(loads()).toBe(2);
    await other.tab.page.close();
    await tab.button("Load it").click();
    await expect.poll(loads, { timeout: STEP_MS }).toBe(3);
    await tab.button("Start Linux").waitFor();
    expect(await tab.page.evaluate(async () => (await fetch("icon.svg")).text())).toContain("xmlns='http");
    expect((await kept(tab)).filter((name) => name === "icon.svg")).toHaveLength(1);
    await tab.close();
  });

  it("says in words that it cannot be isolated when the host has a file of another build, and loads no second time", async () => {
    host.instead.set("icon.svg", "<svg/>");
    const { tab, loads } = await open();
    expect(await isIsolated(tab)).toBe(false);
    expect(loads()).toBe(1);
    expect(await tab.problems()).toContain("Cross-Origin-Embedder-Policy: require-corp");
    await tab.close();
  });
});
