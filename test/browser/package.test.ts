/**
 * The package as a stranger gets it: packed, installed into an empty Vite project, and used by a page of that project; and by the
 * README's own page, which has no bundler.
 */
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Browser } from "playwright";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { launchChromium } from "./chromium.ts";
import { BOOT_MS, REPOSITORY, STEP_MS } from "./harness.ts";

const HEADERS = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

const README = readFileSync(join(REPOSITORY, "README.md"), "utf8");
const README_PAGE = /```html\n(.*?)```/s.exec(README)?.[1] ?? "";

/** A page that plugs a flash drive into a controller of a machine that has RAM and nothing else, and sends a frame to itself. */
const MAIN = `
import { createUsbHost } from "pvusb";
import { PvusbHub } from "pvusb/hub";

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
  const hub = document.body.appendChild(new PvusbHub());
  await (await hub.attach(machine)).port(8).plug(host.device("keyboard"));
  const ports = hub.shadowRoot.querySelectorAll(".socket").length;
  document.body.textContent = JSON.stringify({ links, devices, product: report.product, length, last, ports });
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
  let commandRuns: Promise<string>;
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
    // Beside the page that boots one, too: a guest takes its time.
    const guest = ["--guest", join(REPOSITORY, "public/guest")];
    const args = ["pvusb", "run", ...guest, "--plug", "flash-drive:size=1M@1", "--exec", "wc -c </dev/sda"];
    commandRuns = promisify(execFile)("npx", args, { cwd: project, timeout: 250_000 }).then(({ stdout }) => stdout);
    commandRuns.catch(() => undefined);
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

  const EXPECTED = '{"links":1,"devices":1,"product":"Flash Drive","length":60,"last":59,"ports":8}';

  it("is used by the README's page as it stands there, with the commands beside it", async () => {
    expect(README_PAGE.trimEnd().split("\n").length).toBeLessThanOrEqual(15);
    expect(README).toContain("npm install v86 ./pvusb-0.1.0.tgz");
    expect(README).toContain("npx pvusb guest linux");
    expect(README).toContain("npx pvusb serve");
    writeFileSync(join(project, "readme.html"), README_PAGE);
    // The image has been built already: this is where the command keeps it.
    const cache = join(project, "cache");
    mkdirSync(join(cache, "pvusb"), { recursive: true });
    symlinkSync(join(REPOSITORY, "public/guest"), join(cache, "pvusb/guest"));
    const env = { ...process.env, XDG_CACHE_HOME: cache };
    execFileSync("npx", ["pvusb", "guest", "linux"], { cwd: project, env, stdio: "pipe" });
    const server = spawn("npx", ["pvusb", "serve", "--port", "0"], { cwd: project, detached: true });
    onTestFinished(() => {
      // npx and what it started are a group of their own.
      if (server.pid) process.kill(-server.pid);
    });
    const [line] = (await once(server.stdout, "data")) as [Buffer];
    const [address] = line.toString().split(" ");

    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(`${address}readme.html`);
    const console = page.locator("textarea");
    await expect.poll(() => console.inputValue(), { timeout: BOOT_MS }).toMatch(/guest:~# \S*$/);
    await page.getByRole("button", { name: /^Plug in Flash drive/ }).click();
    await page.locator('[data-path="1"][data-state="ready"]').waitFor({ timeout: STEP_MS });
    await console.pressSequentially("lsusb\n");
    await expect.poll(() => console.inputValue(), { timeout: STEP_MS }).toMatch(/ID 1209:0001 pvusb Flash Drive\n/);
    expect(errors).toEqual([]);
    await page.screenshot({ path: join(REPOSITORY, "test/artefacts/readme-page.png"), fullPage: true });
    await page.close();
  });

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

  it("brings a command that runs the guest", async () => {
    expect(await commandRuns).toBe("1048576\n");
  });

  it("says what is missing in a page that is not cross-origin isolated", async () => {
    const server = await vite.preview({ root: project, preview: { port: 0 }, logLevel: "error" });
    expect(await shows(server)).toContain("Cross-Origin-Embedder-Policy: require-corp");
    await server.close();
  });
});
