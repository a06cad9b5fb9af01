/** Serial lines, MIDI and networks as a person has them: cards, and what is shown beside the device. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Bench, STEP_MS, type Tab } from "./harness.ts";

describe("a page with lines", () => {
  let bench: Bench;
  let tab: Tab;

  beforeAll(async () => {
    bench = await Bench.start();
    tab = await bench.open(async (context) => {
      // The chooser of a browser that nobody sees is never answered, and the computer of a test has no MIDI.
      await context.addInitScript(() => {
        const keys = { id: "keys", name: "The keys", type: "input", state: "connected", close: async () => undefined };
        const access = (sysexEnabled: boolean) => ({
          sysexEnabled,
          inputs: new Map([["keys", keys]]),
          outputs: new Map(),
        });
        Object.defineProperty(navigator, "requestMIDIAccess", {
          value: async ({ sysex = false } = {}) => access(sysex),
        });
        const nothing = async () => Promise.reject(new DOMException("No port selected by the user.", "NotFoundError"));
        Object.defineProperty(navigator, "serial", { value: { requestPort: nothing } });
      });
    });
  });
  afterAll(async () => {
    await tab?.close();
    await bench?.stop();
  });
  beforeEach(() => tab.pictureOnFailure());

  const plug = async (card: string, port: number) => {
    await tab.card(card).locator(".card-grip").click();
    await tab.socket(port).click();
    await tab.untilPort(port, "ready");
    return tab.port(port);
  };
  const unplug = async (card: string, port: number) => {
    await tab.button(`Unplug ${card} from port ${port}`).click();
    await tab.untilPort(port, "empty");
  };

  it("talks to the guest by a serial terminal", async () => {
    await tab.startLinux();
    const port = await plug("Serial terminal", 1);
    await tab.runUntil("ls /dev", /ttyACM0/);
    await tab.run("stty -F /dev/ttyACM0 raw -echo 115200; (cat </dev/ttyACM0 >/tmp/heard &)");
    const line = port.getByLabel("A line for the guest");
    await port.getByLabel("End of the line").selectOption("LF");
    await line.fill("hellq");
    await line.press("Backspace"); // is the view's, and no unplug
    await line.pressSequentially("o");
    await line.press("Enter");
    await tab.runUntil("cat /tmp/heard", /^hello$/m);
    expect(await line.inputValue()).toBe("");
    await tab.run("echo from the guest >/dev/ttyACM0");
    const shown = port.getByLabel("What the guest has sent");
    await expect.poll(() => shown.inputValue(), { timeout: STEP_MS }).toBe("from the guest\n");
    await port.getByText("A program of the guest has the port open: 115200 8N1.").waitFor();
    await tab.picture("serial terminal");
    await unplug("Serial terminal", 1);
  });

  it("plays a piano into the guest, by keys and clicks, and shows what the guest plays", async () => {
    const { page } = tab;
    const port = await plug("Piano", 2);
    await tab.runUntil("ls /dev/snd", /midiC0D0/);
    await tab.run("(cat /dev/snd/midiC0D0 >/tmp/midi &)");
    await port.getByRole("group", { name: /^Piano/ }).focus();
    await page.keyboard.press("z");
    await port.getByRole("button", { name: "E 3", exact: true }).click();
    await port.getByRole("button", { name: /^Octave up/ }).click();
    await port.getByRole("group", { name: /^Piano/ }).focus();
    await page.keyboard.down("q");
    await tab.runUntil("hexdump -v -e '1/1 \"%02x\"' /tmp/midi", /903064803000903464803400904864/);
    await page.keyboard.up("q"); // pressed somewhere else meanwhile: the piano has let go by itself
    await tab.runUntil("hexdump -v -e '1/1 \"%02x\"' /tmp/midi", /904864804800/);
    await tab.run("printf '\\220\\100\\144' >/dev/snd/midiC0D0");
    await port.getByText("The guest plays E 4.").waitFor();
    await port.locator("button.heard").waitFor();
    await tab.picture("piano");
    await unplug("Piano", 2);
  });

  it("has the computer's MIDI ports to choose from, and asks for SysEx apart", async () => {
    const port = await plug("MIDI ports", 3);
    const from = port.getByLabel("Heard by the guest");
    expect(await from.locator("option").allTextContents()).toEqual(["nothing", "The keys"]);
    expect(await from.inputValue()).toBe("keys");
    expect(await port.getByLabel("Played by the guest").locator("option").allTextContents()).toEqual([
      "no port is connected",
    ]);
    await from.selectOption("nothing");
    const sysex = port.getByRole("button", { name: /^SysEx/ });
    expect(await sysex.getAttribute("aria-pressed")).toBe("false");
    await sysex.click();
    await expect.poll(() => sysex.getAttribute("aria-pressed"), { timeout: STEP_MS }).toBe("true");
    expect(await from.inputValue()).toBe(""); // what was chosen stays chosen
    await unplug("MIDI ports", 3);
  });

  it("says what to do when no serial port was chosen, and when the machine has no network", async () => {
    await tab.card("Serial port").locator(".card-grip").click();
    await tab.socket(3).click();
    await expect.poll(() => tab.problems(), { timeout: STEP_MS }).toContain("No serial port was chosen. Plug again");
    await tab.button("Dismiss this message").first().click();
    await tab.card("Ethernet to the machine's network").locator(".card-grip").click();
    await tab.socket(4).click();
    await tab.untilSaid("This machine has no network. Start one with a network");
    await tab.untilPort(4, "empty");
  });
});
