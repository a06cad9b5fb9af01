import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Bench, STEP_MS, type Tab } from "./harness.ts";

describe("the page", () => {
  let bench: Bench;
  let tab: Tab;
  const keptStates = () =>
    tab.page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const open = indexedDB.open("pvusb-states");
          open.onsuccess = () => {
            const count = open.result.transaction("states").objectStore("states").count();
            count.onsuccess = () => {
              open.result.close();
              resolve(count.result);
            };
          };
        }),
    );

  beforeAll(async () => {
    bench = await Bench.start();
    tab = await bench.open();
  });
  afterAll(async () => {
    await tab?.close();
    await bench?.stop();
  });
  beforeEach(() => tab.pictureOnFailure());

  it("the first journey: open, start with a progress bar, plug, use, unplug", async () => {
    const { page } = tab;
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain("Linux");
    expect(await tab.port(1).getAttribute("data-state")).toBe("off");
    await tab.button("Start Linux").click();
    const bar = page.getByRole("progressbar");
    await bar.waitFor();
    const first = Number(await bar.getAttribute("aria-valuenow"));
    await expect
      .poll(() => bar.getAttribute("aria-valuenow").then(Number), { timeout: STEP_MS })
      .toBeGreaterThan(first);
    await tab.untilRuns();
    await tab.untilPort(1, "empty");
    expect(await page.locator(".tabs-note").first().textContent()).toMatch(/^booted in/);

    await tab.button("Plug in Flash drive (blank, 64 MiB)").click();
    await tab.untilSaid("Flash drive plugged into port 1.");
    await tab.untilPort(1, "ready");
    await tab.runUntil("cat /proc/partitions", /sda$/m);
    expect(await tab.run("mount /dev/sda /mnt && cat /mnt/README.TXT")).toContain("This flash drive is software");
    await tab.run("umount /mnt");
    await tab.button("Unplug Flash drive from port 1").click();
    await tab.untilPort(1, "empty");
    await tab.runUntil("dmesg | tail", /USB disconnect/);
    expect(await tab.problems()).toBe("");
  });

  it("plugs a device into the port that was chosen", async () => {
    await tab.card("Keyboard").locator(".card-grip").click();
    await tab.socket(4).click();
    await tab.untilPort(4, "ready");
    await tab.runUntil("lsusb", /Keyboard/);
  });

  it("has a camera and a sound card that the guest's own drivers take", async () => {
    await tab.card("Test card").locator(".card-grip").click();
    await tab.socket(2).click();
    await tab.untilPort(2, "ready");
    await tab.runUntil("ls /dev", /video0/);
    await tab.card("Test tone").locator(".card-grip").click();
    await tab.socket(3).click();
    await tab.untilPort(3, "ready");
    await tab.runUntil("cat /proc/asound/cards", /USB-Audio/);
    await tab.picture("devices");
    await tab.button("Unplug Test card from port 2").click();
    await tab.button("Unplug Test tone from port 3").click();
    await tab.untilPort(2, "empty");
    await tab.untilPort(3, "empty");
    expect(await tab.problems()).toBe("");
  });

  it("sends the keys of the page to the guest's USB keyboard", async () => {
    const { page } = tab;
    await tab.button(/^Type here: Keyboard in port 4/).click();
    await page.keyboard.type("echo keys by usb");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await tab.untilSaid("Your keys go to the page again.");
    await tab.page.getByRole("tab", { name: "Screen", selected: true }).waitFor();
    await tab.page.getByRole("tab", { name: "Console" }).click();
    // A guest on a busy machine may see a key held for long, and repeat it.
    await tab.runUntil("tr -s ' ' < /dev/vcs1 | grep -o 'guest.*'", /e+c+h+o+ +k+e+y+s+ +b+y+ +u+s+b+/);
    await tab.button("Unplug Keyboard from port 4").click();
    await tab.untilPort(4, "empty");
  });

  it("is worked by keyboard alone", async () => {
    const { page } = tab;
    const grip = tab.card("Flash drive (blank").locator(".card-grip");
    await grip.focus();
    await page.keyboard.press("Enter");
    await tab.untilSaid("Choose a port");
    await expect.poll(() => tab.focused()).toBe("Port 1: empty");
    await page.keyboard.press("Escape");
    await expect.poll(() => grip.evaluate((each) => each === document.activeElement)).toBe(true);

    await page.keyboard.press("Enter");
    await page.keyboard.press("5");
    await expect.poll(() => tab.focused()).toBe("Port 5: empty");
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => tab.focused()).toBe("Port 6: empty");
    await page.keyboard.press("Enter");
    await tab.untilPort(6, "ready");
    await tab.runUntil("cat /proc/partitions", /sd[a-z]$/m);

    await page.keyboard.press("F6");
    await expect.poll(() => tab.focused()).toMatch(/^Port \d/);
    await page.keyboard.press("6");
    await expect.poll(() => tab.focused()).toBe("Port 6: Flash drive, ready");
    await page.keyboard.press("Delete");
    await tab.untilPort(6, "empty");
    await tab.untilSaid("Flash drive unplugged from port 6.");
  });

  it("is worked by dragging", async () => {
    await tab.card("Flash drive (blank").dragTo(tab.port(3));
    await tab.untilPort(3, "ready");
    await tab.runUntil("cat /proc/partitions", /sd[a-z]$/m);
    await tab.port(3).locator(".plugged").dragTo(tab.page.locator(".devices .pane-head"));
    await tab.untilPort(3, "empty");
  });

  it("makes a flash drive of a file", async () => {
    const image = Buffer.alloc(1 << 20);
    image.write("these bytes are from a file", 512);
    const file = { name: "notes.img", mimeType: "application/octet-stream", buffer: image };
    await tab.page.getByLabel("Disk or CD from a file…").setInputFiles(file);
    await tab.untilPort(1, "ready");
    await tab.runUntil("dd if=$(ls /dev/sd? | tail -1) bs=512 skip=1 count=1 2>/dev/null", /from a file/);
    await tab.button("Take notes.img off the list").click();
    await tab.untilPort(1, "empty");
    expect(await tab.card("notes.img").count()).toBe(0);
  });

  it("goes on from the saved state at the second start", async () => {
    const { page } = tab;
    await expect.poll(keptStates, { timeout: STEP_MS }).toBe(1);
    await page.reload();
    await tab.startLinux();
    expect(await page.locator(".tabs-note").first().textContent()).toMatch(/^resumed in/);
    await tab.button("Plug in Flash drive (blank, 64 MiB)").click();
    await tab.untilPort(1, "ready");
    await tab.runUntil("cat /proc/partitions", /sda$/m);
  });

  it("moves a device with what is written on it to another guest: by a drag, and back by a button", async () => {
    const { page } = tab;
    await tab.run("mount /dev/sda /mnt && echo from the first guest >/mnt/note && umount /mnt");
    await tab.button("+ Add guest").click();
    await tab.startLinux();
    await tab.port(1).waitFor();
    // Both hubs in sight: a page that scrolls between press and move drags what is under the pointer then.
    await page.setViewportSize({ width: 1280, height: 1200 });
    const there = page.locator("pv-ports:not([data-current])").locator(".plugged");
    await there.dragTo(tab.port(3));
    await tab.untilPort(3, "ready");
    await tab.untilSaid("Flash drive is in port 3 of Linux 2 now.");
    await tab.runUntil("mount /dev/sda /mnt; cat /mnt/note", /^from the first guest$/m);
    await tab.run("echo and from the second >>/mnt/note && umount /mnt");
    await tab.button("Move Flash drive to Linux").click();
    await tab.untilPort(3, "empty");
    await page.getByRole("tab", { name: /^Linux running/ }).click();
    await tab.untilPort(1, "ready");
    await tab.runUntil("mount /dev/sda /mnt; cat /mnt/note", /from the first guest\s+and from the second/);
    await tab.run("umount /mnt");
    expect(await tab.problems()).toBe("");
  });

  it("has a hub's ports behind the port that it is in, and guests side by side", async () => {
    const { page } = tab;
    await tab.button("Plug in USB hub").click();
    await tab.untilPort(2, "ready");
    await tab.socket("2.3").click();
    await tab.button("Plug in Keyboard").click();
    await tab.untilPort("2.3", "ready");
    await tab.button("Side by side").click();
    await expect.poll(() => page.locator("pv-console:visible").count()).toBe(2);
    await tab.picture("two guests");
    await tab.socket(2).focus();
    await page.keyboard.press("Delete");
    await tab.untilPort(2, "empty");
    expect(await tab.port("2.3").count()).toBe(0);
    await page.getByRole("tab", { name: /^Linux 2/ }).click();
    await page.locator(".menu summary").click();
    await tab.button("Remove Linux 2").click();
    await tab.untilSaid("Linux 2 is gone.");
    expect(await tab.problems()).toBe("");
  });

  it("forgets the saved state on demand", async () => {
    await tab.page.locator(".menu summary").click();
    await tab.button("Forget saved state").click();
    await tab.untilSaid("The saved state is forgotten.");
    expect(await keptStates()).toBe(0);
  });
});
