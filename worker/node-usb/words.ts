/** What a person is told of a device of npm `usb`: one sentence, and what to do. */
import { capital } from "../webusb-words.ts";

interface Named {
  readonly vendorId: number;
  readonly productId: number;
  readonly productName: string | null;
  readonly detach: boolean;
}

export function deniedWords({ vendorId, productId, productName }: Named): string {
  return (
    `You may not open ${productName || "the device"} on this computer. On Linux a udev rule lets you, for example in ` +
    `/etc/udev/rules.d/70-pvusb.rules: SUBSYSTEM=="usb", ATTR{idVendor}=="${hex(vendorId)}", ` +
    `ATTR{idProduct}=="${hex(productId)}", TAG+="uaccess". Reconnect the device after that.`
  );
}

export function missingWords({ productName }: Named): string {
  return `${capital(productName || "the device")} is not in /dev/bus/usb. A container must be given it: --device=/dev/bus/usb.`;
}

export function heldWords({ productName, detach }: Named): string {
  const name = productName || "the device";
  return detach
    ? `${capital(name)} cannot be taken from what has it on this computer. Is another program using it?`
    : `A driver of this computer, or another program, has ${name}. With the setting detach it is taken from the driver ` +
        "for as long as it is plugged; a disk must not be mounted then.";
}

/** What the guest does not get of a device that is plugged in. */
export function limitsOf(device: Named, isHeld: boolean, hasIsochronous: boolean): string[] {
  return [
    ...(isHeld && !device.detach
      ? ["With the setting detach, interfaces are taken from this computer's drivers for as long as it is plugged."]
      : []),
    ...(hasIsochronous
      ? ["The package usb has no isochronous transfers: no sound or picture comes from such an endpoint."]
      : []),
  ];
}

function hex(id: number): string {
  return id.toString(16).padStart(4, "0");
}
