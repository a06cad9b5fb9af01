/** `--pcap` and `--trace`: every transfer between the guest and its devices, into a file or as lines. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { UsbController } from "../host.ts";
import { pcapHeader, pcapPacket, traceLine } from "../pcap.ts";
import { UsageError } from "./usage-error.ts";

export interface Capture {
  /** Takes what the controller's ports carry from now on. */
  watch(controller: UsbController): void;
  /** The file is whole. */
  close(): void;
}

/** Throws a UsageError when the file cannot be written. */
export function openCapture(file: string | undefined, print: ((line: string) => void) | undefined): Capture {
  const descriptor = file === undefined ? undefined : open(file);
  const since = (performance.timeOrigin + performance.now()) * 1000;
  const stops: (() => void)[] = [];
  return {
    watch(controller) {
      if (descriptor === undefined && !print) return;
      const stop = controller.trace((trace) => {
        if (descriptor !== undefined) writeSync(descriptor, pcapPacket(trace));
        print?.(traceLine(trace, since));
      });
      stops.push(stop);
    },
    close() {
      for (const stop of stops.splice(0)) stop();
      if (descriptor !== undefined) closeSync(descriptor);
    },
  };
}

function open(file: string): number {
  try {
    const descriptor = openSync(file, "w");
    writeSync(descriptor, pcapHeader());
    return descriptor;
  } catch (cause) {
    throw new UsageError(`--pcap ${file} cannot be written: ${(cause as Error).message}`, { cause });
  }
}
