/**
 * Gives a page, or the backend's worker, a fake navigator.usb with one vendor-specific device at the computer's port. In the
 * page it is not granted until a person does so, which outlives a reload; the worker hears of a grant only by being able to open it. Words on the channel pull it out and
 * push it in, in both.
 */
import { FakeVendor } from "../../fakes/fake-vendor.ts";
import { FakeUsb } from "../../fakes/usb.ts";
import { FAKE_USB_CHANNEL } from "./fake-usb-channel.ts";

const usb = new FakeUsb();
const isPage = typeof document !== "undefined";
Object.defineProperty(navigator, "usb", { value: usb, configurable: true });

const GRANTED = "fake-usb-granted";
const storage = isPage && location.protocol.startsWith("http") ? localStorage : undefined; // about:blank has none
const isGranted = () => !isPage || storage?.getItem(GRANTED) === "yes";
const request = usb.requestDevice.bind(usb);
usb.requestDevice = async (options) => {
  const chosen = await request(options);
  storage?.setItem(GRANTED, "yes");
  return chosen;
};

let device: ReturnType<FakeUsb["plug"]> | undefined = usb.plug(new FakeVendor(), { granted: isGranted() });

new BroadcastChannel(FAKE_USB_CHANNEL).addEventListener("message", ({ data }) => {
  if (data === "unplug" && device) {
    void usb.unplug(device);
    device = undefined;
  } else if (data !== "unplug" && !device) {
    device = usb.plug(new FakeVendor(), {
      granted: isGranted(),
      busy: data === "plug-held" ? [0] : [],
      forbidden: data === "plug-forbidden",
    });
  }
});
