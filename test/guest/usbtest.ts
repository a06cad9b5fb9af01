/** Linux's usbtest driver in the guest, worked through its ioctl as the kernel's own program testusb does. */
import { expect } from "vitest";
import type { ExecResult } from "../../dist/app/guest/agent.js";
import type { Bench } from "./harness.ts";

export type Speed = "full" | "high" | "super";

export interface Case {
  readonly number: number;
  readonly iterations: number;
  /** Bytes a transfer. */
  readonly length: number;
  /** By how many bytes it changes. */
  readonly vary: number;
  /** Transfers queued at once, or entries of a scatter list. */
  readonly queued: number;
}

export const EINVAL = 22;

/** As testusb runs a case that nothing is said about: -c 1000 -s 512 -v 512 -g 32. */
export const DEFAULTS = { iterations: 1000, length: 512, vary: 512, queued: 32 };

/** All of them, by the alternate of gadget zero that has their endpoints. */
export const CASES = {
  control: { alternate: 0, numbers: [0, 9, 10] },
  bulk: { alternate: 0, numbers: [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 17, 18, 19, 20, 24, 27, 28, 29] },
  isochronous: { alternate: 1, numbers: [15, 16, 22, 23] },
  interrupt: { alternate: 2, numbers: [25, 26] },
  /** They refuse the defaults with EINVAL: `vary` has to be less than the length. */
  "control write": { alternate: 0, numbers: [14, 21] },
} as const;

export type Kind = keyof typeof CASES;

/** The cases of a kind, all with the same parameters. */
export function cases(kind: Kind, parameters: Partial<Omit<Case, "number">> = {}): Case[] {
  return CASES[kind].numbers.map((number) => ({ number, ...DEFAULTS, ...parameters }));
}

/** usbdevfs_ioctl around a usbtest_param of 28 bytes: USBDEVFS_IOCTL and USBTEST_REQUEST of a 32-bit kernel. */
const SCRIPT = `use strict;
my $path = shift;
open(my $device, "+<", $path) or die "$path: $!";
for (@ARGV) {
  my $param = pack("L5l2", split(/:/), 0, 0);
  my $error = ioctl($device, 0xc00c5512, my $order = pack("lLp", 0, 0xc01c5564, $param)) ? 0 : $! + 0;
  my ($case) = unpack("L", $param);
  print "$case $error\\n";
}
`;

/** Has the only gadget do a case, for nobody, until it is pulled out. */
export function inBackground(number: number): string {
  return `cd $(dirname $(readlink -f /sys/bus/usb/drivers/usbtest/*:3.0)) &&
    path=$(printf /dev/bus/usb/%03d/%03d $(cat busnum devnum)) &&
    (perl /tmp/usbtest.pl $path ${number}:1000000:4096:512:8 </dev/null >/dev/null 2>&1 &)`;
}

const FIND = `for d in /sys/bus/usb/devices/*; do
  [ "$(cat $d/idProduct 2>/dev/null)" = a4a0 ] && [ -e $d:3.0/driver ] && echo \${d##*/} $(cat $d/speed $d/busnum $d/devnum)
done; true`;

const MEGABITS: Readonly<Record<Speed, string>> = { full: "12", high: "480", super: "5000" };

/** Of the devices: gadget-zero.ts tells what they mean. */
export interface Options {
  readonly pattern?: "zero" | "mod63";
  readonly interval?: number;
}

interface Gadget {
  readonly speed: Speed;
  readonly name: string;
  readonly path: string;
}

/** What runs commands in a guest, in Node or in a page. */
export interface Shell {
  run(command: string): Promise<string>;
  until(command: string): Promise<string>;
  exec(command: string, options: { readonly timeout: number }): Promise<ExecResult>;
}

function shellOf({ guest, run, until }: Bench): Shell {
  return { run, until, exec: (command, options) => guest.exec(command, options) };
}

export class Usbtest {
  readonly #shell: Shell;
  readonly #gadgets: readonly Gadget[];

  private constructor(shell: Shell, gadgets: readonly Gadget[]) {
    this.#shell = shell;
    this.#gadgets = gadgets;
  }

  /** Plugs a gadget zero of each speed, the first into port 1, and waits for the driver to take them. */
  static async plug(bench: Bench, speeds: readonly Speed[], options: Options = {}): Promise<Usbtest> {
    const shell = shellOf(bench);
    await Usbtest.load(shell);
    for (const [index, speed] of speeds.entries()) {
      // At full speed 1023 bytes both ways in each frame are more than the 90 % of a bus that there are (USB 2.0 §5.6.4).
      const interval = speed === "full" && options.interval === 1 ? 2 : options.interval;
      const settings = { speed, ...options, ...(interval && { interval }) };
      await bench.controller.port(index + 1).plug(bench.host.device("gadget-zero", settings));
    }
    return Usbtest.find(shell, speeds, options);
  }

  static async load(shell: Shell): Promise<void> {
    await shell.run(`modprobe usbtest && printf %s '${SCRIPT}' >/tmp/usbtest.pl`);
  }

  /** Waits for the driver to take those that are plugged in. */
  static async find(shell: Shell, speeds: readonly Speed[], options: Options = {}): Promise<Usbtest> {
    await shell.until(`[ $(ls -d /sys/bus/usb/drivers/usbtest/*:* | wc -l) = ${speeds.length} ]`);
    await shell.run(`echo ${options.pattern === "mod63" ? 1 : 0} >/sys/module/usbtest/parameters/pattern`);
    const gadgets = (await shell.run(FIND))
      .trim()
      .split("\n")
      .map((line) => {
        const [name = "", megabits, bus = "", device = ""] = line.split(" ");
        const speed = speeds.find((each) => MEGABITS[each] === megabits);
        if (!speed) throw new Error(`A gadget of no speed that was asked for: ${line}`);
        return { speed, name, path: `/dev/bus/usb/${bus.padStart(3, "0")}/${device.padStart(3, "0")}` };
      });
    return new Usbtest(shell, gadgets);
  }

  /** Pulls them out where `plug` has put them. */
  async unplug({ controller }: Bench): Promise<void> {
    for (const [index] of this.#gadgets.entries()) await controller.port(index + 1).unplug();
    await this.#shell.until("! ls /sys/bus/usb/drivers/usbtest/*:* 2>/dev/null");
  }

  /** The driver takes the devices anew, by this alternate. */
  async select({ alternate }: { readonly alternate: number }): Promise<void> {
    const driver = "/sys/bus/usb/drivers/usbtest";
    await this.#shell.run(`set -e; echo ${alternate} >/sys/module/usbtest/parameters/alt; cd ${driver}
      for each in ${this.#gadgets.map(({ name }) => `${name}:3.0`).join(" ")}; do echo $each >unbind; echo $each >bind; done`);
  }

  /** Runs the cases one behind another, on all devices side by side. */
  async run(cases: readonly Case[], timeout: number): Promise<Results> {
    const list = cases
      .map(({ number, iterations, length, vary, queued }) => [number, iterations, length, vary, queued].join(":"))
      .join(" ");
    const start = this.#gadgets.map(({ speed, path }) => `perl /tmp/usbtest.pl ${path} ${list} >/tmp/${speed} 2>&1 &`);
    const show = this.#gadgets.map(({ speed }) => `sed 's/^/${speed} /' /tmp/${speed}`);
    const command = ["dmesg -c >/dev/null", ...start, "wait", ...show, "dmesg | grep -v 'TEST '"].join("\n");
    const { output } = await this.#shell.exec(command, { timeout });
    const lines = new TextDecoder().decode(output).split("\n");
    const errors: Errors = {};
    for (const { speed } of this.#gadgets) errors[speed] = [];
    for (const line of lines) {
      const [, speed, number, error] = /^(full|high|super) (\d+) (\d+)$/.exec(line) ?? [];
      if (speed) errors[speed as Speed]?.push([Number(number), Number(error)]);
    }
    return { errors, log: lines.join("\n") };
  }
}

export interface Results {
  readonly errors: Errors;
  /** All that was said, the kernel's reasons for failures among it. */
  readonly log: string;
}

/** Number and errno of each case that was run; 0 is a pass. */
export type Errors = { [speed in Speed]?: [number, number][] };

/** All of these cases pass at all of these speeds. */
export function expectPassed({ errors, log }: Results, cases: readonly Case[], speeds: readonly Speed[]): void {
  const zeros = cases.map(({ number }) => [number, 0]);
  expect(errors, log).toEqual(Object.fromEntries(speeds.map((speed) => [speed, zeros])));
}
