import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMPLAINTS, DISK } from "../guest/disk.ts";
import { type Bench, pattern, startGuest } from "../guest/harness.ts";
import { linked, plugEthernet, receive, send } from "../guest/network.ts";

const MIB = 1 << 20;
const PIECE = 4 * MIB;
const PIECES = 64;
const READ = "(while :; do dd if=/dev/sda of=/dev/null bs=256k iflag=direct || usleep 20000; done) >/dev/null 2>&1 &";

describe("two guests, an NCM adapter each on one cable", () => {
  let a: Bench;
  let b: Bench;
  beforeAll(async () => {
    a = await startGuest();
    b = await startGuest(a.host);
  });
  afterAll(async () => {
    await b?.stop();
    await a?.stop();
  });

  it("carry 256 MiB by TCP, while a disk is plugged and pulled out in the middle of its reads in both", async () => {
    const piece = pattern(PIECE);
    await a.controller.port(2).plug(a.host.device("flash-drive", { image: { bytes: piece } }));
    await a.until(`${DISK}; dd if=/dev/sda of=/tmp/piece bs=1M 2>&1`);
    await a.controller.port(2).unplug();
    const hash = createHash("md5");
    for (let count = 1; count <= PIECES; count++) hash.update(`${count}\n`).update(piece);

    await plugEthernet(a, a.controller.port(1), "10.0.0.1");
    await plugEthernet(b, b.controller.port(1), "10.0.0.2");
    await linked(a, b);
    for (const { run } of [a, b]) {
      await run("echo 0 > /sys/module/usb_storage/parameters/delay_use");
      await run(READ);
    }
    const received = await receive(b);
    const begin = performance.now();
    await send(a, `for count in $(seq ${PIECES}); do echo $count; cat /tmp/piece; done`, "10.0.0.2");
    let done = false;
    const disks = Promise.all([a, b].map((bench) => plugAndPull(bench, () => done)));
    const bytes = () => b.controller.port(1).status.counters.bytesIn;
    while (bytes() < PIECES * PIECE) await new Promise((resolve) => setTimeout(resolve, 100));
    done = true;
    const seconds = (performance.now() - begin) / 1000;
    const rounds = await disks;
    expect(await received()).toBe(hash.digest("hex"));
    console.log(
      `256 MiB in ${seconds.toFixed(0)} s: ${((PIECES * PIECE) / 1e6 / seconds).toFixed(2)} MB/s; ` +
        `disks pulled ${rounds.join(" and ")} times`,
    );
    expect(Math.min(...rounds)).toBeGreaterThan(5);
    for (const bench of [a, b]) expect(await bench.run("dmesg")).not.toMatch(COMPLAINTS);
    expect(await a.host.stats()).toMatchObject({ links: 2, devices: 2, orphans: 0 });
  });
});

/** Again and again, until it is `over`: a disk that is pulled out when some of it has been read. Answers how often. */
async function plugAndPull({ controller, host }: Bench, over: () => boolean): Promise<number> {
  const port = controller.port(2);
  let rounds = 0;
  for (; !over(); rounds++) {
    await port.plug(host.device("flash-drive", { image: { size: 64 * MIB }, serial: `DISK${rounds}` }));
    while (port.status.counters.bytesIn < MIB && !over()) await new Promise((resolve) => setTimeout(resolve, 1));
    await port.unplug();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return rounds;
}
