import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bench, startGuest } from "./harness.ts";

const ROUNDS = 50;

describe.each(["worker", "thread"] as const)("unplug in the middle of a dd, backend in a %s", (placement) => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startGuest({ placement });
  });
  afterAll(() => bench?.stop());

  it(`${ROUNDS} times in a row: I/O error, the node goes, the port takes the next device, nothing is left behind`, async () => {
    const { controller, host, guest, run, until } = bench;
    const port = controller.port(1);
    // Stock usb-storage waits a second before it looks at a new disk; fifty of them are enough without it.
    await run("echo 0 > /sys/module/usb_storage/parameters/delay_use");
    const atRest = { inFlight: controller.inFlight, ...controller.free };
    for (let round = 0; round < ROUNDS; round++) {
      // The same device and another one in turn.
      const serial = round % 2 === 0 ? "SAME" : `OTHER${round}`;
      await port.plug(host.device("flash-drive", { image: { size: 64 << 20 }, serial }));
      await run("while [ ! -b /dev/sda ]; do usleep 10000; done");
      const write = round % 3 === 0;
      const dd = guest.exec(
        write
          ? "dd if=/dev/zero of=/dev/sda bs=1M count=2000 oflag=direct 2>&1"
          : "while dd if=/dev/sda of=/dev/null bs=256k iflag=direct 2>&1; do :; done; exit 1",
        { timeout: 60_000 },
      );
      let early: unknown;
      dd.then((result) => {
        early = result.output;
      }, String);
      const { bytesIn, bytesOut } = port.status.counters;
      while (port.status.counters.bytesIn + port.status.counters.bytesOut < bytesIn + bytesOut + (2 << 20)) {
        if (early) throw new Error(`dd ended before the unplug: ${new TextDecoder().decode(early as Uint8Array)}`);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await port.unplug();
      const { status, output } = await dd;
      expect(status, new TextDecoder().decode(output)).not.toBe(0);
      await until("! test -e /dev/sda");
      expect(port.plugged).toBeUndefined();
    }
    expect({ inFlight: controller.inFlight, ...controller.free }).toEqual(atRest);
    expect(atRest.inFlight).toBe(0);
    expect(await host.stats()).toMatchObject({ links: 1, devices: 0, owned: 0, orphans: 0 });
    const log = await run("dmesg");
    expect(log.match(/USB disconnect/g)).toHaveLength(ROUNDS);
    expect(log).not.toMatch(/xhci_hcd.*(not responding|died|timeout|ERROR)|BUG:|Oops|hung task|nobody cared/i);
  });
});
