/** Whatever a guest asks of a camera: nothing throws, nothing hangs, and the next picture is whole. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { STATUS_COUNT, TYPE_BULK, TYPE_CONTROL, TYPE_ISOCHRONOUS } from "../../../asm/layout.ts";
import { PayloadReader } from "../../fakes/payload-reader.ts";
import { readTestCard } from "../../fakes/test-card-reader.ts";
import { agree, alternate, plugCamera, VIDEO_IN } from "./camera.ts";
import { now, type Transfer } from "./harness.ts";

const byte = fc.nat(255);
const length = fc.oneof(fc.constantFrom(0, 1, 2, 12, 512, 1023, 3072, 16384, 65536 + 512), fc.nat(9000));

/** Requests to a camera that are often some that it knows: bmRequestType, bRequest, wValue, wIndex. */
const cameraRequest = fc.tuple(
  fc.oneof(fc.constantFrom(0x21, 0xa1, 0x00, 0x01, 0x02), byte),
  fc.oneof(fc.constantFrom(1, 9, 11, 3, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87), byte),
  fc.oneof(fc.constantFrom(0x0100, 0x0200, 0x0600), fc.nat(6), fc.nat(0xffff)),
  fc.oneof(fc.constantFrom(0, 1, VIDEO_IN, 0x0100), fc.nat(0xffff)),
);
const cameraStep = fc.oneof(
  fc.record({
    do: fc.constant("control" as const),
    setup: cameraRequest,
    data: fc.oneof(fc.uint8Array({ minLength: 34, maxLength: 34 }), fc.uint8Array({ maxLength: 60 })),
  }),
  fc.record({ do: fc.constant("agree" as const), frame: fc.nat(4), interval: fc.nat(3_000_000) }),
  fc.record({ do: fc.constant("video" as const), length: length, frame: fc.nat(0xffffffff) }),
  fc.record({ do: fc.constant("cancel" as const), which: fc.nat(255) }),
);

for (const transfer of ["isochronous", "bulk"] as const) {
  test(`a camera over ${transfer} stands any request and any transfer, and still shows whole pictures`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(cameraStep, { maxLength: 50 }), async (steps) => {
        const host = await plugCamera({ transfer });
        const type = transfer === "bulk" ? TYPE_BULK : TYPE_ISOCHRONOUS;
        const sent: Transfer[] = [];
        for (const each of steps) {
          if (host.owned > 100) break;
          if (each.do === "control") {
            const [bmRequestType, bRequest, wValue, wIndex] = each.setup;
            sent.push(host.submit(0, TYPE_CONTROL, each.data, { bmRequestType, bRequest, wValue, wIndex }));
          } else if (each.do === "agree") {
            const probe = new Uint8Array(34);
            new DataView(probe.buffer).setUint32(4, each.interval, true);
            probe.set([1, each.frame], 2);
            host.submit(0, TYPE_CONTROL, probe, { bmRequestType: 0x21, bRequest: 1, wValue: 0x100, wIndex: 1 });
          } else if (each.do === "video") {
            sent.push(host.submit(VIDEO_IN, type, each.length, undefined, { frame: each.frame }));
          } else {
            const chosen = sent[each.which % (sent.length || 1)];
            if (chosen && !chosen.answer) host.cancel(chosen);
          }
        }
        await host.reset(...sent.filter(({ answer }) => !answer));
        for (const each of sent) {
          const { status, actual } = now(each);
          expect(status).toBeLessThan(STATUS_COUNT);
          expect(actual).toBeLessThanOrEqual(each.length);
        }
        expect(host.clean).toBe(true);

        host.configure();
        agree(host, 1, 333_333);
        if (transfer === "isochronous") alternate(host, 5);
        const reader = new PayloadReader();
        for (let frame = 0; reader.pictures.length === 0; frame++) {
          reader.take(now(host.submit(VIDEO_IN, type, 16384, undefined, { frame })).bytes);
        }
        expect(readTestCard(reader.pictures[0]?.bytes ?? new Uint8Array(0), 160, 120).number).toBe(0);
        await host.device.close();
        expect(host.clean).toBe(true);
      }),
      { numRuns: 100 },
    );
  }, 60_000);
}
