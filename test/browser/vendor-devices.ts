/** Gadget zero and an FTDI adapter at the computer of a page with a guest, at work and pulled out of it. */
import type { DeviceSource } from "../../worker/protocol.ts";
import { echoInBackground, echo as echoOf, isOpen, MAKE_DATA, FTDI_TTY as TTY } from "../guest/serial.ts";
import { inBackground, Usbtest } from "../guest/usbtest.ts";
import { SoftwareWire } from "../usbfs/software-wire.ts";
import type { GuestPage } from "./guest-page.ts";

const ADAPTER = { kind: "serial", loopback: true } as const;
export const GADGET = { kind: "gadget-zero", speed: "high" } as const;
const TAKEN = "/sys/bus/usb/drivers/usbtest/*:3.0";
/** Cases of usbtest that it is pulled out of: writes, reads, scatter lists, control transfers, transfers taken back. */
const CASES = [1, 2, 5, 6, 9, 10, 11, 12, 14];

export interface Plugged {
  /** What the plug has said. */
  readonly notes: readonly string[];
  /** Pulls it out of the computer, until page and port know. */
  pullOut(): Promise<void>;
}

/** Connects a device to the computer, and has the page plug it in. */
export async function plugIn(tab: GuestPage, port: number, source: DeviceSource): Promise<Plugged> {
  const wire = await SoftwareWire.plug(source);
  const serial = wire.fn.serialNumber ?? "";
  tab.computer?.kernel.plug(wire.fn, {}, wire);
  const notes = await tab.plugReal(port, serial);
  const pullOut = async () => {
    tab.computer?.kernel.unplug(wire.fn);
    await tab.untilEmpty(port);
    await tab.page.waitForFunction(
      async (serial) => (await navigator.usb.getDevices()).every((each) => each.serialNumber !== serial),
      serial,
    );
  };
  return { notes, pullOut };
}

/** 256 KiB through the adapter and back: the sums of what went and of what came. */
export async function echo(tab: GuestPage): Promise<string[]> {
  await tab.run(MAKE_DATA);
  const { pullOut } = await plugIn(tab, 1, ADAPTER);
  await tab.until(`test -c ${TTY}`);
  const sums = await tab.run(echoOf(TTY));
  await pullOut();
  await tab.until(`! test -e ${TTY}`);
  return sums.trim().split("\n");
}

/** Has both do their work, and pulls them out in the middle of it, so many times. The guest lets go of them each time. */
export async function pullOutInTheMiddle(tab: GuestPage, times: number): Promise<void> {
  await Usbtest.load(tab);
  await tab.run(MAKE_DATA);
  for (let round = 0; round < times; round++) {
    const adapter = await plugIn(tab, 1, ADAPTER);
    const gadget = await plugIn(tab, 2, GADGET);
    await tab.until(`test -c ${TTY} && ls -d ${TAKEN}`);
    await tab.run(echoInBackground(TTY));
    await tab.run(inBackground(CASES[round % CASES.length] ?? 1));
    await Promise.all([untilMoved(tab, 1, 5_000 * (1 + (round % 7))), untilMoved(tab, 2, 1_000)]);
    const order = round % 2 === 0 ? [adapter, gadget] : [gadget, adapter];
    await Promise.all(order.map(({ pullOut }) => pullOut()));
    await tab.until(`! test -e ${TTY} && ! ls -d ${TAKEN} 2>/dev/null && ! ${isOpen(TTY)} && ! pidof perl`);
  }
}

/** Until so many bytes more have passed a port of the first guest. */
async function untilMoved(tab: GuestPage, port: number, bytes: number): Promise<void> {
  await tab.page.evaluate(
    async ([port, bytes]) => {
      const { controller } = await window.firstGuest();
      const moved = () => {
        const { bytesIn, bytesOut } = controller.port(port).status.counters;
        return bytesIn + bytesOut;
      };
      const end = moved() + bytes;
      while (moved() < end) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    [port, bytes] as const,
  );
}
