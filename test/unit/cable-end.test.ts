/** Programs at a cable, through a host and its backend. */
import { describe, expect, onTestFinished, test } from "vitest";
import type { CableEnd } from "../../app/cable-end.ts";
import type { V86Like } from "../../app/guest/v86-internals.ts";
import { joinV86Network } from "../../app/guest/v86-network.ts";
import { createUsbHost } from "../../app/host.ts";
import { Backend } from "../../worker/backend.ts";
import { pattern } from "./device/harness.ts";

/** Ends of the same cable, and what each has heard. */
async function ends(count: number, name?: string) {
  const host = await createUsbHost({ placement: "thread" });
  onTestFinished(() => host.close());
  const all = await Promise.all(Array.from({ length: count }, () => host.cable(name)));
  const heard = all.map((end) => {
    const frames: Uint8Array[] = [];
    end.onFrame = (frame) => frames.push(frame);
    return frames;
  });
  return { host, all, heard };
}

/** Until an end has heard so many frames. */
async function until(frames: readonly unknown[], count: number): Promise<void> {
  while (frames.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe("programs at a cable", () => {
  test("hear each other's frames, in order, and not their own", async () => {
    const { all, heard } = await ends(3);
    const sent = [pattern(14), pattern(1514, 2), pattern(60, 3)];
    for (const frame of sent) expect(all[0]?.send(frame)).toBe(true);
    await until(heard[1] ?? [], 3);
    await until(heard[2] ?? [], 3);
    expect(heard).toEqual([[], sent, sent]);
  });

  test("keep what they send: it is copied", async () => {
    const { all, heard } = await ends(2);
    const memory = pattern(100);
    all[0]?.send(memory.subarray(20, 80));
    const sent = memory.slice(20, 80);
    memory.fill(0);
    await until(heard[1] ?? [], 1);
    expect(heard[1]).toEqual([sent]);
    expect(memory.length).toBe(100);
  });

  test("hear nothing of other cables, and nothing when they have left", async () => {
    const { host, all, heard } = await ends(3);
    const elsewhere = await host.cable("elsewhere");
    elsewhere.onFrame = () => expect.fail("another cable's frame");
    all[2]?.close();
    expect(all[2]?.send(pattern(60))).toBe(false);
    all[0]?.send(pattern(60));
    await until(heard[1] ?? [], 1);
    expect(heard[2]).toEqual([]);
    all[2]?.close();
  });

  test("that do not listen hold up nobody, and cost no more than 256 frames", async () => {
    const { all } = await ends(1);
    const results = Array.from({ length: 300 }, () => all[0]?.send(pattern(60)));
    expect(results.filter((taken) => taken)).toHaveLength(256);
    expect(results.indexOf(false)).toBe(256);
    while (!all[0]?.send(pattern(60))) await new Promise((resolve) => setTimeout(resolve, 1));
  });

  test("that are slow lose the newest frames, and hear again when they have taken the old ones", async () => {
    const backend = new Backend();
    const ports = await Promise.all(
      [0, 1].map(async () => {
        const { port1, port2 } = new MessageChannel();
        await backend.joinCable("lan", port2);
        onTestFinished(() => {
          port1.postMessage("leave");
          port1.close();
        });
        return port1;
      }),
    );
    const [sender, slow] = ports as [MessagePort, MessagePort];
    const bursts: Uint8Array[][] = [];
    slow.onmessage = ({ data }) => bursts.push(data);
    let taken = 0;
    sender.onmessage = ({ data }) => {
      taken += data;
    };
    for (let burst = 0; burst < 30; burst++)
      sender.postMessage(Array.from({ length: 10 }, () => pattern(60, burst + 1)));
    while (taken < 300) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(bursts.flat()).toHaveLength(256);
    expect(bursts.at(-1)?.at(-1)).toEqual(pattern(60, 26));
    slow.postMessage(256);
    while (bursts.flat().length < 257) {
      sender.postMessage([pattern(60, 100)]);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(bursts.at(-1)).toEqual([pattern(60, 100)]);
  });

  test("are refused a cable without a name", async () => {
    const { host } = await ends(0);
    await expect(host.cable("")).rejects.toMatchObject({ name: "UnsupportedError", message: /1 to 64 characters/ });
  });
});

describe("v86's network at a cable", () => {
  /** As v86 has it: what is sent at one end is heard at the other. */
  class Bus {
    readonly listeners = new Map<string, Set<(value: Uint8Array) => void>>();
    pair: Bus | undefined;
    register(event: string, listener: (value: Uint8Array) => void): void {
      const all = this.listeners.get(event) ?? new Set();
      this.listeners.set(event, all.add(listener));
    }
    unregister(event: string, listener: (value: Uint8Array) => void): void {
      this.listeners.get(event)?.delete(listener);
    }
    send(event: string, value: Uint8Array): void {
      for (const listener of this.pair?.listeners.get(event) ?? []) listener(value);
    }
  }

  /** A machine with a card and a network backend, and the cable's end as the cable has it. */
  function machine(network?: number) {
    const [bus, emulator_bus] = [new Bus(), new Bus()];
    bus.pair = emulator_bus;
    emulator_bus.pair = bus;
    const name = `net${network ?? 0}`;
    const card: Uint8Array[] = [];
    const backend: Uint8Array[] = [];
    const cable: Uint8Array[] = [];
    emulator_bus.register(`${name}-receive`, (frame) => card.push(frame));
    bus.register(`${name}-send`, (frame) => backend.push(frame));
    const end = { onFrame: undefined, send: (frame: Uint8Array) => cable.push(frame) } as unknown as CableEnd;
    const leave = joinV86Network({ bus, emulator_bus } as unknown as V86Like, end, network);
    return { bus, emulator_bus, card, backend, cable, end, leave };
  }

  test.each([undefined, 3])("is heard and hears, of network %s", (network) => {
    const { bus, emulator_bus, card, backend, cable, end } = machine(network);
    const name = `net${network ?? 0}`;
    const [fromCard, fromBackend, fromCable] = [pattern(60, 1), pattern(60, 2), pattern(60, 3)];
    emulator_bus.send(`${name}-send`, fromCard);
    bus.send(`${name}-receive`, fromBackend);
    end.onFrame?.(fromCable);
    expect(cable).toEqual([fromCard, fromBackend]);
    expect(card).toEqual([fromBackend, fromCable]);
    expect(backend).toEqual([fromCard, fromCable]);
  });

  test("answers at once without losing the answer", () => {
    const { bus, cable, end } = machine();
    bus.register("net0-send", () => bus.send("net0-receive", pattern(42)));
    end.onFrame?.(pattern(60));
    expect(cable).toEqual([pattern(42)]);
  });

  test("is left alone again", () => {
    const { emulator_bus, bus, cable, end, leave } = machine();
    leave();
    emulator_bus.send("net0-send", pattern(60));
    bus.send("net0-receive", pattern(60));
    expect(cable).toEqual([]);
    expect(end.onFrame).toBeUndefined();
  });

  test("is refused in words when this v86 has none", () => {
    expect(() => joinV86Network({ bus: new Bus() } as unknown as V86Like, {} as CableEnd)).toThrow(/no emulator_bus/);
  });
});
