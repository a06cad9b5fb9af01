/** `--pcap` and `--trace`: what the guest, its controller and the devices say, into a file or as lines. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { UsbHost } from "../host.ts";
import { registerLine, trbLine, urbLine } from "../trace/lines.ts";
import type { UsbController } from "../usb-controller.ts";
import type { TraceKind } from "./usage.ts";
import { UsageError } from "./usage-error.ts";

export class CaptureFile {
  readonly #file: string;
  readonly #note: (text: string) => void;
  #descriptor: number | undefined;
  #stop: (() => void) | undefined;

  /** Throws a UsageError when the file cannot be written. `note` is told when it cannot be later. */
  constructor(file: string, note: (text: string) => void) {
    this.#file = file;
    this.#note = note;
    try {
      this.#descriptor = openSync(file, "w");
    } catch (cause) {
      throw new UsageError(`--pcap ${file} cannot be written: ${(cause as Error).message}`, { cause });
    }
  }

  /** Takes what the host's controllers carry from now on. */
  start(host: UsbHost): void {
    this.#stop = host.capture((bytes) => this.#write(bytes));
  }

  /** The file is whole. */
  close(): void {
    this.#stop?.();
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #write(bytes: Uint8Array): void {
    if (this.#descriptor === undefined) return;
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#descriptor, bytes, done);
    } catch (error) {
      // A full disk, or a reader that has gone, must not stop the guest.
      this.close();
      this.#note(`--pcap ${this.#file}: ${(error as Error).message}. The capture ends here.`);
    }
  }
}

/** A line for each of what was asked for, from now on. */
export function printTrace(
  controller: UsbController,
  kinds: readonly TraceKind[],
  print: (line: string) => void,
): void {
  const since = (performance.timeOrigin + performance.now()) * 1000;
  controller.trace({
    registers: kinds.includes("registers") ? (trace) => print(registerLine(trace, since)) : undefined,
    trbs: kinds.includes("trbs") ? (trace) => print(trbLine(trace, since)) : undefined,
    urbs: kinds.includes("urbs") ? (trace) => print(urbLine(trace, since)) : undefined,
  });
}
