/** Cameras, microphones and speakers: those of the computer, and what stands in for them. */
import { openMicrophone } from "../sources/microphone.ts";
import { openScreen } from "../sources/screen.ts";
import { openSpeaker } from "../sources/speaker.ts";
import { openWebcam } from "../sources/webcam.ts";
import { type Card, softwareCard } from "./card.ts";

export const MEDIA: readonly Card[] = [
  softwareCard({
    id: "webcam",
    group: "media",
    glyph: "camera",
    name: "Webcam",
    detail: "what this computer films",
    single: true,
    open: openWebcam,
  }),
  softwareCard({
    id: "screen",
    group: "media",
    glyph: "screen",
    name: "Shared screen",
    detail: "a screen, a window or a tab, as a webcam",
    names: [], // the browser shares one only when a person asks for it
    open: openScreen,
  }),
  softwareCard({
    id: "camera",
    group: "media",
    glyph: "camera",
    name: "Test card",
    detail: "a webcam whose pictures are numbered",
    open: () => ({ kind: "camera" }),
  }),
  softwareCard({
    id: "own-microphone",
    group: "media",
    glyph: "microphone",
    name: "Microphone",
    detail: "what this computer hears",
    single: true,
    open: openMicrophone,
  }),
  softwareCard({
    id: "microphone",
    group: "media",
    glyph: "microphone",
    name: "Test tone",
    detail: "a recording of 440 Hz without an end",
    open: () => ({ kind: "microphone", tone: 440 }),
  }),
  softwareCard({
    id: "speaker",
    group: "media",
    glyph: "speaker",
    name: "Speaker",
    detail: "the guest's sound, heard from this page",
    open: openSpeaker,
  }),
];
