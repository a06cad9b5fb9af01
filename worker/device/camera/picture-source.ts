/** Where a camera's pictures come from. */
import type { DeviceOutput } from "../../protocol.ts";

/** What a camera looks at. */
export interface Scene {
  /** Called each time a host begins a video, with the size that was agreed on. */
  open(width: number, height: number): PictureSource;
  /** As of a device: for a scene that is shown by a person or a page. */
  input?(message: unknown): void;
  output?(): DeviceOutput | undefined;
}

/** The pictures of one video. */
export interface PictureSource {
  /**
   * Draws picture number `index` as YUY2: two pixels in four bytes, Y0 Cb Y1 Cr, line by line without gaps. Numbers count up from
   * 0 with the video; some are left out when the bus is too slow. `target` is the same each time, with what was drawn last. False
   * when there is no picture: the guest then gets an empty one with the error bit. Never throws.
   */
  fill(index: number, target: Uint8Array): boolean;
}
