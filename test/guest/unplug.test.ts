import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { leavesNothingBehind, pullInTheMiddle } from "./disk.ts";
import { amount, type Bench, startGuest } from "./harness.ts";

const READ = "while dd if=/dev/sda of=/dev/null bs=256k iflag=direct 2>&1; do :; done; exit 1";
const WRITE = "dd if=/dev/zero of=/dev/sda bs=1M count=2000 oflag=direct 2>&1";

describe.each([
  { placement: "worker", rounds: amount(20, 50) },
  { placement: "thread", rounds: amount(8, 50) },
] as const)("unplug in the middle of a dd, backend in a $placement", ({ placement, rounds }) => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startGuest({ placement });
    // Stock usb-storage waits a second before it looks at a new disk; so many of them are enough without it.
    await bench.run("echo 0 > /sys/module/usb_storage/parameters/delay_use");
  });
  afterAll(() => bench?.stop());

  it(`${rounds} times in a row: I/O error, the node goes, the port takes the next device, nothing is left behind`, async () => {
    await leavesNothingBehind(bench, async () => {
      for (let round = 0; round < rounds; round++) {
        // The same device and another one in turn.
        const serial = round % 2 === 0 ? "SAME" : `OTHER${round}`;
        const disk = bench.host.device("flash-drive", { image: { size: 64 << 20 }, serial });
        await pullInTheMiddle(bench, disk, round % 3 === 0 ? WRITE : READ);
      }
    });
    expect((await bench.run("dmesg")).match(/USB disconnect/g)).toHaveLength(rounds);
  });
});
