/** Where a URB's time goes, over a controller, a link and a device on one thread. */
import { describe, expect, it } from "vitest";
import { STAGES, type StagesTrace, traceStages } from "../../../app/trace/stages.ts";
import { EP_TYPE_BULK_IN } from "../../../app/xhci/context.ts";
import { TRB_IOC } from "../../../app/xhci/trb.ts";
import { SPEED_SUPER, STATUS_OK } from "../../../asm/layout.ts";
import { rigFactory } from "../../fakes/guest-driver/rig.ts";
import { normal } from "../../fakes/guest-driver/trbs.ts";

const createRig = await rigFactory();
const BULK_IN = 3;

function createTraced() {
  const rig = createRig({ placement: "deferred" });
  rig.driver.start();
  rig.back.plug(1, SPEED_SUPER);
  const device = rig.driver.enumerate(5, SPEED_SUPER);
  device.mustConfigure({ id: BULK_IN, type: EP_TYPE_BULK_IN, maxPacketSize: 1024 });
  const traces: StagesTrace[] = [];
  const stop = traceStages(
    rig.link,
    (listeners) => rig.controller.trace(listeners),
    (trace) => traces.push(trace),
  );
  const transfer = (length: number) => {
    device.submit(BULK_IN, normal(rig.ram.buffer(length), length, TRB_IOC));
    rig.settle();
    for (const request of [...rig.back.held]) rig.back.answer(request, STATUS_OK, new Uint8Array(length));
    rig.settle();
    expect(device.events()).toHaveLength(1);
  };
  return { ...rig, traces, stop, transfer };
}

describe("the stages of a URB", () => {
  it("are told once the guest is done with its event, and none of them ends before it began", () => {
    const { traces, transfer } = createTraced();
    transfer(64);
    transfer(4096);
    expect(traces.map(({ endpoint, length }) => [endpoint, length])).toEqual([
      [0x81, 64],
      [0x81, 4096],
    ]);
    for (const { stages } of traces) for (const stage of STAGES) expect(stages[stage]).toBeGreaterThanOrEqual(0);
  });

  it("are noted by the device's side while somebody listens, and not afterwards", () => {
    const { link, traces, transfer, stop } = createTraced();
    expect(link.core.stamping).toBe(true);
    transfer(64);
    stop();
    expect(link.core.stamping).toBe(false);
    transfer(64);
    expect(traces).toHaveLength(1);
  });
});
