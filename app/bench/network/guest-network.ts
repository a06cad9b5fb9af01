/** Cards of a guest with a peer at the end of each one's cable, and files that go between them. */
import type { BenchGuest } from "../bench-guest.ts";
import { Peer } from "./peer.ts";
import { BLOCK_SIZE, Tftp } from "./tftp.ts";

const MIB = 1 << 20;
const TO_GUEST = 7001;
const FROM_GUEST = 7002;
const TFTP = 69;
/** One datagram after another. */
const TFTP_SIZE = MIB / 2;

export class Card {
  readonly peer: Peer;
  readonly tftp: Tftp;
  /** The peer's address, and the guest's. */
  readonly address: string;
  readonly guest: string;

  /** Each has a `network` of its own: 10.0.N.1 is the guest, 10.0.N.2 the peer. `send` must copy a frame before it returns. */
  constructor(network: number, file: Uint8Array, send: (frame: Uint8Array) => void) {
    const mac = Uint8Array.of(2, 0, 0, 0, 1, network);
    this.address = `10.0.${network}.2`;
    this.guest = `10.0.${network}.1`;
    this.peer = new Peer({ mac, address: Uint8Array.of(10, 0, network, 2) }, send);
    this.tftp = new Tftp(file.subarray(0, TFTP_SIZE));
    this.peer.hearDatagrams(TFTP, (datagram) => this.tftp.hear(datagram));
  }
}

export class GuestNetwork {
  readonly #guest: BenchGuest;
  readonly #file: Uint8Array;

  constructor(guest: BenchGuest, file: Uint8Array) {
    this.#guest = guest;
    this.#file = file;
  }

  async up(name: string, { guest }: Card): Promise<void> {
    await this.#is(`test -e /sys/class/net/${name}`);
    await this.#guest.run(`ip addr add ${guest}/24 dev ${name} && ip link set ${name} up`);
    await this.#is(`grep -q 1 /sys/class/net/${name}/carrier`);
  }

  async #is(condition: string): Promise<void> {
    const isTrue = (said: string) => said.includes("yes") || undefined;
    await this.#guest.until(`${condition} && echo yes; true`, isTrue, `The guest's "${condition}" is never true.`);
  }

  /** The guest has the file, as /tmp/file, and what goes by datagrams as /tmp/short. */
  async fetch({ peer, address }: Card): Promise<void> {
    const served = peer.serve(TO_GUEST, this.#file);
    await this.#guest.run(`nc ${address} ${TO_GUEST} -e dd of=/tmp/file bs=64k 2>/dev/null`);
    await served;
    await this.#guest.run(`head -c ${TFTP_SIZE} /tmp/file >/tmp/short`);
  }

  /** MB/s of the file to the guest, by TCP, into a file. */
  async toGuest({ peer, address }: Card): Promise<number> {
    const served = peer.serve(TO_GUEST, this.#file);
    await this.#guest.run(`nc ${address} ${TO_GUEST} -e dd of=/tmp/in bs=64k 2>/dev/null`);
    const { milliseconds } = await served;
    await this.#guest.run("cmp /tmp/in /tmp/file && rm /tmp/in");
    return this.#file.length / 1e3 / milliseconds;
  }

  /** MB/s of the file from the guest, by TCP. */
  async fromGuest({ peer, address }: Card): Promise<number> {
    const collected = peer.collect(FROM_GUEST, this.#file.length);
    await this.#guest.run(`nc ${address} ${FROM_GUEST} -e dd if=/tmp/file bs=64k 2>/dev/null`);
    const { bytes, milliseconds } = await collected;
    checkSame(bytes, this.#file);
    return bytes.length / 1e3 / milliseconds;
  }

  /** MB/s to the guest, by UDP, each datagram answered before the next one. */
  async toGuestByDatagrams({ address, tftp }: Card): Promise<number> {
    await this.#guest.run(`tftp -g -r file -l /tmp/in -b ${BLOCK_SIZE} ${address}`);
    await this.#guest.run("cmp /tmp/in /tmp/short && rm /tmp/in");
    return TFTP_SIZE / 1e3 / tftp.milliseconds;
  }

  async fromGuestByDatagrams({ address, tftp }: Card): Promise<number> {
    await this.#guest.run(`tftp -p -l /tmp/short -r file -b ${BLOCK_SIZE} ${address}`);
    checkSame(tftp.written, this.#file.subarray(0, TFTP_SIZE));
    return TFTP_SIZE / 1e3 / tftp.milliseconds;
  }
}

function checkSame(bytes: Uint8Array, file: Uint8Array): void {
  if (bytes.length === file.length && bytes.every((byte, at) => byte === file[at])) return;
  throw new Error("What came from the guest is not what it has sent.");
}

/** Bytes that are everywhere different. */
export function someFile(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).map((_, index) => Math.imul(index, 2654435761) >>> 23);
}
