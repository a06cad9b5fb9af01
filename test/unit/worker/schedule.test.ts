/** Seeded random schedules against the whole back: nothing is lost, and everything is answered once. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  FLAG_ZERO_PACKET,
  STATUS_CANCELLED,
  STATUS_NO_DEVICE,
  STATUS_OK,
  TYPE_INTERRUPT,
} from "../../../asm/layout.ts";
import { Backend } from "../../../worker/backend.ts";
import type { WebUsbSource } from "../../../worker/protocol.ts";
import { Front, type Sent } from "../../fakes/front.ts";
import { ScriptedFunction, VENDOR_INTERFACE } from "../../fakes/scripted-function.ts";
import { FakeUsb } from "../../fakes/usb.ts";
import { FAKE_PRODUCT_ID, FAKE_VENDOR_ID } from "../../fakes/usb-descriptors.ts";

const source: WebUsbSource = {
  kind: "webusb",
  vendorId: FAKE_VENDOR_ID,
  productId: FAKE_PRODUCT_ID,
  serialNumber: "R",
  ordinal: 0,
};
const CONFIGURE = [0x00, 9, 1, 0] as const;

const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("in" as const), length: fc.integer({ min: 0, max: 2000 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("out" as const), length: fc.constantFrom(0, 1, 512, 700, 1024) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("interrupt" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("control" as const),
      setup: fc.constantFrom<readonly [number, number, number, number]>(
        CONFIGURE,
        [0x80, 6, 0x0100, 0],
        [0x80, 6, 0x0302, 0x0409],
        [0x00, 5, 1, 0],
        [0x02, 1, 0, 0x81],
        [0x02, 1, 0, 0x02],
        [0x01, 11, 1, 0],
        [0x01, 11, 0, 0],
        [0x00, 9, 0, 0],
        [0x00, 9, 2, 0],
        [0xc0, 1, 0, 0],
        [0xc0, 2, 0, 0],
      ),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("cancel" as const), which: fc.nat(1000) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("push" as const),
      answer: fc.constantFrom<number | "stall" | "error">(512, 512, 512, 0, 1, 300, 600, "stall", "error"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("answer" as const), out: fc.constantFrom("nak", "stall", "error") }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reset" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("unplug", "replug", "pull", "insert") }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("wait" as const), turns: fc.integer({ min: 1, max: 6 }) }) },
);

test("every transfer is answered once, and no promise is left over, whatever happens in whatever order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 20, maxLength: 120 }), async (actions) => {
      const usb = new FakeUsb();
      const device = new ScriptedFunction({
        serialNumber: "R",
        configurations: [[VENDOR_INTERFACE, { ...VENDOR_INTERFACE, alternate: 1 }], [VENDOR_INTERFACE]],
      });
      device.onControl = ({ bRequest, wLength }) => (bRequest === 2 ? "nak" : new Uint8Array(wLength));
      let usbDevice = usb.plug(device);
      const backend = new Backend({ usb });
      const front = await Front.connect(backend);
      const quietly = (work: Promise<unknown>) => void work.catch(() => undefined);
      await backend.plug(1, 1, source);
      const sent: Sent[] = [front.send({ setup: CONFIGURE })];
      for (const each of actions) {
        // Under the link's limit, so that none is refused for want of a slot.
        if (sent.filter(({ answers }) => answers === 0).length > 100) await front.settle(2);
        switch (each.do) {
          case "in":
            sent.push(front.send({ endpoint: 0x81, length: each.length }));
            break;
          case "out":
            sent.push(front.send({ endpoint: 0x02, data: new Uint8Array(each.length), flags: FLAG_ZERO_PACKET }));
            break;
          case "interrupt":
            sent.push(front.send({ endpoint: 0x83, length: 8, type: TYPE_INTERRUPT }));
            break;
          case "control":
            sent.push(front.send({ setup: each.setup, length: each.setup[0] & 0x80 ? 18 : 0 }));
            break;
          case "cancel": {
            const open = sent.filter(({ answers }) => answers === 0);
            const chosen = open[each.which % open.length];
            if (chosen) front.cancel(chosen);
            break;
          }
          case "push":
            device.push(0x81, typeof each.answer === "number" ? new Uint8Array(each.answer) : each.answer);
            break;
          case "answer":
            device.outAnswers.push(each.out as "nak");
            break;
          case "reset":
            sent.push(front.reset());
            break;
          case "unplug":
            quietly(backend.unplug(1, 1));
            break;
          case "replug":
            quietly(backend.unplug(1, 1));
            quietly(backend.plug(1, 1, source));
            break;
          case "pull":
            quietly(usb.unplug(usbDevice));
            break;
          case "insert":
            await usb.unplug(usbDevice);
            usbDevice = usb.plug(device);
            quietly(backend.plug(1, 1, source));
            break;
          case "wait":
            await front.settle(each.turns);
            break;
        }
      }
      await backend.unplug(1, 1);
      await Promise.all(sent.map(({ done }) => done));
      await front.settle();
      expect(sent.filter(({ answers }) => answers !== 1)).toEqual([]);
      expect(await backend.stats()).toEqual({ links: 1, devices: 0, owned: 0, orphans: 0 });
      expect(front.violation).toBeUndefined();
      expect(front.link.inFlight).toBe(0);
      expect(front.link.core.exports.freeSlots()).toBe(256);
      expect(usbDevice.pending).toBe(0);
      // Plugs and unplugs alternate, and each plug has its own number.
      front.events.forEach(({ plug, speed }, index) => {
        expect([plug, speed !== 0]).toEqual([(index >> 1) + 1, index % 2 === 0]);
      });
      await backend.stop();
      front.link.close();
    }),
    { numRuns: 150, seed: 20091 },
  );
}, 120_000);

test("a stream loses no byte and keeps its order, however the guest cuts it and gives up on it", async () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant("in" as const), length: fc.integer({ min: 1, max: 3000 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("cancel" as const), which: fc.nat(1000) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("push" as const), length: fc.integer({ min: 0, max: 512 }) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("push" as const), length: fc.constant(512) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), length: fc.integer({ min: 1, max: 4 }) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 80 }), async (steps) => {
      const usb = new FakeUsb();
      const device = new ScriptedFunction({ serialNumber: "R" });
      usb.plug(device);
      const backend = new Backend({ usb });
      const front = await Front.connect(backend);
      await backend.plug(1, 1, source);
      await front.settle(2);
      await front.send({ setup: CONFIGURE }).done;
      const open = new Set<Sent>();
      const received: number[] = [];
      let pushed = 0;
      let failed = false;
      const submit = (length: number) => {
        const sent = front.send({ endpoint: 0x81, length });
        open.add(sent);
        // Answers of one endpoint come in order, so these callbacks do too; a cancelled one says what it has already got.
        return sent.done.then(({ status, data }) => {
          open.delete(sent);
          failed ||= ![STATUS_OK, STATUS_CANCELLED, STATUS_NO_DEVICE].includes(status);
          received.push(...data);
        });
      };
      for (const each of steps) {
        if (each.do === "in") void submit(each.length);
        else if (each.do === "wait") await front.settle(each.length);
        else if (each.do === "push") {
          device.push(
            0x81,
            Uint8Array.from({ length: each.length }, (_, index) => (pushed + index) & 0xff),
          );
          pushed += each.length;
        } else {
          const chosen = [...open][each.which % open.size];
          if (chosen) front.cancel(chosen);
        }
      }
      // The guest goes on reading until the stream has nothing more.
      device.push(0x81, new Uint8Array(0));
      for (let round = 0; round < 1000 && (received.length < pushed || device.left(0x81) > 0); round++) {
        if (open.size === 0) void submit(1000);
        await front.settle(3);
      }
      expect(received.length).toBe(pushed);
      expect(received.every((value, index) => value === (index & 0xff))).toBe(true);
      await backend.stop();
      await front.settle();
      expect(failed).toBe(false);
      expect(await backend.stats()).toMatchObject({ owned: 0, orphans: 0 });
      front.link.close();
    }),
    { numRuns: 200, seed: 7 },
  );
}, 120_000);
