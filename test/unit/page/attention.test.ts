import { expect, test } from "vitest";
import { noTraffic } from "../../../app/controller.ts";
import { Attention } from "../../../app/hub/attention.ts";
import type { UsbPort } from "../../../app/usb-port.ts";

type Plugged = NonNullable<UsbPort["plugged"]>;

function createPort() {
  const status = { speed: 3, enabled: true, asleep: false, address: 0, counters: noTraffic() };
  const port: { plugged: Plugged | undefined; readonly status: typeof status } = { plugged: {} as Plugged, status };
  const attention = new Attention();
  const look = (times: number) => Array.from({ length: times }, () => attention.look(port)).at(-1);
  return { port, status, look };
}

test("a device without an address is ignored after half a minute, and no sooner", () => {
  const { status, look } = createPort();
  expect(look(59)).toBeUndefined();
  expect(look(1)).toBe("ignored");
  status.address = 1;
  expect(look(1)).toBeUndefined();
});

test("a device that only the USB core has spoken to is without a driver, until one comes", () => {
  const { status, look } = createPort();
  status.address = 1;
  status.counters.transfers = 9;
  expect(look(60)).toBe("driverless");
  status.counters.driven = 1;
  expect(look(1)).toBeUndefined();
  expect(look(80)).toBeUndefined();
});

test("a device of a restored state, of which nothing was counted, has its driver", () => {
  const { status, look } = createPort();
  status.address = 1;
  expect(look(80)).toBeUndefined();
});

test("another plug begins anew, and an empty port has nothing to say", () => {
  const { port, look } = createPort();
  expect(look(60)).toBe("ignored");
  port.plugged = {} as Plugged;
  expect(look(59)).toBeUndefined();
  port.plugged = undefined;
  expect(look(80)).toBeUndefined();
});
