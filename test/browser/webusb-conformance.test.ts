/** The fake navigator.usb is held to a real Chromium: both are taken through the same steps, and must say the same. */
import type { Page } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ScriptedFunction } from "../fakes/scripted-function.ts";
import { FakeUsb } from "../fakes/usb.ts";
import { Wire } from "../fakes/usb-wire.ts";
import { type Computer, missing, openEmptyPage } from "../usbfs/launch.ts";
import { type Claim, type Dies, STEPS, type Step, type Tell } from "./webusb-steps.ts";

/** Runs in the page: nothing but its arguments. The device of a step before, whose end Chromium has not heard of yet, has another serial. */
async function perform(run: Step["run"], usb: USB, serial: string): Promise<unknown> {
  const shown = (value: unknown): string => {
    const result = value as Partial<USBInTransferResult & USBOutTransferResult> | undefined;
    if (result?.status === undefined) return JSON.stringify(value) ?? "done";
    if (result.bytesWritten !== undefined) return `${result.status}, ${result.bytesWritten} written`;
    const { data } = result;
    const bytes = data ? [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)] : [];
    const head = bytes.slice(0, 24).map((byte) => byte.toString(16).padStart(2, "0"));
    return `${result.status}, ${bytes.length} bytes ${head.join(" ")}`;
  };
  const tell: Tell = async (call) => {
    try {
      return shown(await call);
    } catch (error) {
      const { name, message } = error as Error;
      // A binding's own TypeErrors begin with what was called.
      return `${name}: ${message.replace(/^Failed to execute '\w+' on 'USBDevice': /, "")}`;
    }
  };
  let device: USBDevice | undefined;
  for (let wait = 0; !device && wait < 500; wait++) {
    device = (await usb.getDevices()).find(({ serialNumber }) => serialNumber === serial);
    if (!device) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  if (!device) return "The device never came.";
  const dies: Dies = async (device) => {
    for (let wait = 0; wait < 500; wait++) {
      if ((await tell(device.open())).startsWith("NotFoundError")) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const claim: Claim = async (device) => {
    for (let wait = 0; !device.configuration?.interfaces[0]?.claimed && wait < 500; wait++) {
      if ((await tell(device.claimInterface(0))).startsWith("NetworkError")) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  };
  const outcome = await run(device, tell, usb, dies, claim);
  await device.close().catch(() => undefined);
  return outcome;
}

/** Waits for the hand's moment, and then for what it does. */
async function lendAHand(
  { hand }: Step,
  pending: () => number,
  unplug: () => unknown,
  plug: () => unknown,
): Promise<void> {
  if (!hand) return;
  while (pending() < hand.pending) await new Promise((resolve) => setTimeout(resolve, 5));
  await unplug();
  if (hand.does === "replug") plug();
}

/** The same for both computers, and another for each step. */
function serialOf(step: Step): string {
  return step.device?.serialNumber ?? `CONFORM-${STEPS.indexOf(step)}`;
}

async function fakely(step: Step): Promise<unknown> {
  const usb = new FakeUsb();
  const fn = new ScriptedFunction({ ...step.device, serialNumber: serialOf(step) });
  step.script?.(fn);
  const { bound, forbidden, configuration } = step;
  const options = {
    ...(bound && { busy: bound }),
    ...(forbidden && { forbidden }),
    ...(configuration !== undefined && { configuration }),
  };
  const device = usb.plug(fn, options);
  const hand = lendAHand(
    step,
    () => device.wire.pending,
    () => usb.unplug(device),
    () => usb.plug(fn, options),
  );
  const outcome = await perform(step.run, usb as unknown as USB, serialOf(step));
  await hand;
  return outcome;
}

const reason = missing();

describe.skipIf(reason !== undefined)(reason ?? "Chromium and the fake agree:", () => {
  let opened: Awaited<ReturnType<typeof openEmptyPage>>;
  let computer: Computer;
  let page: Page;
  beforeAll(async () => {
    opened = await openEmptyPage();
    ({ computer, page } = opened);
  });
  afterAll(() => opened?.stop());

  async function really(step: Step): Promise<unknown> {
    const { kernel } = computer;
    const fn = new ScriptedFunction({ ...step.device, serialNumber: serialOf(step) });
    step.script?.(fn);
    const { bound, forbidden, configuration } = step;
    const options = { ...(bound && { bound }), ...(forbidden && { forbidden }) };
    const plug = () => kernel.plug(fn, options, new Wire(fn, configuration ?? 1));
    plug();
    const hand = lendAHand(
      step,
      () => kernel.pending(fn),
      () => kernel.unplug(fn),
      plug,
    );
    const text = `(${perform.toString()})(({ ${step.run.toString().replace(/^(async )?\(/, "run: $&")} }).run, navigator.usb, ${JSON.stringify(serialOf(step))})`;
    try {
      const outcome = await page.evaluate(text);
      await hand;
      return outcome;
    } finally {
      // The next step begins with an empty computer, whatever became of this one.
      kernel.unplug(fn);
      await page.waitForFunction(async () => (await navigator.usb.getDevices()).length === 0);
    }
  }

  it.each(STEPS.map((step) => [step.title, step] as const))("%s", async (_, step) => {
    const real = await really(step);
    expect(await fakely(step)).toEqual(real);
  });
});
