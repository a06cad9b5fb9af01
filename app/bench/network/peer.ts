/**
 * The other end of a guest's cable: one host with one address, which serves and collects files over TCP, and takes part in what is said over UDP. It knows frames
 * and nothing of what carries them, so that it is the same code beside a USB adapter and beside v86's own card.
 *
 * TCP (RFC 9293) as far as a cable needs it that loses nothing: every second segment is acknowledged, windows are scaled, what
 * is lost all the same is sent again after a while.
 */
import {
  FrameReader,
  FrameWriter,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  type Station,
  TCP_ACK,
  TCP_FIN,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  TYPE_ARP,
} from "./frame.ts";

const MSS = 1460;
/** Of our receive window, 64 Ki × 64. */
const WINDOW_SCALE = 6;
const WINDOW = 0xffff;
/** MSS 1460; no-operation, window scale (RFC 9293 §3.1, RFC 7323 §2.2). */
const SYN_OPTIONS = Uint8Array.of(2, 4, MSS >> 8, MSS & 0xff, 1, 3, 3, WINDOW_SCALE);
/** Bytes on their way at most: less than the frames that an adapter has room for. */
const FLIGHT_MAX = 256 << 10;
const PATIENCE_MS = 500;

/** Bytes that went one way, and how long it took. */
export interface Transfer {
  readonly bytes: Uint8Array;
  readonly milliseconds: number;
}

/** Answers a datagram, or not. */
export type DatagramService = (data: Uint8Array) => Uint8Array | undefined;

/** Of one connection, from the moment somebody waits for it. */
interface Connection {
  /** What is sent, or room for what comes. */
  readonly bytes: Uint8Array;
  readonly sends: boolean;
  readonly done: (transfer: Transfer) => void;
  guestPort: number;
  began: number;
  /** Of bytes[0], after the SYN's one. */
  firstSent: number;
  /** Bytes (and the FIN as one more) sent, and acknowledged. */
  sent: number;
  acknowledged: number;
  window: number;
  scale: number;
  /** Where the guest's bytes begin, and how many came in order. */
  firstReceived: number;
  received: number;
  /** Segments not acknowledged yet. */
  owed: number;
  duplicates: number;
  heard: number;
}

export class Peer {
  readonly #self: Station;
  readonly #guest: { mac: Uint8Array; address: Uint8Array } = { mac: new Uint8Array(6), address: new Uint8Array(4) };
  readonly #send: (frame: Uint8Array) => void;
  readonly #reader = new FrameReader();
  readonly #writer = new FrameWriter();
  readonly #connections = new Map<number, Connection>();
  /** Who hears datagrams, by port. */
  readonly #services = new Map<number, DatagramService>();
  readonly #watch: ReturnType<typeof setInterval>;

  /** `send` must copy a frame before it returns. */
  constructor(self: Station, send: (frame: Uint8Array) => void) {
    this.#self = self;
    this.#send = send;
    this.#watch = setInterval(() => this.#repeat(), PATIENCE_MS);
  }

  close(): void {
    clearInterval(this.#watch);
  }

  /** The next connection to this port gets the bytes. Resolves when the guest has closed it, with the time since it began. */
  serve(port: number, bytes: Uint8Array): Promise<Transfer> {
    return this.#listen(port, bytes, true);
  }

  /** The next connection to this port sends so many bytes at most. Resolves when the guest has closed it. */
  collect(port: number, length: number): Promise<Transfer> {
    return this.#listen(port, new Uint8Array(length), false);
  }

  /** From now on datagrams to this port are heard. */
  hearDatagrams(port: number, service: DatagramService): void {
    this.#services.set(port, service);
  }

  receive(frame: Uint8Array): void {
    const reader = this.#reader;
    if (!reader.read(frame)) return;
    if (reader.type === TYPE_ARP) this.#arp();
    else if (reader.protocol === PROTOCOL_TCP) this.#tcp();
    else if (reader.protocol === PROTOCOL_UDP) this.#udp();
  }

  #listen(port: number, bytes: Uint8Array, sends: boolean): Promise<Transfer> {
    return new Promise((done) => {
      this.#connections.set(port, {
        bytes,
        sends,
        done,
        guestPort: 0,
        began: 0,
        firstSent: 1,
        sent: 0,
        acknowledged: 0,
        window: 0,
        scale: 0,
        firstReceived: 0,
        received: 0,
        owed: 0,
        duplicates: 0,
        heard: 0,
      });
    });
  }

  #arp(): void {
    const reader = this.#reader;
    if (!reader.isArpRequest || !same(reader.arpTarget, this.#self.address)) return;
    this.#guest.mac = reader.sourceMac.slice();
    this.#guest.address = reader.arpSource.slice();
    this.#send(this.#writer.arpReply(this.#self, this.#guest));
  }

  #udp(): void {
    const { destinationPort, sourcePort, data } = this.#reader;
    const answer = this.#services.get(destinationPort)?.(data);
    if (answer) this.#send(this.#writer.udp(this.#self, this.#guest, destinationPort, sourcePort, answer));
  }

  #tcp(): void {
    const { destinationPort, sourcePort, sequence, acknowledgement, flags, data } = this.#reader;
    const connection = this.#connections.get(destinationPort);
    if (!connection) return;
    if (flags & TCP_SYN) {
      this.#begin(destinationPort, connection, sourcePort, sequence);
      return;
    }
    if (sourcePort !== connection.guestPort) return;
    if (flags & TCP_RST) {
      this.#end(destinationPort, connection);
      return;
    }
    connection.heard = performance.now();
    connection.window = this.#reader.window << connection.scale;
    this.#acknowledged(connection, (acknowledgement - connection.firstSent) >>> 0, data.length);
    const fin = (flags & TCP_FIN) !== 0;
    const came = this.#take(connection, (sequence - connection.firstReceived) >>> 0, data, fin);
    if (connection.sends) this.#fill(destinationPort, connection);
    if (came && fin) {
      this.#end(destinationPort, connection);
    } else if (connection.owed > 1 || (!came && data.length > 0)) {
      this.#segment(destinationPort, connection, TCP_ACK);
    }
  }

  #begin(port: number, connection: Connection, guestPort: number, sequence: number): void {
    connection.guestPort = guestPort;
    connection.began = performance.now();
    connection.heard = connection.began;
    connection.firstReceived = (sequence + 1) >>> 0;
    connection.scale = this.#reader.windowScale ?? 0;
    const header = { sourcePort: port, destinationPort: guestPort, sequence: 0, window: WINDOW, options: SYN_OPTIONS };
    const reply = { ...header, acknowledgement: connection.firstReceived, flags: TCP_SYN | TCP_ACK };
    this.#send(this.#writer.tcp(this.#self, this.#guest, reply, NOTHING));
  }

  #acknowledged(connection: Connection, count: number, length: number): void {
    if (count > connection.sent || count < connection.acknowledged) return;
    const isDuplicate = count === connection.acknowledged && count < connection.sent && length === 0;
    connection.duplicates = isDuplicate ? connection.duplicates + 1 : 0;
    connection.acknowledged = count;
    if (connection.duplicates === 3) connection.sent = count; // RFC 5681 §3.2, and all behind it
  }

  /** Takes what came in order. Says whether it did. */
  #take(connection: Connection, offset: number, data: Uint8Array, fin: boolean): boolean {
    if (offset !== connection.received) return false;
    if (data.length === 0) return true;
    if (!connection.sends && offset + data.length <= connection.bytes.length) connection.bytes.set(data, offset);
    connection.received += data.length;
    if (!fin) connection.owed++;
    return true;
  }

  /** Sends as much as the guest's window lets it. */
  #fill(port: number, connection: Connection): void {
    const { bytes } = connection;
    const limit = connection.acknowledged + Math.min(connection.window, FLIGHT_MAX);
    while (connection.sent < bytes.length && connection.sent < limit) {
      const end = Math.min(connection.sent + MSS, bytes.length, limit);
      // Silly windows (RFC 9293 §3.8.6.2.1)
      if (end - connection.sent < MSS && end < bytes.length && connection.sent > connection.acknowledged) return;
      const flags = TCP_ACK | (end === bytes.length ? TCP_PSH : 0);
      this.#segment(port, connection, flags, bytes.subarray(connection.sent, end));
      connection.sent = end;
    }
    if (connection.sent === bytes.length) {
      this.#segment(port, connection, TCP_ACK | TCP_FIN);
      connection.sent++;
    }
  }

  #segment(port: number, connection: Connection, flags: number, data = NOTHING): void {
    connection.owed = 0;
    const header = {
      sourcePort: port,
      destinationPort: connection.guestPort,
      sequence: (connection.firstSent + connection.sent) >>> 0,
      acknowledgement: (connection.firstReceived + connection.received) >>> 0,
      flags,
      window: WINDOW,
    };
    this.#send(this.#writer.tcp(this.#self, this.#guest, header, data));
  }

  /** The guest has closed: its FIN is acknowledged, and ours goes with it if it has not gone before. */
  #end(port: number, connection: Connection): void {
    this.#connections.delete(port);
    connection.received++;
    this.#segment(port, connection, connection.sends ? TCP_ACK : TCP_ACK | TCP_FIN);
    const { bytes, sends, began } = connection;
    const milliseconds = performance.now() - began;
    connection.done({ bytes: sends ? bytes : bytes.subarray(0, connection.received - 1), milliseconds });
  }

  /** What nobody has acknowledged for so long is lost. */
  #repeat(): void {
    for (const [port, connection] of this.#connections) {
      if (connection.guestPort === 0 || performance.now() - connection.heard < PATIENCE_MS) continue;
      if (connection.sends) {
        connection.sent = connection.acknowledged;
        this.#fill(port, connection);
      } else {
        this.#segment(port, connection, TCP_ACK);
      }
    }
  }
}

const NOTHING: Uint8Array = new Uint8Array();

function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.every((byte, index) => byte === other[index]);
}
