/** Finds a Chromium for the tests, or installs Debian's where that may be done, and starts it. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright";
import { V8_FLAGS } from "../v8.ts";

const NAMES = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "chrome",
  "Chromium",
  "Google Chrome",
];
const PLACES = [
  "/usr/bin",
  "/usr/local/bin",
  "/snap/bin",
  "/opt/google/chrome",
  "/Applications/Chromium.app/Contents/MacOS",
  "/Applications/Google Chrome.app/Contents/MacOS",
];

/** Starts Chromium without a window, with more of its own `switches` and more of an environment. */
export function launchChromium(
  switches: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<Browser> {
  const executablePath = findChromium() ?? installChromium();
  const env = { ...(process.env as Record<string, string>), ...environment };
  // Chromium's own sandbox does not work for root, nor in most containers.
  const args = ["--no-sandbox", ...(V8_FLAGS.length > 0 ? [`--js-flags=${V8_FLAGS.join(",")}`] : []), ...switches];
  return chromium.launch({ executablePath, args, env });
}

function findChromium(): string | undefined {
  const { PATH = "" } = process.env;
  const folders = [...PATH.split(delimiter).filter(Boolean), ...PLACES];
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installChromium(): string {
  if (process.getuid?.() === 0 && run("apt-get", ["--version"])) {
    process.stderr.write("No Chromium here: installing Debian's.\n");
    run("apt-get", ["update"]);
    if (run("apt-get", ["install", "--yes", "--no-install-recommends", "chromium"])) {
      const found = findChromium();
      if (found) return found;
    }
  }
  throw new Error("The browser tests need Chromium or Chrome: install the package chromium, or put it into PATH.");
}

/** Runs a program with its output on standard error; false if it is not there or fails. */
export function run(program: string, args: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync(program, args, { env, stdio: ["ignore", 2, 2] }).status === 0;
}
