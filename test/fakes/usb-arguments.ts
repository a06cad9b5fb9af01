/** What the bindings of WebUSB check of a call's arguments, before the device sees them. */

const TRANSFER_LIMIT = 32 * 1024 * 1024;

const REQUEST_TYPES: readonly USBRequestType[] = ["standard", "class", "vendor"];
const RECIPIENTS: readonly USBRecipient[] = ["device", "interface", "endpoint", "other"];

export function requestTypeBits({ requestType, recipient }: USBControlTransferParameters): number {
  const type = REQUEST_TYPES.indexOf(requestType);
  const target = RECIPIENTS.indexOf(recipient);
  if (type < 0 || target < 0) throw new TypeError("The provided value is not a valid enum value.");
  return (type << 5) | target;
}

export function ensureLength(length: number): void {
  if (length > TRANSFER_LIMIT) {
    throw new DOMException(`The data buffer exceeded supported maximum size of ${TRANSFER_LIMIT} bytes`, "DataError");
  }
}

/** A BufferSource of Web IDL without [AllowShared] and [AllowResizable]. */
export function bytesOf(data: BufferSource): Uint8Array<ArrayBuffer> {
  const buffer: unknown = ArrayBuffer.isView(data) ? data.buffer : data;
  if (typeof SharedArrayBuffer === "function" && buffer instanceof SharedArrayBuffer) {
    throw new TypeError("The provided ArrayBufferView value must not be shared.");
  }
  if (!(buffer instanceof ArrayBuffer)) {
    throw new TypeError("The provided value is not of type '(ArrayBuffer or ArrayBufferView)'.");
  }
  if ("resizable" in buffer && buffer.resizable) {
    throw new TypeError("The provided ArrayBufferView value must not be resizable.");
  }
  return ArrayBuffer.isView(data) ? new Uint8Array(buffer, data.byteOffset, data.byteLength) : new Uint8Array(buffer);
}
