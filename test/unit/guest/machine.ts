/** A v86 that is loaded and does not run, and a PCI function that keeps a diary. */
import { createRequire } from "node:module";
import { V86 } from "v86";
import { onTestFinished } from "vitest";
import type { PciFunction } from "../../../app/guest/machine.ts";
import { whenLoaded } from "../../../app/guest/v86.ts";
import { StateError } from "../../../asm/saved.ts";

export const MIB = 2 ** 20;

/** The parts of v86 that these tests act as the guest with. */
export interface GuestSide {
  readonly v86: {
    readonly cpu: {
      readonly wasm_memory: WebAssembly.Memory;
      readonly mem8: Uint8Array;
      readonly flags: Int32Array;
      readonly io: {
        port_write8(port: number, value: number): void;
        port_write32(port: number, value: number): void;
        port_read32(port: number): number;
      };
      mmap_read8(address: number): number;
      mmap_read32(address: number): number;
      mmap_write8(address: number, value: number): void;
      mmap_write16(address: number, value: number): void;
      mmap_write32(address: number, value: number): void;
      get_pic_addr_slave(): number;
      reboot_internal(): void;
    };
  };
}

const IDE = 0x1e;

export async function loadedV86(): Promise<V86 & GuestSide> {
  const emulator = new V86({
    wasm_path: createRequire(import.meta.url)
      .resolve("v86")
      .replace("libv86.mjs", "v86.wasm"),
    memory_size: 16 * MIB,
    autostart: false,
  }) as V86 & GuestSide;
  onTestFinished(() => emulator.destroy());
  await whenLoaded(emulator);
  // As firmware leaves v86's IDE. v86 cannot restore a state in which these, which it does not implement, are I/O BARs.
  for (const bar of [0x10, 0x14, 0x18, 0x1c]) writeConfig(emulator, IDE, bar, 0);
  return emulator;
}

export interface Diary extends PciFunction {
  readonly entries: string[];
  /** What a save gives, and a restore sets. */
  state: Uint8Array;
  onWrite: () => void;
}

export function diary(name: string, size = 0x10000): Diary {
  const hex = (value: number): string => value.toString(16);
  const entries: string[] = [];
  const fn: Diary = {
    name,
    entries,
    state: Uint8Array.of(0x11, 0x22, 0x33),
    onWrite: () => {},
    vendorId: 0x1b36,
    deviceId: 0x000d,
    classCode: 0x0c0330,
    revision: 0x01,
    config: { 96: 0x30, 97: 0x20 },
    bar: {
      size,
      read(offset, width) {
        entries.push(`read ${hex(offset)} ${width}`);
        return width === 4 ? 0xa1b2c3d4 : 0xa0 + (offset & 0xf);
      },
      write(offset, width, value) {
        entries.push(`write ${hex(offset)} ${width} ${hex(value)}`);
        fn.onWrite();
      },
    },
    reset: () => entries.push("reset"),
    save: () => fn.state,
    check: (state) => {
      if (!(state instanceof Uint8Array)) throw new StateError("no diary");
    },
    restore: (state) => {
      fn.state = state as Uint8Array;
      entries.push("restore");
    },
  };
  return fn;
}

/** Configuration space as the guest reads it, by ports 0xCF8 and 0xCFC. */
export function readConfig({ v86 }: GuestSide, device: number, offset: number): number {
  v86.cpu.io.port_write32(0xcf8, (0x80000000 | (device << 11) | offset) >>> 0);
  return v86.cpu.io.port_read32(0xcfc) >>> 0;
}

export function writeConfig({ v86 }: GuestSide, device: number, offset: number, value: number): void {
  v86.cpu.io.port_write32(0xcf8, (0x80000000 | (device << 11) | offset) >>> 0);
  v86.cpu.io.port_write32(0xcfc, value);
}

/** Device numbers of all functions with these ids. */
export function findDevices(guest: GuestSide, ids: number): number[] {
  return Array.from({ length: 32 }, (_, device) => device).filter((device) => readConfig(guest, device, 0) === ids);
}
