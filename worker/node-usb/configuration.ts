/** A configuration of a device as WebUSB shows it, from its raw descriptors (USB 2.0 §9.6.3, §9.6.5, §9.6.6). */

const INTERFACE = 4;
const ENDPOINT = 5;
const TYPES: readonly (USBEndpointType | undefined)[] = [undefined, "isochronous", "bulk", "interrupt"];

export interface NodeEndpoint extends USBEndpoint {
  readonly address: number;
}

export class NodeAlternate implements USBAlternateInterface {
  readonly alternateSetting: number;
  readonly interfaceClass: number;
  readonly interfaceSubclass: number;
  readonly interfaceProtocol: number;
  readonly interfaceName = null;
  readonly endpoints: NodeEndpoint[] = [];

  constructor(descriptor: Uint8Array) {
    const [alternateSetting = 0, , interfaceClass = 0, subclass = 0, protocol = 0] = descriptor.subarray(3);
    this.alternateSetting = alternateSetting;
    this.interfaceClass = interfaceClass;
    this.interfaceSubclass = subclass;
    this.interfaceProtocol = protocol;
  }
}

export class NodeInterface implements USBInterface {
  readonly interfaceNumber: number;
  readonly alternates: NodeAlternate[] = [];
  claimed = false;
  /** An index of `alternates`. */
  selected = 0;

  constructor(interfaceNumber: number) {
    this.interfaceNumber = interfaceNumber;
  }

  get alternate(): NodeAlternate {
    return this.alternates[this.selected] as NodeAlternate;
  }
}

export class NodeConfiguration implements USBConfiguration {
  readonly configurationName = null;
  readonly configurationValue: number;
  readonly interfaces: NodeInterface[] = [];

  /** Takes what fits out of what the device sent. */
  constructor(bytes: Uint8Array) {
    this.configurationValue = bytes[5] ?? 0;
    let alternate: NodeAlternate | undefined;
    for (let at = 0; at + 2 <= bytes.length; ) {
      const length = bytes[at] ?? 0;
      if (length < 2) return;
      const descriptor = bytes.subarray(at, at + length);
      at += length;
      if (descriptor[1] === INTERFACE && descriptor.length >= 9) {
        alternate = new NodeAlternate(descriptor);
        this.#interface(descriptor[2] ?? 0).alternates.push(alternate);
      } else if (descriptor[1] === ENDPOINT && descriptor.length >= 7) {
        const [address = 0, attributes = 0, low = 0, high = 0] = descriptor.subarray(2);
        const type = TYPES[attributes & 3];
        if (!type) continue;
        const direction = address & 0x80 ? "in" : "out";
        const packetSize = low | ((high & 7) << 8);
        alternate?.endpoints.push({ address, endpointNumber: address & 0x0f, direction, type, packetSize });
      }
    }
  }

  #interface(number: number): NodeInterface {
    const known = this.interfaces.find((each) => each.interfaceNumber === number);
    if (known) return known;
    const added = new NodeInterface(number);
    this.interfaces.push(added);
    return added;
  }
}
