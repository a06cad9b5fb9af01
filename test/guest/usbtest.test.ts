import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bench, startGuest } from "./harness.ts";
import { guestTools } from "./tools.ts";
import { CASES, cases, EINVAL, expectPassed, type Speed, Usbtest } from "./usbtest.ts";

const LONG = 280_000;
/** Of each case; testusb's default is 1000, and `npm run soak` runs 5000. */
const ITERATIONS = { iterations: 250 };

let bench: Bench;
beforeAll(async () => {
  bench = await startGuest({}, { overlay: guestTools() });
});
afterAll(() => bench?.stop());

it("is asked every case that Linux's usbtest has", () => {
  const numbers = Object.values(CASES).flatMap((each): number[] => [...each.numbers]);
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, number) => number));
});

describe("usbtest and gadget zero, at high speed and SuperSpeed", () => {
  const speeds: Speed[] = ["high", "super"];
  let usbtest: Usbtest;
  beforeAll(async () => {
    usbtest = await Usbtest.plug(bench, speeds, { interval: 1 });
  });
  afterAll(() => usbtest?.unplug(bench));

  it.each(["control", "bulk", "isochronous", "interrupt"] as const)(
    "pass the %s cases with testusb's lengths",
    async (kind) => {
      await usbtest.select(CASES[kind]);
      expectPassed(await usbtest.run(cases(kind, ITERATIONS), LONG), cases(kind), speeds);
    },
  );

  it("pass the control writes of every length up to 512, and of 65535; the defaults are refused", async () => {
    const refused = CASES["control write"].numbers.map((number) => [number, EINVAL]);
    expect((await usbtest.run(cases("control write"), LONG)).errors).toEqual({ high: refused, super: refused });
    const list = [
      ...cases("control write", { ...ITERATIONS, vary: 1 }),
      ...cases("control write", { iterations: 20, length: 65535, vary: 8191 }),
    ];
    await usbtest.select(CASES["control write"]);
    expectPassed(await usbtest.run(list, LONG), list, speeds);
  });
});

describe("usbtest and gadget zero, at all speeds, with a pattern", () => {
  const speeds: Speed[] = ["full", "high", "super"];
  let usbtest: Usbtest;
  beforeAll(async () => {
    usbtest = await Usbtest.plug(bench, speeds, { pattern: "mod63" });
  });
  afterAll(() => usbtest?.unplug(bench));

  it.each(["bulk", "interrupt"] as const)(
    "have every byte in its place in the %s cases, with odd lengths",
    async (kind) => {
      const performance = [27, 28]; // their writes are zeros, whatever the pattern
      const list = cases(kind, { iterations: 25, length: 3001, vary: 421 }).filter(
        ({ number }) => !performance.includes(number),
      );
      await usbtest.select(CASES[kind]);
      expectPassed(await usbtest.run(list, LONG), list, speeds);
    },
  );
});

it("gadget zero's loopback gives a program back what it wrote", async () => {
  const { controller, host, run, until } = bench;
  await controller.port(1).plug(host.device("gadget-zero", {}));
  const driver = "/sys/bus/usb/drivers/usbtest";
  const name = (await until(`cd ${driver} && ls -d *:3.0`)).trim().replace(":3.0", "");
  await run(`echo -1 >/sys/module/usbtest/parameters/alt; echo 2 >/sys/bus/usb/devices/${name}/bConfigurationValue`);
  await run(`echo ${name}:2.0 >${driver}/unbind`);
  const script = `use strict;
    sub bulk { ioctl($_[0], 0xc0105502, my $order = pack("L3p", $_[1], length($_[2]), 5000, $_[2])) // die "$!" }
    open(my $device, "+<", sprintf("/dev/bus/usb/%03d/%03d", @ARGV)) or die $!;
    open(my $random, "<", "/dev/urandom") or die $!;
    my @sent = map { sysread($random, my $bytes, $_); $bytes } 1, 1024, 5000, 65536;
    bulk($device, 0x01, $_) for @sent;
    for (@sent) { my $back = "." x 70000; my $count = 0 + bulk($device, 0x81, $back); print "$count ", substr($back, 0, $count) eq $_ ? "same " : "other " }`;
  const back = await run(`cd /sys/bus/usb/devices/${name}; perl -e '${script}' $(cat busnum devnum)`);
  expect(back).toBe("1 same 1024 same 5000 same 65536 same ");
  await controller.port(1).unplug();
});
