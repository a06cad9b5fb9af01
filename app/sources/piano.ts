/** A MIDI keyboard of the page: clicks and the computer's keys play into the guest, and what the guest plays is shown. */
import type { MidiSource } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";
import type { Feed, FeedAction } from "./feed.ts";
import { MidiLine } from "./midi-line.ts";
import { isBlack, noteName, SPAN, semitoneOf } from "./piano-keys.ts";
import { part, shadowView } from "./shadow-view.ts";

const NOTE_OFF = 0x80;
const NOTE_ON = 0x90;
const VELOCITY = 100;
/** C3. */
const LOWEST = 48;
const LOWEST_MIN = 0;
const LOWEST_MAX = 127 - SPAN;

const STYLE = `
  .keys { display: flex; height: 5em; touch-action: none; user-select: none; }
  .keys button { flex: 1 1 0; min-width: 0; padding: 0; border-radius: 0 0 4px 4px; background: #fff; border-color: #666; }
  .keys button.black { background: #222; height: 62%; flex-grow: 0.7; }
  .keys button.played { background: light-dark(#7fb2ff, #4b86e0); }
  .keys button.heard { background: #e8a33d; }
`;

export class PianoFeed implements Feed {
  readonly source: MidiSource = { kind: "midi", name: "Piano" };
  readonly view: HTMLElement;
  onEnd: ((reason: string) => void) | undefined;
  onChange: (() => void) | undefined;
  readonly #line = new MidiLine((message) => this.#hear(message));
  readonly #keys: readonly HTMLButtonElement[];
  readonly #said = part("span", { class: "quiet" }, "Nothing from the guest yet.");
  #lowest = LOWEST;
  /** What plays each note that sounds: a key's code, or a pointer. */
  readonly #playing = new Map<string, number>();

  constructor() {
    this.#keys = Array.from({ length: SPAN }, (_, at) => this.#key(at));
    const keys = part(
      "div",
      { class: "keys", role: "group", tabindex: "0", "aria-label": "Piano. The keys Z to M and Q to U play it." },
      ...this.#keys,
    );
    keys.addEventListener("keydown", (event) => this.#keyDown(event));
    keys.addEventListener("keyup", ({ code }) => this.#stop(code));
    keys.addEventListener("blur", () => this.#silence());
    this.view = shadowView(STYLE, keys, part("p", { class: "row" }, this.#said));
  }

  get actions(): readonly FeedAction[] {
    const octave = (by: number, label: string, title: string): FeedAction => ({
      id: label,
      label,
      title,
      run: () => this.#shift(by),
    });
    return [
      octave(-12, "Octave down", `From ${noteName(this.#lowest)} an octave down`),
      octave(12, "Octave up", `From ${noteName(this.#lowest)} an octave up`),
    ];
  }

  plugged(port: UsbPort): void {
    this.#line.plugged(port);
  }

  leaving(): void {
    this.#silence();
  }

  close(): void {
    this.#line.close();
  }

  #key(at: number): HTMLButtonElement {
    const black = isBlack(LOWEST + at);
    const key = part("button", { type: "button", tabindex: "-1", class: black ? "black" : "white" });
    key.setAttribute("aria-label", noteName(LOWEST + at));
    key.addEventListener("pointerdown", (event) => {
      this.#play(`pointer ${event.pointerId}`, at);
    });
    for (const end of ["pointerup", "pointerleave", "pointercancel"] as const) {
      key.addEventListener(end, (event) => this.#stop(`pointer ${event.pointerId}`));
    }
    // A screen reader's press, or a program's, which has no pointer.
    key.addEventListener("click", ({ detail }) => {
      if (detail > 0) return;
      this.#play("click", at);
      this.#stop("click");
    });
    return key;
  }

  #keyDown(event: KeyboardEvent): void {
    const semitone = semitoneOf(event.code);
    if (semitone === undefined || semitone >= SPAN || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    if (!event.repeat) this.#play(event.code, semitone);
  }

  #play(by: string, semitone: number): void {
    this.#stop(by);
    const note = this.#lowest + semitone;
    this.#playing.set(by, note);
    this.#line.play(Uint8Array.of(NOTE_ON, note, VELOCITY));
    this.#keys[semitone]?.classList.add("played");
  }

  #stop(by: string): void {
    const note = this.#playing.get(by);
    if (note === undefined) return;
    this.#playing.delete(by);
    this.#line.play(Uint8Array.of(NOTE_OFF, note, 0));
    this.#keys[note - this.#lowest]?.classList.remove("played");
  }

  #silence(): void {
    for (const by of [...this.#playing.keys()]) this.#stop(by);
  }

  #shift(by: number): void {
    this.#silence();
    this.#lowest = Math.min(LOWEST_MAX - (LOWEST_MAX % 12), Math.max(LOWEST_MIN, this.#lowest + by));
    for (const [at, key] of this.#keys.entries()) {
      key.classList.remove("heard");
      key.setAttribute("aria-label", noteName(this.#lowest + at));
    }
    this.onChange?.();
  }

  #hear([status = 0, note = 0, velocity = 0]: Uint8Array): void {
    const kind = status & 0xf0;
    if (kind !== NOTE_ON && kind !== NOTE_OFF) return;
    const sounds = kind === NOTE_ON && velocity > 0;
    this.#keys[note - this.#lowest]?.classList.toggle("heard", sounds);
    if (sounds) this.#said.textContent = `The guest plays ${noteName(note)}.`;
  }
}
