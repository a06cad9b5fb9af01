/** The page from a static host that sets no headers: isolated by its service worker, small, kept for offline, updated when asked. */
import { join } from "node:path";
import type { Browser, Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launchChromium } from "./chromium.ts";
import { REPOSITORY, STEP_MS, Tab } from "./harness.ts";
import { StaticHost } from "./static-host.ts";

const PAGE = join(REPOSITORY, "dist/page");
const MIB = 2 ** 20;

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

  /** A fresh profile. Gives the tab, and how often it has loaded the page. */
  async function open(): Promise<{ tab: Tab; loads: () => number }> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
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

  it("loads once more to be isolated, under 1 MB before the guest, and starts again without a network", async () => {
    const { tab, loads } = await open();
    expect(await isIsolated(tab)).toBe(true);
    expect(loads()).toBe(2);
    const devtools = await tab.page.context().newCDPSession(tab.page);
    expect((await devtools.send("Page.getAppManifest")).errors).toEqual([]);
    // It would be installable but for the tests' profile.
    const { installabilityErrors } = await devtools.send("Page.getInstallabilityErrors");
    expect(installabilityErrors.map(({ errorId }) => errorId)).toEqual(["in-incognito"]);
    // Both loads, and all that is kept for offline; then v86.
    expect(host.total()).toBeLessThan(MIB);
    await tab.startLinux();
    expect(host.total(/^(?!guest\/)/)).toBeLessThan(MIB);
    await expect
      .poll(() => kept(tab), { timeout: STEP_MS })
      .toEqual(expect.arrayContaining(["guest/vmlinuz", "guest/initrd", "guest/bios.bin"]));

    await host.stop();
    await tab.page.context().setOffline(true);
    await tab.page.reload();
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
