/** What a USBDevice says of itself, from its device descriptor. */
export class FakeDeviceInfo {
  readonly #descriptor: DataView;

  constructor(descriptor: Uint8Array) {
    this.#descriptor = new DataView(descriptor.slice().buffer);
  }

  get usbVersionMajor(): number {
    return this.bcdUSB >> 8;
  }
  get usbVersionMinor(): number {
    return (this.bcdUSB >> 4) & 15;
  }
  get usbVersionSubminor(): number {
    return this.bcdUSB & 15;
  }
  get deviceClass(): number {
    return this.#descriptor.getUint8(4);
  }
  get deviceSubclass(): number {
    return this.#descriptor.getUint8(5);
  }
  get deviceProtocol(): number {
    return this.#descriptor.getUint8(6);
  }
  get vendorId(): number {
    return this.#descriptor.getUint16(8, true);
  }
  get productId(): number {
    return this.#descriptor.getUint16(10, true);
  }
  get deviceVersionMajor(): number {
    return this.#descriptor.getUint8(13);
  }
  get deviceVersionMinor(): number {
    return this.#descriptor.getUint8(12) >> 4;
  }
  get deviceVersionSubminor(): number {
    return this.#descriptor.getUint8(12) & 15;
  }

  protected get bcdUSB(): number {
    return this.#descriptor.getUint16(2, true);
  }
}
