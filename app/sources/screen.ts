/** A screen, a window or a tab of the computer as a camera. */
import { PictureFeed } from "./picture-feed.ts";
import { nameOf, unavailable } from "./refused.ts";
import { trackFilm } from "./track-film.ts";

/** What the guest's camera has at most: the browser makes it smaller before it hands it on. */
const VIDEO = { width: { max: 640 }, height: { max: 480 }, frameRate: { max: 30 } };

/** By DOMException.name (Screen Capture §5.1). */
const REFUSED: Readonly<Record<string, string>> = {
  NotAllowedError:
    "No screen was shared. Plug again and choose a screen, a window or a tab; on macOS the browser also needs the right to record the screen, in the system settings.",
  InvalidStateError: "The browser shares a screen only when you ask for it: plug it by a click or a key.",
  NotFoundError: "There is no screen to share.",
  NotReadableError:
    "The computer does not let the browser see the screen. Allow it in the system settings, then plug again.",
};

/** Lets the person choose. Rejects with a sentence. */
export async function openScreen(): Promise<PictureFeed> {
  if (!navigator.mediaDevices?.getDisplayMedia) throw unavailable("screen");
  const stream = await navigator.mediaDevices
    .getDisplayMedia({ video: VIDEO, audio: false })
    .catch((cause: unknown) => {
      const name = nameOf(cause);
      throw new Error(REFUSED[name] ?? `The browser shared no screen (${name}). Plug again.`, { cause });
    });
  const [track] = stream.getVideoTracks();
  if (!track) throw new Error("The browser shared no picture. Plug again.");
  return new PictureFeed(trackFilm(track, "The screen is no longer shared."), "the shared screen");
}
