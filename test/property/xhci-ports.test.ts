/** Ports under a guest that writes anything to PORTSC, while devices come, go, wake up and are slow to be reset. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { portscOf, stateOf } from "../../app/xhci/port-state.ts";
import {
  EVENT_WAKE,
  SPEED_FULL,
  SPEED_HIGH,
  SPEED_NONE,
  SPEED_SUPER,
  STATUS_NO_DEVICE,
  STATUS_OK,
} from "../../asm/layout.ts";
import { type Rig, rigFactory } from "../fakes/guest-driver/rig.ts";
import { runs } from "./runs.ts";

const createRig = await rigFactory();
/** For a machine that has other things to do. */
const TIMEOUT_MS = 1_200_000;
const SOCKETS = 2;
const PORTS = [1, 2, 3, 4];
const PORTSC = 0x400;

const CCS = 1 << 0;
const PED = 1 << 1;
const PR = 1 << 4;
const PLS = 0xf << 5;
const PP = 1 << 9;
const SPEED = 0xf << 10;
const CHANGES = 0x7f << 17;
const CSC = 1 << 17;
const WRC = 1 << 19;
const PRC = 1 << 21;
const PLC = 1 << 22;
const STATE = PP | CCS | PED | PR | PLS;

const U0 = 0 << 5;
const U3 = 3 << 5;
const DISABLED = 4 << 5;
const RX_DETECT = 5 << 5;
const INACTIVE = 6 << 5;
const POLLING = 7 << 5;
const HOT_RESET = 9 << 5;
const RESUME = 15 << 5;

/** What PORTSC may show, by the figures of xHCI 1.2 §4.19.1. */
const BOTH = [DISABLED, PP | RX_DETECT, ...[U0, U3, RESUME].map((link) => PP | CCS | PED | link)];
const USB2 = new Set([...BOTH, PP | CCS | POLLING, PP | CCS | DISABLED, PP | CCS | PR | POLLING]);
const USB3 = new Set([
  ...BOTH,
  ...[PP | DISABLED, PP | INACTIVE, PP | PR | RX_DETECT, PP | CCS | PR | RX_DETECT, PP | CCS | PR | HOT_RESET],
]);

type Step =
  | {
      readonly do: "write";
      readonly port: number;
      readonly width: 1 | 2 | 4;
      readonly lane: number;
      readonly value: number;
    }
  | { readonly do: "plug"; readonly socket: number; readonly speed: number }
  | { readonly do: "wake"; readonly socket: number }
  | { readonly do: "answer"; readonly ok: boolean }
  | { readonly do: "run"; readonly on: boolean };

/** What a driver writes, and anything. */
const value = fc.oneof(
  fc.constantFrom(PP, PP | PR, PP | PED, 0, (PP | 0x80000000) >>> 0, PP | CHANGES, PP | CSC, PP | PRC, PP | PLC),
  fc.nat(15).map((target) => (PP | (1 << 16) | (target << 5)) >>> 0),
  fc.integer({ min: 0, max: 0xffffffff }),
);
const one = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const socket = fc.integer({ min: 1, max: SOCKETS });
const step: fc.Arbitrary<Step> = fc.oneof(
  one(
    10,
    fc.record({
      do: fc.constant("write"),
      port: fc.constantFrom(...PORTS),
      width: fc.constantFrom(4, 4, 4, 2, 1),
      lane: fc.nat(3),
      value,
    }),
  ),
  one(
    3,
    fc.record({ do: fc.constant("plug"), socket, speed: fc.constantFrom(0, SPEED_FULL, SPEED_HIGH, SPEED_SUPER) }),
  ),
  one(2, fc.record({ do: fc.constant("wake"), socket })),
  one(4, fc.record({ do: fc.constant("answer"), ok: fc.boolean() })),
  one(1, fc.record({ do: fc.constant("run"), on: fc.boolean() })),
) as fc.Arbitrary<Step>;

/** Where an aligned access goes, and what it carries. */
function written({ lane, width, value }: Step & { do: "write" }): { lane: number; bits: number } {
  return { lane: lane - (lane % width), bits: width === 4 ? value : value % 2 ** (8 * width) };
}

class Bench {
  readonly rig: Rig = createRig({ placement: "deferred", sockets: SOCKETS });
  readonly #base: number;
  running = true;

  constructor() {
    this.rig.driver.start();
    this.rig.back.resetsAtOnce = false;
    this.#base = this.rig.driver.capabilities.operational + PORTSC;
  }

  portsc(port: number): number {
    return this.rig.driver.bar.read(this.#base + (port - 1) * 16, 4);
  }

  perform(step: Step): void {
    const { driver, back, settle, controller } = this.rig;
    switch (step.do) {
      case "write": {
        const { lane, bits } = written(step);
        driver.bar.write(this.#base + (step.port - 1) * 16 + lane, step.width, bits);
        settle();
        return;
      }
      case "plug":
        if (controller.port(step.socket).speed !== SPEED_NONE) back.unplug(step.socket);
        settle();
        if (step.speed !== SPEED_NONE) back.plug(step.socket, step.speed);
        settle();
        return;
      case "wake":
        back.link.event(step.socket, back.plugOf(step.socket), EVENT_WAKE);
        settle();
        return;
      case "answer":
        back.resets.shift()?.complete(step.ok ? STATUS_OK : STATUS_NO_DEVICE, 0);
        settle();
        return;
      case "run":
        if (step.on && !this.running) driver.run();
        else if (!step.on && this.running) driver.halt();
        this.running = step.on;
        return;
      default:
        step satisfies never;
    }
  }
}

function expectLegal(bench: Bench, port: number): void {
  const isUsb2 = port <= SOCKETS;
  const now = bench.portsc(port);
  const { speed, enabled, asleep } = bench.rig.controller.port(isUsb2 ? port : port - SOCKETS);
  const isMine = speed !== SPEED_NONE && isUsb2 === (speed !== SPEED_SUPER);
  const legal = isUsb2 ? USB2 : USB3;
  expect(legal.has(now & STATE), `port ${port}: ${(now & STATE).toString(16)}`).toBe(true);
  expect(portscOf(stateOf(now))).toBe(now & STATE);
  expect(now & CHANGES & ~(CSC | PRC | PLC | (isUsb2 ? 0 : WRC))).toBe(0);
  expect((now & SPEED) >> 10).toBe(now & CCS ? speed : 0);
  if (now & CCS) expect(isMine).toBe(true);
  if (!isMine) return;
  expect(enabled).toBe((now & PED) !== 0);
  expect(asleep).toBe((now & PED) !== 0 && (now & PLS) !== U0);
}

describe("a port, whatever is written to PORTSC and whatever its device does", () => {
  it(
    "shows states that there are, and reports the first change of a port once",
    () => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 5, maxLength: 60, size: "max" }), (steps) => {
          const bench = new Bench();
          for (const each of steps) {
            const ran = bench.running;
            const before = PORTS.map((port) => bench.portsc(port) & CHANGES);
            // What the write itself clears is no change any more.
            const left = PORTS.map((port, index) => {
              if (each.do !== "write" || each.port !== port) return before[index] as number;
              const { lane, bits } = written(each);
              return (before[index] as number) & ~(bits << (8 * lane));
            });
            bench.perform(each);
            const told = bench.rig.driver.takePorts();
            PORTS.forEach((port, index) => {
              expectLegal(bench, port);
              const changes = bench.portsc(port) & CHANGES;
              const isNews = changes !== 0 && (each.do === "run" ? !ran : left[index] === 0);
              const wanted = bench.running && isNews ? 1 : 0;
              expect(told.filter((id) => id === port).length, `events of port ${port} after ${each.do}`).toBe(wanted);
            });
          }
          expect(bench.rig.link.inFlight).toBe(bench.rig.back.resets.length);
        }),
        runs(300),
      );
    },
    TIMEOUT_MS,
  );
});
