/** Cameras, microphones and speakers: those of the computer, and what stands in for them. */
import { openMicrophone } from "../sources/microphone.ts";
import { openScreen } from "../sources/screen.ts";
import { openSpeaker } from "../sources/speaker.ts";
import { openWebcam } from "../sources/webcam.ts";
import type { Card } from "./card.ts";

type Media = Pick<Card, "id" | "glyph" | "name" | "detail" | "single" | "names" | "open">;

function mediaCard(media: Media): Card {
  return { ...media, group: "media", short: media.name, ids: { name: media.name } };
}

export const MEDIA: readonly Card[] = [
  mediaCard({
    id: "webcam",
    glyph: "camera",
    name: "Webcam",
    detail: "what this computer films",
    single: true,
    names: ["webcam"],
    open: openWebcam,
  }),
  mediaCard({
    id: "screen",
    glyph: "screen",
    name: "Shared screen",
    detail: "a screen, a window or a tab, as a webcam",
    single: false,
    names: [], // the browser shares one only when a person asks for it
    open: openScreen,
  }),
  mediaCard({
    id: "camera",
    glyph: "camera",
    name: "Test card",
    detail: "a webcam whose pictures are numbered",
    single: false,
    names: ["camera"],
    open: () => ({ kind: "camera" }),
  }),
  mediaCard({
    id: "own-microphone",
    glyph: "microphone",
    name: "Microphone",
    detail: "what this computer hears",
    single: true,
    names: ["own-microphone"],
    open: openMicrophone,
  }),
  mediaCard({
    id: "microphone",
    glyph: "microphone",
    name: "Test tone",
    detail: "a recording of 440 Hz without an end",
    single: false,
    names: ["microphone"],
    open: () => ({ kind: "microphone", tone: 440 }),
  }),
  mediaCard({
    id: "speaker",
    glyph: "speaker",
    name: "Speaker",
    detail: "the guest's sound, heard from this page",
    single: false,
    names: ["speaker"],
    open: openSpeaker,
  }),
];
