/** The descriptors of one device as bytes, made once, found by GetDescriptor's type and index (USB 2.0 §9.4.3). */
import {
  bytesOf,
  DESCRIPTOR_BOS,
  DESCRIPTOR_CONFIGURATION,
  DESCRIPTOR_DEVICE,
  DESCRIPTOR_DEVICE_QUALIFIER,
  DESCRIPTOR_OTHER_SPEED_CONFIGURATION,
  DESCRIPTOR_STRING,
  putBos,
  putConfiguration,
  putDevice,
  putDeviceQualifier,
  putLanguages,
  putString,
} from "./descriptor.ts";
import type { DeviceModel } from "./device-model.ts";

export class DescriptorSet {
  readonly #bytes = new Map<number, Uint8Array>();

  constructor(model: DeviceModel) {
    const configurations = model.configurations.length;
    this.#add(DESCRIPTOR_DEVICE, 0, (into) => putDevice(into, 0, { ...model.device, configurations }));
    for (const [index, each] of model.configurations.entries()) {
      this.#add(DESCRIPTOR_CONFIGURATION, index, (into) => putConfiguration(into, 0, each));
    }
    this.#add(DESCRIPTOR_STRING, 0, (into) => putLanguages(into, 0));
    for (const [index, text] of model.strings.entries()) {
      this.#add(DESCRIPTOR_STRING, index + 1, (into) => putString(into, 0, text));
    }
    const { bos, otherSpeed } = model;
    if (bos) this.#add(DESCRIPTOR_BOS, 0, (into) => putBos(into, 0, bos));
    if (!otherSpeed) return;
    this.#add(DESCRIPTOR_DEVICE_QUALIFIER, 0, (into) =>
      putDeviceQualifier(into, 0, { ...otherSpeed.device, configurations: otherSpeed.configurations.length }),
    );
    for (const [index, each] of otherSpeed.configurations.entries()) {
      this.#add(DESCRIPTOR_OTHER_SPEED_CONFIGURATION, index, (into) =>
        putConfiguration(into, 0, each, DESCRIPTOR_OTHER_SPEED_CONFIGURATION),
      );
    }
  }

  /** By wValue: the type in its high byte, the index in its low one. */
  find(value: number): Uint8Array | undefined {
    return this.#bytes.get(value);
  }

  #add(type: number, index: number, put: (into: Uint8Array) => number): void {
    this.#bytes.set((type << 8) | index, bytesOf(put));
  }
}
