import { afterEach, describe, expect, it } from "vitest";
import { Guest } from "../../dist/app/guest/default-guest.js";
import { folderFiles, installedV86 } from "../../dist/app/guest/node-files.js";
import type { UsbController } from "../../dist/app/index.js";
import { createUsbHost } from "../../dist/app/index.js";
import { GUEST_FOLDER } from "./harness.ts";

const SECTOR = 512;
const WORDS = "The second sector of a USB stick was here.\n";

/**
 * A boot sector that reads the disk's second sector by INT 13h and sends its text to the first serial port:
 *
 *     cli; xor ax,ax; mov ds,ax; mov es,ax; mov ss,ax; mov sp,7C00h; sti
 *     mov ax,0201h; mov bx,7E00h; mov cx,2; mov dh,0; int 13h; jc stop
 *     mov si,7E00h
 *     next: lodsb; test al,al; jz stop; mov dx,3F8h; out dx,al; jmp next
 *     stop: hlt; jmp stop
 */
const BOOT_SECTOR = [
  0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0xfb, 0xb8, 0x01, 0x02, 0xbb, 0x00, 0x7e,
  0xb9, 0x02, 0x00, 0xb6, 0x00, 0xcd, 0x13, 0x72, 0x0e, 0xbe, 0x00, 0x7e, 0xac, 0x84, 0xc0, 0x74, 0x06, 0xba, 0xf8,
  0x03, 0xee, 0xeb, 0xf5, 0xf4, 0xeb, 0xfd,
];

function bootableStick(): Uint8Array {
  const image = new Uint8Array(1 << 20);
  image.set(BOOT_SECTOR);
  image.set([0x55, 0xaa], SECTOR - 2);
  image.set(new TextEncoder().encode(WORDS), SECTOR);
  return image;
}

describe("SeaBIOS, with its own xHCI driver", () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  it.each([
    ["worker", "", undefined],
    ["thread", "", undefined],
    ["thread", " behind a USB 2.0 hub", 2],
    ["thread", " behind a USB 3 hub", 3],
  ] as const)("lists and boots a flash drive, backend in a %s%s", async (placement, _, usb) => {
    const host = await createUsbHost({ placement });
    ends.push(() => host.close());
    let log = "";
    let heard: (text: string) => void = () => {};
    const words = new Promise<void>((resolve) => {
      let console = "";
      heard = (text) => {
        console += text;
        if (console.includes(WORDS)) resolve();
      };
    });
    const guest = await Guest.start({
      files: folderFiles(GUEST_FOLDER),
      wasm: installedV86().wasm,
      machine: { boots: { from: "usb" }, memoryMiB: 64 },
      machineReady: async (emulator) => {
        const controller: UsbController = await host.attach(emulator);
        if (usb) {
          await controller.port(1).plug(host.device("hub", { usb }));
          await controller.port(1).port(2).plug(host.device("keyboard"));
        }
        const port = usb ? controller.port(1).port(3) : controller.port(1);
        await port.plug(host.device("flash-drive", { image: { bytes: bootableStick() } }));
        return undefined;
      },
      onConsole: (bytes) => heard(new TextDecoder().decode(bytes)),
      onBiosLog: (bytes) => {
        log += new TextDecoder().decode(bytes);
      },
    });
    ends.push(() => guest.stop());
    await words;
    expect(log).toContain("XHCI");
    expect(log).toMatch(/USB MSC vendor='pvusb' product='Flash Drive'/);
    expect(log).toContain("Booting from Hard Disk");
    if (usb) {
      expect(log).toContain(`Initialized USB HUB (${usb === 2 ? 2 : 1} ports used)`);
      expect(log).toContain("USB keyboard initialized");
    }
  });
});
