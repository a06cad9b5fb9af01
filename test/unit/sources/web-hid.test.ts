/** A HID device of the browser as one of the guest: reports both ways, and what ends it. */
import { expect, test, vi } from "vitest";
import type { Hid, HidDevice } from "../../../app/sources/hid-api.ts";
import { openWebHid } from "../../../app/sources/web-hid.ts";
import type { UsbPort } from "../../../app/usb-port.ts";
import type { DeviceInput, DeviceOutput, HidRequest } from "../../../worker/protocol.ts";
import { chromiumCollections } from "../../fakes/hid-descriptor.ts";
import { VENDOR_REPORTS } from "../device/hid.ts";

/** Enough of a HIDDevice: it keeps what it is sent, and its feature report 3. */
class FakeDevice extends EventTarget {
  readonly vendorId = 0x1d50;
  readonly productId = 0x6018;
  readonly productName = "Meter";
  readonly collections = chromiumCollections(VENDOR_REPORTS);
  opened = false;
  readonly sent: unknown[] = [];
  refuses = false;

  async open() {
    if (this.refuses) throw new DOMException("Failed to open the device.", "NotAllowedError");
    this.opened = true;
  }
  async close() {
    this.opened = false;
  }
  async forget() {}
  async sendReport(id: number, data: Uint8Array) {
    if (this.refuses) throw new DOMException("Failed to write the report.", "NotAllowedError");
    this.sent.push(["output", id, ...data]);
  }
  async sendFeatureReport(id: number, data: Uint8Array) {
    this.sent.push(["feature", id, ...data]);
  }
  async receiveFeatureReport(id: number) {
    if (id !== 3) throw new DOMException("Failed to receive the feature report.", "NotAllowedError");
    return new DataView(Uint8Array.of(0xff, 3, 0xaa, 0xbb, 0xcc, 0xdd).buffer, 1);
  }
  report(reportId: number, ...bytes: number[]) {
    const event = Object.assign(new Event("inputreport"), {
      reportId,
      data: new DataView(Uint8Array.from(bytes).buffer),
    });
    this.dispatchEvent(event);
  }
}

/** Enough of a UsbPort: what the guest wants is put into `requests`. */
class FakePort {
  readonly inputs: DeviceInput[] = [];
  requests: HidRequest[] = [];
  onOutput: (() => void) | undefined;
  async input(message: DeviceInput) {
    this.inputs.push(message);
  }
  async output(): Promise<DeviceOutput | undefined> {
    const requests = this.requests.splice(0);
    return requests.length > 0 ? { type: "hid", requests } : undefined;
  }
  want(...requests: HidRequest[]) {
    this.requests.push(...requests);
    this.onOutput?.();
  }
}

const plain = (requests: FakePort) => requests as unknown as UsbPort;
const place = { screen: undefined };

async function opened() {
  const hid = Object.assign(new EventTarget(), { getDevices: async () => [], requestDevice: async () => [] });
  const device = new FakeDevice();
  const feed = await openWebHid(hid as Hid, device as HidDevice);
  const port = new FakePort();
  feed.plugged(plain(port), place);
  return { hid, device, feed, port };
}

test("is plugged as what it is, and its reports go to the guest's port wherever that is", async () => {
  const { device, feed, port } = await opened();
  expect(feed.source).toMatchObject({ kind: "hid", vendorId: 0x1d50, productId: 0x6018, product: "Meter" });
  expect(device.opened).toBe(true);
  device.report(1, 0x12, 0x34);
  const other = new FakePort();
  feed.plugged(plain(other), place);
  device.report(1, 0x56);
  expect(port.inputs).toEqual([{ type: "hid-report", id: 1, bytes: Uint8Array.of(0x12, 0x34) }]);
  expect(other.inputs).toEqual([{ type: "hid-report", id: 1, bytes: Uint8Array.of(0x56) }]);
  await feed.close();
  device.report(1, 0x78);
  expect(other.inputs).toHaveLength(1);
  expect(device.opened).toBe(false);
});

test("does what the guest wants, in order, and says what came of it", async () => {
  const { device, port } = await opened();
  port.want(
    { is: "send", report: "output", id: 2, bytes: Uint8Array.of(1, 2) },
    { is: "send", report: "feature", id: 4, bytes: Uint8Array.of(3), answer: 7 },
    { is: "receive", report: "feature", id: 3, answer: 8 },
    { is: "receive", report: "feature", id: 4, answer: 9 },
  );
  await vi.waitFor(() => expect(port.inputs).toHaveLength(3));
  expect(device.sent).toEqual([
    ["output", 2, 1, 2],
    ["feature", 4, 3],
  ]);
  expect(port.inputs).toEqual([
    { type: "hid-answer", answer: 7, bytes: new Uint8Array(0) },
    { type: "hid-answer", answer: 8, bytes: Uint8Array.of(3, 0xaa, 0xbb, 0xcc, 0xdd) },
    { type: "hid-answer", answer: 9 },
  ]);
  device.refuses = true;
  port.want({ is: "send", report: "output", id: 2, bytes: Uint8Array.of(5), answer: 10 });
  await vi.waitFor(() => expect(port.inputs.at(-1)).toEqual({ type: "hid-answer", answer: 10 }));
});

test("ends when its device is pulled out, and not when another is", async () => {
  const { hid, device, feed } = await opened();
  const ended = vi.fn();
  feed.onEnd = ended;
  const gone = (which: unknown) => hid.dispatchEvent(Object.assign(new Event("disconnect"), { device: which }));
  gone(new FakeDevice());
  expect(ended).not.toHaveBeenCalled();
  gone(device);
  expect(ended).toHaveBeenCalledTimes(1);
});

test("is refused in words", async () => {
  const hid = new EventTarget() as Hid;
  const busy = new FakeDevice();
  busy.refuses = true;
  await expect(openWebHid(hid, busy as HidDevice)).rejects.toThrow(/cannot open.*Close that program/);
  const kept = Object.assign(new FakeDevice(), { collections: [] });
  await expect(openWebHid(hid, kept as HidDevice)).rejects.toThrow(/keeps all of this device.*“Mouse” instead/);
});
