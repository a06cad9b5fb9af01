/** The configurations of a fake device as WebUSB shows them, made from their raw descriptors. */

export interface FakeEndpoint extends USBEndpoint {
  readonly address: number;
}

const ENDPOINT_TYPES: readonly (USBEndpointType | undefined)[] = [undefined, "isochronous", "bulk", "interrupt"];

/** Interface classes that a page cannot claim (WebUSB, "protected interface classes"). */
const PROTECTED = [0x01, 0x03, 0x08, 0x0b, 0x0e, 0x10, 0xe0];

export class FakeAlternate implements USBAlternateInterface {
  readonly interfaceName = null;
  readonly endpoints: FakeEndpoint[] = [];
  readonly alternateSetting: number;
  readonly interfaceClass: number;
  readonly interfaceSubclass: number;
  readonly interfaceProtocol: number;

  constructor(alternateSetting: number, [interfaceClass = 0, subclass = 0, protocol = 0]: Iterable<number>) {
    this.alternateSetting = alternateSetting;
    this.interfaceClass = interfaceClass;
    this.interfaceSubclass = subclass;
    this.interfaceProtocol = protocol;
  }
}

export class FakeInterface implements USBInterface {
  readonly interfaceNumber: number;
  readonly alternates: FakeAlternate[] = [];
  claimed = false;
  /** A claim, release or selection is under way. */
  isChanging = false;
  selected = 0;
  /** Its endpoints can be used. */
  isAvailable = false;

  constructor(interfaceNumber: number) {
    this.interfaceNumber = interfaceNumber;
  }

  get alternate(): FakeAlternate {
    return this.alternates[this.selected] as FakeAlternate;
  }

  /** Any alternate setting of a protected class protects the interface. */
  get isProtected(): boolean {
    return this.alternates.some((alternate) => PROTECTED.includes(alternate.interfaceClass));
  }

  forgetState(): void {
    this.claimed = false;
    this.isChanging = false;
    this.isAvailable = false;
    this.selected = 0;
  }
}

export class FakeConfiguration implements USBConfiguration {
  readonly configurationName = null;
  readonly configurationValue: number;
  readonly interfaces: FakeInterface[] = [];

  constructor(bytes: Uint8Array) {
    this.configurationValue = bytes[5] ?? 0;
    let alternate: FakeAlternate | undefined;
    for (let at = 0; at + 2 <= bytes.length; at += bytes[at] || bytes.length) {
      const [, type = 0, second = 0, third = 0, fourth = 0, fifth = 0] = bytes.subarray(at, at + 9);
      if (type === 4) {
        alternate = new FakeAlternate(third, bytes.subarray(at + 5, at + 8));
        this.#interface(second).alternates.push(alternate);
      } else if (type === 5) {
        const endpointType = ENDPOINT_TYPES[third & 3];
        if (!alternate || !endpointType) continue;
        alternate.endpoints.push({
          address: second,
          endpointNumber: second & 0x0f,
          direction: second & 0x80 ? "in" : "out",
          type: endpointType,
          packetSize: fourth | (fifth << 8),
        });
      }
    }
  }

  #interface(number: number): FakeInterface {
    const known = this.interfaces.find((each) => each.interfaceNumber === number);
    if (known) return known;
    const added = new FakeInterface(number);
    this.interfaces.push(added);
    return added;
  }
}
