/** Interfaces that browsers keep to themselves (WebUSB, protected interface classes), and what of the page does the same. */

interface Kept {
  readonly what: string;
  readonly instead?: string;
}

const SUBCLASS_MIDI = 3;
const BOOT_KEYBOARD = 1;
const BOOT_MOUSE = 2;

function keptBy({ interfaceClass, interfaceSubclass, interfaceProtocol }: USBAlternateInterface): Kept | undefined {
  switch (interfaceClass) {
    case 0x01:
      return interfaceSubclass === SUBCLASS_MIDI
        ? { what: "MIDI", instead: "this computer's MIDI ports" }
        : { what: "audio", instead: "this computer's microphone and speaker" };
    case 0x03:
      if (interfaceProtocol === BOOT_KEYBOARD) return { what: "keyboard", instead: "the page's keyboard" };
      if (interfaceProtocol === BOOT_MOUSE) return { what: "mouse", instead: "the page's mouse or tablet" };
      return { what: "HID", instead: "the same device as a HID device (WebHID)" };
    case 0x08:
      return { what: "storage", instead: "a disk made of a file" };
    case 0x0b:
      return { what: "smart card" };
    case 0x0e:
      return { what: "video", instead: "this computer's camera" };
    case 0x10:
      return { what: "audio and video", instead: "this computer's camera and microphone" };
    case 0xe0:
      return { what: "wireless" };
    default:
      return undefined;
  }
}

/** A sentence about the interfaces that the browser keeps, or undefined if the guest gets the whole device. */
export function protectedInterfaces(device: USBDevice): string | undefined {
  const interfaces = (device.configuration ?? device.configurations[0])?.interfaces ?? [];
  const kept = interfaces.flatMap(({ alternates }) => alternates.flatMap((each) => keptBy(each) ?? []).slice(0, 1));
  if (kept.length === 0) return undefined;
  const whats = listed([...new Set(kept.map(({ what }) => what))]);
  const instead = [...new Set(kept.flatMap((each) => each.instead ?? []))];
  const rest = kept.length < interfaces.length ? " The guest gets the rest." : "";
  const advice = instead.length > 0 ? ` Plug ${listed(instead)} instead.` : "";
  return `Browsers keep ${whats} interfaces for themselves.${rest}${advice}`;
}

/** CDC-ACM (PSTN 1.2 §5.3), or a chip whose interface has the vendor's class: FTDI, CP210x, CH34x, PL2303. */
export function isSerialAdapter(device: USBDevice): boolean {
  return SERIAL_VENDORS.has(device.vendorId) || alternatesOf(device).some(isAcm);
}

const SERIAL_VENDORS = new Set([0x0403, 0x10c4, 0x1a86, 0x067b]);

function isAcm({ interfaceClass, interfaceSubclass }: USBAlternateInterface): boolean {
  return interfaceClass === 0x02 && interfaceSubclass === 0x02;
}

function alternatesOf({ configurations }: USBDevice): USBAlternateInterface[] {
  return configurations.flatMap(({ interfaces }) => interfaces.flatMap(({ alternates }) => alternates));
}

function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}
