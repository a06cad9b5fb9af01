/** Whatever a device and a guest say to each other, something is said of it: nothing throws, and nothing goes on for ever. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { describe, readSetup, setupFields } from "../../app/trace/decode/describe.ts";
import { TransferLog } from "../../app/trace/decode/transfer-log.ts";
import type { UrbTrace } from "../../app/trace/urb-trace.ts";
import { readTransfers } from "../unit/trace/decode/transfers.ts";
import { runs } from "./runs.ts";

const REAL = readTransfers("test/vectors/linux-transfers.txt").map(({ trace }) => trace);
const TEXT_MAX = 2000;

function look(log: TransferLog): void {
  for (let number = log.first; number <= log.last; number++) {
    const transfer = log.at(number);
    if (!transfer) throw new Error(`transfer ${number} is not there`);
    const { fields, text } = describe(transfer);
    const all = [text, ...fields.map(({ name, value }) => name + value)];
    if (transfer.setup) setupFields(readSetup(transfer.setup));
    for (const words of all) {
      expect(words.length).toBeLessThan(TEXT_MAX);
      expect(words).not.toMatch(/undefined|NaN|\[object|[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u);
    }
    expect(text).not.toBe("");
  }
}

/** A real one with some of its bytes, its length or its fields changed. */
const mutant = fc
  .record({
    real: fc.constantFrom(...REAL),
    patches: fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }),
    cut: fc.option(fc.nat({ max: 200 }), { nil: undefined }),
    setup: fc.array(fc.tuple(fc.nat({ max: 7 }), fc.nat({ max: 255 })), { maxLength: 1 }),
    status: fc.constantFrom(0, 0, 0, 0, 1, 5, 9),
  })
  .map(({ cut, patches, real, setup, status }): UrbTrace => {
    const data = real.data.slice(0, cut);
    for (const [at, value] of patches) if (data.length > 0) data[at % data.length] = value;
    const request = real.setup?.slice();
    for (const [at, value] of setup) if (request) request[at] = value;
    return { ...real, data, setup: request, status };
  });

it("of what is nearly right", () => {
  fc.assert(
    fc.property(fc.array(mutant, { minLength: 1, maxLength: 20 }), fc.boolean(), (traces, after) => {
      const log = new TransferLog(64);
      // With, and without, what the device has said of itself.
      if (after) for (const trace of REAL) log.hear(trace);
      for (const trace of traces) log.hear(trace);
      look(log);
    }),
    runs(300),
  );
});

const noise = fc.record({
  type: fc.nat({ max: 3 }),
  speed: fc.nat({ max: 4 }),
  endpoint: fc.nat({ max: 255 }),
  stream: fc.nat({ max: 3 }),
  status: fc.nat({ max: 8 }),
  actual: fc.nat(),
  setup: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  data: fc.uint8Array({ maxLength: 80 }),
});

it("of noise", () => {
  fc.assert(
    fc.property(fc.array(noise, { maxLength: 30 }), (list) => {
      const log = new TransferLog(8);
      const [first] = REAL;
      if (!first) throw new Error("no vectors");
      for (const each of list) log.hear({ ...first, ...each, setup: each.type === 0 ? each.setup : undefined });
      look(log);
    }),
    runs(300),
  );
});

it("of a list of datagrams that leads to itself", () => {
  const log = new TransferLog();
  for (const trace of REAL.filter(({ port, plug }) => port === 3 && plug === 1)) log.hear(trace);
  const block = new Uint8Array(64);
  block.set([0x4e, 0x43, 0x4d, 0x48, 12, 0, 1, 0, 64, 0, 12, 0]);
  block.set([0x4e, 0x43, 0x4d, 0x30, 16, 0, 12, 0, 12, 0, 20, 0], 12);
  const ntb = REAL.find(({ data, port, type }) => port === 3 && type === 2 && data[0] === 0x4e);
  if (!ntb) throw new Error("no NTB in the vectors");
  log.hear({ ...ntb, data: block });
  look(log);
});
