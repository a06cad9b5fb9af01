/** What a host does with a camera: agreeing on a video, and reading it. */
import { STATUS_OK } from "../../../asm/layout.ts";
import { type CameraOptions, createCamera } from "../../../worker/device/camera/camera.ts";
import { type Answer, bytes, Host } from "./harness.ts";

export const VIDEO_IN = 0x81;
export const PROBE = 1;
export const COMMIT = 2;
export const SET_CUR = 0x01;
export const GET_CUR = 0x81;

export async function plugCamera(options: CameraOptions): Promise<Host> {
  const host = await Host.plug(createCamera(options));
  host.configure();
  return host;
}

/** A class request to an interface (UVC 1.1 §4.1): entity and interface in wIndex, selector in wValue. */
export function get(host: Host, bRequest: number, selector: number, wLength: number, wIndex = 1): Answer {
  return host.control({ bmRequestType: 0xa1, bRequest, wValue: selector << 8, wIndex, wLength });
}

export function set(host: Host, selector: number, data: Uint8Array, wIndex = 1): Answer {
  return host.control({ bmRequestType: 0x21, bRequest: SET_CUR, wValue: selector << 8, wIndex }, data);
}

/** Probe parameters with the three fields that a host chooses. */
export function asked(frameIndex: number, interval: number, formatIndex = 1): Uint8Array {
  const field = new Uint8Array(34);
  field.set([1, 0, formatIndex, frameIndex], 0);
  new DataView(field.buffer).setUint32(4, interval, true);
  return field;
}

/** As Linux does: probe, read what came of it, commit to that. */
export function agree(host: Host, frameIndex: number, interval: number): Uint8Array {
  set(host, PROBE, asked(frameIndex, interval));
  const agreed = get(host, GET_CUR, PROBE, 34).bytes;
  const { status } = set(host, COMMIT, agreed);
  if (status !== STATUS_OK) throw new Error("The camera does not commit to what it said.");
  return agreed;
}

export function alternate(host: Host, number: number): void {
  const { status } = host.control({ bmRequestType: 0x01, bRequest: 11, wValue: number, wIndex: 1 });
  if (status !== STATUS_OK) throw new Error(`There is no alternate ${number}.`);
}

export { bytes };
