/**
 * Web MIDI, as strict as the specification: what send() refuses, that SysEx passes only where it was allowed, that ports open by
 * being used. The test is the computer's MIDI devices.
 */
import type { RequestMidi } from "../../app/sources/web-midi.ts";

/** A device's port. Each access has objects of its own for it. */
interface Jack {
  readonly id: string;
  readonly name: string;
  readonly type: MIDIPortType;
  connected: boolean;
}

export class FakeMidi {
  /** What came out of each output, in hexadecimal: "out 903c64". */
  readonly sent: string[] = [];
  /** The person's answers, by whether SysEx is asked for. */
  readonly refuses = { midi: false, sysex: false };
  readonly #jacks: Jack[] = [];
  readonly #accesses: FakeAccess[] = [];

  readonly request: RequestMidi = async ({ sysex = false } = {}) => {
    if (this.refuses.midi || (sysex && this.refuses.sysex)) {
      throw new DOMException("Permission denied.", "NotAllowedError");
    }
    const access = new FakeAccess(sysex, this.#jacks, (words) => this.sent.push(words));
    this.#accesses.push(access);
    return access as unknown as MIDIAccess;
  };

  connect(type: MIDIPortType, id: string): void {
    const known = this.#jacks.find((jack) => jack.id === id);
    if (known) known.connected = true;
    else this.#jacks.push({ id, name: `The ${id}`, type, connected: true });
    for (const access of this.#accesses) access.changed(this.#jacks);
  }

  disconnect(id: string): void {
    for (const jack of this.#jacks) if (jack.id === id) jack.connected = false;
    for (const access of this.#accesses) access.changed(this.#jacks);
  }

  /** A whole message comes in at a port. */
  play(id: string, ...message: number[]): void {
    for (const access of this.#accesses) access.inputs.get(id)?.hear(Uint8Array.from(message), access.sysexEnabled);
  }

  /** Ports that are open, over all accesses. */
  get open(): string[] {
    return this.#accesses.flatMap(({ inputs, outputs }) =>
      [...inputs.values(), ...outputs.values()].filter(({ connection }) => connection === "open").map(({ id }) => id),
    );
  }
}

class FakeAccess {
  readonly sysexEnabled: boolean;
  readonly inputs = new Map<string, FakeInput>();
  readonly outputs = new Map<string, FakeOutput>();
  onstatechange: (() => void) | null = null;
  readonly #sent: (words: string) => void;

  constructor(sysex: boolean, jacks: readonly Jack[], sent: (words: string) => void) {
    this.sysexEnabled = sysex;
    this.#sent = sent;
    this.#take(jacks);
  }

  /** Also when a port is opened or closed. */
  changed(jacks: readonly Jack[] = []): void {
    this.#take(jacks);
    queueMicrotask(() => this.onstatechange?.());
  }

  #take(jacks: readonly Jack[]): void {
    for (const jack of jacks) {
      if (jack.type === "input" && !this.inputs.has(jack.id)) this.inputs.set(jack.id, new FakeInput(jack, this));
      if (jack.type === "output" && !this.outputs.has(jack.id)) {
        this.outputs.set(jack.id, new FakeOutput(jack, this, this.#sent));
      }
    }
  }
}

class FakePort {
  readonly jack: Jack;
  readonly access: FakeAccess;
  #connection: MIDIPortConnectionState = "closed";

  constructor(jack: Jack, access: FakeAccess) {
    this.jack = jack;
    this.access = access;
  }

  get connection(): MIDIPortConnectionState {
    return this.#connection;
  }

  protected become(connection: MIDIPortConnectionState): void {
    if (connection === this.#connection) return;
    this.#connection = connection;
    this.access.changed();
  }

  get id(): string {
    return this.jack.id;
  }

  get name(): string {
    return this.jack.name;
  }

  get state(): MIDIPortDeviceState {
    return this.jack.connected ? "connected" : "disconnected";
  }

  async close(): Promise<this> {
    this.become("closed");
    return this;
  }
}

class FakeInput extends FakePort {
  #listener: ((event: { data: Uint8Array }) => void) | null = null;

  set onmidimessage(listener: ((event: { data: Uint8Array }) => void) | null) {
    this.#listener = listener;
    if (listener) this.become("open");
  }

  hear(data: Uint8Array, sysex: boolean): void {
    if (this.connection !== "open" || !this.jack.connected || (data[0] === 0xf0 && !sysex)) return;
    this.#listener?.({ data });
  }
}

class FakeOutput extends FakePort {
  readonly #sent: (words: string) => void;

  constructor(jack: Jack, access: FakeAccess, sent: (words: string) => void) {
    super(jack, access);
    this.#sent = sent;
  }

  /** Web MIDI §4.6.1, one message at a time. */
  send(data: Uint8Array): void {
    const bytes = [...data];
    if (!isMessage(bytes)) throw new TypeError(`Invalid MIDI message: ${bytes}`);
    if (bytes[0] === 0xf0 && !this.access.sysexEnabled)
      throw new DOMException("System exclusive is not allowed.", "InvalidAccessError");
    if (!this.jack.connected) throw new DOMException("The port is disconnected.", "InvalidStateError");
    this.become("open");
    this.#sent(`${this.id} ${Buffer.from(data).toString("hex")}`);
  }
}

const LENGTHS: Readonly<Record<number, number>> = { 241: 2, 242: 3, 243: 2, 246: 1 };

function isMessage([status = 0, ...data]: readonly number[]): boolean {
  if (status === 0xf0) return data.at(-1) === 0xf7 && data.slice(0, -1).every((byte) => byte < 0x80);
  const length = status >= 0xf8 ? 1 : (LENGTHS[status] ?? ((status & 0xe0) === 0xc0 ? 2 : 3));
  const known = status >= 0x80 && ![0xf4, 0xf5, 0xf7].includes(status);
  return known && data.length === length - 1 && data.every((byte) => byte < 0x80);
}
