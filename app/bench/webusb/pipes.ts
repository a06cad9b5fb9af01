/** Where bytes can be moved in bulk, by a device's descriptors as the browser tells them. */

export interface Pipes {
  readonly configuration: number;
  readonly interfaceNumber: number;
  readonly alternate: number;
  /** Endpoint numbers. */
  readonly in: number;
  /** Undefined where nothing may be written. */
  readonly out: number | undefined;
}

/** The interface that a device claims for the benchmark does not stream. */
export class NoStreamError extends Error {
  constructor(device: USBDevice, words: string) {
    super(
      `${device.productName || "The device"} ${words}. Choose one that sends without being asked, such as a board with the ` +
        "firmware of a source and sink: Linux's gadget zero, Cypress FX2 or FX3 streamer examples.",
    );
    this.name = "NoStreamError";
  }
}

/** Gadget zero's sinks take zeros; nobody knows what another device would do with them. */
function isSink({ vendorId, productId }: USBDevice): boolean {
  return vendorId === 0x0525 && productId === 0xa4a0;
}

/** The first alternate setting with a bulk IN endpoint, an unprotected interface's. Throws a NoStreamError. */
export function pipesOf(device: USBDevice): Pipes {
  const configuration = device.configuration ?? device.configurations[0];
  for (const { interfaceNumber, alternates } of configuration?.interfaces ?? []) {
    for (const { alternateSetting, endpoints } of alternates) {
      const bulk = (direction: USBDirection) =>
        endpoints.find((endpoint) => endpoint.type === "bulk" && endpoint.direction === direction)?.endpointNumber;
      const source = bulk("in");
      if (source === undefined) continue;
      return {
        configuration: configuration?.configurationValue ?? 0,
        interfaceNumber,
        alternate: alternateSetting,
        in: source,
        out: isSink(device) ? bulk("out") : undefined,
      };
    }
  }
  throw new NoStreamError(device, "has no bulk IN endpoint");
}
