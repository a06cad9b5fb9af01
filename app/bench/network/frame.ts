/** Frames as a peer of one guest makes and reads them: ARP (RFC 826), IPv4 (RFC 791) without options, UDP, TCP (RFC 9293). */

export const ETHERNET_HEADER = 14;
const IP_HEADER = 20;
/** Where the datagram's own header begins. */
export const BEHIND_IP = ETHERNET_HEADER + IP_HEADER;
export const UDP_HEADER = 8;
export const TCP_HEADER = 20;

export const TYPE_IPV4 = 0x0800;
export const TYPE_ARP = 0x0806;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;

const ARP_REQUEST = 1;
const ARP_REPLY = 2;
const ARP_LENGTH = 28;
const MTU = 1500;

const NOTHING: Uint8Array = new Uint8Array();

export interface Station {
  readonly mac: Uint8Array;
  /** IPv4. */
  readonly address: Uint8Array;
}

export interface TcpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
  readonly window: number;
  /** Whole words. */
  readonly options?: Uint8Array;
}

/** Reads a frame in place. What it says is only right for what `type` and `protocol` say it is. */
export class FrameReader {
  #bytes: Uint8Array = NOTHING;
  #view: DataView = new DataView(new ArrayBuffer(0));

  /** False for what is no ARP and no whole IPv4 datagram of one piece. */
  read(frame: Uint8Array): boolean {
    this.#bytes = frame;
    this.#view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    if (frame.length < ETHERNET_HEADER + ARP_LENGTH) return false;
    if (this.type === TYPE_ARP) return true;
    if (this.type !== TYPE_IPV4 || this.#bytes[ETHERNET_HEADER] !== 0x45 || this.end > frame.length) return false;
    return this.end >= BEHIND_IP + (this.protocol === PROTOCOL_TCP ? TCP_HEADER : UDP_HEADER);
  }

  get type(): number {
    return this.#view.getUint16(12);
  }

  get sourceMac(): Uint8Array {
    return this.#bytes.subarray(6, 12);
  }

  get isArpRequest(): boolean {
    return this.#view.getUint16(20) === ARP_REQUEST;
  }

  get arpSource(): Uint8Array {
    return this.#bytes.subarray(28, 32);
  }

  get arpTarget(): Uint8Array {
    return this.#bytes.subarray(38, 42);
  }

  get protocol(): number {
    return this.#view.getUint8(23);
  }

  get source(): Uint8Array {
    return this.#bytes.subarray(26, 30);
  }

  /** Where the datagram ends; what is behind it is padding. */
  get end(): number {
    return ETHERNET_HEADER + this.#view.getUint16(16);
  }

  get sourcePort(): number {
    return this.#view.getUint16(BEHIND_IP);
  }

  get destinationPort(): number {
    return this.#view.getUint16(BEHIND_IP + 2);
  }

  get sequence(): number {
    return this.#view.getUint32(BEHIND_IP + 4);
  }

  get acknowledgement(): number {
    return this.#view.getUint32(BEHIND_IP + 8);
  }

  get flags(): number {
    return this.#view.getUint8(BEHIND_IP + 13);
  }

  get window(): number {
    return this.#view.getUint16(BEHIND_IP + 14);
  }

  /** How far the window is shifted, if the segment has the option (RFC 7323 §2.2). */
  get windowScale(): number | undefined {
    const end = this.#tcpData;
    for (let at = BEHIND_IP + TCP_HEADER; at < end && this.#bytes[at] !== 0; ) {
      const kind = this.#bytes[at];
      if (kind === 3) return this.#bytes[at + 2];
      at += kind === 1 ? 1 : Math.max(2, this.#bytes[at + 1] ?? 2);
    }
    return undefined;
  }

  get data(): Uint8Array {
    return this.#bytes.subarray(this.protocol === PROTOCOL_TCP ? this.#tcpData : BEHIND_IP + UDP_HEADER, this.end);
  }

  get #tcpData(): number {
    return Math.min(this.end, BEHIND_IP + (this.#view.getUint8(BEHIND_IP + 12) >> 4) * 4);
  }
}

/** Makes frames from one station to another, each in the same memory: it is the receiver's until the next is made. */
export class FrameWriter {
  readonly #bytes = new Uint8Array(ETHERNET_HEADER + MTU);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #words = new Uint16Array(this.#bytes.buffer);
  #identification = 0;

  arpReply(from: Station, to: Station): Uint8Array {
    this.#ethernet(from, to, TYPE_ARP);
    this.#bytes.set([0, 1, 8, 0, 6, 4, 0, ARP_REPLY], ETHERNET_HEADER);
    this.#bytes.set(from.mac, 22);
    this.#bytes.set(from.address, 28);
    this.#bytes.set(to.mac, 32);
    this.#bytes.set(to.address, 38);
    return this.#bytes.subarray(0, ETHERNET_HEADER + ARP_LENGTH);
  }

  tcp(from: Station, to: Station, header: TcpHeader, data: Uint8Array): Uint8Array {
    const view = this.#view;
    const options = header.options ?? NOTHING;
    const length = TCP_HEADER + options.length + data.length;
    view.setUint16(BEHIND_IP, header.sourcePort);
    view.setUint16(BEHIND_IP + 2, header.destinationPort);
    view.setUint32(BEHIND_IP + 4, header.sequence);
    view.setUint32(BEHIND_IP + 8, header.acknowledgement);
    view.setUint16(BEHIND_IP + 12, ((TCP_HEADER + options.length) << 10) | header.flags);
    view.setUint16(BEHIND_IP + 14, header.window);
    view.setUint32(BEHIND_IP + 16, 0);
    this.#bytes.set(options, BEHIND_IP + TCP_HEADER);
    this.#bytes.set(data, BEHIND_IP + TCP_HEADER + options.length);
    return this.#datagram(from, to, PROTOCOL_TCP, length, BEHIND_IP + 16);
  }

  udp(from: Station, to: Station, sourcePort: number, destinationPort: number, data: Uint8Array): Uint8Array {
    const view = this.#view;
    const length = UDP_HEADER + data.length;
    view.setUint16(BEHIND_IP, sourcePort);
    view.setUint16(BEHIND_IP + 2, destinationPort);
    view.setUint16(BEHIND_IP + 4, length);
    view.setUint16(BEHIND_IP + 6, 0);
    this.#bytes.set(data, BEHIND_IP + UDP_HEADER);
    return this.#datagram(from, to, PROTOCOL_UDP, length, BEHIND_IP + 6);
  }

  #ethernet(from: Station, to: Station, type: number): void {
    this.#bytes.set(to.mac, 0);
    this.#bytes.set(from.mac, 6);
    this.#view.setUint16(12, type);
  }

  /** Puts the headers before what is there, and the checksum into it. */
  #datagram(from: Station, to: Station, protocol: number, length: number, checksumAt: number): Uint8Array {
    const view = this.#view;
    this.#ethernet(from, to, TYPE_IPV4);
    view.setUint16(14, 0x4500);
    view.setUint16(16, IP_HEADER + length);
    view.setUint16(18, this.#identification++);
    view.setUint16(20, 0x4000); // not to be fragmented
    view.setUint16(22, (64 << 8) | protocol);
    view.setUint16(24, 0);
    this.#bytes.set(from.address, 26);
    this.#bytes.set(to.address, 30);
    const end = BEHIND_IP + length;
    if (length & 1) this.#bytes[end] = 0;
    this.#words[24 >> 1] = fold(this.#sum(14, BEHIND_IP));
    const pseudo = this.#sum(26, BEHIND_IP) + swap(protocol) + swap(length);
    this.#words[checksumAt >> 1] = fold(this.#sum(BEHIND_IP, end) + pseudo);
    return this.#bytes.subarray(0, end);
  }

  /** Of words as they lie in memory: the Internet checksum does not care (RFC 1071 §2). */
  #sum(start: number, end: number): number {
    let sum = 0;
    for (let at = start >> 1; at < (end + 1) >> 1; at++) sum += this.#words[at] as number;
    return sum;
  }
}

function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}

function swap(word: number): number {
  return ((word & 0xff) << 8) | (word >> 8);
}
