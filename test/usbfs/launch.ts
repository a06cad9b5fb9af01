/** Builds the stand-in, and starts a Chromium that sees the test's devices as those of its computer. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright";
import { launchChromium, run } from "../browser/chromium.ts";
import { Kernel } from "./kernel.ts";

/** Where its C files are, of the compiled benchmark too. */
const SOURCES = import.meta.dirname.replace("/dist/test/", "/test/");
/** It has libudev's name, for which Chromium then need not look. */
const LIBRARY = "libudev.so.1";
const FILES = readdirSync(SOURCES).filter((name) => /\.[ch]$/.test(name));
const CACHE = join(SOURCES, "../../node_modules/.cache/pvusb/usbfs");

export interface Computer {
  readonly browser: Browser;
  /** Plugs devices in and pulls them out. */
  readonly kernel: Kernel;
  stop(): Promise<void>;
}

/** Why there can be no such browser here, if there can be none. */
export function missing(): string | undefined {
  if (process.platform !== "linux") return "Chromium's usbfs is Linux's.";
  if (hasCompiler()) return undefined;
  if (process.getuid?.() === 0 && run("apt-get", ["--version"])) {
    process.stderr.write("No C compiler here: installing Debian's.\n");
    run("apt-get", ["update"]);
    run("apt-get", ["install", "--yes", "--no-install-recommends", "gcc", "libc6-dev"]);
    if (hasCompiler()) return undefined;
  }
  return "Real Chromium's WebUSB is tried where there is a C compiler: install the packages gcc and libc6-dev.";
}

/** All devices are granted to every page of `origin`, such as http://localhost:4173. Chromium gets more `switches`. */
export async function startComputer(origin: string, switches: readonly string[] = []): Promise<Computer> {
  const library = build(LIBRARY, FILES);
  const folder = mkdtempSync(join(tmpdir(), "pvusb-usbfs-"));
  const policy = { WebUsbAllowDevicesForUrls: [{ devices: [{}], urls: [origin] }] };
  mkdirSync(join(folder, "policies/managed"), { recursive: true });
  writeFileSync(join(folder, "policies/managed/usb.json"), JSON.stringify(policy));
  const kernel = await Kernel.start(folder);
  const browser = await launchChromium(switches, {
    LD_PRELOAD: library,
    PVUSB_USBFS: kernel.socket,
    PVUSB_POLICIES: join(folder, "policies"),
  });
  return {
    browser,
    kernel,
    async stop() {
      await browser.close();
      await kernel.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Such a Chromium with an empty page in it, which may share memory. */
export async function openEmptyPage(): Promise<{
  readonly computer: Computer;
  readonly page: Page;
  stop(): Promise<void>;
}> {
  const server = createServer((_, response) => {
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    response.end("<!doctype html>");
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const computer = await startComputer(origin);
  const page = await computer.browser.newPage();
  await page.goto(origin);
  return {
    computer,
    page,
    async stop() {
      await computer.stop();
      server.close();
    },
  };
}

function hasCompiler(): boolean {
  return (
    spawnSync("cc", ["-E", "-include", "linux/usbdevice_fs.h", "-xc", "/dev/null"], { stdio: "ignore" }).status === 0
  );
}

/** Of sources in this folder. Named by them, so that it is built once. */
export function build(name: string, files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(join(SOURCES, file)));
  const folder = join(CACHE, hash.digest("hex").slice(0, 16));
  const library = join(folder, name);
  if (existsSync(library)) return library;
  mkdirSync(folder, { recursive: true });
  const fresh = `${library}.${process.pid}`;
  const sources = files.filter((name) => name.endsWith(".c")).map((name) => join(SOURCES, name));
  const options = ["-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", `-Wl,-soname,${name}`];
  const { status, stderr } = spawnSync("cc", [...options, "-o", fresh, ...sources, "-ldl", "-lpthread"], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`test/usbfs does not compile: ${stderr}`);
  renameSync(fresh, library);
  return library;
}
