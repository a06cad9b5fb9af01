/** The computer's camera as one of the guest. */
import { PictureFeed } from "./picture-feed.ts";
import { refused, unavailable } from "./refused.ts";
import { trackFilm } from "./track-film.ts";

/** What the guest's camera has at most; the browser scales where the camera has other sizes. */
const VIDEO = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };

/** Asks for the camera. Rejects with a sentence for the person. */
export async function openWebcam(): Promise<PictureFeed> {
  if (!navigator.mediaDevices?.getUserMedia) throw unavailable("camera");
  const stream = await navigator.mediaDevices.getUserMedia({ video: VIDEO }).catch((error: unknown) => {
    throw refused("camera", error);
  });
  const [track] = stream.getVideoTracks();
  if (!track) throw refused("camera", undefined);
  const ended = "The computer's camera is gone: it was pulled out, or its permission was taken back.";
  return new PictureFeed(trackFilm(track, ended), track.label || "the camera");
}
