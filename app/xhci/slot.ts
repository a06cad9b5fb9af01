/** A device slot: its state (xHCI 1.2 §4.5.3), the device it was addressed on, and its endpoints. */
import type { GuestMemory } from "../guest/machine.ts";
import {
  CONTEXT_SIZE,
  ENDPOINT_ID_MAX,
  type EndpointContext,
  EP_STATE_DISABLED,
  EP_TYPE_CONTROL,
  readEndpointContext,
  readSlotContext,
  SLOT_STATE_ADDRESSED,
  SLOT_STATE_CONFIGURED,
  SLOT_STATE_DEFAULT,
  SLOT_STATE_ENABLED,
  writeContextEntries,
  writeEndpointState,
  writeSlotState,
} from "./context.ts";
import { Endpoint, type EndpointSaved } from "./endpoint.ts";
import type { EndpointHost, Plug } from "./ring-endpoint.ts";
import { NOBODY, type SavedPlug } from "./root-hub.ts";

/** What a saved state keeps of a slot. */
export interface SlotSaved {
  readonly id: number;
  readonly state: number;
  readonly context: number;
  readonly plug: SavedPlug | undefined;
  readonly endpoints: readonly ({ readonly id: number } & EndpointSaved)[];
}

export class Slot {
  readonly id: number;
  readonly #host: EndpointHost;
  state = SLOT_STATE_ENABLED;
  /** The Device Context in the guest's memory; 0 until Address Device. */
  context = 0;
  plug: Plug | undefined;
  /** As Address Device named them. */
  rootHubPort = 0;
  speed = 0;
  readonly #endpoints: (Endpoint | undefined)[] = [];

  constructor(id: number, host: EndpointHost) {
    this.id = id;
    this.#host = host;
  }

  endpoint(id: number): Endpoint | undefined {
    return this.#endpoints[id];
  }

  /** Every endpoint that is not disabled. */
  endpoints(): Endpoint[] {
    return this.#endpoints.filter((endpoint) => endpoint !== undefined);
  }

  endpointContext(id: number): number {
    return this.context + id * CONTEXT_SIZE;
  }

  /** Takes up an endpoint whose context the guest has given. */
  openEndpoint(id: number, fields: EndpointContext): void {
    if (!this.plug) return;
    this.closeEndpoint(id);
    this.#endpoints[id] = new Endpoint(this.#host, this.plug, this.id, id, this.endpointContext(id), fields);
  }

  closeEndpoint(id: number): void {
    this.#endpoints[id]?.close();
    this.#endpoints[id] = undefined;
  }

  /** Disables every endpoint but the control endpoint, and says so in the output context. */
  closeEndpoints(memory: GuestMemory): void {
    for (let id = 2; id <= ENDPOINT_ID_MAX; id++) {
      if (!this.#endpoints[id]) continue;
      this.closeEndpoint(id);
      writeEndpointState(memory, this.endpointContext(id), EP_STATE_DISABLED);
    }
    writeContextEntries(memory, this.context, 1);
  }

  /** Context Entries: the last valid endpoint (§6.2.2). */
  writeEntries(memory: GuestMemory): void {
    let last = 1;
    for (let id = 2; id <= ENDPOINT_ID_MAX; id++) if (this.#endpoints[id]) last = id;
    writeContextEntries(memory, this.context, last);
  }

  setState(memory: GuestMemory, state: number): void {
    this.state = state;
    writeSlotState(memory, this.context, state, this.address);
  }

  /** The USB address: the slot's own number, once the device has one. */
  get address(): number {
    return this.state === SLOT_STATE_ADDRESSED || this.state === SLOT_STATE_CONFIGURED ? this.id : 0;
  }

  /** The slot is disabled, or the controller reset: nothing is on its way any more. */
  close(): void {
    for (let id = 1; id <= ENDPOINT_ID_MAX; id++) this.closeEndpoint(id);
  }

  save(): SlotSaved {
    const plug = this.plug && savedPlug(this.plug);
    const endpoints = this.endpoints().map((endpoint) => ({ id: endpoint.id, ...endpoint.save() }));
    return { id: this.id, state: this.state, context: this.context, plug, endpoints };
  }

  /** `plug`: the way to its device now, which may be to nobody. */
  restore(memory: GuestMemory, saved: SlotSaved, plug: Plug | undefined): void {
    this.state = saved.state;
    this.context = saved.context;
    const { rootHubPort, speed } = readSlotContext(memory, saved.context);
    this.rootHubPort = rootHubPort;
    this.speed = speed;
    this.plug = plug;
    for (const endpoint of saved.endpoints) {
      const fields = readEndpointContext(memory, this.endpointContext(endpoint.id));
      this.openEndpoint(endpoint.id, endpoint.id === 1 ? { ...fields, type: EP_TYPE_CONTROL } : fields);
      const opened = this.#endpoints[endpoint.id];
      opened?.restore(endpoint);
      // The guest rang for what is on the rings already.
      if (opened && plug && plug.plug !== NOBODY) this.#host.postpone(opened);
    }
  }
}

/** May Address Device be given in this state (§4.6.5)? */
export function addressable(state: number, blockSetAddress: boolean): boolean {
  return state === SLOT_STATE_ENABLED || (state === SLOT_STATE_DEFAULT && !blockSetAddress);
}

function savedPlug({ port, route, plug, connection }: Plug): SavedPlug {
  return { port, route, plug, ended: connection.ended };
}
