/// <reference types="w3c-web-usb" preserve="true" />
export type { CoreSource } from "../asm/core.ts";
export { StateError } from "../asm/saved.ts";
export type {
  BackendStats,
  CdDriveSource,
  DeviceInput,
  DeviceOutput,
  DeviceSource,
  DriveOutput,
  EthernetSource,
  HidOutput,
  HidRequest,
  HidSource,
  ImageSource,
  KeyboardLights,
  MidiOutput,
  MidiSource,
  PictureInput,
  PlayedSound,
  PlugReport,
  RealDevice,
  SerialChange,
  SerialOutput,
  SerialSettings,
  SerialSource,
  SerialState,
  SoundInput,
  SoundRun,
  WebUsbSource,
} from "../worker/protocol.ts";
export { CableEnd } from "./cable-end.ts";
export type { HostController, PortCounters, RootHubPort } from "./controller.ts";
export { DriveImage } from "./drive-image.ts";
export type { GuestMemory, Machine, MemoryWindow, PciFunction, PciSlot } from "./guest/machine.ts";
export { joinV86Network } from "./guest/v86-network.ts";
export {
  type AttachOptions,
  createUsbHost,
  NotIsolatedError,
  UsbHost,
  type UsbHostOptions,
} from "./host.ts";
export type { Notice } from "./notice.ts";
export { idbRulesStore } from "./rules/idb-rules-store.ts";
export { type Rule, RuleError } from "./rules/rule.ts";
export { Rules } from "./rules/rules.ts";
export { type Keeper, keepRules, type RulesStore } from "./rules/store.ts";
export { canvasCamera } from "./sources/canvas.ts";
export type { Feed, FeedAction, FeedPlace } from "./sources/feed.ts";
export { openMicrophone, streamMicrophone } from "./sources/microphone.ts";
export { openScreen } from "./sources/screen.ts";
export { openSpeaker } from "./sources/speaker.ts";
export { openWebcam } from "./sources/webcam.ts";
export { type NodeUsb, nodeUsb } from "./start-backend.ts";
export type { RegisterTrace, TraceListeners, TrbTrace } from "./trace/trace.ts";
export type { UrbTrace } from "./trace/urb-trace.ts";
export { UsbController } from "./usb-controller.ts";
export { UsbPort } from "./usb-port.ts";
