/** The standard device requests of chapter 9 (USB 2.0 §9.4, USB 3.2 §9.4), matched on the full bmRequestType. */
import { SPEED_SUPER, STATUS_OK } from "../../asm/layout.ts";
import type { Saved } from "../../asm/saved.ts";
import type { ActiveDescriptors } from "../protocol.ts";
import type { Request } from "../request.ts";
import { ActiveConfiguration } from "./active-configuration.ts";
import type { Buses } from "./bus.ts";
import { CONFIGURATION_REMOTE_WAKEUP, CONFIGURATION_SELF_POWERED, DESCRIPTOR_CONFIGURATION } from "./descriptor.ts";
import { DescriptorSet } from "./descriptor-set.ts";
import type { DeviceFunction, DeviceModel } from "./device-model.ts";
import type { Endpoint } from "./endpoint.ts";

/** bmRequestType << 8 | bRequest (USB 2.0 tables 9-3 and 9-4, USB 3.2 table 9-4). */
const GET_STATUS_DEVICE = 0x8000;
const GET_STATUS_INTERFACE = 0x8100;
const GET_STATUS_ENDPOINT = 0x8200;
const CLEAR_FEATURE_DEVICE = 0x0001;
const CLEAR_FEATURE_INTERFACE = 0x0101;
const CLEAR_FEATURE_ENDPOINT = 0x0201;
const SET_FEATURE_DEVICE = 0x0003;
const SET_FEATURE_INTERFACE = 0x0103;
const SET_FEATURE_ENDPOINT = 0x0203;
const GET_DESCRIPTOR = 0x8006;
const GET_CONFIGURATION = 0x8008;
const SET_CONFIGURATION = 0x0009;
const GET_INTERFACE = 0x810a;
const SET_INTERFACE = 0x010b;
const SET_SEL = 0x0030;
const SET_ISOCH_DELAY = 0x0031;

/** Features (USB 2.0 table 9-6, USB 3.2 table 9-7). Numbers are per recipient. */
const ENDPOINT_HALT = 0;
const FUNCTION_SUSPEND = 0;
const DEVICE_REMOTE_WAKEUP = 1;
const U1_ENABLE = 48;
const U2_ENABLE = 49;

/** GetStatus of a device: bit 0 self powered, 1 remote wake-up, 2 U1, 3 U2 (USB 3.2 figure 9-4). */
const STATUS_SELF_POWERED = 0x01;
const STATUS_REMOTE_WAKEUP = 0x02;
const STATUS_U1 = 0x04;
const STATUS_U2 = 0x08;

/** GetStatus of an interface at SuperSpeed (USB 3.2 figure 9-5), and FUNCTION_SUSPEND's option (table 9-9). */
const FUNCTION_CAN_WAKE = 0x01;
const FUNCTION_MAY_WAKE = 0x02;
const FUNCTION_SUSPEND_WAKE = 0x0200;

/** What `StandardRequests.read` has read: the state of chapter 9 to become. */
export interface StandardState {
  readonly active: ActiveConfiguration | undefined;
  readonly features: number;
}

export class StandardRequests {
  readonly #model: DeviceModel;
  readonly #function: DeviceFunction;
  readonly #descriptors: DescriptorSet;
  #active: ActiveConfiguration | undefined;
  /**
   * The features of the device that are on, as GetStatus shows them. At SuperSpeed remote wake-up is a function's, and
   * nothing here has two functions that wake.
   */
  #features = 0;
  readonly #small = new Uint8Array(2);

  readonly #buses: Buses | undefined;

  constructor(model: DeviceModel, conduct: DeviceFunction, buses?: Buses) {
    this.#model = model;
    this.#buses = buses;
    this.#function = conduct;
    this.#descriptors = new DescriptorSet(model);
  }

  /** The chosen configuration; none in the default and address states (USB 2.0 §9.1.1). */
  get active(): ActiveConfiguration | undefined {
    return this.#active;
  }

  get configured(): ActiveDescriptors | undefined {
    const active = this.#active;
    if (!active) return undefined;
    const index = this.#model.configurations.indexOf(active.descriptor);
    const descriptors = this.#descriptors.find((DESCRIPTOR_CONFIGURATION << 8) | index);
    return descriptors && { descriptors, alternates: active.save().alternates };
  }

  /** Back to the default state (USB 2.0 §9.1.1.3): configuration 0, features off, transfers ended. */
  reset(): void {
    this.#deconfigure();
    this.#features = 0;
    this.#function.remoteWakeup?.(false);
  }

  save(): object {
    const configuration = this.#active?.descriptor.value ?? 0;
    return { configuration, features: this.#features, ...(this.#active?.save() ?? { alternates: [], halted: [] }) };
  }

  /** What `save` said, checked; nothing changes yet. */
  read(saved: Saved): StandardState {
    const value = saved.integer("configuration", 0xff);
    const features = saved.integer("features", STATUS_REMOTE_WAKEUP | STATUS_U1 | STATUS_U2);
    if (value === 0) return { active: undefined, features };
    const descriptor = this.#model.configurations.find((each) => each.value === value);
    if (!descriptor) throw saved.wrong("configuration");
    const active = new ActiveConfiguration(descriptor, this.#buses);
    active.restore(saved);
    return { active, features };
  }

  become({ active, features }: StandardState): void {
    this.#active = active;
    this.#features = features;
    this.#function.remoteWakeup?.((features & STATUS_REMOTE_WAKEUP) !== 0);
  }

  /** Answers a standard request and says true; false is a request error (USB 2.0 §9.2.7). */
  answer(request: Request): boolean {
    const { wValue, wIndex, length } = request;
    switch ((request.bmRequestType << 8) | request.bRequest) {
      case GET_STATUS_DEVICE:
        return wValue === 0 && wIndex === 0 && this.#answer16(request, this.#deviceStatus());
      case GET_STATUS_INTERFACE:
        return wValue === 0 && this.#hasInterface(wIndex) && this.#answer16(request, this.#interfaceStatus());
      case GET_STATUS_ENDPOINT:
        return wValue === 0 && this.#endpointStatus(request);
      case CLEAR_FEATURE_DEVICE:
        return wIndex === 0 && this.#deviceFeature(request, false);
      case SET_FEATURE_DEVICE:
        return wIndex === 0 && this.#deviceFeature(request, true);
      case CLEAR_FEATURE_INTERFACE:
        return this.#interfaceFeature(request, false);
      case SET_FEATURE_INTERFACE:
        return this.#interfaceFeature(request, true);
      case CLEAR_FEATURE_ENDPOINT:
        return wValue === ENDPOINT_HALT && this.#endpointHalt(request, false);
      case SET_FEATURE_ENDPOINT:
        return wValue === ENDPOINT_HALT && this.#endpointHalt(request, true);
      case GET_DESCRIPTOR: {
        const bytes = this.#descriptors.find(wValue);
        return bytes !== undefined && answerIn(request, bytes);
      }
      case GET_CONFIGURATION:
        return wValue === 0 && wIndex === 0 && this.#answer8(request, this.#active?.descriptor.value ?? 0);
      case SET_CONFIGURATION:
        return wIndex === 0 && length === 0 && this.#setConfiguration(request);
      case GET_INTERFACE: {
        const alternate = this.#active?.alternate(wIndex);
        return wValue === 0 && alternate !== undefined && this.#answer8(request, alternate);
      }
      case SET_INTERFACE:
        return length === 0 && this.#setInterface(request);
      case SET_SEL: // USB 3.2 §9.4.12: what links cost to wake; nothing here sleeps
        return this.#superSpeed && wValue === 0 && length === 6 && answerOut(request);
      case SET_ISOCH_DELAY: // USB 3.2 §9.4.11
        return this.#superSpeed && wIndex === 0 && length === 0 && answerOut(request);
      default:
        return false;
    }
  }

  #deviceStatus(): number {
    const configuration = this.#active?.descriptor ?? this.#model.configurations[0];
    const selfPowered = ((configuration?.attributes ?? 0) & CONFIGURATION_SELF_POWERED) !== 0;
    const features = this.#superSpeed ? this.#features & ~STATUS_REMOTE_WAKEUP : this.#features;
    return (selfPowered ? STATUS_SELF_POWERED : 0) | features;
  }

  /** USB 3.2 figure 9-5: can this function wake the host, and may it? Before SuperSpeed it is all zeros. */
  #interfaceStatus(): number {
    if (!this.#superSpeed || !this.#canWake) return 0;
    return this.#features & STATUS_REMOTE_WAKEUP ? FUNCTION_CAN_WAKE | FUNCTION_MAY_WAKE : FUNCTION_CAN_WAKE;
  }

  get #superSpeed(): boolean {
    return this.#model.speed === SPEED_SUPER;
  }

  get #canWake(): boolean {
    return this.#model.configurations.some((each) => (each.attributes & CONFIGURATION_REMOTE_WAKEUP) !== 0);
  }

  #setRemoteWakeup(on: boolean): void {
    this.#features = on ? this.#features | STATUS_REMOTE_WAKEUP : this.#features & ~STATUS_REMOTE_WAKEUP;
    this.#function.remoteWakeup?.(on);
  }

  /** USB 2.0 §9.4.1 and §9.4.9, USB 3.2 §9.4.1 and §9.4.9. U1 and U2 are for configured devices only. */
  #deviceFeature(request: Request, on: boolean): boolean {
    let bit = 0;
    switch (request.wValue) {
      case DEVICE_REMOTE_WAKEUP:
        if (this.#superSpeed || !this.#canWake) return false;
        this.#setRemoteWakeup(on);
        return answerOut(request);
      case U1_ENABLE:
        if (this.#superSpeed && this.#active) bit = STATUS_U1;
        break;
      case U2_ENABLE:
        if (this.#superSpeed && this.#active) bit = STATUS_U2;
        break;
    }
    if (bit === 0) return false;
    this.#features = on ? this.#features | bit : this.#features & ~bit;
    return answerOut(request);
  }

  /** USB 3.2 §9.4.9: only FUNCTION_SUSPEND is there; wIndex carries the interface in its low byte, options in its high one. */
  #interfaceFeature(request: Request, on: boolean): boolean {
    if (!this.#superSpeed || request.wValue !== FUNCTION_SUSPEND) return false;
    if (!this.#hasInterface(request.wIndex & 0xff)) return false;
    if (this.#canWake) this.#setRemoteWakeup(on && (request.wIndex & FUNCTION_SUSPEND_WAKE) !== 0);
    return answerOut(request);
  }

  #endpointStatus(request: Request): boolean {
    if ((request.wIndex & 0x7f) === 0) return this.#answer16(request, 0);
    const endpoint = this.#endpoint(request.wIndex);
    return endpoint !== undefined && this.#answer16(request, endpoint.halted ? 1 : 0);
  }

  /** USB 2.0 §9.4.5: "Halt … cleared". Endpoint 0 has no halt that outlives its request (§8.5.3.4). */
  #endpointHalt(request: Request, on: boolean): boolean {
    if (request.length !== 0) return false;
    if ((request.wIndex & 0x7f) === 0) return answerOut(request);
    const endpoint = this.#endpoint(request.wIndex);
    if (!endpoint || endpoint.isochronous) return false;
    if (on) {
      if (endpoint.halt()) this.#function.withdrawn?.(endpoint);
    } else {
      endpoint.clear();
      this.#function.haltCleared?.(endpoint);
    }
    return answerOut(request);
  }

  /** USB 2.0 §9.4.7. The value it already has begins anew as well: halts clear, alternates are 0. */
  #setConfiguration(request: Request): boolean {
    const descriptor = this.#model.configurations.find((each) => each.value === request.wValue);
    if (!descriptor && request.wValue !== 0) return false;
    this.#deconfigure();
    if (descriptor) {
      this.#active = new ActiveConfiguration(descriptor, this.#buses);
      this.#function.start(this.#active);
    }
    return answerOut(request);
  }

  /** USB 2.0 §9.4.10. */
  #setInterface(request: Request): boolean {
    const active = this.#active;
    if (!active?.hasInterface(request.wIndex)) return false;
    if (!active.select(request.wIndex, request.wValue)) return false;
    this.#function.start(active);
    return answerOut(request);
  }

  #deconfigure(): void {
    if (!this.#active) return;
    this.#function.stop();
    this.#active.cancelAll();
    this.#active = undefined;
    this.#features &= STATUS_REMOTE_WAKEUP;
  }

  #hasInterface(number: number): boolean {
    return this.#active?.hasInterface(number) ?? false;
  }

  /** wIndex of a request to an endpoint: its reserved bits must be zero (USB 2.0 figure 9-2). */
  #endpoint(wIndex: number): Endpoint | undefined {
    return (wIndex & ~0x8f) === 0 ? this.#active?.endpoint(wIndex) : undefined;
  }

  #answer8(request: Request, value: number): boolean {
    this.#small[0] = value;
    return answerIn(request, this.#small.subarray(0, 1));
  }

  #answer16(request: Request, value: number): boolean {
    this.#small[0] = value;
    this.#small[1] = value >> 8;
    return answerIn(request, this.#small);
  }
}

/** Answers a control IN with these bytes, or as many as were asked for. */
export function answerIn(request: Request, bytes: Uint8Array): true {
  request.complete(STATUS_OK, request.write(bytes));
  return true;
}

/** Answers a control OUT, all of its data taken. */
export function answerOut(request: Request): true {
  request.complete(STATUS_OK, request.length);
  return true;
}
