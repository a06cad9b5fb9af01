/** Descriptors of fake devices, from literals to bytes. */

export interface EndpointLiteral {
  readonly address: number;
  readonly type: USBEndpointType;
  readonly packetSize: number;
  /** bInterval. */
  readonly interval?: number;
}

export interface InterfaceLiteral {
  readonly number: number;
  readonly alternate: number;
  readonly interfaceClass: number;
  readonly endpoints: readonly EndpointLiteral[];
}

export interface DeviceLiteral {
  readonly usbVersion: number;
  readonly deviceClass: number;
  readonly maxPacketSize0: number;
  readonly hasSerial: boolean;
  readonly configurations: number;
}

/** The ids of every fake device. */
export const FAKE_VENDOR_ID = 0x1209;
export const FAKE_PRODUCT_ID = 0x0001;

const ATTRIBUTES: Readonly<Record<USBEndpointType, number>> = { isochronous: 1, bulk: 2, interrupt: 3 };

/** USB 2.0 §9.6.1. Strings: 1 manufacturer, 2 product, 3 serial number. */
export function fakeDevice({ usbVersion, deviceClass, maxPacketSize0, hasSerial, configurations }: DeviceLiteral) {
  return Uint8Array.of(
    ...[18, 1, usbVersion & 0xff, usbVersion >> 8, deviceClass, 0, 0, maxPacketSize0],
    ...[FAKE_VENDOR_ID & 0xff, FAKE_VENDOR_ID >> 8, FAKE_PRODUCT_ID & 0xff, FAKE_PRODUCT_ID >> 8, 0x00, 0x01],
    ...[1, 2, hasSerial ? 3 : 0, configurations],
  );
}

/** USB 2.0 §9.6.3 to §9.6.6. Self-powered, and able to wake the host. */
export function fakeConfiguration(value: number, interfaces: readonly InterfaceLiteral[]): Uint8Array {
  const body = interfaces.flatMap(({ number, alternate, interfaceClass, endpoints }) => [
    ...[9, 4, number, alternate, endpoints.length, interfaceClass, 0, 0, 0],
    ...endpoints.flatMap(({ address, type, packetSize, interval }) => [
      ...[7, 5, address, ATTRIBUTES[type], packetSize & 0xff, packetSize >> 8, interval ?? 4],
    ]),
  ]);
  const total = 9 + body.length;
  const count = new Set(interfaces.map(({ number }) => number)).size;
  return Uint8Array.of(9, 2, total & 0xff, total >> 8, count, value, 0, 0xe0, 50, ...body);
}
