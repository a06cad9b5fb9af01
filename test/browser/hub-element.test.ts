/** <pvusb-hub> in bare pages: dist/hub/ in a static folder, no bundler, and machines that have RAM and nothing else. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Served, serve } from "../../app/cli/serve.ts";
import { axeFindings } from "./axe.ts";
import { launchChromium } from "./chromium.ts";
import { REPOSITORY } from "./harness.ts";

const STEP_MS = 60_000;

/** The element's module may be at any address, and so may the page. */
const page = (body: string) => `<!doctype html><html lang="en"><title>bare</title><main><h1>Bare</h1>${body}</main>
<script type="module">
import "../some where/hub/pvusb-hub.js";
const memory = { size: 0, read32: () => 0xffffffff, write32() {}, read: () => false, write: () => false, view: () => undefined };
globalThis.machine = () => ({ attach: () => ({ memory, setInterrupt() {}, kick() {} }) });
globalThis.told = [];
for (const type of ["pvusb-plug", "pvusb-unplug", "pvusb-notice"]) {
  addEventListener(type, ({ target, detail }) => told.push([target.id, type, detail.path ?? detail.text, detail.name ?? detail.problem]));
}
</script>`;

const ONE = page('<pvusb-hub id="hub"></pvusb-hub>');
const TWO = page(
  '<pvusb-hub id="left" guest="left" ports="4"></pvusb-hub><pvusb-hub id="right" guest="right" ports="2" devices=""></pvusb-hub>',
);

let folder: string;
let site: Served;
let browser: Browser;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pvusb-hub-"));
  mkdirSync(join(folder, "deep/pages"), { recursive: true });
  mkdirSync(join(folder, "deep/some where"));
  symlinkSync(join(REPOSITORY, "dist/hub"), join(folder, "deep/some where/hub"));
  writeFileSync(join(folder, "deep/pages/one.html"), ONE);
  writeFileSync(join(folder, "deep/pages/two.html"), TWO);
  site = await serve({ folder, port: 0 });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  site?.server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What the page threw and nobody caught is a failure. */
async function open(file: string, use: (tab: Page) => Promise<void>, isolated = true): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1000, height: 1600 } });
  context.setDefaultTimeout(STEP_MS);
  const tab = await context.newPage();
  const errors: string[] = [];
  tab.on("pageerror", (error) => errors.push(error.message));
  if (!isolated) {
    await tab.route("**/*", async (route) => {
      const response = await route.fetch();
      const headers = Object.entries(response.headers()).filter(([name]) => !name.startsWith("cross-origin-"));
      await route.fulfill({ response, headers: Object.fromEntries(headers) });
    });
  }
  await tab.goto(`${site.address}deep/pages/${file}.html`);
  await use(tab);
  await context.close();
  expect(errors).toEqual([]);
}

/** Runs in the page: `hub` is the element with this id. */
function at<T>(tab: Page, id: string, body: string): Promise<T> {
  return tab.evaluate(`(async () => { const hub = document.getElementById("${id}"); ${body} })()`) as Promise<T>;
}

const attach = (tab: Page, id: string) => at(tab, id, "await hub.attach(machine());");
const told = (tab: Page) => tab.evaluate("told.splice(0)");
const port = (tab: Page, id: string, path: string) => tab.locator(`#${id} [data-path="${path}"]`);
const said = (tab: Page, words: string) =>
  expect.poll(() => tab.getByRole("status").textContent(), { timeout: STEP_MS }).toBe(words);
const plugged = (tab: Page, id: string, path: string) => port(tab, id, path).locator(".plugged");

it("plugs by a click, tells it by events, and moves a device that is dragged from one element to another", () =>
  open("two", async (tab) => {
    await attach(tab, "left");
    await attach(tab, "right");
    await told(tab);
    await tab.getByRole("button", { name: /^Plug in Flash drive/ }).click();
    await plugged(tab, "left", "1").waitFor();
    await said(tab, "Flash drive plugged into port 1.");
    expect(await told(tab)).toEqual([
      ["left", "pvusb-notice", "Plugging Flash drive into port 1.", false],
      ["left", "pvusb-plug", "1", "Flash drive"],
      ["left", "pvusb-notice", "Flash drive plugged into port 1.", false],
    ]);

    await plugged(tab, "left", "1").dragTo(port(tab, "right", "2").locator(".socket"));
    await said(tab, "Flash drive is in port 2 of right now.");
    expect(await told(tab)).toEqual([
      ["left", "pvusb-notice", "Moving Flash drive to port 2 of right.", false],
      ["left", "pvusb-unplug", "1", "Flash drive"],
      ["right", "pvusb-plug", "2", "Flash drive"],
      ["left", "pvusb-notice", "Flash drive is in port 2 of right now.", false],
    ]);
    expect(await at(tab, "right", "return hub.controller.port(2).plugged.product;")).toBe("Flash Drive");
    expect(await at(tab, "left", "return hub.controller.port(1).plugged;")).toBe(undefined);
  }));

it("is worked by the keyboard alone", () =>
  open("one", async (tab) => {
    await attach(tab, "hub");
    await tab.getByRole("button", { name: /^Keyboard/ }).focus();
    await tab.keyboard.press("Enter");
    await tab.keyboard.press("3");
    await tab.keyboard.press("Enter");
    await said(tab, "Keyboard plugged into port 3.");
    await tab.keyboard.press("Delete");
    await said(tab, "Keyboard unplugged from port 3.");
    const lines = ((await told(tab)) as string[][]).filter(([, type]) => type !== "pvusb-notice");
    expect(lines).toEqual([
      ["hub", "pvusb-plug", "3", "Keyboard"],
      ["hub", "pvusb-unplug", "3", "Keyboard"],
    ]);
  }));

it("takes a file that is dropped anywhere on it", () =>
  open("one", async (tab) => {
    await attach(tab, "hub");
    const dataTransfer = await tab.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(512)], "boot.img"));
      return transfer;
    });
    await tab.locator("#hub .devices").dispatchEvent("drop", { dataTransfer });
    await said(tab, "boot.img plugged into port 1.");
  }));

it("shows what a program plugs, lets a person unplug it, and axe finds nothing", () =>
  open("one", async (tab) => {
    await attach(tab, "hub");
    const source = 'hub.host.device("flash-drive", { image: { size: 1 << 20 } })';
    await at(tab, "hub", `await hub.controller.port(2).plug(${source});`);
    await expect.poll(() => port(tab, "hub", "2").textContent(), { timeout: STEP_MS }).toContain("Flash Drive");
    expect(await axeFindings(tab)).toEqual([]);
    await tab.getByRole("button", { name: "Unplug Flash Drive from port 2" }).click();
    await said(tab, "Flash Drive unplugged from port 2.");
    expect(await at(tab, "hub", "return hub.controller.port(2).plugged;")).toBe(undefined);
  }));

it("is what its attributes say, and takes the page's colours", () =>
  open("two", async (tab) => {
    expect(await tab.locator("#left .port").count()).toBe(4);
    expect(await tab.locator("#right .port").count()).toBe(2);
    expect(await tab.locator("#right .card").count()).toBe(0);
    await at(tab, "left", 'hub.setAttribute("devices", "input disks"); hub.ports = 6; await hub.updateComplete;');
    await expect.poll(() => tab.locator("#left .port").count(), { timeout: STEP_MS }).toBe(6);
    expect(await tab.locator("#left .cards-title").allTextContents()).toEqual(["Disks", "Keyboard, mouse, game"]);
    expect(await at(tab, "left", 'return hub.getAttribute("ports");')).toBe("6");

    const colour = (property: string, selector: string) =>
      at(tab, "left", `return getComputedStyle(hub.shadowRoot.querySelector("${selector}")).${property};`);
    const light = await colour("backgroundColor", ".card");
    await tab.addStyleTag({ content: "pvusb-hub { color-scheme: dark; --accent: rgb(1, 2, 3) }" });
    expect(await colour("backgroundColor", ".card")).not.toBe(light);
    expect(await colour("color", ".card-grip .glyph")).toBe("rgb(1, 2, 3)");
    await tab.addStyleTag({ content: "pvusb-hub::part(card) { background: rgb(4, 5, 6) }" });
    expect(await colour("backgroundColor", ".card")).toBe("rgb(4, 5, 6)");
  }));

it("refuses a second machine, and one before it is in the document, in a sentence", () =>
  open("one", async (tab) => {
    const why = "await hub.attach(machine()).catch(({ message }) => message)";
    await attach(tab, "hub");
    expect(await at(tab, "hub", `return ${why};`)).toBe(
      "This <pvusb-hub> has a machine already; another machine needs a <pvusb-hub> of its own.",
    );
    const loose = `const loose = document.createElement("pvusb-hub"); return ${why.replace("hub.", "loose.")};`;
    expect(await at(tab, "hub", loose)).toBe(
      "Put the <pvusb-hub> into the document first, then attach a machine to it.",
    );
  }));

it("gives everything back when it is taken out of the document, and nothing when it only moves there", () =>
  open("one", async (tab) => {
    await attach(tab, "hub");
    await tab.getByRole("button", { name: /^Plug in Flash drive/ }).click();
    await said(tab, "Flash drive plugged into port 1.");
    expect(tab.workers()).toHaveLength(1);
    await at(tab, "hub", "document.body.append(hub); await hub.updateComplete;");
    expect(await plugged(tab, "hub", "1").count()).toBe(1);

    await told(tab);
    await at(tab, "hub", 'hub.addEventListener("pvusb-unplug", ({ detail }) => told.push(detail.name)); hub.remove();');
    await expect.poll(() => tab.workers(), { timeout: STEP_MS }).toHaveLength(0);
    expect(await told(tab)).toEqual(["Flash drive"]);

    await tab.evaluate('document.body.innerHTML = `<pvusb-hub id="next"></pvusb-hub>`');
    await attach(tab, "next");
    expect(tab.workers()).toHaveLength(1);
    const again = "const { parentNode } = hub; hub.remove(); await null; await null; parentNode.append(hub);";
    await at(tab, "next", again);
    await attach(tab, "next");
    await tab.getByRole("button", { name: "Plug in Keyboard" }).click();
    await said(tab, "Keyboard plugged into port 1.");
  }));

it("keeps what is plugged for the next machine, when the one it has is detached", () =>
  open("one", async (tab) => {
    await attach(tab, "hub");
    await tab.getByRole("button", { name: "Plug in Keyboard" }).click();
    await said(tab, "Keyboard plugged into port 1.");
    await at(tab, "hub", "await hub.detach();");
    await expect.poll(() => port(tab, "hub", "1").getAttribute("data-state"), { timeout: STEP_MS }).toBe("off");
    await attach(tab, "hub");
    expect(await at(tab, "hub", "return hub.controller.port(1).plugged.product;")).toBe("Keyboard");
  }));

it("says in words that the page is not cross-origin isolated", () =>
  open(
    "one",
    async (tab) => {
      const why = await at(tab, "hub", "return hub.attach(machine()).catch(({ name, message }) => [name, message]);");
      expect(why).toEqual(["NotIsolatedError", expect.stringContaining("Cross-Origin-Embedder-Policy: require-corp")]);
      expect(await tab.getByRole("alert").allTextContents()).toContainEqual(
        expect.stringContaining("This page is not cross-origin isolated"),
      );
      expect(await tab.locator("#hub pre").textContent()).toContain("Cross-Origin-Opener-Policy: same-origin");
    },
    false,
  ));
