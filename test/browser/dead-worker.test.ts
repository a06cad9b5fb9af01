import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Bench, type Tab } from "./harness.ts";

describe("the page's worker is killed while the guest reads a disk", () => {
  let bench: Bench;
  let tab: Tab;

  beforeAll(async () => {
    bench = await Bench.start();
    tab = await bench.open((context) =>
      context.addInitScript(() => {
        const workers: Worker[] = [];
        Object.assign(window, { workers });
        window.Worker = class extends Worker {
          constructor(url: string | URL, options?: WorkerOptions) {
            super(url, options);
            if (options?.name === "pvusb-backend") workers.push(this);
          }
        };
      }),
    );
  });
  afterAll(async () => {
    await tab?.close();
    await bench?.stop();
  });
  beforeEach(() => tab.pictureOnFailure());

  it("the disk comes back by itself, the page says so, and the guest reads it", async () => {
    await tab.startLinux();
    await tab.button("Plug in Flash drive").click();
    await tab.untilPort(1, "ready");
    await tab.runUntil("test -b /dev/sda && echo usable", /^usable$/m);
    await tab.run("( (while dd if=/dev/sda of=/dev/null bs=64k; do :; done) >/dev/null 2>&1 & )");
    await tab.page.evaluate(() => (window as unknown as { workers: Worker[] }).workers.at(-1)?.terminate());
    await expect.poll(() => tab.problems(), { timeout: 60_000 }).toContain("The device in port 1 was plugged in again");
    await tab.picture("worker killed");
    await tab.untilPort(1, "ready");
    await tab.runUntil("dd if=/dev/sda of=/dev/null bs=64k count=4 && echo read", /^read$/m);
    await tab.button("Dismiss this message").click();
  });
});
