import { expect, test, vi } from "vitest";
import { V86Error, v86Machine, whenLoaded } from "../../../app/guest/v86.ts";
import { StateError } from "../../../asm/saved.ts";
import { diary, findDevices, type GuestSide, loadedV86, MIB, readConfig, writeConfig } from "./machine.ts";

const IDS = 0x000d1b36;
const BASE = 0xfea00000 | 0; // v86 hands addresses over as signed numbers

async function attached(name = "xhci") {
  const emulator = await loadedV86();
  const fn = diary(name);
  const slot = v86Machine(emulator).attach(fn);
  const [device = -1] = findDevices(emulator, IDS);
  return { emulator, cpu: emulator.v86.cpu, fn, slot, device };
}

const PIIX = 1;
const PIRQ_ROUTING = 0x60;

/** All four PIRQ lines to interrupt 11, as firmware does. */
function routeInterrupts(guest: GuestSide): void {
  writeConfig(guest, PIIX, PIRQ_ROUTING, 0x0b0b0b0b);
}

/** The second interrupt controller's registers, with what it is asked for. */
function slavePic({ v86 }: GuestSide): number[] {
  return Array.from(new Uint8Array(v86.cpu.wasm_memory.buffer, v86.cpu.get_pic_addr_slave(), 13));
}

test("configuration space names the function, its BAR and its pin", async () => {
  const { emulator, device } = await attached();
  expect(readConfig(emulator, device, 0x08)).toBe(0x0c033001);
  expect(readConfig(emulator, device, 0x10)).toBe(0xfea00000);
  expect(readConfig(emulator, device, 0x2c)).toBe(IDS);
  expect(readConfig(emulator, device, 0x3c) >>> 8).toBe(0x000001);
  expect(readConfig(emulator, device, 0x60)).toBe(0x2030);
});

test("a guest that sizes the BAR learns its size, and cannot move it", async () => {
  const { emulator, device } = await attached();
  writeConfig(emulator, device, 0x10, -1);
  expect(readConfig(emulator, device, 0x10)).toBe(0xffff0000);
  writeConfig(emulator, device, 0x10, 0xe0000000 | 0);
  expect(readConfig(emulator, device, 0x10)).toBe(0xfea00000);
});

test("two functions have windows and device numbers of their own", async () => {
  const emulator = await loadedV86();
  const [first, second] = [diary("first"), diary("second")];
  const machine = v86Machine(emulator);
  machine.attach(first);
  v86Machine(emulator).attach(second);
  const devices = findDevices(emulator, IDS);
  expect(devices.map((device) => readConfig(emulator, device, 0x10)).sort()).toEqual([0xfea00000, 0xfea20000]);
  emulator.v86.cpu.mmap_write32(0xfea20010 | 0, 7);
  expect([first.entries, second.entries]).toEqual([[], ["write 10 4 7"]]);
});

test("accesses of every width reach the function, unsigned", async () => {
  const { cpu, fn } = await attached();
  expect(cpu.mmap_read32(BASE + 0x20) >>> 0).toBe(0xa1b2c3d4);
  expect(cpu.mmap_read8(BASE + 0x21)).toBe(0xa1);
  cpu.mmap_write32(BASE + 0x20, -2);
  cpu.mmap_write16(BASE + 0x22, 0xbeef);
  cpu.mmap_write8(BASE + 0x25, 0xff);
  expect(fn.entries).toEqual([
    "read 20 4",
    "read 21 1",
    "write 20 4 fffffffe",
    "write 22 1 ef",
    "write 23 1 be",
    "write 25 1 ff",
  ]);
});

test("unaligned accesses become bytes, and what lies beyond the BAR reads as ones", async () => {
  const { cpu, fn } = await attached();
  expect(cpu.mmap_read32(BASE + 0x21) >>> 0).toBe(0xa4a3a2a1);
  cpu.mmap_write32(BASE + 0x31, 0x44332211);
  expect(cpu.mmap_read32(BASE + 0x10000)).toBe(-1);
  expect(cpu.mmap_read8(BASE + 0x1ffff)).toBe(0xff);
  cpu.mmap_write32(BASE + 0x10000, 1);
  expect(fn.entries).toEqual([
    ...["21", "22", "23", "24"].map((at) => `read ${at} 1`),
    ...["31 1 11", "32 1 22", "33 1 33", "34 1 44"].map((access) => `write ${access}`),
  ]);
});

test("a reboot resets the function, lowers its line and restores its configuration space", async () => {
  const { emulator, fn, slot, device } = await attached();
  routeInterrupts(emulator);
  writeConfig(emulator, device, 0x3c, 0x10b);
  slot.setInterrupt(true);
  emulator.restart();
  expect(fn.entries).toEqual(["reset"]);
  expect(readConfig(emulator, device, 0x3c)).toBe(0x100);
  const raise = vi.spyOn(pciOf(emulator), "raise_irq");
  slot.setInterrupt(true);
  expect(raise).toHaveBeenCalledTimes(1);
});

test("raising twice raises once, and one function's lowering leaves another's line up", async () => {
  const emulator = await loadedV86();
  const machine = v86Machine(emulator);
  const [a, b] = [machine.attach(diary("a")), machine.attach(diary("b"))];
  routeInterrupts(emulator);
  const raise = vi.spyOn(pciOf(emulator), "raise_irq");
  a.setInterrupt(true);
  a.setInterrupt(true);
  expect(raise).toHaveBeenCalledTimes(1);
  b.setInterrupt(true);
  const up = slavePic(emulator);
  a.setInterrupt(false);
  expect(slavePic(emulator)).toEqual(up);
  b.setInterrupt(false);
  expect(slavePic(emulator)).not.toEqual(up);
});

test("IF is clear while a line changes inside a store, and as it was afterwards", async () => {
  const { emulator, cpu, fn, slot } = await attached();
  cpu.flags[0] = 0x202;
  const seen: number[] = [];
  vi.spyOn(pciOf(emulator), "raise_irq").mockImplementation(() => seen.push(cpu.flags[0] as number));
  fn.onWrite = () => slot.setInterrupt(true);
  cpu.mmap_write32(BASE, 0);
  expect(seen).toEqual([0x002]);
  expect(cpu.flags[0]).toBe(0x202);
});

test("a saved state brings back each function's own state", async () => {
  const { emulator, fn } = await attached();
  const saved = await emulator.save_state();
  fn.state = Uint8Array.of(0);
  await emulator.restore_state(saved);
  expect(Array.from(fn.state)).toEqual([0x11, 0x22, 0x33]);
  expect(fn.entries).toEqual(["reset", "restore"]);
});

test("a state of another machine, format or function is refused with a sentence, and nothing is touched", async () => {
  const { emulator, fn, cpu } = await attached();
  const good = await emulator.save_state();
  const without = await (await loadedV86()).save_state();
  const other = await (await attached("ehci")).emulator.save_state();
  fn.state = "no diary" as unknown as Uint8Array;
  const damaged = await emulator.save_state();
  cpu.mem8[0x1234] = 0x5a;
  await expect(emulator.restore_state(without)).rejects.toThrow(/machine without pvusb's USB controller/);
  await expect(emulator.restore_state(other)).rejects.toThrow(
    /of a machine with ehci 04.0, and this one has xhci 04.0/,
  );
  await expect(emulator.restore_state(damaged)).rejects.toMatchObject({ name: "StateError", message: "no diary" });
  for (const [version, words] of [
    ['["pvusb",9', /has format 9, and this version of pvusb reads format/],
    ['["other",1', /has an older format/],
  ] as const) {
    await expect(emulator.restore_state(retold(good, '["pvusb",1', version))).rejects.toThrow(words);
  }
  await expect(emulator.restore_state(new ArrayBuffer(64))).rejects.toThrow(/Invalid header/);
  expect(fn.entries).toEqual([]);
  expect(cpu.mem8[0x1234]).toBe(0x5a);
});

test("a state waits for what a function has to ask for, and lets it go on in the end", async () => {
  const { emulator, fn } = await attached();
  fn.hold = async () => {
    await Promise.resolve();
    fn.entries.push("hold");
  };
  fn.prepare = async () => void fn.entries.push("prepare");
  fn.resume = () => void fn.entries.push("resume");
  const [first, second] = await Promise.all([emulator.save_state(), emulator.save_state()]);
  expect(first.byteLength).toBe(second.byteLength);
  expect(fn.entries.splice(0)).toEqual(["hold", "resume", "hold", "resume"]);
  void emulator.run();
  await emulator.restore_state(first);
  expect(fn.entries.splice(0)).toEqual(["prepare", "reset", "restore", "resume"]);
  expect(emulator.is_running()).toBe(true);
  await emulator.stop();
  fn.prepare = async () => {
    throw new StateError("not today");
  };
  await expect(emulator.restore_state(first)).rejects.toThrow("not today");
  expect(fn.entries.splice(0)).toEqual(["resume"]);
  fn.hold = async () => {
    throw new Error("the worker is gone");
  };
  await expect(emulator.save_state()).rejects.toThrow("the worker is gone");
  expect(fn.entries).toEqual(["resume"]);
});

test("RAM ends at the memory's size and has a hole where the VGA is", async () => {
  const { cpu, slot } = await attached();
  const { memory } = slot;
  expect(memory.size).toBe(16 * MIB);
  memory.write32(0x1000, 0x44332211);
  expect(memory.read32(0x1000)).toBe(0x44332211);
  expect(memory.read32(0x1001)).toBe(0x00443322);
  memory.write32(0x2003, 0xddccbbaa);
  expect(Array.from(cpu.mem8.subarray(0x2002, 0x2008))).toEqual([0, 0xaa, 0xbb, 0xcc, 0xdd, 0]);
  const bytes = Uint8Array.of(1, 2, 3, 4);
  for (const bad of [
    16 * MIB - 3,
    16 * MIB,
    0xa0000,
    0x9fffe,
    0xbfffd,
    0xfea00000,
    2 ** 32 - 2,
    2 ** 53,
    -1,
    Number.NaN,
  ]) {
    expect(memory.read32(bad), `read32 ${bad}`).toBe(0xffffffff);
    expect(memory.write(bad, bytes), `write ${bad}`).toBe(false);
    expect(memory.read(bad, new Uint8Array(4), 0, 4), `read ${bad}`).toBe(false);
    expect(memory.view(bad, 4), `view ${bad}`).toBeUndefined();
    memory.write32(bad, 0);
  }
  for (const good of [0, 0x9fffc, 0xc0000, 0xffffc, 16 * MIB - 4]) expect(memory.write(good, bytes)).toBe(true);
  const target = new Uint8Array(6).fill(0xa5);
  expect(memory.read(16 * MIB - 4, target, 1, 4)).toBe(true);
  expect(Array.from(target)).toEqual([0xa5, 1, 2, 3, 4, 0xa5]);
  expect(memory.read(0, target, 3, 4)).toBe(false);
});

test("a restored machine's time stamp counter goes on from the state's, however often and wherever it is restored", async () => {
  const MILLISECOND = 1e6; // v86 counts nanoseconds
  const { emulator } = await attached();
  const counter = ({ v86 }: GuestSide) => {
    const cpu = v86.cpu as unknown as { store_current_tsc(): void; current_tsc: Uint32Array };
    cpu.store_current_tsc();
    return (cpu.current_tsc[1] ?? 0) * 2 ** 32 + (cpu.current_tsc[0] ?? 0);
  };
  const before = counter(emulator);
  const state = await emulator.save_state();
  const saved = counter(emulator);
  for (const each of [emulator, emulator, (await attached()).emulator]) {
    while (counter(emulator) < saved + 50 * MILLISECOND) await new Promise((resolve) => setTimeout(resolve, 1));
    const begin = performance.now();
    await each.restore_state(state);
    const restored = counter(each);
    expect(restored).toBeGreaterThanOrEqual(before);
    expect(restored).toBeLessThan(saved + (performance.now() - begin + 1) * MILLISECOND);
  }
});

test("memory is found again after v86's own memory has grown", async () => {
  const { cpu, slot } = await attached();
  slot.memory.write32(0x1000, 0x12345678);
  cpu.wasm_memory.grow(1);
  expect(slot.memory.read32(0x1000)).toBe(0x12345678);
  expect(slot.memory.view(0x1000, 1)?.[0]).toBe(0x78);
});

test("an emulator that is not loaded, or runs, is refused in one sentence", async () => {
  const emulator = await loadedV86();
  const early = { add_listener: () => {}, is_running: () => false };
  expect(() => v86Machine(early)).toThrow(V86Error);
  const machine = v86Machine(emulator);
  void emulator.run();
  expect(() => machine.attach(diary("late"))).toThrow(/runs already/);
});

test("v86 still has every internal that the seam uses", async () => {
  const emulator = await loadedV86();
  expect(() => v86Machine(emulator)).not.toThrow();
  const v86 = emulator.v86 as unknown as { do_tick: unknown; idle: unknown; cpu: { run_hardware_timers: unknown } };
  // What the seam can do without, but would be slower.
  expect(v86.do_tick).toBeTypeOf("function");
  expect(v86.idle).toBeTypeOf("boolean");
  expect(v86.cpu.run_hardware_timers).toBeTypeOf("function");
});

test("an internal that is gone is named, with the version that has it", async () => {
  const emulator = await loadedV86();
  Object.assign(emulator.v86.cpu, { jit_dirty_cache: undefined });
  expect(() => v86Machine(emulator)).toThrow(
    "This v86 build has no cpu.jit_dirty_cache; pvusb was tested with 0.5.462.",
  );
});

test("waiting for a loaded emulator does not wait", async () => {
  await expect(whenLoaded(await loadedV86())).resolves.toBeUndefined();
});

/** A saved file with other words of the same length in what it says. */
function retold(file: ArrayBuffer, before: string, after: string): ArrayBuffer {
  const copy = file.slice(0);
  const at = Buffer.from(copy).indexOf(before);
  if (at < 0) throw new Error(`The file does not say ${before}.`);
  Buffer.from(copy).write(after, at);
  return copy;
}

interface Pci {
  raise_irq(id: number): void;
}

function pciOf(emulator: GuestSide): Pci {
  return (emulator.v86.cpu as unknown as { devices: { pci: Pci } }).devices.pci;
}
