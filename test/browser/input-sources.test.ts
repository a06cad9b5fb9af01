/**
 * What a person does with keyboard, mouse and pointer in a real browser, and what a device is told of it. The port is a list of
 * what it was told; test/guest/hid.test.ts has the rest of the way.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Feed } from "../../app/sources/feed.ts";
import type { UsbPort } from "../../app/usb-port.ts";
import type { DeviceOutput, KeyboardLights } from "../../worker/protocol.ts";
import { launchChromium } from "./chromium.ts";
import { REPOSITORY } from "./harness.ts";

const ADDRESS = "http://localhost/";
const PAGE = `<!doctype html><script type="module">
import { GamepadFeed } from "/dist/app/sources/gamepad.js";
import { KeyboardFeed } from "/dist/app/sources/keyboard.js";
import { MouseFeed } from "/dist/app/sources/mouse.js";
import { TabletFeed } from "/dist/app/sources/tablet.js";
window.feeds = { gamepad: GamepadFeed, keyboard: KeyboardFeed, mouse: MouseFeed, tablet: TabletFeed };
</script>
<style>body { margin: 0 } #screen { position: absolute; left: 100px; top: 100px }</style>
<button id="action">…</button><button id="other">Other</button><output id="said"></output>
<div tabindex="0"><div id="screen"><canvas width="400" height="200" style="display: block"></canvas></div></div>`;

type Kind = "keyboard" | "mouse" | "tablet" | "gamepad";

declare global {
  interface Window {
    feeds: Record<Kind, new () => Feed>;
    feed: Feed;
    told: Record<string, unknown>[];
    /** Keys that the page itself has heard. */
    heard: string[];
    output: DeviceOutput | undefined;
    port: Pick<UsbPort, "input" | "output" | "onOutput">;
    pad: object | null;
  }
}

let browser: Browser;
let page: Page;
beforeAll(async () => {
  browser = await launchChromium();
  page = await browser.newPage();
  await page.route(`${ADDRESS}**`, async (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === "/") return route.fulfill({ contentType: "text/html", body: PAGE });
    const body = await readFile(join(REPOSITORY, pathname), "utf8");
    return route.fulfill({ contentType: "text/javascript", body });
  });
});
afterAll(() => browser?.close());
beforeEach(async () => {
  await page.goto(ADDRESS);
});

/** The feed in a port, its first action at the page's first button. */
async function plug(kind: Kind): Promise<void> {
  await page.evaluate((kind) => {
    const feed = new window.feeds[kind]();
    const button = document.querySelector("#action") as HTMLButtonElement;
    const draw = () => {
      const [action] = feed.actions;
      button.textContent = action?.label ?? "";
      button.ariaPressed = String(action?.pressed ?? false);
    };
    window.told = [];
    window.heard = [];
    window.feed = feed;
    feed.onChange = draw;
    button.onclick = () => feed.actions[0]?.run();
    addEventListener("keydown", ({ code }) => window.heard.push(code));
    const port: Window["port"] = {
      input: async (message) => void window.told.push({ ...message }),
      output: async () => window.output,
      onOutput: undefined,
    };
    window.port = port;
    const screen = document.querySelector<HTMLElement>("#screen") ?? undefined;
    const say = (text: string) => {
      document.querySelector("#said")?.replaceChildren(text);
    };
    feed.plugged(port as never, { screen, say });
    draw();
  }, kind);
}

const told = () => page.evaluate(() => window.told.splice(0));
const label = () => page.textContent("#action");
const said = () => page.textContent("#said");

describe("a keyboard", () => {
  const key = (code: string, pressed: boolean) => ({ type: "key", code, pressed });
  beforeEach(() => plug("keyboard"));

  it("has the person's keys, and the page does not, until Escape is pressed twice", async () => {
    await page.keyboard.press("KeyA");
    await page.focus("#action");
    await page.keyboard.press("Enter");
    expect(await label()).toBe("Esc twice ends");
    expect(await said()).toMatch(/Your keys go to the guest now/);
    await page.keyboard.press("Shift+KeyB");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    expect(await told()).toEqual([
      ...[key("ShiftLeft", true), key("KeyB", true), key("KeyB", false), key("ShiftLeft", false)],
      ...[key("Escape", true), key("Escape", false), key("Tab", true), key("Tab", false)],
    ]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    expect(await label()).toBe("Type here");
    expect(await said()).toMatch(/go to the page again/);
    expect((await told()).at(-1)).toEqual({ type: "release-keys" });
    await page.keyboard.press("KeyC");
    expect(await told()).toEqual([]);
    expect(await page.evaluate(() => window.heard)).toEqual(["KeyA", "Enter", "KeyC"]);
  });

  it("gives them back when the person goes elsewhere, and not at the guest's screen", async () => {
    await page.click("#action");
    await page.click("#screen", { position: { x: 5, y: 5 } });
    await page.keyboard.down("KeyA");
    expect(await told()).toEqual([key("KeyA", true)]);
    await page.click("#other");
    expect(await label()).toBe("Type here");
    expect(await told()).toEqual([{ type: "release-keys" }]);
    await page.click("#action");
    await page.focus("#other");
    expect(await label()).toBe("Type here");
    await page.click("#action");
    await page.click("#action");
    expect(await label()).toBe("Type here");
    await page.click("#action");
    await page.evaluate(() => window.feed.close());
    expect(await label()).toBe("Type here");
  });

  it("has every key while the guest's screen fills the display", async () => {
    await page.evaluate(() => {
      const keyboard = { lock: async () => void window.told.push({ is: "locked" }), unlock() {} };
      Object.defineProperty(navigator, "keyboard", { value: keyboard, configurable: true });
      const [, full] = window.feed.actions;
      (document.querySelector("#other") as HTMLButtonElement).onclick = () => full?.run();
    });
    await page.click("#other");
    await expect.poll(() => page.evaluate(() => document.fullscreenElement?.id)).toBe("screen");
    await expect.poll(label).toBe("Esc twice ends");
    expect((await told())[0]).toEqual({ is: "locked" });
    await page.evaluate(() => document.exitFullscreen());
    await expect.poll(label).toBe("Type here");
  });

  it("shows the lights that the guest has lit", async () => {
    const dark = {
      type: "lights",
      numLock: false,
      capsLock: false,
      scrollLock: false,
      compose: false,
      kana: false,
    } as const;
    const lights = (set: Partial<KeyboardLights>) =>
      page.evaluate(
        (output) => {
          window.output = output;
          window.port.onOutput?.();
        },
        { ...dark, ...set },
      );
    const shown = () => page.evaluate(() => window.feed.view?.textContent);
    await lights({ numLock: true, capsLock: true });
    await expect.poll(shown).toBe("Lit: Num Lock, Caps Lock");
    await lights({});
    await expect.poll(shown).toBeUndefined();
  });
});

describe("a mouse", () => {
  it("is the guest's while the pointer is locked to its screen", async () => {
    await plug("mouse");
    await page.mouse.move(10, 10);
    expect(await told()).toEqual([]);
    await page.click("#action");
    await expect.poll(label).toBe("Esc ends");
    expect(await page.evaluate(() => document.pointerLockElement?.id)).toBe("screen");
    await told();
    const { x, y } = await moveBy(30, -20);
    expect({ x, y }).toEqual({ x: 30, y: -20 });
    await page.mouse.down({ button: "right" });
    await page.mouse.up({ button: "right" });
    await page.mouse.wheel(100, -200);
    await expect.poll(() => page.evaluate(() => window.told.length)).toBeGreaterThanOrEqual(3);
    const seen = await told();
    expect(seen.slice(0, 2).map(({ buttons }) => buttons)).toEqual([2, 0]);
    expect(seen.slice(2)).toMatchObject([{ type: "mouse", wheel: 2, pan: 1 }]);
    await page.evaluate(() => document.exitPointerLock());
    await expect.poll(label).toBe("Use mouse");
    expect(await told()).toEqual([{ type: "mouse", buttons: 0 }]);
    await page.mouse.move(20, 20);
    expect(await told()).toEqual([]);
  });

  /** What a move of the real mouse comes to, in however many messages. */
  async function moveBy(right: number, down: number) {
    await page.mouse.move(300 + right, 300 + down);
    await page.mouse.move(300, 300);
    await told();
    await page.mouse.move(300 + right, 300 + down, { steps: 3 });
    const sum = { x: 0, y: 0 };
    await expect
      .poll(async () => {
        for (const { x, y } of await told()) {
          sum.x += Number(x);
          sum.y += Number(y);
        }
        return sum;
      })
      .toEqual({ x: right, y: down });
    return sum;
  }
});

describe("a tablet", () => {
  it("is where the pointer is over the guest's picture, and follows a press out of it", async () => {
    await plug("tablet");
    await page.mouse.move(50, 50);
    await page.mouse.move(100 + 200, 100 + 50);
    await expect.poll(async () => (await told()).at(-1)).toMatchObject({ type: "tablet", x: 16384, y: 8192 });
    await page.mouse.down();
    await page.mouse.move(900, 100 + 100);
    await page.mouse.up();
    const pressed = (await told()).filter(({ buttons }) => buttons !== undefined);
    expect(pressed).toEqual([
      { type: "tablet", x: 16384, y: 8192, buttons: 1 },
      { type: "tablet", x: 32767, y: 16384, buttons: 0 },
    ]);
    await page.mouse.move(100, 100);
    await page.mouse.wheel(0, 50);
    await page.mouse.wheel(0, 50);
    await expect.poll(async () => (await told()).at(-1)).toMatchObject({ wheel: -1, pan: 0 });
    await page.evaluate(() => window.feed.close());
    await page.mouse.move(150, 150);
    expect(await told()).toEqual([]);
  });
});

describe("a gamepad", () => {
  it("is the first that the browser shows, for as long as it is there", async () => {
    await page.evaluate(() => {
      navigator.getGamepads = () => [null, window.pad] as never;
      window.pad = null;
    });
    await plug("gamepad");
    const rest = { type: "gamepad", buttons: 0, hat: 0, axes: [0, 0, 0, 0, 0, 0] };
    const view = () => page.evaluate(() => window.feed.view?.textContent);
    expect(await view()).toMatch(/Press a button/);
    await expect.poll(told).toEqual([rest]);
    await page.evaluate(() => {
      const buttons = [{ pressed: true, value: 1 }];
      window.pad = { connected: true, index: 1, id: "Pad of tests", mapping: "standard", buttons, axes: [1, 0, 0, 0] };
    });
    await expect.poll(told).toEqual([{ ...rest, buttons: 1, axes: [32767, 0, 0, 0, 0, 0] }]);
    expect(await view()).toBe("Pad of tests");
    await page.evaluate(() => {
      window.pad = null;
    });
    await expect.poll(told).toEqual([rest]);
    expect(await view()).toMatch(/Press a button/);
  });
});
