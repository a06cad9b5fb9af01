/** Hubs under a driver that does anything: plugs, pulls, port features, transfers, in any order; each URB is answered once. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { COMPANION_PORT, SLOT_COUNT, STATUS_OK, TYPE_INTERRUPT } from "../../asm/layout.ts";
import { Backend } from "../../worker/backend.ts";
import { createHub } from "../../worker/device/hub/hub.ts";
import type { DeviceSource } from "../../worker/protocol.ts";
import { Front, type Sent } from "../fakes/front.ts";
import { StubDevice } from "../fakes/stub-device.ts";

/** Routes that may lead somewhere, and some that cannot. */
const ROUTES = [0, 0x1, 0x2, 0x11, 0x12, 0x21, 0x111, 0x3, 0xf, 0x10, 0x11111];
const SOURCES: readonly DeviceSource[] = [
  { kind: "hub", ports: 2 },
  { kind: "hub", ports: 2, usb: 2 },
  { kind: "keyboard" },
];

/** SetConfiguration(1) */
const CONFIGURE = [0x00, 9, 1, 0] as const;

const route = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(0x1, 0x2, 0x12) },
  { weight: 1, arbitrary: fc.constantFrom(...ROUTES) },
);
const port = fc.constantFrom(1, 1 + COMPANION_PORT);
/** The front's numbers are few, so that they often are somebody's. */
const plug = fc.constantFrom(1, 1, 1, 2, 0);
const where = { port, route, plug };
const request = (...[type, code, value, index]: readonly fc.Arbitrary<number>[]) =>
  fc.tuple(type ?? fc.nat(0), code ?? fc.nat(0), value ?? fc.nat(0), index ?? fc.nat(0));
const setup = fc.oneof(
  { weight: 1, arbitrary: fc.constant(CONFIGURE) },
  {
    weight: 8,
    arbitrary: request(
      fc.constant(0x23),
      fc.constantFrom(1, 3),
      fc.constantFrom(8, 4, 4, 2, 1, 5, 16, 20, 28),
      fc.constantFrom(1, 2, 0x301, 0x402, 0x501),
    ),
  },
  {
    weight: 8,
    arbitrary: request(fc.constantFrom(0x80, 0x20, 0x23, 0xa3, 0x01), fc.nat(13), fc.nat(30), fc.nat(0x503)),
  },
);

type Step =
  | { readonly do: "plug"; readonly route: number; readonly source: number }
  | { readonly do: "unplug"; readonly route: number }
  | { readonly do: "enumerate"; readonly port: number; readonly route: number }
  | { readonly do: "address"; readonly port: number; readonly route: number; readonly plug: number }
  | {
      readonly do: "control";
      readonly port: number;
      readonly route: number;
      readonly plug: number;
      readonly setup: readonly [number, number, number, number];
    }
  | { readonly do: "poll"; readonly port: number; readonly route: number; readonly plug: number }
  | { readonly do: "cancel" | "answer" | "wake" | "gone"; readonly which: number }
  | { readonly do: "reset"; readonly port: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("plug" as const), route, source: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("unplug" as const), route }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("enumerate" as const), port, route }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("address" as const), ...where }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constant("control" as const), ...where, setup }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("poll" as const), ...where }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("cancel", "answer", "wake", "gone"), which: fc.nat(30) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reset" as const), port }) },
);

/** What a sane driver sends to reach a device: along its route, each hub is configured, its port powered, reset, addressed. */
function enumerate(front: Front, number: number, to: number): Sent[] {
  const sent: Sent[] = [];
  let behind = 0;
  for (let shift = 0; to >>> shift !== 0; shift += 4) {
    const at = { port: number, route: behind, plug: 1 };
    const next = (to >>> shift) & 0xf;
    for (const [bmRequestType, bRequest, wValue, wIndex] of [
      [0x23, 3, 8, next],
      [0x23, 3, 4, next],
    ] as const) {
      sent.push(front.send({ ...at, setup: [bmRequestType, bRequest, wValue, wIndex] }));
    }
    behind |= next << shift;
    sent.push(front.address(behind, 1, number), front.send({ ...at, route: behind, setup: CONFIGURE }));
  }
  return sent;
}

test("each URB is answered once, and nothing is left", async () => {
  /** Transfers that came through to a device that is no hub: at least some must, or this test shows nothing. */
  let arrived = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80, size: "max" }), async (steps) => {
      const devices: StubDevice[] = [];
      const backend = new Backend({
        createDevice: async (source, host) => {
          if (source.kind === "hub") return createHub(source, host);
          const device = new StubDevice(host);
          devices.push(device);
          return device;
        },
      });
      const front = await Front.connect(backend);
      const sent: Sent[] = [];
      const plugs: Promise<unknown>[] = [];
      await backend.plug(1, 1, SOURCES[0] as DeviceSource);
      await front.settle(1);
      for (const number of [1, 1 + COMPANION_PORT]) {
        sent.push(front.send({ port: number, plug: 1, setup: CONFIGURE }));
      }
      for (const each of steps) {
        switch (each.do) {
          case "plug":
            plugs.push(backend.plug(1, 1, SOURCES[each.source] as DeviceSource, each.route).catch(() => undefined));
            break;
          case "unplug":
            plugs.push(backend.unplug(1, 1, each.route));
            break;
          case "enumerate":
            sent.push(...enumerate(front, each.port, each.route));
            break;
          case "address":
            sent.push(front.address(each.route, each.plug, each.port));
            break;
          case "control":
            sent.push(front.send({ ...each, length: each.setup[0] & 0x80 ? 4 : 0 }));
            break;
          case "poll":
            sent.push(front.send({ ...each, endpoint: 0x81, type: TYPE_INTERRUPT, length: 2 }));
            break;
          case "cancel": {
            const one = sent[sent.length - 1 - (each.which % Math.max(1, sent.length))];
            if (one && one.answers === 0) front.cancel(one);
            break;
          }
          case "answer":
            devices[each.which % Math.max(1, devices.length)]?.answer(STATUS_OK, 0);
            break;
          case "wake":
            devices[each.which % Math.max(1, devices.length)]?.host.wake();
            break;
          case "gone":
            devices[each.which % Math.max(1, devices.length)]?.host.gone("pulled");
            break;
          case "reset":
            sent.push(front.reset(each.port), front.send({ port: each.port, plug: 1, setup: CONFIGURE }));
            break;
          default:
            each satisfies never;
        }
        await front.settle(1);
        expect(sent.every(({ answers }) => answers <= 1)).toBe(true);
      }
      await Promise.all(plugs);
      await backend.unplug(1, 1);
      await front.settle(3);
      expect(sent.map(({ answers }) => answers)).toEqual(sent.map(() => 1));
      expect(await backend.stats()).toEqual({ links: 1, devices: 0, owned: 0, orphans: 0 });
      expect(front.link.core.exports.freeSlots()).toBe(SLOT_COUNT);
      expect(front.violation).toBeUndefined();
      for (const { log } of devices) arrived += log.filter((word) => word === "submit").length;
      for (const device of devices) expect(device.log.filter((word) => word === "close")).toHaveLength(1);
      await backend.stop();
    }),
    { numRuns: 200 },
  );
  expect(arrived).toBeGreaterThan(20);
}, 60_000);
