import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Bench } from "./harness.ts";

describe("what the page says when something is missing", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.start();
  });
  afterAll(() => bench?.stop());

  it("names browsers with WebUSB in one without it, and offers no chooser", async () => {
    const tab = await bench.open((context) =>
      context.addInitScript(() => {
        Reflect.deleteProperty(Navigator.prototype, "usb");
      }),
    );
    tab.pictureOnFailure();
    const advice = tab.page.getByRole("note");
    await advice.waitFor();
    expect(await advice.textContent()).toMatch(/no WebUSB.*Chrome, Edge or Opera/s);
    expect(await tab.button("Grant a USB device…").count()).toBe(0);
    expect(await tab.problems()).toBe("");
    await tab.close();
  });

  it("says that a page's policy forbids USB", async () => {
    const tab = await bench.open((context) =>
      context.route("**/", async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, headers: { ...response.headers(), "permissions-policy": "usb=()" } });
      }),
    );
    tab.pictureOnFailure();
    const advice = tab.page.getByRole("note");
    await advice.waitFor();
    expect(await advice.textContent()).toContain("This page may not use USB");
    await tab.close();
  });

  it("names the two headers when they are missing and no service worker can set them, at once and at a start", async () => {
    const tab = await bench.open(async (context) => {
      await context.addInitScript(() => {
        Reflect.deleteProperty(Navigator.prototype, "serviceWorker");
      });
      await context.route("**/", async (route) => {
        const response = await route.fetch();
        const headers = Object.entries(response.headers()).filter(([name]) => !name.startsWith("cross-origin-"));
        await route.fulfill({ response, headers: Object.fromEntries(headers) });
      });
    });
    tab.pictureOnFailure();
    await expect.poll(() => tab.problems()).toContain("not cross-origin isolated");
    await tab.button("Dismiss this message").click();
    expect(await tab.problems()).toBe("");
    await tab.button("Start Linux").click();
    await expect.poll(() => tab.problems()).toContain("Cross-Origin-Opener-Policy: same-origin");
    expect(await tab.problems()).toContain("Cross-Origin-Embedder-Policy: require-corp");
    await tab.button("Try again").waitFor();
    await tab.close();
  });

  it("says that the guest's files are not there", async () => {
    const tab = await bench.open((context) => context.route("**/guest/initrd*", (route) => route.abort()));
    tab.pictureOnFailure();
    await tab.button("Start Linux").click();
    await expect.poll(() => tab.problems(), { timeout: 20_000 }).toContain("initrd could not be loaded");
    await tab.button("Try again").waitFor();
    await tab.close();
  });
});
