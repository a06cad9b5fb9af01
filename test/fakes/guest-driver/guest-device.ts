/** A device slot of the driver: contexts, transfer rings and the commands about them (xHCI 1.2 §4.3, §4.5, §4.6). */

import { EP_TYPE_CONTROL, EP_TYPE_ISOCH_IN, EP_TYPE_ISOCH_OUT } from "../../../app/xhci/context.ts";
import { TRB_ISP } from "../../../app/xhci/trb.ts";
import { SPEED_SUPER } from "../../../asm/layout.ts";
import type { GuestEvent } from "./consumer-ring.ts";
import type { XhciDriver } from "./driver.ts";
import { ProducerRing, type ProducerRingOptions } from "./producer-ring.ts";
import { command, dataStage, type Setup, setupStage, statusStage, type TrbWords } from "./trbs.ts";

const CONTEXT = 32;
const STREAM_CONTEXT = 16;
const PRIMARY_RING = 1;

export interface EndpointWanted extends ProducerRingOptions {
  /** Device context index: 2n for OUT, 2n + 1 for IN. */
  readonly id: number;
  /** EP_TYPE_… */
  readonly type: number;
  readonly maxPacketSize?: number;
  /** log2 of the microframes of a service interval. */
  readonly interval?: number;
  /** Packets of a service interval, less 1 (high speed: Max Burst). */
  readonly maxBurst?: number;
  readonly maxEsitPayload?: number;
  /** MaxPStreams; the ring is then the array of stream contexts. */
  readonly maxPrimaryStreams?: number;
  /** LSA. */
  readonly linear?: boolean;
}

/** The hubs on the way to a device (xHCI 1.2 §6.2.2). */
export interface Behind {
  readonly route: number;
  readonly ttHubSlot?: number;
  readonly ttPort?: number;
}

/** What Configure Endpoint is told of a hub. */
export interface HubWanted {
  readonly ports: number;
  readonly multiTt?: boolean;
  readonly thinkTime?: number;
}

export class GuestDevice {
  readonly slotId: number;
  readonly port: number;
  readonly speed: number;
  readonly input: number;
  readonly output: number;
  readonly #driver: XhciDriver;
  readonly #behind: Behind;
  readonly #rings = new Map<number, ProducerRing>();
  /** By endpoint, then by stream. */
  readonly #streams = new Map<number, { array: number; rings: ProducerRing[] }>();

  constructor(driver: XhciDriver, slotId: number, port: number, speed: number, behind: Behind = { route: 0 }) {
    this.#driver = driver;
    this.slotId = slotId;
    this.port = port;
    this.speed = speed;
    this.#behind = behind;
    this.input = driver.ram.allocate(33 * CONTEXT);
    this.output = driver.ram.allocate(32 * CONTEXT);
    driver.ram.poke(driver.contextArray + slotId * 8, this.output, 0);
  }

  /** Fills the input context for Address Device: slot and control endpoint. */
  prepareAddress(ringOptions: ProducerRingOptions = {}): void {
    const { ram } = this.#driver;
    const ring = new ProducerRing(ram, ringOptions);
    this.#rings.set(1, ring);
    const maxPacketSize = this.speed === SPEED_SUPER ? 512 : 64;
    ram.poke(this.input, 0, 3);
    this.#writeSlot(1);
    this.#writeEndpoint({ id: 1, type: EP_TYPE_CONTROL, maxPacketSize }, ring);
  }

  address(blockSetAddress = false): number {
    return this.#execute(command.addressDevice(this.slotId, this.input, blockSetAddress));
  }

  mustAddress(): void {
    this.prepareAddress();
    this.#must("Address Device", this.address());
  }

  /** Configure Endpoint: drops, then adds, with new rings. */
  configure(add: readonly EndpointWanted[], drop: readonly number[] = []): number {
    this.prepareConfigure(add, drop);
    return this.#execute(command.configureEndpoint(this.slotId, this.input));
  }

  mustConfigure(...add: readonly EndpointWanted[]): void {
    this.#must("Configure Endpoint", this.configure(add));
  }

  prepareConfigure(add: readonly EndpointWanted[], drop: readonly number[] = []): void {
    const { ram } = this.#driver;
    const flags = (ids: readonly number[]) => ids.reduce((all, id) => all | (1 << id), 0) >>> 0;
    const ids = add.map(({ id }) => id);
    ram.poke(this.input, flags(drop), flags([0, ...ids]));
    const entries = Math.max(1, ...ids, ...this.#rings.keys());
    this.#writeSlot(entries);
    for (const endpoint of add) {
      const ring = new ProducerRing(ram, endpoint);
      this.#rings.set(endpoint.id, ring);
      this.#writeEndpoint(endpoint, ring);
    }
  }

  /** Configure Endpoint that tells the controller of a hub, as a hub driver does when it has read the hub descriptor. */
  configureHub(hub: HubWanted): number {
    this.prepareConfigure([]);
    this.#writeSlot(1, hub);
    return this.#execute(command.configureEndpoint(this.slotId, this.input));
  }

  deconfigure(): number {
    return this.#execute(command.configureEndpoint(this.slotId, 0, true));
  }
  disable(): number {
    return this.#execute(command.disableSlot(this.slotId));
  }
  resetDevice(): number {
    return this.#execute(command.resetDevice(this.slotId));
  }
  stop(endpointId: number): number {
    return this.#execute(command.stopEndpoint(this.slotId, endpointId));
  }
  resetEndpoint(endpointId: number, preserve = false): number {
    return this.#execute(command.resetEndpoint(this.slotId, endpointId, preserve));
  }
  setDequeue(endpointId: number, dequeue: number, cycle: number, stream = 0, streamType = stream && 1): number {
    return this.#execute(command.setTrDequeue(this.slotId, endpointId, dequeue, cycle, stream, streamType));
  }

  ringOf(endpointId: number): ProducerRing {
    const ring = this.#rings.get(endpointId);
    if (!ring) throw new Error(`The driver has no ring for endpoint ${endpointId}.`);
    return ring;
  }

  /** Puts one TD on an endpoint's ring, without the doorbell. Answers its TRBs' addresses. */
  queue(endpointId: number, ...trbs: readonly TrbWords[]): number[] {
    return this.ringOf(endpointId).push(...trbs);
  }

  doorbell(endpointId: number): void {
    this.#driver.ring(this.slotId, endpointId);
  }

  /** One TD and its doorbell. */
  submit(endpointId: number, ...trbs: readonly TrbWords[]): number[] {
    const addresses = this.queue(endpointId, ...trbs);
    this.doorbell(endpointId);
    return addresses;
  }

  /** Takes the transfer events that are there. */
  events(): GuestEvent[] {
    return this.#driver.takeTransfers();
  }

  /** The TDs of a control transfer, and the doorbell. Answers the TRBs' addresses: setup, data (if any), status. */
  control(setup: Setup, buffer = 0, flags = TRB_ISP): number[] {
    const isIn = (setup.bmRequestType & 0x80) !== 0;
    const length = setup.wLength ?? 0;
    const addresses = [...this.queue(1, setupStage(setup))];
    if (length > 0) addresses.push(...this.queue(1, dataStage(isIn, buffer, length, flags)));
    addresses.push(...this.queue(1, statusStage(length === 0 || !isIn)));
    this.doorbell(1);
    return addresses;
  }

  // The output context, which the controller writes.

  get slotState(): number {
    return this.#driver.ram.read32(this.output + 12) >>> 27;
  }
  get usbAddress(): number {
    return this.#driver.ram.read32(this.output + 12) & 0xff;
  }
  get contextEntries(): number {
    return this.#driver.ram.read32(this.output) >>> 27;
  }
  endpointState(endpointId: number): number {
    return this.#driver.ram.read32(this.output + endpointId * CONTEXT) & 7;
  }
  /** TR Dequeue Pointer. */
  dequeue(endpointId: number): number {
    return (this.#driver.ram.read32(this.output + endpointId * CONTEXT + 8) & ~0xf) >>> 0;
  }
  /** Dequeue Cycle State. */
  dequeueCycle(endpointId: number): number {
    return this.#driver.ram.read32(this.output + endpointId * CONTEXT + 8) & 1;
  }

  /** The ring of one stream, made when the endpoint was configured with `maxPrimaryStreams`. */
  streamRing(endpointId: number, stream: number): ProducerRing {
    const ring = this.#streams.get(endpointId)?.rings[stream];
    if (!ring) throw new Error(`The driver has no stream ${stream} for endpoint ${endpointId}.`);
    return ring;
  }

  /** Where a stream's context is. */
  streamContext(endpointId: number, stream: number): number {
    return (this.#streams.get(endpointId)?.array ?? 0) + stream * STREAM_CONTEXT;
  }

  /** One TD on a stream's ring and its doorbell. */
  submitStream(endpointId: number, stream: number, ...trbs: readonly TrbWords[]): number[] {
    const addresses = this.streamRing(endpointId, stream).push(...trbs);
    this.#driver.ring(this.slotId, endpointId, stream);
    return addresses;
  }

  #writeSlot(entries: number, hub?: HubWanted): void {
    const { route, ttHubSlot = 0, ttPort = 0 } = this.#behind;
    const hubFlags = hub ? (1 << 26) | (hub.multiTt ? 1 << 25 : 0) : 0;
    this.#driver.ram.poke(
      this.input + CONTEXT,
      ((entries << 27) | hubFlags | (this.speed << 20) | route) >>> 0,
      (((hub?.ports ?? 0) << 24) | (this.port << 16)) >>> 0,
      ((hub?.thinkTime ?? 0) << 16) | (ttPort << 8) | ttHubSlot,
      0,
    );
  }

  #writeEndpoint(wanted: EndpointWanted, ring: ProducerRing): void {
    const { id, type, maxPacketSize = 512, interval = 0, maxBurst = 0, maxPrimaryStreams = 0, linear = true } = wanted;
    const { ram } = this.#driver;
    const at = this.input + (id + 1) * CONTEXT;
    const isIsoch = type === EP_TYPE_ISOCH_IN || type === EP_TYPE_ISOCH_OUT;
    const errorCount = isIsoch ? 0 : 3;
    const esit = wanted.maxEsitPayload ?? (isIsoch ? maxPacketSize * (maxBurst + 1) : 0);
    const streams = maxPrimaryStreams > 0 ? this.#createStreams(wanted, 2 ** (maxPrimaryStreams + 1)) : undefined;
    ram.poke(
      at,
      (interval << 16) | (maxPrimaryStreams << 10) | (maxPrimaryStreams > 0 && linear ? 1 << 15 : 0),
      ((maxPacketSize << 16) | (maxBurst << 8) | (type << 3) | (errorCount << 1)) >>> 0,
      streams ?? ring.start | ring.cycle,
      0,
      (maxPacketSize | (esit << 16)) >>> 0,
      0,
      0,
      0,
    );
  }

  #createStreams({ id, size = 16, segments }: EndpointWanted, count: number): number {
    const { ram } = this.#driver;
    const array = ram.allocate(count * STREAM_CONTEXT, 64);
    const rings = Array.from({ length: count }, () => new ProducerRing(ram, { size, ...(segments && { segments }) }));
    rings.forEach((ring, stream) => {
      if (stream > 0) ram.poke(array + stream * STREAM_CONTEXT, ring.start | (PRIMARY_RING << 1) | ring.cycle, 0, 0, 0);
    });
    this.#streams.set(id, { array, rings });
    return array;
  }

  #execute(trb: TrbWords): number {
    return this.#driver.execute(trb).code;
  }

  #must(what: string, code: number): void {
    if (code !== 1) throw new Error(`${what}: completion code ${code}`);
  }
}
