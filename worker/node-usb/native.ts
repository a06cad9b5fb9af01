/**
 * npm `usb` 3.x as it really is: its JavaScript is shaped like WebUSB, and it is another thing.
 *
 *   - A call that changes the object (open, close, claim, release, selectAlternate, every string) throws at once while any
 *     other call is under way, and any call throws while such a one is: the object is borrowed as in Rust (turns.ts).
 *   - An endpoint has one transfer at a time; for a second one it says "endpoint not found".
 *   - Every transfer has a time-out, 1 s unless another is given. It is the only way to cancel one, and a transfer that it
 *     ends loses what it has received.
 *   - A control transfer needs a claimed interface, whichever.
 *   - Whatever fails is a plain Error, and only its words tell why (failures.ts).
 *   - close() keeps the claims.
 *   - Its connect and disconnect end the process where the computer has no USB bus.
 */
import { PlugError, reasonOf } from "../plug-error.ts";

export type NativeSpeed = "low" | "full" | "high" | "super" | "superPlus";

/** What is used of its WebUSB class. */
export interface NativeUsb {
  /** Other objects at each call. */
  getDevices(): Promise<NativeDevice[]>;
}

/** What is used of its UsbDevice. */
export interface NativeDevice {
  /** Names the device as long as it is plugged in. */
  readonly handle: string;
  readonly vendorId: number;
  readonly productId: number;
  readonly deviceVersionMajor: number;
  readonly deviceVersionMinor: number;
  readonly deviceVersionSubminor: number;
  readonly usbVersionMajor: number;
  readonly usbVersionMinor: number;
  readonly usbVersionSubminor: number;
  readonly deviceClass: number;
  readonly deviceSubclass: number;
  readonly deviceProtocol: number;
  /** On Linux the number of the bus, with zeros before it. */
  readonly bus: string;
  readonly ports: readonly number[];
  readonly speed?: NativeSpeed;
  /** Where the system does not tell it, the device is opened and asked, and that may throw. */
  readonly manufacturerName: string | null;
  readonly productName: string | null;
  readonly serialNumber: string | null;
  open(): Promise<void>;
  close(): Promise<void>;
  reset(): Promise<void>;
  selectConfiguration(configurationValue: number): Promise<void>;
  claimInterface(interfaceNumber: number): Promise<void>;
  releaseInterface(interfaceNumber: number): Promise<void>;
  selectAlternateInterface(interfaceNumber: number, alternateSetting: number): Promise<void>;
  /** Time-outs are in milliseconds. */
  controlTransferIn(setup: USBControlTransferParameters, length: number, timeout: number): Promise<USBInTransferResult>;
  controlTransferOut(
    setup: USBControlTransferParameters,
    data: Uint8Array<ArrayBuffer>,
    timeout: number,
  ): Promise<USBOutTransferResult>;
  transferIn(endpointNumber: number, length: number, timeout: number): Promise<USBInTransferResult>;
  transferOut(endpointNumber: number, data: Uint8Array<ArrayBuffer>, timeout: number): Promise<USBOutTransferResult>;
  clearHalt(direction: USBDirection, endpointNumber: number): Promise<void>;
  /** Linux only. */
  detachKernelDriver(interfaceNumber: number): Promise<void>;
  attachKernelDriver(interfaceNumber: number): Promise<void>;
}

interface NativeModule {
  readonly WebUSB?: new (options: { allowAllDevices: boolean }) => NativeUsb & { findDeviceByIds?: unknown };
}

/** Loads the package, which is no dependency of ours. Rejects with a PlugError that says what to do. */
export async function loadNative(
  load: () => Promise<unknown> = () => import(/* webpackIgnore: true */ /* @vite-ignore */ PACKAGE),
): Promise<NativeUsb> {
  let module: NativeModule;
  try {
    module = (await load()) as NativeModule;
  } catch (error) {
    const isMissing = MISSING.includes((error as { code?: unknown }).code);
    throw new PlugError(
      "UnsupportedError",
      isMissing
        ? "To plug real devices, install the package usb beside pvusb: npm install usb@3"
        : `The package usb does not start (${reasonOf(error)}). Install it anew: npm install usb@3`,
      { cause: error },
    );
  }
  const usb = module.WebUSB && new module.WebUSB({ allowAllDevices: true });
  if (!usb?.findDeviceByIds) {
    throw new PlugError(
      "UnsupportedError",
      "The package usb beside pvusb is not version 3. Install that: npm install usb@3",
    );
  }
  return usb;
}

/** Not a literal: neither the compiler nor a bundler is to look for it. */
const PACKAGE: string = "usb";
/** Codes of Node's errors: not installed, or nothing can be where this code is (a data: URL). */
const MISSING: readonly unknown[] = ["ERR_MODULE_NOT_FOUND", "ERR_UNSUPPORTED_RESOLVE_REQUEST"];
