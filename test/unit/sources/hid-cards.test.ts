/** HID devices that were granted to the page, as cards. */
import { afterEach, expect, test, vi } from "vitest";
import { HidCards } from "../../../app/hub/hid-cards.ts";
import { chromiumCollections } from "../../fakes/hid-descriptor.ts";
import { VENDOR_REPORTS } from "../device/hid.ts";

afterEach(() => vi.unstubAllGlobals());

const [whole] = chromiumCollections(VENDOR_REPORTS);
const device = (productName: string, collections: unknown = [whole]) => ({
  vendorId: 0x1d50,
  productId: 0x18,
  productName,
  collections,
  forget: vi.fn(async () => undefined),
});

function browser(granted: unknown[]) {
  const chosen: unknown[] = [];
  const hid = Object.assign(new EventTarget(), { getDevices: async () => granted, requestDevice: async () => chosen });
  vi.stubGlobal("navigator", { hid });
  const changed = vi.fn();
  const tell = (type: string, which: unknown) => hid.dispatchEvent(Object.assign(new Event(type), { device: which }));
  return { cards: new HidCards(changed), changed, chosen, tell };
}

test("are there as long as they are granted and connected, each once", async () => {
  const [meter, other] = [device("Meter"), device("")];
  const { cards, changed, chosen, tell } = browser([meter]);
  expect(cards.isThere).toBe(true);
  await cards.watch();
  const names = () => cards.all.map(({ name }) => name);
  expect(names()).toEqual(["Meter"]);
  expect(cards.all[0]).toMatchObject({ group: "real", single: true, names: ["hid-1d50-0018"], warning: undefined });
  expect(await cards.request()).toEqual([]);
  chosen.push(meter, other);
  expect((await cards.request()).map(({ name }) => name)).toEqual(["Meter", "HID device 1d50:0018"]);
  expect(cards.all[1]?.names).toEqual(["hid-1d50-0018-2"]);
  tell("disconnect", meter);
  expect(names()).toEqual(["HID device 1d50:0018"]);
  tell("connect", meter);
  expect(names()).toEqual(["HID device 1d50:0018", "Meter"]);
  expect(changed).toHaveBeenCalledTimes(4);
  await cards.all[1]?.forget?.();
  expect(meter.forget).toHaveBeenCalled();
  expect(names()).toEqual(["HID device 1d50:0018"]);
});

test("say what the browser keeps of them, and are not opened when that is all", async () => {
  const { featureReports: _, ...rest } = whole ?? {};
  const blocked = { ...rest, children: [whole] };
  const { cards } = browser([device("Meter"), device("Composite", [blocked]), device("Keyboard", [])]);
  await cards.watch();
  expect(cards.all.map(({ warning }) => warning !== undefined)).toEqual([false, true, true]);
  await expect(cards.all[2]?.open()).rejects.toThrow(/keeps all of this device/);
});

test("are not there without WebHID", async () => {
  vi.stubGlobal("navigator", {});
  const cards = new HidCards(() => undefined);
  await cards.watch();
  expect([cards.isThere, cards.all]).toEqual([false, []]);
});
