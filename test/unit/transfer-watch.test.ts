/** The page's look at transfers: it listens only while it is to, draws seldom, and shows what is asked for. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TransferWatch, type Watched, type WatchedPort } from "../../app/page/transfer-watch.ts";
import type { TraceListeners } from "../../app/trace/trace.ts";
import { SPEED_FULL } from "../../asm/layout.ts";
import { readTrace } from "./trace/decode/transfers.ts";
import { bytes } from "./trace/urb.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const MOUSE = bytes("0902190001010080320904000001030102000705810304 0008");

function createController() {
  const listeners = new Set<TraceListeners>();
  const asked: string[] = [];
  const port = (path: string, product: string, ports: readonly WatchedPort[] = []): WatchedPort => ({
    path,
    plugged: product === "" ? undefined : { product },
    ports,
    async configured() {
      asked.push(path);
      return product === "Mouse" ? [{ speed: SPEED_FULL, plug: 1, descriptors: MOUSE, alternates: [] }] : [];
    },
  });
  const controller: Watched = {
    ports: [port("1", "Hub", [port("1.1", ""), port("1.2", "Mouse")]), port("2", "")],
    trace(each) {
      listeners.add(each);
      return () => void listeners.delete(each);
    },
  };
  const carry = (...lines: string[]) => {
    for (const line of lines) for (const { urbs } of listeners) urbs?.(readTrace(line));
  };
  return { asked, carry, controller, listeners };
}

const MOVED = "1.2 1 full interrupt 81 - ok 3/3 000500";
const BULK = "3 1 high bulk 81 - ok 2/2 1122";

function texts(watch: TransferWatch): string[] {
  return watch.rows.map((number) => {
    const transfer = watch.at(number);
    return transfer ? watch.describe(transfer).text : "";
  });
}

test("nobody is listened to until it starts, nor after it has stopped", () => {
  const { carry, controller, listeners } = createController();
  const draw = vi.fn();
  const watch = new TransferWatch(draw);
  expect(listeners.size).toBe(0);
  watch.start(controller);
  expect(listeners.size).toBe(1);
  carry(MOVED);
  watch.stop();
  expect(listeners.size).toBe(0);
  vi.runAllTimers();
  expect(draw).not.toHaveBeenCalled();
  expect(watch.rows).toHaveLength(1); // what was there stays
});

test("draws once for all that came in a tenth of a second, and not when nothing came", () => {
  const { carry, controller } = createController();
  const draw = vi.fn();
  const watch = new TransferWatch(draw);
  watch.start(controller);
  vi.advanceTimersByTime(1000);
  expect(draw).toHaveBeenCalledTimes(0);
  for (let count = 0; count < 50; count++) carry(MOVED);
  vi.advanceTimersByTime(99);
  expect(draw).toHaveBeenCalledTimes(0);
  vi.advanceTimersByTime(1);
  expect(draw).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1000);
  expect(draw).toHaveBeenCalledTimes(1);
});

test("knows what was plugged before, also behind hubs, and asks empty ports nothing", async () => {
  const { asked, carry, controller } = createController();
  const watch = new TransferWatch(() => {});
  watch.start(controller);
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toEqual(["1", "1.2"]);
  expect(watch.places).toEqual([
    { path: "1", name: "Hub" },
    { path: "1.2", name: "Mouse" },
  ]);
  carry(MOVED);
  expect(texts(watch)).toEqual(["mouse: no button, moved 5, 0"]);
});

test("shows one port's, or those with some words in them", async () => {
  const { carry, controller } = createController();
  const watch = new TransferWatch(() => {});
  watch.start(controller);
  await vi.advanceTimersByTimeAsync(0);
  carry(MOVED, BULK, MOVED);
  expect(watch.rows).toEqual([1, 2, 3]);
  watch.port = "3";
  expect(watch.rows).toEqual([2]);
  watch.port = "";
  watch.text = "  Moved 5 ";
  expect(watch.rows).toEqual([1, 3]);
  watch.port = "3";
  expect(watch.rows).toEqual([]);
  expect(watch.counts).toEqual({ heard: 3, kept: 3 });
});

test("keeps what it has over a pause, and nothing of another machine", () => {
  const one = createController();
  const other = createController();
  const watch = new TransferWatch(() => {});
  watch.start(one.controller);
  one.carry(MOVED);
  watch.stop();
  one.carry(MOVED);
  watch.start(one.controller);
  one.carry(BULK);
  expect(watch.counts).toEqual({ heard: 2, kept: 2 });
  watch.start(other.controller);
  expect(watch.rows).toEqual([]);
  expect(one.listeners.size).toBe(0);
});
