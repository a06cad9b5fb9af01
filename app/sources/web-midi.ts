/** MIDI ports of the person's computer, by Web MIDI, as a MIDI adapter of the guest: one of its inputs and one of its outputs. */
import type { MidiSource } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";
import type { Feed, FeedAction } from "./feed.ts";
import { MidiLine } from "./midi-line.ts";
import { part, shadowView } from "./shadow-view.ts";

const SYSEX = 0xf0;

export type RequestMidi = (options?: MIDIOptions) => Promise<MIDIAccess>;

function webMidi(): RequestMidi | undefined {
  const { navigator } = globalThis as { navigator?: Partial<Navigator> };
  return navigator?.requestMIDIAccess?.bind(navigator);
}

/** Asks the person, in some browsers. SysEx is asked for apart, by an action. Rejects with a sentence. */
export async function openMidi(request = webMidi()): Promise<WebMidiFeed> {
  if (!request) {
    throw new Error(
      "This browser gives pages no MIDI here. Use a current Chrome, Edge or Firefox, by https:// or localhost.",
    );
  }
  return new WebMidiFeed(request, await access(request, false));
}

async function access(request: RequestMidi, sysex: boolean): Promise<MIDIAccess> {
  try {
    return await request({ sysex });
  } catch (cause) {
    const { name } = cause as Error;
    const what = sysex ? "MIDI with SysEx" : "MIDI";
    throw new Error(
      name === "NotAllowedError" || name === "SecurityError"
        ? `The browser does not let this page use ${what}. Allow it for this page in the browser's site settings, then try again.`
        : `The browser gave no ${what}: the computer's own MIDI does not answer. Connect a MIDI device, or start the browser again.`,
      { cause },
    );
  }
}

export class WebMidiFeed implements Feed {
  readonly source: MidiSource = { kind: "midi" };
  readonly view: HTMLElement | undefined;
  onEnd: ((reason: string) => void) | undefined;
  onChange: (() => void) | undefined;
  readonly #request: RequestMidi;
  #access: MIDIAccess;
  #input: MIDIInput | undefined;
  #output: MIDIOutput | undefined;
  /** Ids that the person has chosen; "" is none. */
  #wantedInput: string | undefined;
  #wantedOutput: string | undefined;
  #closed = false;
  /** The guest has sent SysEx, which the person has not allowed. */
  #refused = false;
  readonly #choices: { readonly inputs: HTMLSelectElement; readonly outputs: HTMLSelectElement } | undefined;
  readonly #line = new MidiLine((message) => this.#send(message));

  constructor(request: RequestMidi, access: MIDIAccess) {
    this.#request = request;
    this.#access = access;
    if (typeof document !== "undefined") {
      const inputs = part("select", { "aria-label": "Heard by the guest" });
      const outputs = part("select", { "aria-label": "Played by the guest" });
      inputs.addEventListener("change", () => this.chooseInput(inputs.value));
      outputs.addEventListener("change", () => this.chooseOutput(outputs.value));
      this.#choices = { inputs, outputs };
      this.view = shadowView(
        "select { max-width: 16em; }",
        part("label", { class: "row" }, "From", inputs),
        part("label", { class: "row" }, "To", outputs),
      );
    }
    this.#adopt();
  }

  get actions(): readonly FeedAction[] {
    const { sysexEnabled } = this.#access;
    const more = this.#refused ? " The guest has sent some that went nowhere." : "";
    return [
      {
        id: "sysex",
        label: "SysEx",
        title: `Let messages of a maker's own pass, which can change what is in a device; the browser asks.${more}`,
        pressed: sysexEnabled,
        run: () => (sysexEnabled ? undefined : this.#allowSysex()),
      },
    ];
  }

  get input(): MIDIInput | undefined {
    return this.#input;
  }

  get output(): MIDIOutput | undefined {
    return this.#output;
  }

  /** By id; "" is none. */
  chooseInput(id: string): void {
    this.#wantedInput = id;
    this.#choose();
  }

  chooseOutput(id: string): void {
    this.#wantedOutput = id;
    this.#choose();
  }

  plugged(port: UsbPort): void {
    this.#line.plugged(port);
  }

  close(): void {
    this.#closed = true;
    this.#line.close();
    this.#leaveAccess();
  }

  async #allowSysex(): Promise<void> {
    const allowed = await access(this.#request, true);
    if (this.#closed) return;
    const { id } = this.#input ?? {};
    const output = this.#output?.id;
    this.#leaveAccess();
    this.#access = allowed;
    this.#wantedInput ??= id;
    this.#wantedOutput ??= output;
    this.#refused = false;
    this.#adopt();
  }

  /** Follows what is connected to the computer. */
  #adopt(): void {
    this.#access.onstatechange = () => this.#choose();
    this.#choose();
  }

  #leaveAccess(): void {
    this.#access.onstatechange = null;
    this.#use(undefined, undefined);
  }

  #choose(): void {
    const { inputs, outputs } = this.#access;
    this.#use(choice(inputs, this.#wantedInput, this.#input), choice(outputs, this.#wantedOutput, this.#output));
    this.#show();
  }

  /** A port is opened by its use. */
  #use(input: MIDIInput | undefined, output: MIDIOutput | undefined): void {
    const [oldInput, oldOutput] = [this.#input, this.#output];
    this.#input = input;
    this.#output = output;
    if (oldOutput !== output) void oldOutput?.close().catch(() => undefined);
    if (oldInput === input) return;
    if (oldInput) {
      oldInput.onmidimessage = null;
      void oldInput.close().catch(() => undefined);
    }
    if (input) input.onmidimessage = ({ data }) => data && this.#line.play(data.slice());
  }

  #show(): void {
    const { inputs, outputs } = this.#access;
    if (this.#choices) {
      fill(this.#choices.inputs, inputs, this.#input);
      fill(this.#choices.outputs, outputs, this.#output);
    }
    this.onChange?.();
  }

  #send(message: Uint8Array<ArrayBuffer>): void {
    if (message[0] === SYSEX && !this.#access.sysexEnabled) {
      if (!this.#refused) {
        this.#refused = true;
        this.onChange?.();
      }
      return;
    }
    try {
      this.#output?.send(message);
    } catch {
      // Disconnected: the next change of state chooses another.
    }
  }
}

/** What is wanted, if it is connected; otherwise what there was, or the first. "" is none. */
function choice<T extends MIDIPort>(
  ports: ReadonlyMap<string, T>,
  wanted: string | undefined,
  before: T | undefined,
): T | undefined {
  if (wanted === "") return undefined;
  const all = [ports.get(wanted ?? ""), ports.get(before?.id ?? ""), ...ports.values()];
  return all.find((port) => port?.state === "connected");
}

function fill(select: HTMLSelectElement, ports: ReadonlyMap<string, MIDIPort>, chosen: MIDIPort | undefined): void {
  const options = [...ports.values()].filter(({ state }) => state === "connected");
  const shown = ["", ...options.map(({ id }) => id)];
  if (shown.join("\n") !== [...select.options].map(({ value }) => value).join("\n") || select.length === 0) {
    select.replaceChildren(
      part("option", { value: "" }, options.length > 0 ? "nothing" : "no port is connected"),
      ...options.map(({ id, name }) => part("option", { value: id }, name ?? id)),
    );
  }
  select.value = chosen?.id ?? "";
}
