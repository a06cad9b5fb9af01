/**
 * An endpoint of a device slot: its state (xHCI 1.2 §4.8.3), and its transfer ring, or one for each stream (§4.12).
 *
 *             doorbell           stall, babble, transaction error
 *   Stopped ───────────▶ Running ────────────────────────────────▶ Halted
 *      ▲ ▲                  │                                         │
 *      │ └──────────────────┘ Stop Endpoint                           │
 *      └──────────────────────────────────────── Reset Endpoint ──────┘
 */
import { TYPE_BULK, TYPE_CONTROL, TYPE_INTERRUPT, TYPE_ISOCHRONOUS } from "../../asm/layout.ts";
import { type Share, shareOf } from "./bandwidth.ts";
import {
  type EndpointContext,
  EP_STATE_DISABLED,
  EP_STATE_ERROR,
  EP_STATE_RUNNING,
  EP_STATE_STOPPED,
  EP_TYPE_BULK_IN,
  EP_TYPE_BULK_OUT,
  EP_TYPE_CONTROL,
  EP_TYPE_INTERRUPT_IN,
  EP_TYPE_INTERRUPT_OUT,
  EP_TYPE_ISOCH_IN,
  EP_TYPE_ISOCH_OUT,
  serviceInterval,
  writeEndpointDequeue,
  writeEndpointState,
} from "./context.ts";
import { IsochSchedule } from "./isoch-schedule.ts";
import type { EndpointHost, Plug, RingEndpoint, RingSaved } from "./ring-endpoint.ts";
import { StreamArray } from "./stream-array.ts";
import { TransferRing } from "./transfer-ring.ts";
import {
  CC_CONTEXT_STATE_ERROR,
  CC_INVALID_STREAM_TYPE,
  CC_RING_OVERRUN,
  CC_RING_UNDERRUN,
  CC_SUCCESS,
  CC_TRB_ERROR,
  eventControl,
  eventStatus,
  TRB_TRANSFER_EVENT,
} from "./trb.ts";

/** TDs of one ring that may be with the backend at once. A control endpoint's next request may depend on the last answer. */
const DEPTH: Readonly<Record<number, number>> = {
  [TYPE_CONTROL]: 1,
  [TYPE_ISOCHRONOUS]: 72,
  [TYPE_BULK]: 32,
  [TYPE_INTERRUPT]: 8,
};
/** A stream carries one command's data; there may be many streams. */
const DEPTH_STREAM = 4;

/** The transfer type of an endpoint context, as a URB's; undefined for a code that is none. */
export function urbType(type: number): number | undefined {
  switch (type) {
    case EP_TYPE_CONTROL:
      return TYPE_CONTROL;
    case EP_TYPE_ISOCH_IN:
    case EP_TYPE_ISOCH_OUT:
      return TYPE_ISOCHRONOUS;
    case EP_TYPE_BULK_IN:
    case EP_TYPE_BULK_OUT:
      return TYPE_BULK;
    case EP_TYPE_INTERRUPT_IN:
    case EP_TYPE_INTERRUPT_OUT:
      return TYPE_INTERRUPT;
    default:
      return undefined;
  }
}

const MICROFRAME_US = 125;

/** What a saved state keeps of an endpoint: plain numbers. */
export interface EndpointSaved {
  readonly state: number;
  readonly rings: readonly RingSaved[];
}

export class Endpoint implements RingEndpoint {
  readonly host: EndpointHost;
  readonly plug: Plug;
  readonly slotId: number;
  readonly id: number;
  readonly type: number;
  readonly depth: number;
  readonly interval: number;
  readonly maxEsitPayload: number;
  /** What it takes of the bus, if it is periodic. */
  readonly share: Share | undefined;
  readonly schedule: IsochSchedule | undefined;
  /** Its output context in the guest's memory. */
  readonly #context: number;
  #state = EP_STATE_RUNNING;
  readonly #rings: TransferRing | StreamArray;
  /** The ring that halted the endpoint. */
  #failed: { forgetMoved(): void } | undefined;
  /** Stop Endpoint waits until everything is answered. */
  #stopping: ((code: number) => void) | undefined;

  constructor(host: EndpointHost, plug: Plug, slotId: number, id: number, context: number, fields: EndpointContext) {
    this.host = host;
    this.plug = plug;
    this.slotId = slotId;
    this.id = id;
    this.#context = context;
    this.type = urbType(fields.type) ?? TYPE_BULK;
    const hasStreams = fields.maxPrimaryStreams > 0;
    this.depth = hasStreams ? DEPTH_STREAM : (DEPTH[this.type] ?? 1);
    const isPeriodic = this.type === TYPE_INTERRUPT || this.type === TYPE_ISOCHRONOUS;
    const microframes = serviceInterval(fields);
    this.interval = isPeriodic ? MICROFRAME_US * microframes : 0;
    this.share = shareOf(fields);
    this.maxEsitPayload = fields.maxEsitPayload;
    this.schedule = this.type === TYPE_ISOCHRONOUS ? new IsochSchedule(microframes) : undefined;
    this.#rings = hasStreams
      ? new StreamArray(this, fields.dequeue, fields.maxPrimaryStreams)
      : new TransferRing(this, fields.dequeue, fields.dequeueCycle);
    this.#setState(EP_STATE_RUNNING);
  }

  get state(): number {
    return this.#state;
  }

  /** bEndpointAddress (xHCI 1.2 §4.5.1): device context index 2n + direction is endpoint n; 1 is the control endpoint. */
  get address(): number {
    return this.id === 1 ? 0 : (this.id >> 1) | (this.id & 1 ? 0x80 : 0);
  }

  get runs(): boolean {
    return this.#state === EP_STATE_RUNNING && !this.#stopping && !this.plug.connection.asleep;
  }

  get stopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** The guest rang: there may be TDs. Rings for a halted or faulty endpoint are ignored (§4.7), and those for no stream. */
  ring(stream: number): void {
    if (this.#stopping) return;
    const rings = this.#rings;
    const ring = rings instanceof StreamArray ? rings.open(stream) : rings;
    if (!ring) return;
    if (this.#state === EP_STATE_STOPPED) {
      this.#setState(EP_STATE_RUNNING);
      this.advance();
    } else {
      ring.advance();
    }
  }

  advance(): void {
    this.#rings.advance();
  }

  /**
   * Stop Endpoint (§4.6.9): ends every transfer, then answers with the command's completion code, at once if there are
   * none. A transfer that fails meanwhile halts the endpoint, and the command is too late.
   */
  stop(done: (code: number) => void): void {
    this.#stopping = done;
    this.#rings.cancel();
  }

  /** The xHC halts (§5.4.1.1): gives up everything on its way. The TDs are read again when it goes on. */
  halt(): void {
    this.#rings.takeBack();
    this.settled();
    this.advance();
  }

  /** The port fell asleep or woke up, and nothing moves in between (§4.15.1); or the way is cut, and what is on it fails. */
  connectionChanged(): void {
    const { asleep, ended } = this.plug.connection;
    if (ended) this.#rings.cancel();
    else if (asleep) this.halt();
    else this.advance();
  }

  /** Gives up everything on its way, without a word to the guest. The TDs are read again at the next doorbell. */
  abandon(): void {
    this.#stopping = undefined;
    this.#rings.takeBack();
  }

  /** Disabled: as above, and it never touches the guest's memory again. */
  close(): void {
    this.#state = EP_STATE_DISABLED;
    this.abandon();
  }

  /**
   * Reset Endpoint (§4.6.8): Halted becomes Stopped. With the transfer state preserved (TSP) the TD goes on where it failed,
   * without it that TD begins anew. Those of
   * other streams, stopped half way, are left alone.
   */
  reset(preserve: boolean): void {
    if (!preserve) this.#failed?.forgetMoved();
    this.#failed = undefined;
    this.#setState(EP_STATE_STOPPED);
  }

  /** Set TR Dequeue Pointer (§4.6.10), of a stream where the endpoint has streams. Answers a completion code. */
  setDequeue(dequeue: number, cycle: number, stream: number, streamType: number): number {
    const rings = this.#rings;
    if (rings instanceof StreamArray) {
      if (!rings.has(stream)) return CC_TRB_ERROR;
      if (!rings.set(stream, dequeue, cycle, streamType)) return CC_INVALID_STREAM_TYPE;
    } else {
      if (stream !== 0) return CC_TRB_ERROR;
      rings.set(dequeue, cycle);
      writeEndpointDequeue(this.host.memory, this.#context, dequeue, cycle);
    }
    if (this.#state === EP_STATE_ERROR) this.#setState(EP_STATE_STOPPED);
    return CC_SUCCESS;
  }

  /** Transfers on their way are forgotten: their TDs will be read again. */
  save(): EndpointSaved {
    const rings = this.#rings;
    return { state: this.#state, rings: rings instanceof StreamArray ? rings.save() : [rings.save()] };
  }

  restore({ state, rings: [first, ...others] }: EndpointSaved): void {
    const rings = this.#rings;
    if (rings instanceof StreamArray) rings.restore(first ? [first, ...others] : []);
    else if (first) rings.restore(first);
    this.#setState(state);
  }

  settled(): void {
    const stopping = this.#stopping;
    if (!stopping || !this.#rings.idle) return;
    this.#stopping = undefined;
    const running = this.#state === EP_STATE_RUNNING;
    this.schedule?.stop();
    if (running) this.#setState(EP_STATE_STOPPED);
    stopping(running ? CC_SUCCESS : CC_CONTEXT_STATE_ERROR);
  }

  fail(state: number, ring: { forgetMoved(): void }): void {
    this.#rings.takeBack();
    this.#failed = ring;
    this.#setState(state);
  }

  starved(): void {
    const code = this.id & 1 ? CC_RING_OVERRUN : CC_RING_UNDERRUN;
    this.host.events.post(0, eventStatus(code, 0), eventControl(TRB_TRANSFER_EVENT, this.slotId, this.id));
  }

  /** The guest is told the state, and where the ring stands whenever it is not running (§4.8.3). */
  #setState(state: number): void {
    this.#state = state;
    const { memory } = this.host;
    writeEndpointState(memory, this.#context, state);
    if (state === EP_STATE_RUNNING) return;
    const rings = this.#rings;
    if (rings instanceof StreamArray) rings.writeBack();
    else writeEndpointDequeue(memory, this.#context, rings.dequeue, rings.cycle);
  }
}
