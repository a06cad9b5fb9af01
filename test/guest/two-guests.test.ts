/** Two guests in one process, one backend: devices move between them while both work, and neither knows of the other. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMPLAINTS } from "./disk.ts";
import { type Bench, md5, pattern, startGuest } from "./harness.ts";

const MIB = 1 << 20;
const DISK = "while [ ! -b /dev/sda ]; do usleep 20000; done";
const SUM = "md5sum </dev/sda | cut -d' ' -f1";

describe.each(["worker", "thread"] as const)("two guests, backend in a %s", (placement) => {
  const images = [pattern(8 * MIB, 1), pattern(8 * MIB, 2)] as const;
  let first: Bench;
  let second: Bench;

  beforeAll(async () => {
    first = await startGuest({ placement });
    second = await startGuest(first.host);
    for (const { run } of [first, second]) {
      await run("echo 0 > /sys/module/usb_storage/parameters/delay_use; dmesg -c >/dev/null");
    }
    await first.controller.port(1).plug(disk(0));
    await second.controller.port(1).plug(disk(1));
    await Promise.all([first.run(DISK), second.run(DISK)]);
  });
  afterAll(async () => {
    await second?.stop();
    await first?.stop();
  });

  const disk = (index: 0 | 1) =>
    first.host.device("flash-drive", { image: { bytes: images[index] }, serial: `D${index}` });
  /** A guest reads its own disk again and again, until the function that it answers is called: that tells the checksums. */
  async function readOn({ run, until }: Bench): Promise<() => Promise<string>> {
    const loop = `while [ ! -e /tmp/enough ]; do echo 7 >/proc/sys/vm/drop_caches; ${SUM} >>/tmp/sums; done; mv /tmp/sums /tmp/all`;
    await run(`rm -f /tmp/all /tmp/enough; (${loop}) </dev/null >/dev/null 2>&1 &`);
    return async () => {
      await run("touch /tmp/enough");
      return (await until("test -e /tmp/all && sort -u /tmp/all")).trim();
    };
  }
  const once = (title: string, work: () => Promise<void>) => {
    if (placement === "thread") it(title, work);
  };

  it("see their own devices only, and pass a disk to and fro while both work, with what they wrote to it", async () => {
    const { host } = first;
    for (const [index, { run }] of [first, second].entries()) {
      expect(await run("cat /sys/bus/usb/devices/*-*/serial")).toBe(`D${index}\n`);
    }
    const stops = [await readOn(first), await readOn(second)];
    await first.controller.port(2).plug(host.device("flash-drive", { image: { size: MIB } }));
    let here = first;
    for (let round = 0; round < 4; round++) {
      await here.until("test -b /dev/sdb");
      await here.run(`echo round ${round} | dd of=/dev/sdb bs=512 seek=${round} conv=sync oflag=direct 2>/dev/null`);
      const there = here === first ? second : first;
      await here.controller.port(2).moveTo(there.controller.port(2));
      await here.until("! test -e /dev/sdb");
      here = there;
    }
    await here.until("test -b /dev/sdb");
    const rounds = await here.run("dd if=/dev/sdb bs=512 count=4 iflag=direct 2>/dev/null | grep -a round");
    expect(rounds.replaceAll("\0", "")).toBe([0, 1, 2, 3].map((round) => `round ${round}\n`).join(""));
    await here.controller.port(2).unplug();
    const sums = await Promise.all(stops.map((stop) => stop()));
    expect(sums).toEqual(images.map(md5));
    expect(await first.run("dmesg -c")).not.toMatch(COMPLAINTS);
    expect(await second.run("dmesg -c")).not.toMatch(COMPLAINTS);
  });

  once("leave each other alone when one stands still, goes back to a saved state, crashes, or is reset", async () => {
    const stop = await readOn(second);
    const { emulator } = first.guest;
    const state = await first.guest.saveState();
    await emulator.stop();
    await first.controller.port(1).unplug();
    await emulator.run();
    await first.until("! test -e /dev/sda");
    await emulator.restore_state(state.buffer);
    expect((await first.run(SUM)).trim()).toBe(md5(images[0]));
    await first.guest.exec("echo c >/proc/sysrq-trigger", { timeout: 1000 }).catch(() => undefined);
    emulator.restart();
    expect(await stop()).toEqual(md5(images[1]));
    expect(await second.run("dmesg -c")).toBe("");
  });

  once("leave each other alone when one is given up for good", async () => {
    const stop = await readOn(second);
    await first.controller.close();
    expect(first.host.controllers).toEqual([second.controller]);
    expect(await stop()).toEqual(md5(images[1]));
    const third = await startGuest(first.host);
    await third.controller.port(8).plug(disk(0));
    await third.run(DISK);
    expect((await third.run(SUM)).trim()).toBe(md5(images[0]));
    expect(third.controller.port(8).place).toBe("1:0:8");
    await third.stop();
    expect(await second.run("dmesg -c")).toBe("");
  });
});
