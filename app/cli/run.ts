/**
 * `pvusb run`, from the start of the host to the last flush:
 *
 *   overlay ─► host ─► guest (controller attached) ─► plug ─► settle ─► command or console ─► sync ─► unplug ─► stop
 */
import { access } from "node:fs/promises";
import type { DeviceSource } from "../../worker/protocol.ts";
import { Guest } from "../guest/default-guest.ts";
import type { MachineConfig } from "../guest/machine-config.ts";
import { folderFiles, installedV86 } from "../guest/node-files.ts";
import { folderStateStore } from "../guest/node-state-store.ts";
import { joinV86Network } from "../guest/v86-network.ts";
import { createUsbHost, type UsbHost } from "../host.ts";
import { Rules } from "../rules/rules.ts";
import { type NodeUsb, nodeUsb } from "../start-backend.ts";
import type { UsbController } from "../usb-controller.ts";
import type { UsbPort } from "../usb-port.ts";
import { buildId } from "./build-id.ts";
import { CaptureFile, printTrace } from "./capture.ts";
import { ConsoleWatch } from "./console-watch.ts";
import { readMachine } from "./machine-arguments.ts";
import { readOverlay } from "./overlay.ts";
import { ownGuest } from "./own-guest.ts";
import { type PlugArgument, PORTS } from "./plug-argument.ts";
import { findDevice } from "./real-device.ts";
import type { PortReport, Reporter } from "./reporter.ts";
import { keptRules, placed } from "./run-rules.ts";
import { settle } from "./settle.ts";
import { connectTerminal } from "./terminal.ts";
import type { RunArguments } from "./usage.ts";
import { UsageError } from "./usage-error.ts";

const SYNC_PATIENCE_MS = 10_000;

export class Run {
  readonly #arguments: RunArguments;
  readonly #reporter: Reporter;
  readonly #usb: NodeUsb | undefined;
  readonly #started = performance.now();
  #host: UsbHost | undefined;
  #controller: UsbController | undefined;
  readonly #watch = new ConsoleWatch();
  #guest: Guest | undefined;
  /** Each with its port. */
  #plugs: readonly PlugArgument[] = [];
  #capture: CaptureFile | undefined;
  #halted: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** The guest may have written what it has not sent to its disks. */
  #ready = false;

  /** With `usb`, real devices are those of another computer than this. */
  constructor(args: RunArguments, reporter: Reporter, usb?: NodeUsb) {
    this.#arguments = args;
    this.#reporter = reporter;
    this.#usb = usb;
  }

  /** Resolves with the exit status. */
  async run(): Promise<number> {
    const { exec } = this.#arguments;
    const rules = await this.#rules();
    const plugs = placed(this.#arguments.plugs, rules);
    this.#plugs = plugs;
    const overlay = this.#arguments.overlay === undefined ? undefined : await readOverlay(this.#arguments.overlay);
    const machine = await readMachine(this.#arguments.machine);
    await checkImages(plugs);
    // What is not there is told before the guest starts.
    for (const plug of plugs) await this.#sourceOf(plug);
    const { pcap } = this.#arguments;
    if (pcap !== undefined) this.#capture = new CaptureFile(pcap, (text) => this.#reporter.note(text));
    this.#host = await createUsbHost({ placement: this.#arguments.placement, ...(this.#usb && { usb: this.#usb }) });
    this.#host.onNotice = ({ path, reason }) => this.#reporter.note(`port ${path}: ${reason}`);
    this.#host.rules.read(rules.text);
    this.#capture?.start(this.#host);
    const guest = await this.#startGuest(this.#host, machine, overlay);
    const ready = this.#elapsed();
    if (exec === undefined) {
      if (guest.hasAgent) await this.#plug();
      return this.#console(guest);
    }
    await guest.interpreted(() => this.#plugAndSettle(guest));
    const plugged = this.#elapsed();
    const { status, output } = await Promise.race([
      guest.exec(exec, { onOutput: (bytes) => this.#reporter.output(bytes) }),
      this.#died(),
    ]);
    const reports = this.#portReports();
    await this.close();
    this.#reporter.result({
      status,
      output,
      timings: { ready, plugged, end: this.#elapsed() },
      resumed: guest.resumed,
      ports: reports,
    });
    return status;
  }

  /** Sends what the guest holds to its disks, pulls every device out and stops. Safe at any time, and more than once. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#guest?.hasAgent && this.#ready) await this.#sync(this.#guest);
    await this.#guest?.saved;
    await this.#host?.close();
    this.#capture?.close();
    if (this.#guest?.disk?.changed) this.#reporter.note("What the guest has written to --hda is forgotten now.");
    await this.#guest?.stop();
  }

  /** By the agent, or, while that is busy with a command that was cut short, by the console's shell. */
  async #sync(guest: Guest): Promise<void> {
    const byAgent = guest.exec("sync", { timeout: SYNC_PATIENCE_MS }).catch(() => {});
    if (this.#arguments.exec === undefined) {
      await byAgent;
      return;
    }
    const mark = `synced-${Date.now()}`;
    const byConsole = this.#watch.heard(new RegExp(mark));
    guest.write(`sync; echo sync''ed${mark.slice("synced".length)}\n`); // the shell's echo of it is not the mark
    await Promise.race([byAgent, byConsole]);
  }

  /** Rejects when the guest is gone in the middle of a command. */
  async #died(): Promise<never> {
    const halted = this.#halted?.then(() => "The guest was halted before the command ended.");
    const panicked = this.#watch.panicked.then((words) => `The guest's kernel gave up: ${words}`);
    const message = await Promise.race(halted ? [halted, panicked] : [panicked]);
    this.#ready = false;
    throw new Error(message);
  }

  /** Those of this run go before the kept ones, which stay as they are. */
  async #rules(): Promise<Rules> {
    const { rules, rulesFile } = this.#arguments;
    const all = new Rules();
    all.read((await keptRules(rulesFile)).rules.text);
    for (const { device, place } of rules) all.set(device, place);
    return all;
  }

  async #startGuest(host: UsbHost, machine: Partial<MachineConfig>, overlay: Uint8Array | undefined): Promise<Guest> {
    const { controller, network, states, trace } = this.#arguments;
    const v86 = installedV86();
    this.#guest = await Guest.start({
      files: folderFiles(this.#arguments.guest ?? (await ownGuest())),
      wasm: v86.wasm,
      machine,
      ...(network && { v86: { net_device: { type: "ne2k", relay_url: network } } }),
      ...(overlay && { overlay }),
      ...(states && { states: folderStateStore() }),
      stateKey: [controller, PORTS, v86.version, await buildId()],
      machineReady: async (emulator) => {
        this.#halted = new Promise((resolve) => emulator.add_listener("cpu-event-halt" as "emulator-stopped", resolve));
        const attached = await host.attach(emulator, { controller, ports: PORTS, followsRules: false });
        this.#controller = attached;
        const lan = network === undefined ? undefined : await host.cable();
        if (lan) joinV86Network(emulator, lan);
        if (trace.length > 0) printTrace(attached, trace, (line) => this.#reporter.trace(line));
        // A BIOS looks for what it boots at once. The default guest's ready state, though, is one without devices.
        if (this.#arguments.machine.boot !== "linux") await this.#plug();
        return () => {
          lan?.close();
          return attached.close();
        };
      },
      onConsole: (bytes) => {
        this.#watch.take(bytes);
        if (this.#arguments.exec === undefined && this.#ready) process.stdout.write(bytes);
      },
      onProgress: (progress) => this.#reporter.progress(progress),
      onDiskError: (message) => this.#reporter.note(message),
    });
    this.#ready = true;
    return this.#guest;
  }

  async #plugAndSettle(guest: Guest): Promise<void> {
    const { ignored, quiet } = await settle(guest, await this.#plug());
    for (const port of ignored) this.#reporter.note(`The guest has not taken the device in port ${port}.`);
    if (!quiet) this.#reporter.note("The guest is not done with its devices yet; the command starts all the same.");
  }

  async #plug(): Promise<UsbPort[]> {
    const ports: UsbPort[] = [];
    for (const plug of this.#plugs) {
      const port = this.#controller?.find(plug.path.join("."));
      if (!port) continue;
      const { notes } = await port.plug(await this.#sourceOf(plug));
      for (const note of notes) this.#reporter.note(`port ${port.path}: ${note}`);
      ports.push(port);
    }
    await this.#controller?.followRules();
    return [...ports, ...pluggedPorts(this.#controller?.ports ?? []).filter((port) => !ports.includes(port))];
  }

  async #sourceOf({ text, device }: PlugArgument): Promise<DeviceSource> {
    if (device.kind !== "usb") return device;
    const usb = this.#usb ?? (await nodeUsb());
    const source = await findDevice(await usb.getDevices(), device.name, `--plug ${text}`);
    return device.detach ? { ...source, detach: true } : source;
  }

  /** The terminal is the guest's until Ctrl-], or until the guest is halted (`poweroff -f`). */
  async #console(guest: Guest): Promise<number> {
    const terminal = connectTerminal(guest);
    const halted = this.#halted?.then(() => {
      this.#ready = false;
    });
    try {
      await Promise.race([terminal.ended, halted]);
    } finally {
      terminal.close();
    }
    await this.close();
    return 0;
  }

  #portReports(): PortReport[] {
    const kinds = new Map(this.#plugs.map(({ path, device: { kind } }) => [path.join("."), kind]));
    const report = (path: string, kind: string): PortReport[] => {
      const port = this.#controller?.find(path);
      if (!port?.plugged) return [];
      const { product, vendorId, productId } = port.plugged;
      const { address } = port.status;
      return [{ port: path.includes(".") ? path : port.number, kind, product, vendorId, productId, address }];
    };
    // What is in other ports as well came by a rule.
    const byRule = pluggedPorts(this.#controller?.ports ?? []).filter(({ path }) => !kinds.has(path));
    return [
      ...[...kinds].flatMap(([path, kind]) => report(path, kind)),
      ...byRule.flatMap(({ path }) => report(path, "usb")),
    ];
  }

  #elapsed(): number {
    return Math.round(performance.now() - this.#started);
  }
}

function pluggedPorts(ports: readonly UsbPort[]): UsbPort[] {
  return ports.flatMap((port) => (port.plugged ? [port, ...pluggedPorts(port.ports)] : []));
}

/** A wrong file name is told before the guest starts, not after. */
async function checkImages(plugs: readonly PlugArgument[]): Promise<void> {
  for (const { text, device } of plugs) {
    if (!("image" in device) || !("path" in device.image)) continue;
    const { path } = device.image;
    await access(path).catch((cause) => {
      throw new UsageError(`--plug ${text}: there is no file ${path}.`, { cause });
    });
  }
}
