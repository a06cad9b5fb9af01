/** The package as a stranger gets it: packed, installed into an empty Vite project, and used by a page of that project. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium } from "./chromium.ts";
import { REPOSITORY } from "./harness.ts";

const HEADERS = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

/** A page that plugs a flash drive into a controller of a machine that has RAM and nothing else, and sends a frame to itself. */
const MAIN = `
import { createUsbHost } from "pvusb";

const machine = {
  attach: () => ({
    memory: {
      size: 0, read32: () => 0xffffffff, write32() {}, read: () => false, write: () => false, view: () => undefined,
    },
    setInterrupt() {},
    kick() {},
  }),
};
try {
  const host = await createUsbHost();
  const controller = await host.attach(machine, { ports: 2 });
  const report = await controller.port(1).plug(host.device("flash-drive", { image: { size: 1 << 20 } }));
  const { links, devices } = await host.stats();
  const [sender, receiver] = [await host.cable(), await host.cable()];
  const heard = new Promise((resolve) => (receiver.onFrame = resolve));
  sender.send(Uint8Array.from({ length: 60 }, (_, index) => index));
  const { length, 59: last } = await heard;
  document.body.textContent = JSON.stringify({ links, devices, product: report.product, length, last });
} catch (error) {
  document.body.textContent = "failed: " + error;
}
`;

interface Server {
  readonly resolvedUrls: { readonly local: readonly string[] } | null;
  close(): Promise<void>;
}

/** The project's own Vite, not the repository's. */
interface Vite {
  createServer(options: object): Promise<Server & { listen(): Promise<unknown> }>;
  build(options: object): Promise<unknown>;
  preview(options: object): Promise<Server>;
}

describe("npm pack, installed into an empty Vite project", () => {
  let project: string;
  let browser: Browser;
  let vite: Vite;
  beforeAll(async () => {
    project = mkdtempSync(join(tmpdir(), "pvusb-package-"));
    const npm = (...args: string[]) => execFileSync("npm", args, { cwd: project, encoding: "utf8", stdio: "pipe" });
    const [packed] = JSON.parse(npm("pack", REPOSITORY, "--json", "--ignore-scripts")) as { filename: string }[];
    const { devDependencies } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8"));
    const manifest = {
      name: "stranger",
      private: true,
      type: "module",
      dependencies: { pvusb: `file:./${packed?.filename}` },
      devDependencies: { vite: devDependencies.vite },
    };
    writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
    writeFileSync(join(project, "index.html"), '<!doctype html><body><script type="module" src="/main.js"></script>');
    writeFileSync(join(project, "main.js"), MAIN);
    npm("install", "--prefer-offline", "--no-audit", "--no-fund");
    vite = (await import(pathToFileURL(join(project, "node_modules/vite/dist/node/index.js")).href)) as Vite;
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(project, { recursive: true, force: true });
  });

  async function shows(server: Server): Promise<string> {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    await page.goto(server.resolvedUrls?.local[0] ?? "");
    try {
      await page.waitForFunction(() => document.body.textContent !== "", undefined, { timeout: 60_000 });
    } catch (cause) {
      throw new Error(`The page showed nothing. ${errors.join("; ")}`, { cause });
    }
    const text = await page.evaluate(() => document.body.textContent);
    await page.close();
    return text ?? "";
  }

  const EXPECTED = '{"links":1,"devices":1,"product":"Flash Drive","length":60,"last":59}';

  it("works in a page of the development server", async () => {
    const server = await vite.createServer({ root: project, server: { port: 0, headers: HEADERS }, logLevel: "error" });
    await server.listen();
    expect(await shows(server)).toBe(EXPECTED);
    await server.close();
  });

  it("works in a built page", async () => {
    await vite.build({ root: project, build: { target: "es2022" }, logLevel: "error" });
    const server = await vite.preview({ root: project, preview: { port: 0, headers: HEADERS }, logLevel: "error" });
    expect(await shows(server)).toBe(EXPECTED);
    await server.close();
  });

  it("brings a command that runs the guest", () => {
    const guest = ["--guest", join(REPOSITORY, "public/guest")];
    const args = ["pvusb", "run", ...guest, "--plug", "flash-drive:size=1M@1", "--exec", "wc -c </dev/sda"];
    expect(execFileSync("npx", args, { cwd: project, encoding: "utf8", timeout: 250_000 })).toBe("1048576\n");
  });

  it("says what is missing in a page that is not cross-origin isolated", async () => {
    const server = await vite.preview({ root: project, preview: { port: 0 }, logLevel: "error" });
    expect(await shows(server)).toContain("Cross-Origin-Embedder-Policy: require-corp");
    await server.close();
  });
});
