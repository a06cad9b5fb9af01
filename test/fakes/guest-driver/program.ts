/**
 * Random legal programs: a driver that uses the controller by the specification alone, and a device that answers as devices
 * may. A program is a list of numbers, so that it is quick to make and shrinks well. What must hold is checked as it runs:
 * every event is one that must come now, every byte arrives once and in order, and nothing but what the driver has given
 * to the controller is written.
 */
import { vi } from "vitest";
import {
  EP_TYPE_BULK_IN,
  EP_TYPE_BULK_OUT,
  EP_TYPE_INTERRUPT_IN,
  EP_TYPE_INTERRUPT_OUT,
  EP_TYPE_ISOCH_IN,
  EP_TYPE_ISOCH_OUT,
} from "../../../app/xhci/context.ts";
import { CC_CONTEXT_STATE_ERROR, CC_SUCCESS, TRB_CHAIN, TRB_IOC, TRB_ISP } from "../../../app/xhci/trb.ts";
import {
  SLOT_COUNT,
  SPEED_SUPER,
  STATUS_BABBLE,
  STATUS_CANCELLED,
  STATUS_OK,
  STATUS_STALL,
  STATUS_TRANSACTION_ERROR,
  TYPE_CONTROL,
  TYPE_ISOCHRONOUS,
} from "../../../asm/layout.ts";
import type { Request } from "../../../worker/request.ts";
import type { GuestEvent } from "./consumer-ring.ts";
import type { GuestDevice } from "./guest-device.ts";
import { IsochPipe } from "./isoch-pipe.ts";
import { type Piece, Pipe, sentByte } from "./pipe.ts";
import type { ProducerRing } from "./producer-ring.ts";
import type { Rig } from "./rig.ts";
import { eventData, immediate, isoch, noOp, normal, type TrbWords } from "./trbs.ts";

const SOCKET = 1;
const STREAM_IN = 9;
const EVENT_SEGMENTS = [16, 24];
const RING = { size: 20, segments: 2 };
/** TDs that fit on a pipe's ring, whatever their length. */
const TDS_MAX = 3;
const ERRORS = [STATUS_STALL, STATUS_BABBLE, STATUS_TRANSACTION_ERROR];
const ISOCH = { type: EP_TYPE_ISOCH_IN, interval: 0 };
const ISOCH_ENDPOINTS = [
  { id: 6, ...ISOCH, type: EP_TYPE_ISOCH_OUT },
  { id: 7, ...ISOCH },
].map((endpoint) => ({ maxPacketSize: 1024, ...RING, ...endpoint }));
const ENDPOINTS = [
  { id: 2, type: EP_TYPE_BULK_OUT },
  { id: 3, type: EP_TYPE_BULK_IN },
  { id: 4, type: EP_TYPE_INTERRUPT_OUT, interval: 3 },
  { id: 5, type: EP_TYPE_INTERRUPT_IN, interval: 3 },
  { id: STREAM_IN, type: EP_TYPE_BULK_IN, maxPrimaryStreams: 1 },
].map((endpoint) => ({ maxPacketSize: 1024, ...RING, ...endpoint }));

export class Program {
  readonly #rig: Rig;
  readonly #words: readonly number[];
  #at = 0;
  #device!: GuestDevice;
  #pipes: Pipe[] = [];
  #isochPipes: IsochPipe[] = [];
  /** What the driver has given to the controller to write: [from, to). */
  #given: [number, number][] = [];
  /** The endpoint that a Stop Endpoint is under way for. */
  #stopping = 0;
  /** Whose transfers the device held then. */
  #held: (Pipe | undefined)[] = [];
  #serial = 0;

  constructor(rig: Rig, words: readonly number[]) {
    this.#rig = rig;
    this.#words = words;
  }

  run(): void {
    this.#begin();
    while (this.#at < this.#words.length) this.#step(this.#next());
    this.#end();
  }

  #next(): number {
    return this.#words[this.#at++] ?? 0;
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#next() % choices.length] as T;
  }

  #begin(): void {
    const { driver, back, ram } = this.#rig;
    ram.onWrite = undefined;
    ram.clear();
    back.onTransfer = (request) => {
      if (request.type === TYPE_ISOCHRONOUS) this.#answerIsoch(request);
    };
    back.onCancel = (request) => this.#cancelled(request);
    driver.start({ eventSegments: EVENT_SEGMENTS });
    driver.events0.segments.forEach(({ base, size }) => {
      this.#give(base, size * 16);
    });
    ram.onWrite = (address, length) => this.#checkWrite(address, length);
    back.plug(SOCKET, SPEED_SUPER);
    this.#enumerate();
  }

  #enumerate(): void {
    const { driver, ram, controller } = this.#rig;
    this.#rig.settle();
    const port = controller.portCount + SOCKET;
    driver.port(port).reset();
    driver.take();
    this.#device = driver.device(port, SPEED_SUPER);
    this.#give(this.#device.output, 32 * 32);
    this.#device.mustAddress();
    this.#device.mustConfigure(...ENDPOINTS, ...ISOCH_ENDPOINTS);
    this.#isochPipes = ISOCH_ENDPOINTS.map(({ id }) => new IsochPipe(id));
    this.#give(this.#device.streamContext(STREAM_IN, 0), 4 * 16);
    this.#pipes = ENDPOINTS.flatMap(({ id, maxPrimaryStreams }: { id: number; maxPrimaryStreams?: number }) =>
      maxPrimaryStreams ? [new Pipe(id, 1), new Pipe(id, 2), new Pipe(id, 3)] : [new Pipe(id, 0)],
    );
    if (ram.used > ram.size / 2) this.#at = this.#words.length; // the driver never frees: enough for one program
  }

  #give(address: number, length: number): void {
    this.#given.push([address, address + length]);
  }

  #checkWrite(address: number, length: number): void {
    if (this.#given.some(([from, to]) => address >= from && address + length <= to)) return;
    throw new Error(`The controller wrote ${length} bytes to 0x${address.toString(16)}, which nobody gave it.`);
  }

  #step(word: number): void {
    switch (word % 20) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        this.#queue(this.#pick(this.#pipes));
        return;
      case 5:
      case 6:
      case 7:
      case 8:
        this.#answer(STATUS_OK);
        return;
      case 9:
        this.#answer(this.#pick(ERRORS));
        return;
      case 10:
        this.#stop(this.#pick(this.#pipes));
        return;
      case 11:
        this.#service();
        return;
      case 12:
        this.#control();
        return;
      case 13:
        this.#reconfigure(this.#pick(ENDPOINTS));
        return;
      case 14:
        this.#ringAgain(this.#pick(this.#pipes));
        return;
      case 15:
      case 16:
        this.#queueIsoch(this.#pick(this.#isochPipes));
        return;
      case 17:
        this.#pass(this.#next() % 6);
        return;
      case 18:
        this.#stopIsoch(this.#pick(this.#isochPipes));
        return;
      default:
        if (word % 5 === 0) this.#restart(this.#next() % 3);
    }
  }

  /** Hands a TD over, and rings. */
  #queue(pipe: Pipe): void {
    if (pipe.tds.length >= TDS_MAX) return;
    const { ram } = this.#rig;
    const count = 1 + (this.#next() % 4);
    const shape = this.#next();
    const trbs: TrbWords[] = [];
    const pieces: Omit<Piece, "address">[] = [];
    const contents: number[] = [];
    for (let index = 0; index < count; index++) {
      const isLast = index === count - 1;
      const length = [0, 1, 7, 8, 64, 500, 1024, 1500][this.#next() % 8] as number;
      const endsInEventData = isLast && (shape & 7) === 0 && count > 1;
      if (endsInEventData) {
        const data = 0x51510000 + ++this.#serial;
        trbs.push(eventData(data, 0, TRB_IOC));
        pieces.push({ buffer: 0, length: 0, interrupts: true, onShort: false, isEventData: true, data });
        continue;
      }
      const willEnd = (shape & 7) === 0 && index === count - 2;
      const interrupts = isLast || (((shape >> index) & 8) !== 0 && !willEnd);
      // With Event Data the accumulator tells the length; otherwise a short packet must be told where it is.
      const onShort = pipe.isIn && (shape & 7) !== 0;
      const flags = (interrupts ? TRB_IOC : 0) | (onShort ? TRB_ISP : 0) | (isLast ? 0 : TRB_CHAIN);
      const isImmediate = !pipe.isIn && length <= 8 && (shape & 16) !== 0 && count === 1;
      const content = Uint8Array.from({ length }, (_, at) => (shape + at * 3 + index) & 0xff);
      const buffer = isImmediate ? 0 : ram.buffer(length, 1);
      if (isImmediate) {
        trbs.push(immediate(content, flags));
      } else {
        if (!pipe.isIn) ram.bytes.set(content, buffer);
        else this.#give(buffer, length);
        trbs.push(normal(buffer, length, flags));
      }
      contents.push(...content);
      pieces.push({ buffer, length, interrupts, onShort, isEventData: false, data: 0 });
    }
    const ring = this.#ringOf(pipe);
    if ((shape & 0x300) === 0x300 && pipe.tds.length === 0) ring.jump();
    const addresses = ring.push(...trbs);
    pipe.tds.push({
      pieces: pieces.map((piece, index) => ({ ...piece, address: addresses[index] as number })),
      length: contents.length,
      content: Uint8Array.from(contents),
      carried: 0,
    });
    if ((shape & 0x400) === 0) this.#ring(pipe);
  }

  /** Hands over a packet: an Isoch TRB, and perhaps a Normal one behind it. */
  #queueIsoch(pipe: IsochPipe): void {
    if (pipe.tds.length >= TDS_MAX * 3) return;
    const { ram } = this.#rig;
    const shape = this.#next();
    const count = 1 + (shape & 1);
    const trbs: TrbWords[] = [];
    const pieces: Omit<Piece, "address">[] = [];
    const contents: number[] = [];
    for (let index = 0; index < count; index++) {
      const length = [0, 1, 64, 500][this.#next() % 4] as number;
      const buffer = ram.buffer(length, 1);
      if (pipe.isIn) this.#give(buffer, length);
      const content = Uint8Array.from({ length }, (_, at) => (shape + at * 5 + index) & 0xff);
      if (!pipe.isIn) ram.bytes.set(content, buffer);
      const isLast = index === count - 1;
      const flags = (isLast ? TRB_IOC : TRB_CHAIN) | (pipe.isIn ? TRB_ISP : 0);
      trbs.push(index === 0 ? isoch(buffer, length, flags) : normal(buffer, length, flags));
      contents.push(...content);
      pieces.push({ buffer, length, interrupts: isLast, onShort: pipe.isIn, isEventData: false, data: 0 });
    }
    const addresses = this.#device.queue(pipe.endpoint, ...trbs);
    pipe.tds.push({
      pieces: pieces.map((piece, index) => ({ ...piece, address: addresses[index] as number })),
      length: contents.length,
      content: Uint8Array.from(contents),
      carried: 0,
    });
    this.#device.doorbell(pipe.endpoint);
  }

  #answerIsoch(request: Request): void {
    const id = (request.endpoint & 0xf) * 2 + (request.endpoint >> 7);
    const pipe = this.#isochPipes.find(({ endpoint }) => endpoint === id);
    if (!pipe) throw new Error("A packet of no pipe.");
    const { status, moved } = pipe.answer(
      request,
      this.#serial % 7 === 3,
      [1, 0.5, 1, 0][++this.#serial % 4] as number,
    );
    this.#rig.back.answer(request, status, moved);
  }

  /** Stop Endpoint in the middle of packets, and on again. */
  #stopIsoch(pipe: IsochPipe): void {
    this.#service();
    const code = this.#device.stop(pipe.endpoint);
    if (code !== CC_SUCCESS && code !== CC_CONTEXT_STATE_ERROR) throw new Error(`Stop Endpoint: ${code}`);
    this.#service();
    pipe.askAgain();
    this.#device.doorbell(pipe.endpoint);
  }

  /** Time of the bus goes by, and the guest takes what came. */
  #pass(milliseconds: number): void {
    vi.advanceTimersByTime(milliseconds);
    this.#rig.settle();
    this.#service();
  }

  #ringOf({ endpoint, stream }: Pipe): ProducerRing {
    return stream ? this.#device.streamRing(endpoint, stream) : this.#device.ringOf(endpoint);
  }

  #ring({ endpoint, stream }: Pipe): void {
    this.#rig.driver.ring(this.#device.slotId, endpoint, stream);
  }

  #pipeOf(request: Request): Pipe | undefined {
    const id = (request.endpoint & 0xf) * 2 + (request.endpoint >> 7);
    return this.#pipes.find(({ endpoint, stream }) => endpoint === id && stream === request.stream);
  }

  /** The device answers the oldest transfer of some endpoint. */
  #answer(status: number): void {
    const { back, settle } = this.#rig;
    if (back.held.length === 0) return;
    const any = this.#pick(back.held);
    const first = back.held.find((each) => each.endpoint === any.endpoint && each.stream === any.stream) as Request;
    const pipe = this.#pipeOf(first);
    if (!pipe) return;
    const share = [1, 1, 1, 0.5, 0][this.#next() % 5] as number;
    const isShort = status !== STATUS_OK || pipe.isIn;
    this.#move(pipe, first, status, isShort ? Math.floor(first.length * share) : first.length, false);
    settle();
  }

  #move(pipe: Pipe, request: Request, status: number, moved: number, stopped: boolean): void {
    const { back } = this.#rig;
    pipe.outcomes.push({ status, moved, stopped });
    if (!request.isIn) {
      const bytes = new Uint8Array(moved);
      request.read(bytes);
      pipe.received.push(...bytes);
      back.answer(request, status, moved);
      return;
    }
    back.answer(
      request,
      status,
      Uint8Array.from({ length: moved }, () => sentByte(pipe.key, pipe.sent++)),
    );
  }

  /** The controller takes a transfer back: the device may have begun the oldest one of a pipe that the guest stops. */
  #cancelled(request: Request): void {
    const { back } = this.#rig;
    const pipe = this.#pipeOf(request);
    const isOldest = back.held.find((each) => each.endpoint === request.endpoint && each.stream === request.stream);
    if (pipe && pipe.endpoint === this.#stopping && isOldest === request) {
      const share = [0, 0.3, 0, 1][this.#next() % 4] as number;
      const moved = Math.floor(request.length * share);
      const isWhole = moved > 0 && moved === request.length;
      this.#move(pipe, request, STATUS_CANCELLED, moved, true);
      // Then it is done, and the one behind it, whose cancel came before, is where the pipe stops.
      if (isWhole && this.#held.filter((each) => each === pipe).length > 1) {
        pipe.outcomes.push({ status: STATUS_CANCELLED, moved: 0, stopped: true });
      }
    } else {
      back.answer(request, STATUS_CANCELLED, 0);
    }
  }

  #stop(pipe: Pipe): void {
    this.#service();
    if (pipe.halted) return;
    this.#stopping = pipe.endpoint;
    this.#held = this.#rig.back.held.map((request) => this.#pipeOf(request));
    const code = this.#device.stop(pipe.endpoint);
    this.#stopping = 0;
    if (code !== CC_SUCCESS) throw new Error(`Stop Endpoint: ${code}`);
    this.#service();
    if (this.#device.stop(pipe.endpoint) !== CC_CONTEXT_STATE_ERROR) throw new Error("A stopped endpoint was stopped.");
    // A driver that stops takes TDs out of the ring, or goes on.
    if (this.#next() % 2 === 0) this.#skip(pipe);
    for (const each of this.#pipes) if (each.endpoint === pipe.endpoint) this.#ring(each);
  }

  /** Set TR Dequeue Pointer past the first TD. */
  #skip(pipe: Pipe): void {
    if (pipe.tds.length === 0) return;
    pipe.drop();
    const ring = this.#ringOf(pipe);
    const next = pipe.tds[0]?.pieces[0]?.address ?? ring.enqueue;
    const code = this.#device.setDequeue(pipe.endpoint, next, this.#cycleAt(ring, next), pipe.stream);
    if (code !== CC_SUCCESS) throw new Error(`Set TR Dequeue Pointer: ${code}`);
  }

  /** The cycle state with which the controller reads on at `address`. */
  #cycleAt(ring: ProducerRing, address: number): number {
    return address === ring.enqueue ? ring.cycle : this.#rig.ram.read32(address + 12) & 1;
  }

  /** Takes the events that are there, and recovers what halted. */
  #service(): void {
    const { driver, ram } = this.#rig;
    for (const event of driver.takeTransfers()) this.#take(event, (at, length) => ram.slice(at, length));
    for (const pipe of this.#pipes) if (pipe.halted) this.#recover(pipe);
  }

  #take(event: GuestEvent, bytes: (address: number, length: number) => Uint8Array): void {
    if (event.endpointId === 1) {
      if (event.code !== CC_SUCCESS) throw new Error(`The control transfer ended with ${event.code}.`);
      return;
    }
    const isochPipe = this.#isochPipes.find(({ endpoint }) => endpoint === event.endpointId);
    if (isochPipe) {
      isochPipe.take(event, this.#rig.driver.readRuntime(0), bytes);
      return;
    }
    const pipe = this.#pipes.find((each) => each.endpoint === event.endpointId && each.owns(event));
    if (!pipe) throw new Error(`An event of no TD: ${JSON.stringify(event)}`);
    if (pipe.take(event, bytes) === "halted") pipe.halted = true;
  }

  #recover(pipe: Pipe): void {
    pipe.halted = false;
    // A driver may retry what failed by a transaction error, and goes on behind the TD otherwise.
    const retry = this.#next() % 2 === 0;
    if (this.#device.resetEndpoint(pipe.endpoint, retry) !== CC_SUCCESS) throw new Error("Reset Endpoint failed.");
    if (!retry || !pipe.retryable) this.#skip(pipe);
    for (const each of this.#pipes) if (each.endpoint === pipe.endpoint) this.#ring(each);
  }

  #control(): void {
    const { back, ram, settle } = this.#rig;
    const length = this.#next() % 100;
    const buffer = ram.buffer(length, 1);
    this.#give(buffer, length);
    this.#device.control({ bmRequestType: 0xc0, bRequest: 0x5c, wLength: length }, buffer);
    const request = back.held.find(({ type }) => type === TYPE_CONTROL);
    if (!request) throw new Error("The control transfer did not reach the device.");
    back.answer(
      request,
      STATUS_OK,
      Uint8Array.from({ length }, (_, at) => at),
    );
    settle();
    this.#service();
    if (!ram.slice(buffer, length).every((byte, at) => byte === at)) throw new Error("A wrong byte of control data.");
  }

  /** Drops an endpoint and adds it again: its TDs are gone, without a word. */
  #reconfigure(wanted: (typeof ENDPOINTS)[number]): void {
    this.#service();
    const code = this.#device.configure([wanted], [wanted.id]);
    if (code !== CC_SUCCESS) throw new Error(`Configure Endpoint: ${code}`);
    if (wanted.id === STREAM_IN) this.#give(this.#device.streamContext(STREAM_IN, 0), 4 * 16);
    this.#pipes = this.#pipes.map((pipe) => (pipe.endpoint === wanted.id ? pipe.renewed() : pipe));
  }

  #ringAgain(pipe: Pipe): void {
    const { endpoint, stream } = pipe;
    if (this.#next() % 4 === 0 && pipe.tds.length < TDS_MAX) {
      this.#ringOf(pipe).push(noOp());
    }
    this.#rig.driver.ring(this.#device.slotId, endpoint, stream);
  }

  /** The device leaves and comes again, or the controller is halted or reset. */
  #restart(how: number): void {
    const { driver, back } = this.#rig;
    this.#service();
    if (how === 0) {
      driver.halt();
      this.#service();
      for (const pipe of this.#isochPipes) pipe.askAgain();
      driver.run();
      for (const pipe of this.#pipes) this.#ring(pipe);
      for (const { endpoint } of this.#isochPipes) this.#device.doorbell(endpoint);
      return;
    }
    for (const pipe of [...this.#pipes, ...this.#isochPipes]) pipe.forget();
    back.unplug(SOCKET);
    this.#rig.settle();
    driver.take();
    if (this.#device.disable() !== CC_SUCCESS) throw new Error("Disable Slot failed.");
    driver.take();
    back.plug(SOCKET, SPEED_SUPER);
    this.#enumerate();
  }

  /** The device answers everything: every TD has ended then, and nothing is left anywhere. */
  #end(): void {
    const { back, link, controller, settle, driver } = this.#rig;
    this.#at = this.#words.length;
    for (const pipe of this.#pipes) this.#ring(pipe);
    for (let round = 0; round < 100; round++) {
      this.#service();
      const pipes = [...this.#pipes, ...this.#isochPipes];
      if (back.held.length === 0 && pipes.every(({ tds }) => tds.length === 0)) break;
      this.#pass(4);
      for (const request of back.held.slice()) {
        const pipe = this.#pipeOf(request);
        if (pipe) this.#move(pipe, request, STATUS_OK, request.length, false);
      }
      settle();
    }
    for (const { tds, endpoint } of [...this.#pipes, ...this.#isochPipes]) {
      if (tds.length > 0) throw new Error(`${tds.length} TDs of endpoint ${endpoint} never ended.`);
    }
    if (link.inFlight !== 0 || link.core.exports.freeSlots() !== SLOT_COUNT) throw new Error("URBs were lost.");
    if (controller.port(SOCKET).counters.inFlight !== 0) throw new Error("The port's counter is wrong.");
    back.unplug(SOCKET);
    settle();
    driver.take();
  }
}
