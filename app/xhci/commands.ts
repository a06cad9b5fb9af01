/** The commands of the command ring, each in the order of its steps in the specification (xHCI 1.2 §4.6). */
import { SPEED_FULL, SPEED_SUPER, TYPE_BULK, TYPE_CONTROL } from "../../asm/layout.ts";
import { percentLeft, type Share, shareOf } from "./bandwidth.ts";
import {
  CONTEXT_SIZE,
  clearContext,
  copyContext,
  ENDPOINT_ID_MAX,
  type EndpointContext,
  EP_STATE_ERROR,
  EP_STATE_HALTED,
  EP_STATE_RUNNING,
  EP_STATE_STOPPED,
  EP_TYPE_CONTROL,
  evaluateEndpointContext,
  evaluateHubFields,
  evaluateSlotContext,
  readEndpointContext,
  readSlotContext,
  SLOT_STATE_ADDRESSED,
  SLOT_STATE_CONFIGURED,
  SLOT_STATE_DEFAULT,
  type SlotContext,
} from "./context.ts";
import { urbType } from "./endpoint.ts";
import { MAX_PSA_SIZE } from "./registers.ts";
import type { EndpointHost, Plug } from "./ring-endpoint.ts";
import type { RootHub } from "./root-hub.ts";
import { addressable, Slot, type SlotSaved } from "./slot.ts";
import { translatorFits } from "./transaction-translator.ts";
import {
  CC_BANDWIDTH_ERROR,
  CC_CONTEXT_STATE_ERROR,
  CC_ENDPOINT_NOT_ENABLED,
  CC_NO_SLOTS,
  CC_PARAMETER_ERROR,
  CC_SLOT_NOT_ENABLED,
  CC_SUCCESS,
  CC_TRB_ERROR,
  CC_USB_TRANSACTION_ERROR,
  TRB_ADDRESS_DEVICE,
  TRB_BSR,
  TRB_CONFIGURE_ENDPOINT,
  TRB_DECONFIGURE,
  TRB_DISABLE_SLOT,
  TRB_ENABLE_SLOT,
  TRB_EVALUATE_CONTEXT,
  TRB_FORCE_HEADER,
  TRB_GET_PORT_BANDWIDTH,
  TRB_NO_OP_COMMAND,
  TRB_RESET_DEVICE,
  TRB_RESET_ENDPOINT,
  TRB_SET_TR_DEQUEUE,
  TRB_STOP_ENDPOINT,
  TRB_TSP,
  type Trb,
} from "./trb.ts";

export interface CommandHost extends EndpointHost {
  readonly hub: RootHub;
  /** MaxSlotsEn of CONFIG. */
  readonly slotsEnabled: number;
  /** DCBAAP. */
  readonly contextArray: number;
}

/** How a command ended: its completion code, and the slot it was about. */
export type CommandDone = (code: number, slotId: number) => void;

/** A context's and a ring's pointers have 16-byte alignment; the low bits hold flags. */
function pointerOf(trb: Trb): number {
  return (trb.parameter & ~0xf) >>> 0;
}

/** Can an endpoint with such a context be configured (§4.6.6, §6.2.3)? */
function isConfigurable(fields: EndpointContext, id: number, speed: number): boolean {
  const type = urbType(fields.type);
  const isIn = fields.type >= EP_TYPE_CONTROL + 1;
  if (type === undefined || type === TYPE_CONTROL || fields.maxPacketSize === 0) return false;
  if (isIn !== ((id & 1) === 1)) return false;
  if (fields.maxPrimaryStreams === 0) return true;
  const mayStream = type === TYPE_BULK && speed === SPEED_SUPER && fields.linearStreamArray;
  return mayStream && fields.maxPrimaryStreams <= MAX_PSA_SIZE;
}

export class Commands {
  readonly #host: CommandHost;
  /** By slot id, from 1. */
  readonly #slots: (Slot | undefined)[] = [];
  /** Counts the Address Devices begun, so that the device's late word on an aborted one finds another number. */
  #addressing = 0;

  constructor(host: CommandHost) {
    this.#host = host;
  }

  slot(id: number): Slot | undefined {
    return this.#slots[id];
  }

  slots(): Slot[] {
    return this.#slots.filter((slot) => slot !== undefined);
  }

  /** Forgets every slot: the controller was reset. */
  reset(): void {
    this.abandon();
    for (const slot of this.slots()) slot.close();
    this.#slots.length = 0;
  }

  /** The command under way is not to be finished. */
  abandon(): void {
    this.#addressing++;
  }

  restore(saved: readonly SlotSaved[]): void {
    for (const each of saved) {
      const slot = new Slot(each.id, this.#host);
      slot.restore(this.#host.memory, each, each.plug && this.#host.hub.plugOf(each.plug));
      this.#slots[each.id] = slot;
    }
  }

  /**
   * Executes a command. `done` is called once, now or when the device's side has answered: Stop Endpoint waits for the
   * transfers given up, Address Device for the word that there is a device behind the hubs.
   */
  execute(trb: Trb, done: CommandDone): void {
    const { slotId, type } = trb;
    switch (type) {
      case TRB_NO_OP_COMMAND:
        done(CC_SUCCESS, 0);
        return;
      case TRB_ENABLE_SLOT:
        this.#enableSlot(done);
        return;
      case TRB_GET_PORT_BANDWIDTH:
        done(this.#getPortBandwidth(trb), 0);
        return;
      case TRB_FORCE_HEADER:
        done(this.#forceHeader(trb), 0);
        return;
      case TRB_DISABLE_SLOT:
      case TRB_ADDRESS_DEVICE:
      case TRB_CONFIGURE_ENDPOINT:
      case TRB_EVALUATE_CONTEXT:
      case TRB_RESET_ENDPOINT:
      case TRB_STOP_ENDPOINT:
      case TRB_SET_TR_DEQUEUE:
      case TRB_RESET_DEVICE: {
        const slot = this.#slots[slotId];
        if (!slot) done(CC_SLOT_NOT_ENABLED, slotId);
        else if (type === TRB_STOP_ENDPOINT) this.#stopEndpoint(slot, trb, done);
        else if (type === TRB_ADDRESS_DEVICE) this.#addressDevice(slot, trb, (code) => done(code, slotId));
        else done(this.#executeFor(slot, trb), slotId);
        return;
      }
      default:
        // Optional commands that this controller does not have, and codes that no controller has (§4.6.1).
        done(CC_TRB_ERROR, slotId);
    }
  }

  #executeFor(slot: Slot, trb: Trb): number {
    switch (trb.type) {
      case TRB_DISABLE_SLOT:
        return this.#disableSlot(slot);
      case TRB_CONFIGURE_ENDPOINT:
        return trb.control & TRB_DECONFIGURE ? this.#deconfigure(slot) : this.#configureEndpoint(slot, pointerOf(trb));
      case TRB_EVALUATE_CONTEXT:
        return this.#evaluateContext(slot, pointerOf(trb));
      case TRB_RESET_ENDPOINT:
        return this.#resetEndpoint(slot, trb.endpointId, (trb.control & TRB_TSP) !== 0);
      case TRB_SET_TR_DEQUEUE:
        return this.#setTrDequeue(slot, trb);
      default:
        return this.#resetDevice(slot);
    }
  }

  /** §4.6.3 */
  #enableSlot(done: CommandDone): void {
    for (let id = 1; id <= this.#host.slotsEnabled; id++) {
      if (this.#slots[id]) continue;
      this.#slots[id] = new Slot(id, this.#host);
      done(CC_SUCCESS, id);
      return;
    }
    done(CC_NO_SLOTS, 0);
  }

  /** §4.6.4 */
  #disableSlot(slot: Slot): number {
    slot.close();
    if (slot.plug) this.#host.hub.setAddress(slot.plug, 0);
    this.#slots[slot.id] = undefined;
    return CC_SUCCESS;
  }

  /** §4.6.5: checks, then SET_ADDRESS, then the contexts. An empty or disabled port does not answer SET_ADDRESS. */
  #addressDevice(slot: Slot, trb: Trb, done: (code: number) => void): void {
    const { memory, hub, contextArray } = this.#host;
    const input = pointerOf(trb);
    const blockSetAddress = (trb.control & TRB_BSR) !== 0;
    const fields = readSlotContext(memory, input + CONTEXT_SIZE);
    const control = readEndpointContext(memory, input + 2 * CONTEXT_SIZE);
    const context = (memory.read32(contextArray + slot.id * 8) & ~0x3f) >>> 0;
    if (!addressable(slot.state, blockSetAddress)) {
      done(CC_CONTEXT_STATE_ERROR);
    } else if (
      (memory.read32(input + 4) & 3) !== 3 ||
      control.type !== EP_TYPE_CONTROL ||
      control.maxPacketSize === 0 ||
      !hub.ports[fields.rootHubPort - 1] ||
      !translatorFits(fields, this.slots(), memory) ||
      context === 0
    ) {
      done(CC_PARAMETER_ERROR);
    } else {
      const addressing = ++this.#addressing;
      hub.locate(fields.rootHubPort, fields.routeString, (plug) => {
        if (addressing !== this.#addressing) return;
        if (plug) this.#addressed(slot, plug, fields, input, context, control, blockSetAddress);
        done(plug ? CC_SUCCESS : CC_USB_TRANSACTION_ERROR);
      });
    }
  }

  #addressed(
    slot: Slot,
    plug: Plug,
    fields: SlotContext,
    input: number,
    context: number,
    control: EndpointContext,
    blockSetAddress: boolean,
  ): void {
    const { memory, hub } = this.#host;
    slot.close();
    slot.plug = plug;
    slot.rootHubPort = fields.rootHubPort;
    slot.speed = fields.speed;
    slot.context = context;
    copyContext(memory, input + CONTEXT_SIZE, context);
    copyContext(memory, input + 2 * CONTEXT_SIZE, slot.endpointContext(1));
    slot.openEndpoint(1, control);
    slot.setState(memory, blockSetAddress ? SLOT_STATE_DEFAULT : SLOT_STATE_ADDRESSED);
    hub.setAddress(plug, slot.address);
  }

  /** §4.6.6 with DC = 1 */
  #deconfigure(slot: Slot): number {
    if (slot.state !== SLOT_STATE_CONFIGURED) {
      return slot.state === SLOT_STATE_ADDRESSED ? CC_SUCCESS : CC_CONTEXT_STATE_ERROR;
    }
    slot.closeEndpoints(this.#host.memory);
    slot.setState(this.#host.memory, SLOT_STATE_ADDRESSED);
    return CC_SUCCESS;
  }

  /** §4.6.6: everything is checked before anything is changed. */
  #configureEndpoint(slot: Slot, input: number): number {
    const { memory } = this.#host;
    if (slot.state !== SLOT_STATE_ADDRESSED && slot.state !== SLOT_STATE_CONFIGURED) return CC_CONTEXT_STATE_ERROR;
    const drop = memory.read32(input);
    const add = memory.read32(input + 4);
    if (drop & 3 || (add & 3) !== 1) return CC_PARAMETER_ERROR;
    for (let id = 2; id <= ENDPOINT_ID_MAX; id++) {
      if (!((add >>> id) & 1)) continue;
      if (!isConfigurable(readEndpointContext(memory, input + (id + 1) * CONTEXT_SIZE), id, slot.speed)) {
        return CC_PARAMETER_ERROR;
      }
    }
    if (this.#bandwidthAfter(slot, drop, add, input) < 0) return CC_BANDWIDTH_ERROR;
    for (let id = 2; id <= ENDPOINT_ID_MAX; id++) {
      const from = input + (id + 1) * CONTEXT_SIZE;
      const to = slot.endpointContext(id);
      if ((drop >>> id) & 1) {
        slot.closeEndpoint(id);
        clearContext(memory, to);
      }
      if ((add >>> id) & 1) {
        const fields = readEndpointContext(memory, from);
        copyContext(memory, from, to);
        slot.openEndpoint(id, fields);
      }
    }
    evaluateHubFields(memory, input + CONTEXT_SIZE, slot.context);
    slot.writeEntries(memory);
    const any = slot.endpoints().length > 1;
    slot.setState(memory, any ? SLOT_STATE_CONFIGURED : SLOT_STATE_ADDRESSED);
    return CC_SUCCESS;
  }

  /** §4.6.7 */
  #evaluateContext(slot: Slot, input: number): number {
    const { memory } = this.#host;
    if (slot.context === 0) return CC_CONTEXT_STATE_ERROR;
    const add = memory.read32(input + 4);
    if (add & 1) evaluateSlotContext(memory, input + CONTEXT_SIZE, slot.context);
    if (add & 2) evaluateEndpointContext(memory, input + 2 * CONTEXT_SIZE, slot.endpointContext(1));
    return CC_SUCCESS;
  }

  /** §4.6.8 */
  #resetEndpoint(slot: Slot, endpointId: number, preserve: boolean): number {
    const endpoint = slot.endpoint(endpointId);
    if (endpointId === 0) return CC_TRB_ERROR;
    if (!endpoint) return CC_ENDPOINT_NOT_ENABLED;
    if (endpoint.state !== EP_STATE_HALTED) return CC_CONTEXT_STATE_ERROR;
    endpoint.reset(preserve);
    return CC_SUCCESS;
  }

  /** §4.6.9 */
  #stopEndpoint(slot: Slot, trb: Trb, done: CommandDone): void {
    const endpoint = slot.endpoint(trb.endpointId);
    if (trb.endpointId === 0) done(CC_TRB_ERROR, slot.id);
    else if (!endpoint) done(CC_ENDPOINT_NOT_ENABLED, slot.id);
    else if (endpoint.state !== EP_STATE_RUNNING) done(CC_CONTEXT_STATE_ERROR, slot.id);
    else endpoint.stop((code) => done(code, slot.id));
  }

  /** §4.6.10 */
  #setTrDequeue(slot: Slot, trb: Trb): number {
    const endpoint = slot.endpoint(trb.endpointId);
    if (trb.endpointId === 0) return CC_TRB_ERROR;
    if (!endpoint) return CC_ENDPOINT_NOT_ENABLED;
    if (endpoint.state !== EP_STATE_STOPPED && endpoint.state !== EP_STATE_ERROR) return CC_CONTEXT_STATE_ERROR;
    const streamType = (trb.parameter >>> 1) & 7;
    return endpoint.setDequeue(pointerOf(trb), trb.parameter & 1, trb.streamId, streamType);
  }

  /** §4.6.13: the header of a USB3 link; the devices here have no use for any. */
  #forceHeader(trb: Trb): number {
    const port = this.#host.hub.ports[(trb.control >>> 24) - 1];
    if (port?.protocol !== "usb3") return CC_TRB_ERROR;
    return port.enabled ? CC_SUCCESS : CC_USB_TRANSACTION_ERROR;
  }

  /** §4.6.15: a byte a port, the percentage of its bus that periodic transfers of that speed may still have. */
  #getPortBandwidth(trb: Trb): number {
    const { memory, hub } = this.#host;
    const speed = (trb.control >>> 16) & 0xf;
    const { slotId: hubSlot } = trb;
    if (speed < SPEED_FULL || speed > SPEED_SUPER) return CC_PARAMETER_ERROR;
    let percents: number[];
    if (hubSlot === 0) {
      percents = hub.ports.map(({ id, protocol }) => {
        return (protocol === "usb3") === (speed === SPEED_SUPER) ? this.#bandwidthOf(id, speed) : 0;
      });
    } else {
      const slot = this.#slots[hubSlot];
      if (!slot || slot.context === 0) return CC_SLOT_NOT_ENABLED;
      const ports = readSlotContext(memory, slot.context).numberOfPorts;
      percents = new Array<number>(ports).fill(this.#bandwidthOf(slot.rootHubPort, speed));
    }
    return memory.write(pointerOf(trb), Uint8Array.of(0, ...percents)) ? CC_SUCCESS : CC_PARAMETER_ERROR;
  }

  #bandwidthOf(rootHubPort: number, speed: number): number {
    return Math.max(0, percentLeft(speed, this.#shares(rootHubPort, speed)));
  }

  /** What would be left on the slot's bus after Configure Endpoint, in percent. */
  #bandwidthAfter(slot: Slot, drop: number, add: number, input: number): number {
    const { memory } = this.#host;
    const shares = [...this.#shares(slot.rootHubPort, slot.speed, slot, drop | add)];
    for (let id = 2; id <= ENDPOINT_ID_MAX; id++) {
      if (!((add >>> id) & 1)) continue;
      const share = shareOf(readEndpointContext(memory, input + (id + 1) * CONTEXT_SIZE));
      if (share) shares.push(share);
    }
    return shares.length === 0 ? 0 : percentLeft(slot.speed, shares);
  }

  /** What the periodic endpoints behind a port take, but those of one slot that are in `without`. */
  *#shares(rootHubPort: number, speed: number, except?: Slot, without = 0): Generator<Share> {
    for (const slot of this.slots()) {
      if (slot.rootHubPort !== rootHubPort || slot.speed !== speed) continue;
      for (const { id, share } of slot.endpoints()) {
        if (share && !(slot === except && (without >>> id) & 1)) yield share;
      }
    }
  }

  /** §4.6.11 */
  #resetDevice(slot: Slot): number {
    const { memory, hub } = this.#host;
    if (slot.state !== SLOT_STATE_ADDRESSED && slot.state !== SLOT_STATE_CONFIGURED) return CC_CONTEXT_STATE_ERROR;
    slot.endpoint(1)?.abandon();
    slot.closeEndpoints(memory);
    slot.setState(memory, SLOT_STATE_DEFAULT);
    if (slot.plug) hub.setAddress(slot.plug, 0);
    return CC_SUCCESS;
  }
}
