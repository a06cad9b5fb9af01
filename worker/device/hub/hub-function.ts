/**
 * The conduct of a hub: class requests, and the status change endpoint, which tells that a port has something to say
 * (USB 2.0 §11.12, §11.24; USB 3.2 §10.13, §10.16).
 */
import { SPEED_SUPER, STATUS_BABBLE, STATUS_OK } from "../../../asm/layout.ts";
import { Saved } from "../../../asm/saved.ts";
import type { Hub } from "../../device.ts";
import type { Request } from "../../request.ts";
import type { ActiveConfiguration } from "../active-configuration.ts";
import { bytesOf } from "../descriptor.ts";
import type { DeviceFunction } from "../device-model.ts";
import type { Endpoint } from "../endpoint.ts";
import { answerIn, answerOut } from "../standard-requests.ts";
import type { ChangeCause, DownstreamFacingPort } from "./downstream-port.ts";
import {
  bitmapLength,
  C_HUB_LOCAL_POWER,
  C_HUB_OVER_CURRENT,
  CLEAR_HUB_FEATURE,
  CLEAR_PORT_FEATURE,
  CLEAR_TT_BUFFER,
  DESCRIPTOR_HUB,
  DESCRIPTOR_SUPERSPEED_HUB,
  GET_HUB_DESCRIPTOR,
  GET_HUB_STATUS,
  GET_PORT_ERR_COUNT,
  GET_PORT_STATUS,
  putHubDescriptor,
  putSuperSpeedHubDescriptor,
  RESET_TT,
  SET_HUB_DEPTH,
  SET_HUB_FEATURE,
  SET_PORT_FEATURE,
} from "./hub-class.ts";
import { Usb2Port } from "./usb2-port.ts";
import { Usb3Port } from "./usb3-port.ts";

export const STATUS_CHANGE_ENDPOINT = 0x81;

/**
 * A change that the host leaves as it is, is told again after this time, as the endpoint's bInterval would have it. At once
 * would keep a guest in its interrupt handler, which asks again before its hub driver has looked.
 */
const REPEAT_MS = 256;
/** wValue of SetHubDepth: hubs above this one (USB 3.2 §10.16.2.9). */
const DEPTH_MAX = 4;

export class HubFunction implements DeviceFunction, Hub {
  readonly ports: readonly DownstreamFacingPort[];
  readonly #superSpeed: boolean;
  readonly #descriptor: Uint8Array;
  readonly #wake: () => void;
  readonly #bitmap: Uint8Array;
  readonly #small = new Uint8Array(4);
  /** Here when it is configured. */
  #endpoint: Endpoint | undefined;
  /** wHubChange: only a host's test sets it. */
  #hubChange = 0;
  /** There is a change that the host has not been told of. */
  #news = false;
  #repeat: ReturnType<typeof setTimeout> | undefined;
  #mayWake = false;

  /** `wake` asks for a resume of the hub itself. */
  constructor(speed: number, ports: number, wake: () => void) {
    this.#superSpeed = speed === SPEED_SUPER;
    this.#wake = wake;
    this.#bitmap = new Uint8Array(bitmapLength(ports));
    this.#descriptor = bytesOf((into) =>
      this.#superSpeed ? putSuperSpeedHubDescriptor(into, 0, ports) : putHubDescriptor(into, 0, ports),
    );
    this.ports = Array.from({ length: ports }, () => {
      if (!this.#superSpeed) return new Usb2Port(() => this.#changed(true));
      const port: Usb3Port = new Usb3Port((cause: ChangeCause) => this.#changed(port.wakes(cause)));
      return port;
    });
  }

  /** Another alternate, single or multiple translators, leaves the ports as they are. */
  start(active: ActiveConfiguration): void {
    this.#endpoint = active.endpoint(STATUS_CHANGE_ENDPOINT);
  }

  stop(): void {
    clearTimeout(this.#repeat);
    this.#endpoint = undefined;
    this.#hubChange = 0;
    this.#news = false;
    for (const port of this.ports) port.powerOff();
  }

  remoteWakeup(allowed: boolean): void {
    this.#mayWake = allowed;
  }

  control(request: Request): boolean {
    const { wValue, wIndex, length } = request;
    const code = (request.bmRequestType << 8) | request.bRequest;
    if (code === GET_HUB_DESCRIPTOR) {
      const type = this.#superSpeed ? DESCRIPTOR_SUPERSPEED_HUB : DESCRIPTOR_HUB;
      return wValue === type << 8 && wIndex === 0 && answerIn(request, this.#descriptor);
    }
    if (!this.#endpoint) return false;
    switch (code) {
      case GET_HUB_STATUS: // power is good, and no over-current
        return wValue === 0 && wIndex === 0 && length === 4 && this.#answerStatus(request, 0, this.#hubChange);
      case SET_HUB_FEATURE:
      case CLEAR_HUB_FEATURE:
        return wIndex === 0 && length === 0 && this.#hubFeature(request, code === SET_HUB_FEATURE);
      case SET_HUB_DEPTH:
        return this.#superSpeed && wValue <= DEPTH_MAX && wIndex === 0 && length === 0 && answerOut(request);
      case GET_PORT_STATUS: {
        const port = this.ports[wIndex - 1];
        if (!port || wValue !== 0 || length !== 4) return false;
        return this.#answerStatus(request, port.portStatus, port.portChange);
      }
      case SET_PORT_FEATURE:
      case CLEAR_PORT_FEATURE:
        return length === 0 && this.#portFeature(request, code === SET_PORT_FEATURE);
      case GET_PORT_ERR_COUNT: // a virtual link has no errors
        return this.#superSpeed && this.ports[wIndex - 1] !== undefined && answerIn(request, new Uint8Array(2));
      case CLEAR_TT_BUFFER: // a translator that keeps nothing (§11.24.2.3, §11.24.2.9)
      case RESET_TT:
        return !this.#superSpeed && length === 0 && answerOut(request);
      default:
        return false;
    }
  }

  save(): unknown {
    return { hubChange: this.#hubChange, ports: this.ports.map((port) => port.save()) };
  }

  /** Changes are told once more: the host may not have heard of them. */
  restore(state: unknown, active: ActiveConfiguration | undefined): undefined {
    const saved = new Saved(state, "the hub");
    const hubChange = saved.integer("hubChange", 3);
    const ports = saved.records("ports", this.ports.length);
    if (ports.length !== this.ports.length) throw saved.wrong("ports");
    const become = this.ports.map((port, index) => port.read(ports[index] as Saved));
    for (const each of become) each();
    clearTimeout(this.#repeat);
    this.#hubChange = hubChange;
    this.#endpoint = active?.endpoint(STATUS_CHANGE_ENDPOINT);
    this.#news = true;
  }

  ready(): void {
    this.#tell();
  }

  withdrawn(): void {
    this.#tell();
  }

  #hubFeature(request: Request, on: boolean): boolean {
    const { wValue } = request;
    if (wValue !== C_HUB_LOCAL_POWER && wValue !== C_HUB_OVER_CURRENT) return false;
    if (on) {
      this.#hubChange |= 1 << wValue;
      this.#changed(false);
    } else {
      this.#hubChange &= ~(1 << wValue);
    }
    return answerOut(request);
  }

  #portFeature(request: Request, on: boolean): boolean {
    const { wValue, wIndex } = request;
    const port = this.ports[(wIndex & 0xff) - 1];
    if (!port) return false;
    const done = on ? port.setFeature(wValue, wIndex >> 8) : port.clearFeature(wValue, wIndex >> 8);
    return done && answerOut(request);
  }

  #answerStatus(request: Request, status: number, change: number): boolean {
    const into = this.#small;
    into[0] = status;
    into[1] = status >> 8;
    into[2] = change;
    into[3] = change >> 8;
    return answerIn(request, into);
  }

  /** Something is to be told; `wakes`: also if the hub sleeps. */
  #changed(wakes: boolean): void {
    this.#news = true;
    if (wakes && this.#mayWake) this.#wake();
    this.#tell();
  }

  /** Answers the status change endpoint's head, if there is a change that the host has not been told of. */
  #tell(): void {
    const endpoint = this.#endpoint;
    const request = endpoint?.head;
    if (!endpoint || !request || !this.#news || !this.#collect()) return;
    if (request.length < this.#bitmap.length) {
      endpoint.complete(STATUS_BABBLE, 0);
      return;
    }
    this.#news = false;
    clearTimeout(this.#repeat);
    const timer = setTimeout(() => {
      this.#news = true;
      this.#tell();
    }, REPEAT_MS);
    (timer as { unref?(): void }).unref?.();
    this.#repeat = timer;
    endpoint.complete(STATUS_OK, request.write(this.#bitmap));
  }

  /** A bit for the hub, and one for each port with a change (USB 2.0 figure 11-22). False when there is none. */
  #collect(): boolean {
    this.#bitmap.fill(0);
    if (this.#hubChange !== 0) this.#bitmap[0] = 1;
    this.ports.forEach(({ portChange }, index) => {
      const bit = index + 1;
      if (portChange !== 0) this.#bitmap[bit >> 3] = (this.#bitmap[bit >> 3] ?? 0) | (1 << (bit & 7));
    });
    return this.#bitmap.some((byte) => byte !== 0);
  }
}
