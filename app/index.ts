export type { CoreSource } from "../asm/core.ts";
export { StateError } from "../asm/saved.ts";
export type {
  BackendStats,
  DeviceInput,
  DeviceOutput,
  DeviceSource,
  ImageSource,
  PlayedSound,
  PlugReport,
  SoundRun,
  WebUsbSource,
} from "../worker/protocol.ts";
export type { HostController, PortCounters, RootHubPort } from "./controller.ts";
export type { GuestMemory, Machine, MemoryWindow, PciFunction, PciSlot } from "./guest/machine.ts";
export {
  type AttachOptions,
  createUsbHost,
  NotIsolatedError,
  type Notice,
  UsbHost,
  type UsbHostOptions,
} from "./host.ts";
export type { RegisterTrace, TraceListeners, TrbTrace } from "./trace/trace.ts";
export type { UrbTrace } from "./trace/urb-trace.ts";
export { UsbController } from "./usb-controller.ts";
export { UsbPort } from "./usb-port.ts";
