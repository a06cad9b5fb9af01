/**
 * A bare page with guests of the package, from Vite's development server: what Node does with a guest, done in a browser.
 * The saved states of ready guests are those of Node's.
 */
import { buffer } from "node:stream/consumers";
import type { Page } from "playwright";
import { createServer, type Plugin, type ViteDevServer } from "vite";
import type { ExecResult } from "../../dist/app/guest/agent.js";
import { folderStateStore } from "../../dist/app/guest/node-state-store.js";
import { buildHash, STATES } from "../guest/harness.ts";
import type { Computer } from "../usbfs/launch.ts";
import { launchChromium } from "./chromium.ts";
import { REPOSITORY } from "./harness.ts";

const HEADERS = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const OVERLAY = "/overlay.cpio";
const PATIENCE_MS = 60_000;

const serveStates: Plugin = {
  name: "serve-states",
  configureServer({ middlewares }) {
    const states = folderStateStore(STATES);
    middlewares.use("/states", async (request, response) => {
      const key = /^\/([0-9a-f]{64})$/.exec(request.url ?? "")?.[1] ?? "";
      if (request.method === "PUT") await states.set(key, new Uint8Array(await buffer(request)));
      if (request.method === "DELETE") await states.delete(key);
      const state = request.method === "GET" ? await states.get(key) : new Uint8Array(0);
      response.statusCode = state ? 200 : 404;
      response.end(state);
    });
  },
};

export interface GuestPageOptions {
  /** Default 1. */
  readonly guests?: number;
  /** A cpio archive, for all guests. */
  readonly overlay?: Uint8Array;
  /** Of Chromium. */
  readonly switches?: readonly string[];
  /** Starts a computer whose Chromium shows the page; otherwise it is a plain one. */
  computer?(origin: string): Promise<Computer>;
}

export class GuestPage {
  readonly page: Page;
  /** Whatever the page threw and nobody caught. */
  readonly errors: string[];
  readonly computer: Computer | undefined;
  readonly #server: ViteDevServer;

  private constructor(server: ViteDevServer, page: Page, errors: string[], computer: Computer | undefined) {
    this.#server = server;
    this.page = page;
    this.errors = errors;
    this.computer = computer;
  }

  /** Resolves when the guests take commands. */
  static async open({ guests = 1, overlay, switches, computer: start }: GuestPageOptions): Promise<GuestPage> {
    const options = { root: REPOSITORY, publicDir: "public", configFile: false, logLevel: "error" } as const;
    const serveOverlay: Plugin = {
      name: "serve-overlay",
      configureServer: ({ middlewares }) => void middlewares.use(OVERLAY, (_, response) => response.end(overlay)),
    };
    const server = await createServer({
      ...options,
      plugins: [serveOverlay, serveStates],
      server: { port: 0, headers: HEADERS, hmr: false, watch: null },
    });
    await server.listen();
    const address = server.resolvedUrls?.local[0] ?? "";
    const computer = await start?.(new URL(address).origin);
    const browser = computer?.browser ?? (await launchChromium(switches));
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", ({ message }) => errors.push(message));
    const query = new URLSearchParams({
      guests: String(guests),
      build: buildHash(),
      ...(overlay && { overlay: OVERLAY }),
    });
    await page.goto(`${address}test/browser/page/guests.html?${query}`);
    await page.waitForFunction(() => "guests" in window);
    await page.evaluate(() => window.guests.then(() => undefined));
    return new GuestPage(server, page, errors, computer);
  }

  /** Runs a shell command in the first guest. */
  async exec(command: string, { timeout = PATIENCE_MS }: { readonly timeout?: number } = {}): Promise<ExecResult> {
    const order = { command, timeout };
    const { status, output } = await this.page.evaluate(async ({ command, timeout }) => {
      const { status, output } = await (await window.firstGuest()).guest.exec(command, { timeout });
      return { status, output: [...output] };
    }, order);
    return { status, output: new Uint8Array(output) };
  }

  /** Answers the command's output; throws when its status is not 0. */
  async run(command: string): Promise<string> {
    const { status, output } = await this.exec(command);
    const text = new TextDecoder().decode(output);
    if (status !== 0) throw new Error(`The guest's "${command}" ended with ${status}: ${text}`);
    return text;
  }

  /** Runs the command every moment until its status is 0. */
  async until(command: string): Promise<string> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const { status, output } = await this.exec(command);
      const text = new TextDecoder().decode(output);
      if (status === 0) return text;
      if (Date.now() > end) throw new Error(`The guest's "${command}" never succeeded: ${status}, ${text}`);
      await this.exec("usleep 50000");
    }
  }

  /** Plugs the granted device with this serial number into a port of the first guest. Answers the plug's notes. */
  plugReal(port: number, serialNumber: string): Promise<readonly string[]> {
    return this.page.evaluate(
      async ([port, serial]) => {
        const { controller } = await window.firstGuest();
        for (let wait = 0; wait < 500; wait++) {
          const device = (await navigator.usb.getDevices()).find((each) => each.serialNumber === serial);
          if (device) return (await controller.port(port).plug(device)).notes;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        throw new Error(`No device ${serial} is granted.`);
      },
      [port, serialNumber] as const,
    );
  }

  /** Until nothing is plugged into a port of the first guest. */
  async untilEmpty(port: number): Promise<void> {
    await this.page.waitForFunction(
      async (port) => (await window.firstGuest()).controller.port(port).plugged === undefined,
      port,
    );
  }

  async close(): Promise<void> {
    await (this.computer ? this.computer.stop() : this.page.context().browser()?.close());
    await this.#server.close();
  }
}
