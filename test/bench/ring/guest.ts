/** The guest's thread: reads from the device's thread into private memory, each way in turn, and counts. */
import * as Comlink from "comlink";
import { Link, type Urb, type UrbOwner } from "../../../app/link.ts";
import { Core, type CoreSource, compileCore, createMemory } from "../../../asm/core.ts";
import { OPERATION_TRANSFER, TYPE_BULK } from "../../../asm/layout.ts";
import { type Answer, LARGEST, type Peer, type Reader, type Results, SIZES, VARIANTS } from "./protocol.ts";

/** How long one variant runs at one size in one round. */
const BUDGET_MS = 120;

const landing = new Uint8Array(LARGEST);

/** Counts round trips until the time is up. */
class Count {
  readonly #began = performance.now();
  #count = 0;

  /** One more is done. Answers whether there shall be another. */
  more(): boolean {
    this.#count++;
    return performance.now() - this.#began < BUDGET_MS;
  }

  get perSecond(): number {
    return (this.#count * 1000) / (performance.now() - this.#began);
  }
}

function byRing(link: Link, length: number, depth: number): Promise<number> {
  return new Promise((resolve) => {
    const count = new Count();
    const target = landing.subarray(0, length);
    const owner: UrbOwner = {
      urbCompleted(urb: Urb) {
        link.core.read(urb.slot, 0, target);
        if (count.more()) link.submit(urb, owner);
        else {
          link.release(urb);
          if (link.inFlight === 0) resolve(count.perSecond);
        }
      },
    };
    link.connect({
      portEvent() {},
      settled: () => link.flush(),
      violated(reason) {
        throw new Error(`violation ${reason}`);
      },
    });
    for (let each = 0; each < depth; each++) {
      const urb = link.reserve(length);
      if (!urb) throw new Error("no URB is free");
      link.core.exports.address(urb.slot, 1, 1, 0x81);
      link.core.exports.describe(urb.slot, OPERATION_TRANSFER, TYPE_BULK, 0);
      link.submit(urb, owner);
    }
    link.flush();
  });
}

function byMessage(
  peer: Peer,
  hear: { answer: (bytes: Uint8Array) => void },
  kind: "clone" | "transfer",
  length: number,
  depth: number,
): Promise<number> {
  return new Promise((resolve) => {
    const count = new Count();
    let inFlight = depth;
    hear.answer = (bytes) => {
      landing.set(bytes);
      if (count.more()) peer.post({ kind, length });
      else if (--inFlight === 0) resolve(count.perSecond);
    };
    for (let each = 0; each < depth; each++) peer.post({ kind, length });
  });
}

async function byComlink(reader: Comlink.Remote<Reader>, length: number, depth: number): Promise<number> {
  const count = new Count();
  const chain = async () => {
    do landing.set(await reader.read(length));
    while (count.more());
  };
  await Promise.all(Array.from({ length: depth }, chain));
  return count.perSecond;
}

/** All variants at all sizes, in turn, `rounds` times after a round that does not count. */
export async function measure(peer: Peer, rounds: number, source?: CoreSource): Promise<Results> {
  const module = await compileCore(source);
  const link = new Link(await Core.instantiate(module, createMemory()), 1);
  const { port1, port2 } = new MessageChannel();
  const hear: { answer: (bytes: Uint8Array) => void } = { answer() {} };
  await new Promise<void>((resolve) => {
    peer.listen((answer: Answer) => (answer === "started" ? resolve() : hear.answer(answer)));
    peer.post({ kind: "start", module, memory: link.core.memory, comlink: port2 }, [port2]);
  });
  const reader = Comlink.wrap<Reader>(port1);
  void link.run();

  const results: Results = VARIANTS.map(() => SIZES.map(() => []));
  for (let round = -1; round < rounds; round++) {
    for (const [at, length] of SIZES.entries()) {
      for (let turn = 0; turn < VARIANTS.length; turn++) {
        const number = (turn + round + VARIANTS.length) % VARIANTS.length;
        const { way, depth } = VARIANTS[number] as (typeof VARIANTS)[number];
        const perSecond =
          way === "ring"
            ? await byRing(link, length, depth)
            : way === "comlink"
              ? await byComlink(reader, length, depth)
              : await byMessage(peer, hear, way, length, depth);
        if (round >= 0) results[number]?.[at]?.push(perSecond);
      }
    }
  }
  link.close();
  port1.close();
  return results;
}
