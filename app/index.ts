export type { CoreSource } from "../asm/core.ts";
export type {
  BackendStats,
  DeviceInput,
  DeviceSource,
  ImageSource,
  PlugReport,
  WebUsbSource,
} from "../worker/protocol.ts";
export type { HostController, PortCounters, RootHubPort } from "./controller.ts";
export type { GuestMemory, Machine, MemoryWindow, PciFunction, PciSlot } from "./guest/machine.ts";
export {
  type AttachOptions,
  createUsbHost,
  NotIsolatedError,
  type Notice,
  UsbController,
  UsbHost,
  type UsbHostOptions,
  UsbPort,
} from "./host.ts";
export type { UrbTrace } from "./urb-trace.ts";
