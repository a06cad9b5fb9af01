/**
 * What a video track of the browser shows, each picture once: the newest there is, or the next one. Where a browser has no
 * MediaStreamTrackProcessor, a video element plays the track, and is drawn as it stands.
 */
import { drawFitted, type Film } from "./picture-feed.ts";

/** Of mediacapture-transform, which TypeScript's library does not have. */
interface TrackProcessor {
  readonly readable: ReadableStream<VideoFrame>;
}
declare const MediaStreamTrackProcessor: (new (init: { track: MediaStreamTrack }) => TrackProcessor) | undefined;

/** `ended` is said when the track ends by itself. */
export function trackFilm(track: MediaStreamTrack, ended: string): Film {
  const film = typeof MediaStreamTrackProcessor === "function" ? new FrameFilm(track) : new ElementFilm(track);
  track.addEventListener("ended", () => film.onEnd?.(ended));
  return film;
}

class FrameFilm implements Film {
  onEnd: ((reason: string) => void) | undefined;
  readonly #track: MediaStreamTrack;
  readonly #reader: ReadableStreamDefaultReader<VideoFrame>;
  /** Not drawn yet. */
  #newest: VideoFrame | undefined;
  #waiting: (() => void)[] = [];
  #closed = false;

  constructor(track: MediaStreamTrack) {
    if (!MediaStreamTrackProcessor) throw new TypeError("There is no MediaStreamTrackProcessor.");
    this.#track = track;
    this.#reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    void this.#read();
  }

  async draw(context: CanvasRenderingContext2D): Promise<void> {
    while (!this.#newest && !this.#closed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const frame = this.#newest;
    this.#newest = undefined;
    if (!frame) return;
    drawFitted(context, frame, frame.displayWidth, frame.displayHeight);
    frame.close();
  }

  close(): void {
    this.#closed = true;
    this.#track.stop();
    void this.#reader.cancel().catch(() => undefined);
    this.#newest?.close();
    this.#newest = undefined;
    this.#wake();
  }

  /** A frame that is kept holds up the camera's own few: an old one is given back at once. */
  async #read(): Promise<void> {
    for (;;) {
      const { value } = await this.#reader.read().catch(() => ({ value: undefined }));
      if (!value) return;
      this.#newest?.close();
      this.#newest = value;
      if (this.#closed) return this.close();
      this.#wake();
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

class ElementFilm implements Film {
  onEnd: ((reason: string) => void) | undefined;
  readonly #track: MediaStreamTrack;
  readonly #video = document.createElement("video");

  constructor(track: MediaStreamTrack) {
    this.#track = track;
    this.#video.muted = true;
    this.#video.playsInline = true;
    this.#video.srcObject = new MediaStream([track]);
    this.#video.play().catch(() => undefined); // black, until the browser lets it play
  }

  draw(context: CanvasRenderingContext2D): void {
    drawFitted(context, this.#video, this.#video.videoWidth, this.#video.videoHeight);
  }

  close(): void {
    this.#track.stop();
    this.#video.srcObject = null;
  }
}
