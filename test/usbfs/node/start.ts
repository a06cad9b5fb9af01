/** Starts programs of Node whose npm usb sees the test's devices as those of its computer. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kernel } from "../kernel.ts";
import { build, missing as missingCompiler } from "../launch.ts";

const FILES = ["link.h", "link.c", "usbfs.c", "node/node.c"];
const PACKAGE: string = "usb";

export interface NodeComputer {
  readonly kernel: Kernel;
  /** Starts a program; one at a time. */
  start(args: readonly string[]): ChildProcessWithoutNullStreams;
  stop(): Promise<void>;
}

/** Why there can be none here, if there can be none. */
export function missing(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "npm usb itself is tried on Linux on x86-64.";
  try {
    createRequire(import.meta.url).resolve(PACKAGE);
  } catch {
    return "npm usb itself is tried where it is installed: npm ci.";
  }
  return missingCompiler() && "npm usb itself is tried where there is a C compiler: install gcc and libc6-dev.";
}

export async function startNode(): Promise<NodeComputer> {
  const library = build("node-usb.so", FILES);
  const folder = mkdtempSync(join(tmpdir(), "pvusb-usbfs-"));
  const kernel = await Kernel.start(folder);
  const programs: ChildProcessWithoutNullStreams[] = [];
  return {
    kernel,
    start(args) {
      const sysfs = join(folder, `sys${programs.length}`);
      mkdirSync(join(sysfs, "devices"), { recursive: true });
      const preload = { LD_PRELOAD: library, PVUSB_USBFS: kernel.socket, PVUSB_SYSFS: sysfs };
      const env = { ...process.env, ...preload, XDG_CACHE_HOME: join(folder, "cache") };
      const program = spawn(process.execPath, args, { env });
      programs.push(program);
      return program;
    },
    async stop() {
      for (const program of programs) program.kill("SIGKILL");
      await kernel.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
