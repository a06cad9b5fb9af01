#!/usr/bin/env node
/** The `pvusb` command. */
import { once } from "node:events";
import { nodeUsb } from "../start-backend.ts";
import { packageVersion } from "./build-id.ts";
import { writeGuest } from "./guest-folder.ts";
import { KINDS } from "./plug-argument.ts";
import { listDevices } from "./real-device.ts";
import { Reporter } from "./reporter.ts";
import { Run } from "./run.ts";
import { rulesCommand } from "./run-rules.ts";
import { serve } from "./serve.ts";
import { type Arguments, HELP, parseCommandLine } from "./usage.ts";

const STATUS_TIMEOUT = 124;
const STATUS_FAILURE = 125;
const CLOSE_PATIENCE_MS = 15_000;
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

async function list(): Promise<void> {
  for (const [kind, words] of Object.entries(KINDS)) process.stdout.write(`${kind.padEnd(12)} ${words}\n`);
  try {
    const devices = await (await nodeUsb()).getDevices();
    for (const line of listDevices(devices)) process.stdout.write(`${line}\n`);
  } catch (error) {
    process.stderr.write(`pvusb: ${(error as Error).message}\n`);
  }
}

async function run(args: Extract<Arguments, { order: "run" }>): Promise<number> {
  const reporter = new Reporter(args.json);
  const work = new Run(args, reporter);
  const cut = new Promise<number>((resolve) => {
    for (const [signal, status] of Object.entries(SIGNALS)) process.once(signal, () => resolve(status));
    if (args.timeoutMs !== undefined) {
      setTimeout(() => {
        reporter.failure(`Not done within ${(args.timeoutMs ?? 0) / 1000} s.`, STATUS_TIMEOUT);
        resolve(STATUS_TIMEOUT);
      }, args.timeoutMs);
    }
  });
  let status: number;
  try {
    status = await Promise.race([work.run(), cut]);
  } catch (error) {
    reporter.failure(error instanceof Error ? error.message : String(error), STATUS_FAILURE);
    status = STATUS_FAILURE;
  }
  await Promise.race([
    work.close().catch((error: Error) => reporter.note(error.message)),
    new Promise((resolve) => setTimeout(resolve, CLOSE_PATIENCE_MS)),
  ]);
  return status;
}

async function rules({ action, rulesFile }: Extract<Arguments, { order: "rules" }>): Promise<number> {
  try {
    process.stdout.write(await rulesCommand(action, rulesFile));
    return 0;
  } catch (error) {
    process.stderr.write(`pvusb: ${(error as Error).message}\n`);
    return STATUS_FAILURE;
  }
}

/** Until a signal ends the process. */
async function servePages(args: Extract<Arguments, { order: "serve" }>): Promise<number> {
  try {
    const { server, folder, address } = await serve(args);
    process.stdout.write(`${address} has what is in ${folder}. Ctrl-C ends.\n`);
    await once(server, "close");
    return 0;
  } catch (error) {
    process.stderr.write(`pvusb: ${(error as Error).message}\n`);
    return STATUS_FAILURE;
  }
}

async function guest({ folder, from }: Extract<Arguments, { order: "guest" }>): Promise<number> {
  try {
    await writeGuest(folder, from);
    process.stdout.write(`The guest's files are in ${folder}.\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`pvusb: ${(error as Error).message}\n`);
    return STATUS_FAILURE;
  }
}

async function main(): Promise<number> {
  let args: Arguments;
  try {
    args = parseCommandLine(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`pvusb: ${(error as Error).message}\n`);
    return STATUS_FAILURE;
  }
  switch (args.order) {
    case "help":
      process.stdout.write(HELP);
      return 0;
    case "version":
      process.stdout.write(`${await packageVersion()}\n`);
      return 0;
    case "list":
      await list();
      return 0;
    case "guest":
      return guest(args);
    case "rules":
      return rules(args);
    case "serve":
      return servePages(args);
    case "run":
      return run(args);
    default:
      return args satisfies never;
  }
}

const status = await main();
// What was written must leave first: a pipe takes its time.
process.stdout.write("", () => process.exit(status));
