export const FAKE_USB_CHANNEL = "fake-usb";
