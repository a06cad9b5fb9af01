/** Every register of the table against its masks, at random, in every width (xHCI 1.2 §5). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { capabilityRegisters } from "../../app/xhci/capabilities.ts";
import { FrameClock } from "../../app/xhci/frame-clock.ts";
import { Interrupter } from "../../app/xhci/interrupter.ts";
import { Port } from "../../app/xhci/port.ts";
import { type Register, RegisterFile } from "../../app/xhci/register-file.ts";
import { BAR_SIZE } from "../../app/xhci/registers.ts";
import { Ram } from "../fakes/guest-driver/ram.ts";
import { rigFactory } from "../fakes/guest-driver/rig.ts";

const createRig = await rigFactory();
const dword = fc.integer({ min: 0, max: 0xffffffff });
const width = fc.constantFrom<(1 | 2 | 4)[]>(1, 2, 4);
const access = fc.record({ lane: fc.nat(3), width, value: dword });

/** What a write does, bit by bit, in words as plain as can be. */
function model(register: Register, stored: number, lane: number, size: number, value: number): number {
  let after = 0;
  for (let bit = 0; bit < 32; bit++) {
    const mask = (1 << bit) >>> 0;
    const was = (stored & mask) !== 0;
    const isWritten = bit >= lane * 8 && bit < (lane + size) * 8;
    const one = isWritten && Math.floor(value / 2 ** (bit - lane * 8)) % 2 === 1;
    let is = was;
    if (isWritten && register.rw & mask) is = one;
    if (one && register.rw1c & mask) is = false;
    if (is) after += 2 ** bit;
  }
  return after;
}

/** The table's rows without what acts. */
function tables(): Register[] {
  const host = { portChanged() {}, resetDevice() {}, connectionChanged() {}, portTouched() {} };
  const clock = new FrameClock(() => {});
  const interrupts = { memory: new Ram(4096), clock, taps: new Set<never>(), accessed: false, line() {} };
  const rows = [
    ...capabilityRegisters(15),
    ...new Interrupter(interrupts).registers(),
    ...new Port(1, "usb2", host).registers(),
    ...new Port(30, "usb3", host).registers(),
  ];
  return rows.map(({ name, offset, reset, rw, rw1c }) => ({ name, offset, reset, rw, rw1c }));
}

describe("the register file", () => {
  it.each(tables().map((register) => [register.name, register] as const))(
    "keeps %s as its masks say",
    (_, register) => {
      fc.assert(
        fc.property(dword, fc.array(access, { maxLength: 8 }), (start, accesses) => {
          const file = new RegisterFile(BAR_SIZE, [register]);
          expect(file.read(register.offset, 4)).toBe(register.reset >>> 0);
          file.set(register.offset, start);
          let expected = start;
          for (const { lane, width: size, value } of accesses) {
            const aligned = lane - (lane % size);
            const given = size === 4 ? value : value % 2 ** (size * 8);
            file.write(register.offset + aligned, size, given);
            expected = model(register, expected, aligned, size, given);
            expect(file.read(register.offset, 4)).toBe(expected);
            for (const byte of [0, 1, 2, 3]) {
              expect(file.read(register.offset + byte, 1)).toBe(Math.floor(expected / 2 ** (8 * byte)) & 0xff);
            }
            expect(file.read(register.offset + 2, 2)).toBe(expected >>> 16);
          }
          file.restore(file.save());
          expect(file.get(register.offset)).toBe(expected);
          file.reset();
          expect(file.get(register.offset)).toBe(register.reset >>> 0);
        }),
        { numRuns: 60 },
      );
    },
  );

  it("has no bit that is both kept and cleared, and none in a reset value that cannot be", () => {
    for (const register of tables()) {
      expect(register.rw & register.rw1c, register.name).toBe(0);
      expect(register.offset % 4, register.name).toBe(0);
    }
  });
});

describe("the controller's registers", () => {
  it("read in every width as parts of the same dword, whatever was written before", () => {
    const { driver } = createRig({ ramSize: 65536 });
    const { bar, capabilities } = driver;
    const place = fc.integer({ min: 0, max: (capabilities.doorbells >> 2) - 1 });
    fc.assert(
      fc.property(fc.array(fc.record({ place, access }), { maxLength: 30 }), (writes) => {
        for (const { place: at, access: each } of writes) {
          // USBCMD stays as it is: a controller that does not run does nothing by itself.
          if (at * 4 === capabilities.operational) continue;
          const size = each.width;
          bar.write(
            at * 4 + each.lane - (each.lane % size),
            size,
            size === 4 ? each.value : each.value % 2 ** (size * 8),
          );
          const whole = bar.read(at * 4, 4);
          expect(whole).toBeGreaterThanOrEqual(0);
          expect(bar.read(at * 4, 2) + bar.read(at * 4 + 2, 2) * 0x10000).toBe(whole);
          const bytes = [3, 2, 1, 0].reduce((all, lane) => all * 256 + bar.read(at * 4 + lane, 1), 0);
          expect(bytes).toBe(whole);
        }
      }),
      { numRuns: 300 },
    );
  });
});
