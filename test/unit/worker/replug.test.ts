/** A WebUSB device pulled and put back in the middle of its work, again and again: nothing piles up anywhere. */
import { expect, test, vi } from "vitest";
import { STATUS_NO_DEVICE, STATUS_OK } from "../../../asm/layout.ts";
import { Backend } from "../../../worker/backend.ts";
import { FakeVendor } from "../../fakes/fake-vendor.ts";
import { Front } from "../../fakes/front.ts";
import { FakeUsb } from "../../fakes/usb.ts";
import { FAKE_PRODUCT_ID, FAKE_VENDOR_ID } from "../../fakes/usb-descriptors.ts";

const ROUNDS = 50;
const SOURCE = {
  kind: "webusb",
  vendorId: FAKE_VENDOR_ID,
  productId: FAKE_PRODUCT_ID,
  serialNumber: "R50",
  ordinal: 0,
} as const;

test.each(["by the person", "by the guest's page"])(
  `${ROUNDS} times pulled out ${"%s"} with transfers in flight: no slot, block, promise or listener is left`,
  async (who) => {
    const usb = new FakeUsb();
    const added = vi.spyOn(usb, "addEventListener");
    const removed = vi.spyOn(usb, "removeEventListener");
    const backend = new Backend({ usb });
    const front = await Front.connect(backend);
    const { exports } = front.link.core;
    const atRest = { slots: exports.freeSlots(), blocks: exports.freeBlocks() };
    let device = usb.plug(new FakeVendor("R50"));
    for (let round = 0; round < ROUNDS; round++) {
      await backend.plug(1, 1, SOURCE);
      await front.settle(2);
      expect(await front.send({ setup: [0x00, 9, 1, 0] }).done).toMatchObject({ status: STATUS_OK });
      const sent = [1, 2, 3].map(() => front.send({ endpoint: 0x81, length: 200_000 }));
      await front.settle(2);
      if (who === "by the person") {
        // What is pending fails with a NetworkError before the disconnect event; what is behind it is cancelled then.
        await usb.unplug(device);
        for (const { done } of sent) expect((await done).status).not.toBe(STATUS_OK);
        device = usb.plug(new FakeVendor("R50"));
      } else {
        await backend.unplug(1, 1);
        for (const { done } of sent) expect(await done).toMatchObject({ status: STATUS_NO_DEVICE, actual: 0 });
      }
      await front.settle(4);
    }
    expect({ slots: exports.freeSlots(), blocks: exports.freeBlocks() }).toEqual(atRest);
    expect(await backend.stats()).toEqual({ links: 1, devices: 0, owned: 0, orphans: 0 });
    expect(added.mock.calls.length).toBeGreaterThanOrEqual(ROUNDS);
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
    expect(front.events).toHaveLength(2 * ROUNDS);
  },
);
