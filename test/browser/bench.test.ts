/** The benchmark's page, as a person uses it: from a static host that sets no headers. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, expect, it } from "vitest";
import { axeFindings } from "./axe.ts";
import { launchChromium } from "./chromium.ts";
import { REPOSITORY, STEP_MS, Tab } from "./harness.ts";
import { StaticHost } from "./static-host.ts";

let host: StaticHost;
let browser: Browser;
let tab: Tab;
let page: Page;
beforeAll(async () => {
  host = await StaticHost.start(join(REPOSITORY, "dist/page"), "/some/where/");
  browser = await launchChromium();
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    permissions: ["clipboard-read", "clipboard-write"],
  });
  context.setDefaultTimeout(STEP_MS);
  page = await context.newPage();
  tab = new Tab(page);
  await page.goto(`${host.address}bench/`);
});
afterAll(async () => {
  await browser?.close();
  await host?.stop();
});

const isForEverybody = async (what: string) => {
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 800 });
    expect(await axeFindings(page), `${what}, ${width}`).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), what).toBeLessThanOrEqual(width);
    await tab.picture(`bench ${what} ${width}`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
};

it("measures what was chosen, shows it as it comes, and stops when told so", async () => {
  await tab.button("Measure").waitFor();
  await isForEverybody("form");
  for (const box of await page.getByRole("checkbox").all()) await box.uncheck();
  expect(await tab.button("Measure").isDisabled()).toBe(true);
  await page.getByRole("checkbox", { name: "Crossing threads" }).check();
  await page.getByLabel("Rounds").selectOption("3");
  await tab.button("Measure").click();
  await page.getByRole("progressbar").waitFor();
  await page.getByRole("row", { name: /^ring messages, 64 B, depth 16/ }).waitFor();
  await page.locator("pv-chart canvas").waitFor();
  await tab.button("Stop").click();
  await page.getByText("Stopped. What was measured until then is below.").waitFor();
  expect(await page.getByRole("row", { name: /^ring round trips, 64 B, depth 1/ }).textContent()).toMatch(
    /at least 4\s+(reached|missed)/,
  );
  await isForEverybody("result");
  expect(tab.errors).toEqual([]);
});

it("saves the result as a file, and carries it in a link", async () => {
  const download = page.waitForEvent("download");
  await tab.button("Save as JSON").click();
  const { machine, rows } = JSON.parse(await readFile(await (await download).path(), "utf8"));
  expect(machine).toEqual({ cpus: expect.any(Number), browser: expect.any(String), at: expect.any(String) });
  expect(rows[0]).toMatchObject({ name: "ring round trips, 64 B, depth 1", where: "chromium", bar: 4 });

  await tab.button("Copy a link to this result").click();
  await page.getByText("The link is copied.").waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const before = await page.getByRole("table").allInnerTexts();
  await page.goto("about:blank");
  await page.goto(link);
  await page.getByRole("table").first().waitFor();
  expect(await page.getByRole("table").allInnerTexts()).toEqual(before);

  await page.goto("about:blank");
  await page.goto(link.slice(0, -9));
  await page.getByText("This link has no whole result").waitFor();
  await tab.button("Measure").waitFor();
  expect(tab.errors).toEqual([]);
});
