/** Reads the descriptors of a real device (devices/*.txt, README.md) and makes them a function of the fake navigator.usb. */
import { readdirSync, readFileSync } from "node:fs";
import type { ControlAnswer, FakeFunction, InAnswer, OutAnswer } from "../fakes/usb-function.ts";

const FOLDER = new URL("./devices/", import.meta.url);

export const VECTORS: readonly string[] = readdirSync(FOLDER).map((file) => file.replace(/\.txt$/, ""));

export interface Vector {
  readonly device: Uint8Array;
  readonly configurations: readonly Uint8Array[];
  readonly qualifier?: Uint8Array;
  readonly bos?: Uint8Array;
  /** By their index. */
  readonly strings: ReadonlyMap<number, string>;
}

export function readVector(name: string): Vector {
  const strings = new Map<number, string>();
  const sections: { readonly title: string; readonly bytes: number[] }[] = [];
  for (const line of readFileSync(new URL(`${name}.txt`, FOLDER), "utf8").split("\n")) {
    const [, index, text] = /^string (\d+): (.*)$/.exec(line) ?? [];
    const words = line.replace(/#.*/, "").trim();
    if (index !== undefined) strings.set(Number(index), text ?? "");
    else if (words.endsWith(":")) sections.push({ title: words.slice(0, -1), bytes: [] });
    else if (words) sections.at(-1)?.bytes.push(...words.split(/\s+/).map((byte) => Number.parseInt(byte, 16)));
  }
  const all = (title: string) =>
    sections.filter((each) => each.title === title).map(({ bytes }) => Uint8Array.from(bytes));
  const [device = new Uint8Array(0)] = all("device");
  const [qualifier] = all("qualifier");
  const [bos] = all("bos");
  return {
    device,
    configurations: all("configuration"),
    strings,
    ...(qualifier && { qualifier }),
    ...(bos && { bos }),
  };
}

/** Answers for its descriptors, takes what it is sent, and has nothing to say. */
export class VectorFunction implements FakeFunction {
  readonly deviceDescriptor: Uint8Array;
  readonly configurations: readonly Uint8Array[];
  readonly manufacturer?: string;
  readonly product?: string;
  readonly serialNumber?: string;
  readonly #vector: Vector;

  constructor(vector: Vector) {
    this.#vector = vector;
    this.deviceDescriptor = vector.device;
    this.configurations = vector.configurations;
    const [manufacturer, product, serialNumber] = [...vector.device.subarray(14, 17)].map((index) =>
      vector.strings.get(index),
    );
    if (manufacturer !== undefined) this.manufacturer = manufacturer;
    if (product !== undefined) this.product = product;
    if (serialNumber !== undefined) this.serialNumber = serialNumber;
  }

  descriptor(type: number, index: number, wLength: number): ControlAnswer | undefined {
    const { qualifier, bos, strings } = this.#vector;
    const text = strings.get(index);
    if (type === 6) return qualifier?.slice(0, wLength) ?? "stall";
    if (type === 15) return bos?.slice(0, wLength) ?? "stall";
    if (type === 3 && text !== undefined) {
      const bytes = Buffer.from(text, "utf16le");
      return Uint8Array.of(2 + bytes.length, 3, ...bytes).slice(0, wLength);
    }
    return undefined;
  }

  in(): InAnswer {
    return "nak";
  }

  out(): OutAnswer {
    return "ack";
  }
}
