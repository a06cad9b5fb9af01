/** What the person, or the program that started this one, is told while it works and at the end. */
import { isUtf8 } from "node:buffer";
import type { GuestProgress } from "../guest/default-guest.ts";

/** Silence until then on a terminal: a start from a saved state says nothing. Elsewhere only a boot is told of. */
const SILENCE_MS = 1000;

const WORDS = {
  loading: "Loading the guest",
  restoring: "Waking the guest",
  booting: "Booting the guest (later starts are faster)",
  ready: "The guest is ready",
} as const;

export interface PortReport {
  /** Of the controller; behind a hub the whole path, such as "1.2". */
  readonly port: number | string;
  readonly kind: string;
  readonly product: string;
  readonly vendorId: number;
  readonly productId: number;
  /** What the guest gave the device; 0 if it did not take it. */
  readonly address: number;
}

export interface Result {
  readonly status: number;
  readonly output: Uint8Array;
  /** Milliseconds since the start. */
  readonly timings: { readonly ready: number; readonly plugged: number; readonly end: number };
  /** The guest went on from a saved state. */
  readonly resumed: boolean;
  readonly ports: readonly PortReport[];
}

export class Reporter {
  readonly #json: boolean;
  readonly #terminal = process.stderr.isTTY === true;
  readonly #start = performance.now();
  #line = "";
  #saidBooting = false;

  constructor(json: boolean) {
    this.#json = json;
  }

  progress({ stage, fraction }: GuestProgress): void {
    if (this.#json) {
      const rounded = Math.round(fraction * 1000) / 1000;
      process.stderr.write(`${JSON.stringify({ stage, fraction: rounded })}\n`);
      return;
    }
    if (stage === "ready") {
      this.#show("");
      return;
    }
    if (this.#terminal) {
      const silent = performance.now() - this.#start < SILENCE_MS && stage !== "booting";
      if (!silent) this.#show(`${WORDS[stage]}: ${Math.round(fraction * 100)} %`);
    } else if (stage === "booting" && !this.#saidBooting) {
      this.#saidBooting = true;
      process.stderr.write(`pvusb: ${WORDS.booting}…\n`);
    }
  }

  /** Something that the person should know and that stops nothing. */
  note(text: string): void {
    this.#show("");
    process.stderr.write(this.#json ? `${JSON.stringify({ note: text })}\n` : `pvusb: ${text}\n`);
  }

  /** One line of `--trace`. */
  trace(line: string): void {
    this.#show("");
    process.stderr.write(this.#json ? `${JSON.stringify({ trace: line })}\n` : `${line}\n`);
  }

  /** The run failed: one line. */
  failure(text: string, status: number): void {
    this.#show("");
    const line = text.replace(/\s*\n\s*/g, " ");
    if (this.#json) process.stdout.write(`${JSON.stringify({ status, error: line })}\n`);
    else process.stderr.write(`pvusb: ${line}\n`);
  }

  /** The command's output, as it comes; with --json it is part of the result. */
  output(bytes: Uint8Array): void {
    if (!this.#json) process.stdout.write(bytes);
  }

  result({ status, output, timings, resumed, ports }: Result): void {
    if (!this.#json) return;
    const encoding = isUtf8(output) ? "utf8" : "base64";
    const object = { status, output: Buffer.from(output).toString(encoding), encoding, resumed, timings, ports };
    process.stdout.write(`${JSON.stringify(object)}\n`);
  }

  /** On a terminal: one line that is written over. */
  #show(line: string): void {
    if (!this.#terminal || this.#json || this.#line === line) return;
    process.stderr.write(`\r${line.padEnd(this.#line.length)}${line ? "" : "\r"}`);
    this.#line = line;
  }
}
