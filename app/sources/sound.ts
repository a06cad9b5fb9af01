/** What a microphone and a speaker of the page have in common: a context, a level that is shown, and two buttons. */
import type { FeedAction } from "./feed.ts";
import { addSoundProcessors } from "./sound-processors.ts";

/** Call it in the person's click: otherwise it may begin later, by `soundActions`. Rejects with a sentence. */
export async function openSound(options: AudioContextOptions = {}): Promise<AudioContext> {
  if (typeof AudioContext !== "function" || !("audioWorklet" in AudioContext.prototype)) {
    throw new Error(
      "This browser has no Web Audio here. Use a current Chrome, Edge, Firefox or Safari, by https:// or localhost.",
    );
  }
  const context = new AudioContext(options);
  void context.resume().catch(() => undefined); // which waits for a click, where there was none
  try {
    await addSoundProcessors(context);
  } catch (cause) {
    void context.close();
    throw new Error("The browser did not load the part that plays and records. Load the page again.", { cause });
  }
  return context;
}

export interface Mute {
  readonly muted: boolean;
  /** "Mute", and what it does. */
  readonly title: string;
  toggle(): void;
}

/** Mute, and where the browser waits for a click before there is any sound, that. */
export function soundActions(context: AudioContext, { muted, title, toggle }: Mute): FeedAction[] {
  const mute: FeedAction = { id: "mute", label: "Mute", title, pressed: muted, run: toggle };
  if (context.state === "running" || context.state === "closed") return [mute];
  const start: FeedAction = {
    id: "sound-on",
    label: "Turn the sound on",
    title: "The browser waits for a click or a key before it lets a page have sound",
    run: () => context.resume(),
  };
  return [start, mute];
}

export function levelMeter(label: string): HTMLMeterElement {
  const meter = document.createElement("meter");
  meter.min = 0;
  meter.max = 1;
  meter.style.inlineSize = "100%";
  meter.setAttribute("aria-label", label);
  return meter;
}

/** As loudness is heard: full scale is 1, and 60 dB below it nothing. */
export function shownLevel(amplitude: number): number {
  return amplitude > 0 ? Math.max(0, Math.min(1, 1 + Math.log10(amplitude) / 3)) : 0;
}
