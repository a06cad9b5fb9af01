/** The conduct that ECM and NCM have in common: notifications, the packet filter, and when frames go which way. */
import { STATUS_BABBLE, STATUS_OK } from "../../../asm/layout.ts";
import { Saved } from "../../../asm/saved.ts";
import type { Request } from "../../request.ts";
import type { ActiveConfiguration } from "../active-configuration.ts";
import { connectionSpeedChange, networkConnection } from "../cdc/notification.ts";
import type { DeviceFunction } from "../device-model.ts";
import type { Endpoint } from "../endpoint.ts";
import { answerOut } from "../standard-requests.ts";
import type { Cable } from "./cable.ts";
import { BULK_IN, BULK_OUT, CONTROL_INTERFACE, DATA_ALTERNATE, DATA_INTERFACE, NOTIFICATION_IN } from "./cdc-model.ts";
import { EthernetPort } from "./ethernet-port.ts";
import { ADDRESS_LENGTH } from "./mac-address.ts";
import { OutTransfer } from "./out-transfer.ts";
import { MULTICAST_FILTERS } from "./packet-filter.ts";

/** bmRequestType << 8 | bRequest (ECM 1.2 §6.2). */
const SET_ETHERNET_MULTICAST_FILTERS = 0x2140;
const SET_ETHERNET_PACKET_FILTER = 0x2143;

export interface CdcEthernetOptions {
  readonly cable: Cable;
  readonly address: Uint8Array;
  /** Bits a second, as the host is told. */
  readonly bitRate: number;
}

export abstract class CdcEthernet implements DeviceFunction {
  protected readonly port: EthernetPort;
  readonly #bitRate: number;
  readonly #transfer: OutTransfer;
  /** Here when it is configured. */
  #active: ActiveConfiguration | undefined;
  #notification: Endpoint | undefined;
  /** Here in the alternate that carries frames. */
  #input: Endpoint | undefined;
  /** What the host has not been told yet. */
  #owesSpeed = false;
  #owesConnection = false;

  /** `capacity` is the longest OUT transfer. */
  constructor({ cable, address, bitRate }: CdcEthernetOptions, capacity: number) {
    this.#bitRate = bitRate;
    this.#transfer = new OutTransfer(capacity);
    this.port = new EthernetPort(cable, address, {
      received: () => this.#fill(),
      linkChanged: () => this.#linkChanged(),
    });
  }

  start(active: ActiveConfiguration): void {
    const carries = active.alternate(DATA_INTERFACE) === DATA_ALTERNATE;
    // Alternate 0 is where a host takes the adapter back to how it was (NCM 1.0 §7.2).
    if (!carries) this.stop();
    else if (active.endpoint(BULK_IN) !== this.#input) this.#transfer.clear();
    this.#become(active);
  }

  stop(): void {
    this.port.shut();
    this.port.filter.reset();
    this.#transfer.clear();
    this.defaults();
    this.#active = undefined;
    this.#notification = undefined;
    this.#input = undefined;
  }

  control(request: Request): boolean {
    const { wValue, wIndex, length } = request;
    if (!this.#active || wIndex !== CONTROL_INTERFACE) return false;
    switch ((request.bmRequestType << 8) | request.bRequest) {
      case SET_ETHERNET_MULTICAST_FILTERS: {
        if (wValue > MULTICAST_FILTERS || length !== wValue * ADDRESS_LENGTH) return false;
        const addresses = new Uint8Array(length);
        request.read(addresses);
        this.port.filter.setMulticast(addresses);
        return answerOut(request);
      }
      case SET_ETHERNET_PACKET_FILTER:
        if (length !== 0) return false;
        this.port.filter.setTypes(wValue);
        return answerOut(request);
      default:
        return this.classRequest(request);
    }
  }

  ready(endpoint: Endpoint): void {
    if (endpoint.address === BULK_OUT) this.#send(endpoint);
    else if (endpoint.address === BULK_IN) this.#fill();
    else this.#notify();
  }

  /** Frames that wait are not part of it: Ethernet may lose them. What the link is, the host is told anew. */
  save(): unknown {
    return { filter: this.port.filter.save(), transfer: this.#transfer.save(), ...this.saveClass() };
  }

  restore(state: unknown, active: ActiveConfiguration | undefined): undefined {
    const saved = new Saved(state, "the Ethernet adapter");
    const becomeFilter = this.port.filter.read(saved.record("filter"));
    const transfer = saved.bytes("transfer", this.#transfer.bytes.length - 1, 0);
    const becomeClass = this.readClass(saved);
    this.stop();
    becomeFilter();
    this.#transfer.restore(transfer);
    becomeClass();
    if (active) this.#become(active);
  }

  close(): void {
    this.port.leave();
  }

  /** What a configuration and alternate 0 begin with. */
  protected abstract defaults(): void;
  /** A request of the class's own. */
  protected abstract classRequest(request: Request): boolean;
  /** A whole OUT transfer: sends its frames. */
  protected abstract transmit(bytes: Uint8Array, length: number): void;
  /** Answers an IN request with frames that wait: there is one. Answers the bytes written, or -1 when there is no room for it. */
  protected abstract fill(request: Request): number;
  protected abstract saveClass(): object;
  protected abstract readClass(saved: Saved): () => void;

  #become(active: ActiveConfiguration): void {
    this.#active = active;
    this.#notification = active.endpoint(NOTIFICATION_IN);
    this.#input = active.endpoint(BULK_IN);
    if (!this.#input) return;
    this.port.open();
    this.#owesSpeed = true;
    this.#owesConnection = true;
    this.#notify();
  }

  readonly #whole = (length: number): void => this.transmit(this.#transfer.bytes, length);

  #send(endpoint: Endpoint): void {
    for (let request = endpoint.head; request; request = endpoint.head) {
      this.#transfer.take(request, endpoint.maxPacketSize, this.#whole);
      endpoint.complete(STATUS_OK, request.length);
    }
    this.port.sent();
  }

  /** Each turn answers a request, so it ends. */
  #fill(): void {
    const input = this.#input;
    while (input?.head && this.port.waiting > 0) {
      const written = this.fill(input.head);
      if (written < 0) input.complete(STATUS_BABBLE, 0);
      else input.complete(STATUS_OK, written);
    }
  }

  #linkChanged(): void {
    if (!this.#input) return;
    this.#owesSpeed ||= this.port.connected;
    this.#owesConnection = true;
    this.#notify();
  }

  /** The speed goes first, so that a host knows it when it hears of the connection. */
  #notify(): void {
    const endpoint = this.#notification;
    while (endpoint?.head && (this.#owesSpeed || this.#owesConnection)) {
      const bytes = this.#owesSpeed
        ? connectionSpeedChange(CONTROL_INTERFACE, this.#bitRate)
        : networkConnection(CONTROL_INTERFACE, this.port.connected);
      if (endpoint.head.write(bytes) < bytes.length) {
        endpoint.complete(STATUS_BABBLE, 0);
        continue;
      }
      if (this.#owesSpeed) this.#owesSpeed = false;
      else this.#owesConnection = false;
      endpoint.complete(STATUS_OK, bytes.length);
    }
  }
}
