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
  #closed = false;
  /** SysEx of the guest that the person has not allowed. */
  #refused = 0;
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
    const more = this.#refused > 0 ? ` The guest has sent ${this.#refused} that went nowhere.` : "";
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

  /** By id; any other is none. */
  chooseInput(id: string): void {
    const input = this.#access.inputs.get(id);
    if (input === this.#input) return;
    const before = this.#input;
    this.#input = input;
    if (before) {
      before.onmidimessage = null;
      void before.close().catch(() => undefined);
    }
    if (input) input.onmidimessage = ({ data }) => data && this.#line.play(data.slice());
  }

  chooseOutput(id: string): void {
    const output = this.#access.outputs.get(id);
    if (output === this.#output) return;
    void this.#output?.close().catch(() => undefined);
    this.#output = output;
  }

  plugged(port: UsbPort): void {
    this.#line.plugged(port);
  }

  close(): void {
    this.#closed = true;
    this.#line.close();
    this.#access.onstatechange = null;
    this.chooseInput("");
    this.chooseOutput("");
  }

  async #allowSysex(): Promise<void> {
    const allowed = await access(this.#request, true);
    if (this.#closed) return;
    const [input, output] = [this.#input?.id ?? "", this.#output?.id ?? ""];
    this.#access.onstatechange = null;
    this.chooseInput("");
    this.chooseOutput("");
    this.#access = allowed;
    this.#refused = 0;
    this.#adopt(input, output);
  }

  /** Follows what is connected to the computer. Where nothing was chosen, the first is. */
  #adopt(input?: string, output?: string): void {
    const { inputs, outputs } = this.#access;
    this.#access.onstatechange = () => this.#connected();
    this.chooseInput(input ?? firstOf(inputs)?.id ?? "");
    this.chooseOutput(output ?? firstOf(outputs)?.id ?? "");
    this.#show();
  }

  #connected(): void {
    const { inputs, outputs } = this.#access;
    if (this.#input?.state !== "connected") this.chooseInput(firstOf(inputs)?.id ?? "");
    if (this.#output?.state !== "connected") this.chooseOutput(firstOf(outputs)?.id ?? "");
    this.#show();
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
      this.#refused++;
      this.onChange?.();
      return;
    }
    try {
      this.#output?.send(message);
    } catch {
      // Disconnected: the next change of state chooses another.
    }
  }
}

function firstOf<T extends MIDIPort>(ports: ReadonlyMap<string, T>): T | undefined {
  return [...ports.values()].find(({ state }) => state === "connected");
}

function fill(select: HTMLSelectElement, ports: ReadonlyMap<string, MIDIPort>, chosen: MIDIPort | undefined): void {
  const options = [...ports.values()].filter(({ state }) => state === "connected");
  select.replaceChildren(
    part("option", { value: "" }, options.length > 0 ? "nothing" : "no port is connected"),
    ...options.map(({ id, name }) => part("option", { value: id }, name ?? id)),
  );
  select.value = chosen?.id ?? "";
}
