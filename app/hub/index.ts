/// <reference types="w3c-web-usb" preserve="true" />
/** npm entry "pvusb/hub": the element, and all of "pvusb" for pages without a bundler. */
export * from "../index.ts";
export type { NoticeDetail, PortDetail, PvusbNoticeEvent, PvusbPortEvent } from "./hub-events.ts";
export { PvusbHub } from "./pvusb-hub.ts";
