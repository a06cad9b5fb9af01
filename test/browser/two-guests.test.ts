/** Two guests on one page: a disk goes to and fro between them while both read their own. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { GuestPage } from "./guest-page.ts";
import { BOOT_MS } from "./harness.ts";

let tab: GuestPage;

beforeAll(async () => {
  tab = await GuestPage.open({ guests: 2 });
}, 2 * BOOT_MS);
afterAll(() => tab?.close());

it("pass a disk to and fro while both work, each with a disk of its own", async () => {
  const outcome = await tab.page.evaluate(async () => {
    const { host, guests } = await window.guests;
    const [first, second] = guests;
    if (!first || !second) throw new Error("There are not two guests.");
    const loop = `while [ ! -e /tmp/enough ]; do md5sum </dev/sda >>/tmp/sums; done; mv /tmp/sums /tmp/all`;
    for (const [index, { run, until, controller }] of guests.entries()) {
      await run("echo 0 > /sys/module/usb_storage/parameters/delay_use");
      const bytes = new Uint8Array(2 << 20).fill(index + 1);
      await controller.port(1).plug(host.device("flash-drive", { image: { bytes }, serial: `D${index}` }));
      await until("test -b /dev/sda");
      await run(`(${loop}) </dev/null >/dev/null 2>&1 &`);
    }
    await first.controller.port(2).plug(host.device("flash-drive", { image: { size: 1 << 20 } }));
    for (let round = 0; round < 2; round++) {
      const [here = first, there = second] = round % 2 === 0 ? guests : guests.toReversed();
      await here.until("test -b /dev/sdb");
      await here.run(`echo round ${round} | dd of=/dev/sdb bs=512 seek=${round} conv=sync oflag=direct 2>/dev/null`);
      await here.controller.port(2).moveTo(there.controller.port(2));
      await here.until("! test -e /dev/sdb");
    }
    await first.until("test -b /dev/sdb");
    const rounds = await first.run("dd if=/dev/sdb bs=512 count=2 iflag=direct 2>/dev/null | tr -d '\\0'");
    const own: string[] = [];
    for (const { run, until } of guests) {
      await run("touch /tmp/enough");
      own.push(await until("test -e /tmp/all && sort -u /tmp/all | wc -l && cat /sys/bus/usb/devices/*-1/serial"));
    }
    return { rounds, own, places: guests.map(({ controller }) => controller.port(2).place) };
  });
  expect(outcome).toEqual({
    rounds: "round 0\nround 1\n",
    own: ["1\nD0\n", "1\nD1\n"],
    places: ["1:0:2", "2:0:2"],
  });
});

it("one is given up, and the other goes on", async () => {
  const output = await tab.page.evaluate(async () => {
    const [first, second] = (await window.guests).guests;
    if (!first || !second) throw new Error("There are not two guests.");
    await first.controller.close();
    await first.guest.stop();
    return second.run(
      "dd if=/dev/sda of=/dev/null bs=64k iflag=direct 2>/dev/null && echo read; dmesg | grep -c disconnect",
    );
  });
  expect(output).toBe("read\n1\n");
  expect(tab.errors).toEqual([]);
});
