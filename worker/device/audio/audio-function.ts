/**
 * The conduct of an audio device with one stream. The frame of the bus in which a packet is due is its only clock, and
 * each packet is answered as it comes.
 */
import { Saved } from "../../../asm/saved.ts";
import type { Request } from "../../request.ts";
import type { ActiveConfiguration } from "../active-configuration.ts";
import type { DeviceFunction } from "../device-model.ts";
import type { Endpoint } from "../endpoint.ts";
import { FEATURE_UNIT } from "./audio-model.ts";
import { FeatureUnit } from "./feature-unit.ts";
import { SamplingFrequency } from "./sampling-frequency.ts";

/** bmRequestType without its direction: a class request to an interface, or to an endpoint (UAC 1.0 §5.2). */
const TO_INTERFACE = 0x21;
const TO_ENDPOINT = 0x22;

export abstract class AudioFunction implements DeviceFunction {
  protected readonly unit = new FeatureUnit(FEATURE_UNIT);
  protected readonly frequency = new SamplingFrequency();
  /** Here when it is configured. */
  #active: ActiveConfiguration | undefined;

  start(active: ActiveConfiguration): void {
    this.#active = active;
  }

  stop(): void {
    this.#active = undefined;
    this.unit.reset();
    this.frequency.reset();
  }

  control(request: Request): boolean {
    if (!this.#active) return false;
    switch (request.bmRequestType & 0x7f) {
      case TO_INTERFACE:
        return this.unit.control(request);
      case TO_ENDPOINT: // the stream's, in the alternate that has it
        if (this.#active.endpoint(request.wIndex)?.address !== request.wIndex) return false;
        return this.frequency.control(request);
      default:
        return false;
    }
  }

  /** Sound that nobody has asked for yet is not the guest's. */
  save(): unknown {
    return { unit: this.unit.save(), frequency: this.frequency.current };
  }

  restore(state: unknown, active: ActiveConfiguration | undefined): undefined {
    const saved = new Saved(state, "the sound card");
    const becomeUnit = this.unit.read(saved.record("unit"));
    const frequency = saved.integer("frequency");
    becomeUnit();
    this.frequency.set(frequency);
    this.#active = active;
  }

  ready(endpoint: Endpoint): void {
    const request = endpoint.head;
    if (request) this.packet(endpoint, request);
  }

  /** Answers the packet of one service interval, the endpoint's head. */
  protected abstract packet(endpoint: Endpoint, request: Request): void;
}
