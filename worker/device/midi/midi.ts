/**
 * A USB-MIDI adapter between its two bulk endpoints and a page or program, which has MIDI as bytes (USB-MIDI 1.0). It has one
 * cable each way; packets of other cables are nothing to it.
 *
 *   bulk OUT ──▶ `output`     a transfer waits while somebody asks for it and does not keep up
 *   bulk IN  ◀── `input`      is over when there was room; what is played while no program of the guest listens is forgotten
 */
import { STATUS_BABBLE, STATUS_OK } from "../../../asm/layout.ts";
import { Saved } from "../../../asm/saved.ts";
import type { DeviceHost } from "../../device.ts";
import type { DeviceInput, MidiOutput } from "../../protocol.ts";
import type { ActiveConfiguration } from "../active-configuration.ts";
import { ByteFifo } from "../byte-fifo.ts";
import type { DeviceFunction } from "../device-model.ts";
import type { Endpoint } from "../endpoint.ts";
import { Inflow } from "../inflow.ts";
import { SoftwareDevice } from "../software-device.ts";
import { EVENT_SIZE, EventEncoder, midiLength } from "./event-packet.ts";
import { BULK_IN, BULK_OUT, midiModel, PACKET_SIZE } from "./midi-model.ts";

/** Packets that wait for the guest. */
const IN_SIZE = 16 << 10;
/** Bytes that wait for whoever asks. */
const OUT_SIZE = 64 << 10;
const NAME_MAX = 64;

export interface MidiOptions {
  readonly name?: string | undefined;
}

export function createMidi({ name }: MidiOptions = {}, host?: DeviceHost): SoftwareDevice {
  const product = typeof name === "string" && name !== "" ? name.slice(0, NAME_MAX) : "MIDI Adapter";
  const origin = { kind: "midi", name: product } as const;
  return new SoftwareDevice(midiModel(product), new Midi(() => host?.hasOutput()), [], origin);
}

class Midi implements DeviceFunction {
  readonly #changed: () => void;
  readonly #inflow = new Inflow();
  readonly #packets = new ByteFifo(IN_SIZE);
  readonly #encoder = new EventEncoder((...packet) => this.#push(packet));
  readonly #out = new ByteFifo(OUT_SIZE);
  readonly #packet = new Uint8Array(PACKET_SIZE);
  /** Here when it is configured. */
  #bulkIn: Endpoint | undefined;
  #bulkOut: Endpoint | undefined;
  /** The guest asks for packets. */
  #listening = false;
  /** Somebody asks for what the guest plays. */
  #heard = false;
  #lost = 0;
  /** Bytes taken of the OUT transfer that waits. */
  #taken = 0;

  /** `changed` is called when there is something to ask for. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  start(active: ActiveConfiguration): void {
    this.stop();
    this.#join(active);
  }

  stop(): void {
    this.#join(undefined);
    this.#forgetInput();
    this.#taken = 0;
  }

  control(): boolean {
    return false;
  }

  ready(endpoint: Endpoint): void {
    if (endpoint === this.#bulkIn) this.#listening = true;
    this.#advance();
  }

  withdrawn(endpoint: Endpoint): void {
    if (endpoint === this.#bulkOut) this.#taken = 0;
    else if (!endpoint.head) this.#forgetInput();
    this.#advance();
  }

  input(message: unknown): Promise<void> | void {
    const input = message as DeviceInput | undefined;
    if (typeof input !== "object" || input?.type !== "midi" || !(input.bytes instanceof Uint8Array)) return;
    if (!this.#listening) return;
    const taken = this.#inflow.add(input.bytes);
    this.#advance();
    return taken;
  }

  output(): MidiOutput {
    const lost = this.#lost;
    const bytes = this.#out.takeAll();
    this.#heard = true;
    this.#lost = 0;
    this.#advance(); // there is room again
    return { type: "midi", bytes, lost };
  }

  save(): unknown {
    return {
      packets: this.#packets.save(),
      encoder: this.#encoder.save(),
      out: this.#out.save(),
      lost: this.#lost,
      taken: this.#taken,
    };
  }

  /** The guest's transfers come again, and with the first one it listens. */
  restore(state: unknown, active: ActiveConfiguration | undefined): undefined {
    const saved = new Saved(state, "the MIDI adapter");
    const becomePackets = this.#packets.read(saved, "packets");
    const becomeEncoder = this.#encoder.read(saved.record("encoder"));
    const becomeOut = this.#out.read(saved, "out");
    const lost = saved.integer("lost", Number.MAX_SAFE_INTEGER);
    const taken = saved.integer("taken");
    this.#join(active);
    becomePackets();
    becomeEncoder();
    becomeOut();
    this.#lost = lost;
    this.#taken = taken;
  }

  #join(active: ActiveConfiguration | undefined): void {
    this.#bulkIn = active?.endpoint(BULK_IN);
    this.#bulkOut = active?.endpoint(BULK_OUT);
    this.#listening = false;
  }

  #forgetInput(): void {
    this.#listening = false;
    this.#encoder.reset();
    this.#packets.clear();
    this.#inflow.drop();
  }

  #advance(): void {
    do this.#inflow.pour(this.#encode);
    while (this.#take() || this.#give());
  }

  /** Takes some of what is played. A byte may end a message and begin one, and so be two packets. */
  readonly #encode = (bytes: Uint8Array, from: number): number => {
    let at = from;
    while (at < bytes.length && IN_SIZE - this.#packets.length >= 2 * EVENT_SIZE) this.#encoder.take(bytes[at++] ?? 0);
    return at - from;
  };

  #push(packet: readonly number[]): void {
    for (const byte of packet) this.#packets.push(byte);
  }

  /** Answers an IN transfer. False when it has to wait. */
  #give(): boolean {
    const request = this.#bulkIn?.head;
    if (!request || this.#packets.length === 0) return false;
    if (request.length < EVENT_SIZE) {
      this.#bulkIn?.complete(STATUS_BABBLE, 0);
      return true;
    }
    let at = 0;
    for (let count = PACKET_SIZE; count === PACKET_SIZE; at += count) {
      count = Math.min(this.#packets.length, PACKET_SIZE, (request.length - at) & ~(EVENT_SIZE - 1));
      this.#packets.take(this.#packet, 0, count);
      request.write(count === PACKET_SIZE ? this.#packet : this.#packet.subarray(0, count), at);
    }
    this.#bulkIn?.complete(STATUS_OK, at);
    return true;
  }

  /** Takes some of an OUT transfer. False when nothing moved. */
  #take(): boolean {
    const request = this.#bulkOut?.head;
    if (!request || (this.#heard && OUT_SIZE - this.#out.length < PACKET_SIZE)) return false;
    const count = request.read(this.#packet, this.#taken);
    for (let at = 0; at + EVENT_SIZE <= count; at += EVENT_SIZE) {
      const length = midiLength(this.#packet[at] ?? 0);
      for (let each = 1; each <= length; each++) if (!this.#out.push(this.#packet[at + each] ?? 0)) this.#lost++;
    }
    this.#taken += count;
    if (this.#taken >= request.length) {
      this.#taken = 0;
      this.#bulkOut?.complete(STATUS_OK, request.length);
    }
    if (this.#out.length > 0) this.#changed();
    return true;
  }
}
