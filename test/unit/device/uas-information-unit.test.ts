import { describe, expect, test } from "vitest";
import type { Command } from "../../../worker/device/storage/command-set.ts";
import { CommandPipeUnit, StatusPipeUnit } from "../../../worker/device/storage/uas-information-unit.ts";
import type { Request } from "../../../worker/request.ts";
import { bytes, hex } from "./harness.ts";

const golden = (text: string) => hex(bytes(text));

function parsed(text: string): CommandPipeUnit {
  const source = bytes(text);
  const unit = new CommandPipeUnit();
  unit.parse({
    length: source.length,
    read(target: Uint8Array) {
      target.set(source.subarray(0, target.length));
      return Math.min(target.length, source.length);
    },
  } as Request);
  return unit;
}

describe("what comes on the command pipe", () => {
  test("COMMAND IU (UAS-3 §6.2.2)", () => {
    const unit = parsed("01 00 1122 3a 00 00 00 0044000000000000 55 66 77 88 99 aa bb cc dd ee ff 00 11 22 33 44");
    expect(unit).toMatchObject({ id: 1, tag: 0x1122, attribute: 2, unit: 0x44 });
    expect(hex(unit.block)).toBe("5566778899aabbccddeeff0011223344");
  });

  test("an additional command block must be there, and is left where it is", () => {
    const head = "01 00 1122 00 00";
    const tail = `00 0000000000000000 ${"7f".repeat(16)}`;
    expect(parsed(`${head} 08 ${tail} 1122334455667788`)).toMatchObject({ id: 1, tag: 0x1122 });
    expect(parsed(`${head} 08 ${tail} 11223344556677`)).toMatchObject({ id: 0, tag: 0x1122 });
    expect(parsed(`${head} 03 ${tail}`), "reserved bits").toMatchObject({ id: 1 });
  });

  test("TASK MANAGEMENT IU (UAS-3 §6.2.7)", () => {
    expect(parsed("05 00 1122 80 00 3344 0055000000000000")).toMatchObject({
      ...{ id: 5, tag: 0x1122, function: 0x80, taskTag: 0x3344, unit: 0x55 },
    });
  });

  test("logical units but those of one level by number are nobody's (SAM-5 §4.7)", () => {
    for (const [lun, unit] of [
      ["0000000000000000", 0],
      ["00ff000000000000", 255],
      ["4001000000000000", 0xffff],
      ["c101000000000000", 0xffff],
      ["0000000100000000", 0xffff],
      ["0000000000000001", 0xffff],
    ] as const) {
      expect(parsed(`05 00 0001 01 00 0000 ${lun}`).unit, lun).toBe(unit);
    }
  });

  test("what is too short, and what is something else", () => {
    expect(parsed("")).toMatchObject({ id: 0, tag: 0 });
    expect(parsed("01 00 11")).toMatchObject({ id: 0, tag: 0 });
    expect(parsed("01 00 1122")).toMatchObject({ id: 0, tag: 0x1122 });
    expect(parsed("05 00 1122 01 00 3344 00000000000000")).toMatchObject({ id: 0, tag: 0x1122 });
    expect(parsed(`03 00 1122 ${"00".repeat(28)}`)).toMatchObject({ id: 0, tag: 0x1122 });
  });
});

test("what goes out on the status pipe: each unit whole, whatever was there before", () => {
  const unit = new StatusPipeUnit();
  const command = {
    putSense(into: Uint8Array) {
      into.set(bytes("70 00 05 00000000 0a 00000000 20 11 00000000"));
      return 18;
    },
  } as Command;
  const emitted = (put: () => void) => {
    unit.putSense(0xffff, command);
    put();
    return hex(unit.bytes);
  };
  const sense = golden("03 00 1122 0000 02 00000000000000 0012 70 00 05 00000000 0a 00000000 20 11 00000000");
  expect(
    emitted(() => unit.putSense(0x1122, command)),
    "SENSE (UAS-3 §6.2.5)",
  ).toBe(sense);
  expect(emitted(() => unit.putSense(0x1122, undefined))).toBe(golden("03 00 1122 0000 00 00000000000000 0000"));
  expect(
    emitted(() => unit.putResponse(0x1122, 0x0a)),
    "RESPONSE (UAS-3 §6.2.6)",
  ).toBe(golden("04 00 1122 000000 0a"));
  expect(
    emitted(() => unit.putReady(0x1122, true)),
    "READ READY (UAS-3 §6.2.3)",
  ).toBe(golden("06 00 1122"));
  expect(
    emitted(() => unit.putReady(0x1122, false)),
    "WRITE READY (UAS-3 §6.2.4)",
  ).toBe(golden("07 00 1122"));
});
