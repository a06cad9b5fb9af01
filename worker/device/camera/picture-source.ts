/** Where a camera's pictures come from. */
export interface PictureSource {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /**
   * Draws picture number `index` as YUY2: two pixels in four bytes, Y0 Cb Y1 Cr, line by line without gaps. Numbers count up from
   * 0 with the video; some are left out when the bus is too slow. False when there is no picture: the guest then gets an empty
   * one with the error bit. Never throws.
   */
  fill(index: number, target: Uint8Array): boolean;
}

/** Called each time a host begins a video, with the size that was agreed on. */
export type PictureOpener = (width: number, height: number) => PictureSource;
