/// <reference types="w3c-web-usb" preserve="true" />
/** npm entry "pvusb/hub": the element, and what a page needs beside it. */
export { createUsbHost } from "../host.ts";
