/** The built page in a real browser: a server over dist/page, a tab, and what a person does and sees there. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, Locator, Page } from "playwright";
import { type PreviewServer, preview } from "vite";
import { expect, onTestFailed } from "vitest";
import { launchChromium } from "./chromium.ts";
import { giveState, takeState } from "./kept-state.ts";

export const REPOSITORY = join(import.meta.dirname, "../..");
const PAGE = join(REPOSITORY, "dist/page");
const ARTEFACTS = join(REPOSITORY, "test/artefacts");
/** A busy machine boots the guest slowly. */
export const BOOT_MS = 200_000;
export const STEP_MS = 60_000;

export class Bench {
  readonly #server: PreviewServer;
  readonly #browser: Browser;
  readonly address: string;

  private constructor(server: PreviewServer, browser: Browser, address: string) {
    this.#server = server;
    this.#browser = browser;
    this.address = address;
  }

  /** Serves the page and starts a browser. */
  static async start(): Promise<Bench> {
    if (!existsSync(join(PAGE, "index.html"))) throw new Error("dist/page is not built: run npm run build first.");
    const server = await preview({
      configFile: join(REPOSITORY, "vite.config.ts"),
      root: join(REPOSITORY, "app/page"),
      build: { outDir: PAGE },
      preview: { port: 0 },
      logLevel: "warn",
    });
    const address = server.resolvedUrls?.local[0];
    if (!address) throw new Error("The page's server has no address.");
    return new Bench(server, await launchChromium(), address);
  }

  /** A fresh profile with one tab. `prepare` may change it before the page is loaded. */
  async open(prepare?: (context: BrowserContext) => Promise<unknown>, query = ""): Promise<Tab> {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 } });
    context.setDefaultTimeout(STEP_MS);
    await prepare?.(context);
    const tab = new Tab(await context.newPage());
    await tab.page.goto(this.address + query);
    return tab;
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.#server.close();
  }
}

/** A tab with the page in it, in a person's terms. */
export class Tab {
  readonly page: Page;
  /** Whatever the page threw and nobody caught. */
  readonly errors: string[] = [];
  #commands = 0;
  #booted = false;

  constructor(page: Page) {
    this.page = page;
    page.on("pageerror", (error) => this.errors.push(error.message));
  }

  /** Keeps a picture in test/artefacts/ if the test that runs fails. */
  pictureOnFailure(): void {
    onTestFailed(async ({ task }) => {
      await this.picture(`failed: ${task.name}`);
    });
  }

  async picture(name: string): Promise<void> {
    mkdirSync(ARTEFACTS, { recursive: true });
    await this.page.screenshot({ path: join(ARTEFACTS, `${name.replaceAll(/[^a-z0-9]+/gi, "-")}.png`) });
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name });
  }

  /** Presses Start and waits for the prompt. The guest need not boot, if another profile has kept its state. */
  async startLinux(): Promise<void> {
    await giveState(this.page);
    await this.button("Start Linux").click();
    await this.untilRuns();
    const notes = await this.page.locator(".tabs-note").allTextContents();
    this.#booted ||= notes.some((note) => note.startsWith("booted"));
  }

  async untilRuns(): Promise<void> {
    const state = this.page.locator(
      '.guest-state[aria-selected="true"]:is([data-guest="running"], [data-guest="failed"])',
    );
    await state.waitFor({ timeout: BOOT_MS });
    expect(await this.problems()).toBe("");
    await this.untilConsole(/guest:\S*# ?$/);
    // The kernel's own words would come between what is typed.
    await this.#terminal.click();
    await this.page.keyboard.type("dmesg -n 1\n");
  }

  /** The visible text of the guest's console. A line that is too long for it goes on in the next. */
  async console(): Promise<string> {
    const rows = await this.#terminal.locator(".xterm-rows > div").allTextContents();
    return rows
      .map((row) => row.replaceAll("\u00a0", " ").trimEnd())
      .join("\n")
      .trimEnd();
  }

  async untilConsole(words: RegExp): Promise<string> {
    await expect.poll(() => this.console(), { timeout: STEP_MS }).toMatch(words);
    return this.console();
  }

  /** Types a command into the console. Gives what it printed, as far as the console shows it, once it has ended. */
  async run(line: string): Promise<string> {
    const number = ++this.#commands;
    await this.#terminal.click();
    await this.page.keyboard.type(`clear; ${line}; echo "=$((1000+${number}))="\n`);
    const text = await this.untilConsole(new RegExp(`=${1000 + number}=`));
    return text.slice(0, text.indexOf(`=${1000 + number}=`));
  }

  /** Asks again and again, as one does when something needs a moment, until the answer matches. */
  async runUntil(line: string, answer: RegExp): Promise<void> {
    await expect.poll(() => this.run(line), { timeout: STEP_MS, interval: 500 }).toMatch(answer);
  }

  /** Of the guest that is looked at. */
  get #terminal(): Locator {
    return this.page.locator("pv-console:not([hidden]) .face.terminal");
  }

  /** By its path, such as 3, or "3.2" for port 2 of the hub in port 3; of the guest that is looked at. */
  port(path: number | string): Locator {
    return this.page.locator(`pv-ports[data-current] .port[data-path="${path}"]`);
  }

  socket(path: number | string): Locator {
    return this.port(path).locator(".socket");
  }

  card(name: string): Locator {
    return this.page.locator(".card").filter({ has: this.page.locator(".card-name", { hasText: name }) });
  }

  async untilPort(path: number | string, state: "off" | "empty" | "connecting" | "ready" | "failed"): Promise<void> {
    await expect.poll(() => this.port(path).getAttribute("data-state"), { timeout: STEP_MS }).toBe(state);
  }

  async untilSaid(words: string | RegExp): Promise<void> {
    const said = () => this.page.getByRole("status").textContent();
    const poll = expect.poll(said, { timeout: STEP_MS });
    await (typeof words === "string" ? poll.toContain(words) : poll.toMatch(words));
  }

  async problems(): Promise<string> {
    const text = (await this.page.getByRole("alert").textContent()) ?? "";
    return text.replaceAll(/\s+/g, " ").trim();
  }

  /** What has the focus, by its accessible name. */
  focused(): Promise<string> {
    return this.page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
  }

  async close(): Promise<void> {
    if (this.#booted) await takeState(this.page);
    await this.page.context().close();
    expect(this.errors).toEqual([]);
  }
}
