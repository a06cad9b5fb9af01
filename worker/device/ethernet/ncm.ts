/** NCM: a transfer is an NTB of several frames (NCM 1.0 §3). */
import type { Saved } from "../../../asm/saved.ts";
import type { Request } from "../../request.ts";
import { bytesOf, put16 } from "../descriptor.ts";
import { answerIn, answerOut } from "../standard-requests.ts";
import { CdcEthernet, type CdcEthernetOptions } from "./cdc-ethernet.ts";
import {
  DATAGRAMS_MAX,
  NDP_ALIGNMENT,
  NTB_SIZE_MAX,
  NTB_SIZE_MIN,
  NtbReader,
  NtbWriter,
  PAYLOAD_DIVISOR,
} from "./ntb.ts";

/** bmRequestType << 8 | bRequest (NCM 1.0 table 6-2). */
const GET_NTB_PARAMETERS = 0xa180;
const GET_NTB_FORMAT = 0xa183;
const SET_NTB_FORMAT = 0x2184;
const GET_NTB_INPUT_SIZE = 0xa185;
const SET_NTB_INPUT_SIZE = 0x2186;

/** NCM 1.0 table 6-3. */
const NTB_PARAMETERS = bytesOf((into) => {
  put16(into, 0, 28); // wLength
  put16(into, 2, 0x0001); // bmNtbFormatsSupported: 16 bits
  put16(into, 4, NTB_SIZE_MAX); // dwNtbInMaxSize
  put16(into, 8, PAYLOAD_DIVISOR); // wNdpInDivisor; wNdpInPayloadRemainder is 0
  put16(into, 12, NDP_ALIGNMENT); // wNdpInAlignment
  put16(into, 16, NTB_SIZE_MAX); // dwNtbOutMaxSize
  put16(into, 20, PAYLOAD_DIVISOR); // wNdpOutDivisor; wNdpOutPayloadRemainder is 0
  put16(into, 24, NDP_ALIGNMENT); // wNdpOutAlignment
  put16(into, 26, DATAGRAMS_MAX); // wNtbOutMaxDatagrams
  return 28;
});

const NTB_FORMAT_16 = new Uint8Array(2);

export class Ncm extends CdcEthernet {
  readonly #reader = new NtbReader();
  readonly #writer = new NtbWriter();
  #inputSize = NTB_SIZE_MAX;

  constructor(options: CdcEthernetOptions) {
    super(options, NTB_SIZE_MAX);
  }

  protected defaults(): void {
    this.#inputSize = NTB_SIZE_MAX;
    this.#writer.reset();
  }

  protected classRequest(request: Request): boolean {
    const { wValue, length } = request;
    switch ((request.bmRequestType << 8) | request.bRequest) {
      case GET_NTB_PARAMETERS:
        return wValue === 0 && answerIn(request, NTB_PARAMETERS);
      case GET_NTB_FORMAT:
        return wValue === 0 && answerIn(request, NTB_FORMAT_16);
      case SET_NTB_FORMAT: // 0 is 16 bits
        return wValue === 0 && length === 0 && answerOut(request);
      case GET_NTB_INPUT_SIZE:
        return wValue === 0 && answerIn(request, Uint8Array.of(this.#inputSize, this.#inputSize >> 8, 0, 0));
      case SET_NTB_INPUT_SIZE:
        return wValue === 0 && length === 4 && this.#setInputSize(request);
      default:
        return false;
    }
  }

  protected transmit(bytes: Uint8Array, length: number): void {
    const reader = this.#reader;
    if (!reader.read(bytes, length)) return;
    for (let datagram = 0; datagram < reader.count; datagram++) {
      this.port.send(bytes.subarray(reader.start(datagram), reader.end(datagram)));
    }
  }

  /** As many frames as there are, and as the host and the request have room for. */
  protected fill(request: Request): number {
    const { port } = this;
    const writer = this.#writer;
    writer.begin(Math.min(this.#inputSize, request.length));
    while (port.waiting > 0) {
      const at = writer.place(port.waiting);
      if (at < 0) break;
      port.take(writer.bytes, at);
    }
    if (writer.count > 0) return request.write(writer.bytes.subarray(0, writer.finish()));
    port.take(writer.bytes, 0); // no request of this size will ever have room for it
    return -1;
  }

  protected saveClass(): object {
    return { inputSize: this.#inputSize };
  }

  protected readClass(saved: Saved): () => void {
    const inputSize = saved.integer("inputSize", NTB_SIZE_MAX, NTB_SIZE_MIN);
    return () => {
      this.#inputSize = inputSize;
    };
  }

  /** NCM 1.0 §6.2.7: four bytes, because no capability says eight. */
  #setInputSize(request: Request): boolean {
    const bytes = new Uint8Array(4);
    request.read(bytes);
    const size = new DataView(bytes.buffer).getUint32(0, true);
    if (size < NTB_SIZE_MIN || size > NTB_SIZE_MAX) return false;
    this.#inputSize = size;
    return answerOut(request);
  }
}
