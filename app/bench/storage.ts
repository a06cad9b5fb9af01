/** A stock guest's dd from USB disks beside v86's own IDE disk: the same image, the same boot, by turns. */
import { Guest } from "../guest/default-guest.ts";
import { createUsbHost } from "../host.ts";
import type { UsbController } from "../usb-controller.ts";
import type { Bench, Section } from "./section.ts";

const MIB = 1 << 20;
const IMAGE_SIZE = 64 * MIB;

interface Work {
  readonly name: string;
  readonly bytes: number;
  /** The dd command, for a device. */
  dd(device: string): string;
}

const WORKS: readonly Work[] = [
  { name: "read 1 MiB", bytes: 64 * MIB, dd: (device) => `dd if=${device} of=/dev/null bs=1M iflag=direct` },
  { name: "write 1 MiB", bytes: 64 * MIB, dd: (device) => `dd if=/dev/zero of=${device} bs=1M count=64 oflag=direct` },
  {
    name: "read 64 KiB",
    bytes: 32 * MIB,
    dd: (device) => `dd if=${device} of=/dev/null bs=64k count=512 iflag=direct`,
  },
  {
    name: "write 64 KiB",
    bytes: 32 * MIB,
    dd: (device) => `dd if=/dev/zero of=${device} bs=64k count=512 oflag=direct`,
  },
  { name: "read 4 KiB", bytes: 4 * MIB, dd: (device) => `dd if=${device} of=/dev/null bs=4k count=1024 iflag=direct` },
  { name: "write 4 KiB", bytes: 4 * MIB, dd: (device) => `dd if=/dev/zero of=${device} bs=4k count=1024 oflag=direct` },
  {
    name: "8 × read 64 KiB",
    bytes: 32 * MIB,
    dd: (device) => atOnce(`dd if=${device} of=/dev/null bs=64k skip=$((i*64)) count=64 iflag=direct`),
  },
  {
    name: "8 × read 4 KiB",
    bytes: 4 * MIB,
    dd: (device) => atOnce(`dd if=${device} of=/dev/null bs=4k skip=$((i*1024)) count=128 iflag=direct`),
  },
];

/** Eight of them, `i` being 0 to 7. */
function atOnce(command: string): string {
  return `for i in 0 1 2 3 4 5 6 7; do ${command} & done; wait`;
}

/** Milliseconds that `command` takes in the guest. */
async function time(guest: Guest, command: string): Promise<number> {
  let began = 0;
  let ended = 0;
  const { status } = await guest.exec(`echo begin; (${command}) >/dev/null 2>&1 || exit 1; echo end`, {
    timeout: 120_000,
    onOutput: (bytes) => {
      const text = new TextDecoder().decode(bytes);
      if (text.includes("begin")) began = performance.now();
      if (text.includes("end")) ended = performance.now();
    },
  });
  if (status !== 0) throw new Error(`The guest's "${command}" failed.`);
  return ended - began;
}

/** The block device whose model holds `words`. */
const FIND = (words: string) =>
  `for d in /sys/block/sd*; do grep -qi '${words}' $d/device/model && echo -n /dev/\${d##*/} && exit 0; done; exit 1`;

async function find(guest: Guest, words: string): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    const { status, output } = await guest.exec(FIND(words), { timeout: 60_000 });
    if (status === 0) return new TextDecoder().decode(output);
    await guest.exec("usleep 50000");
  }
  throw new Error(`The guest has no disk "${words}".`);
}

async function measure(bench: Bench, placement: "worker" | "thread"): Promise<void> {
  const where = placement === "worker" ? "in the worker" : "on the guest's thread";
  bench.stage(`Software devices ${where}: Linux starts`);
  const image = new Uint8Array(IMAGE_SIZE).map((_, index) => Math.imul(index, 2654435761) >>> 24);
  const host = await createUsbHost({ placement });
  let controller: UsbController | undefined;
  const guest = await Guest.start({
    ...bench.place.guest,
    v86: { hda: { buffer: image.slice().buffer } },
    machineReady: async (emulator) => {
      controller = await host.attach(emulator);
      return undefined;
    },
  });
  try {
    const source = { image: { bytes: image } };
    await controller?.port(1).plug(host.device("flash-drive", source));
    await controller?.port(2).plug(host.device("uas-drive", source));
    const ide = await find(guest, "v86");
    const flash = await find(guest, "flash drive");
    const uas = await find(guest, "uas drive");
    for (const work of WORKS) {
      bench.stage(`Software devices ${where}: ${work.name}`);
      const rate = (device: string) => async () => work.bytes / 1e3 / (await time(guest, work.dd(device)));
      await bench.alternate({ ide: rate(ide), flash: rate(flash), uas: rate(uas) }, (rates) => {
        const row = (disk: string, ours: readonly number[]) =>
          bench.row({ name: `${disk} ${where}, ${work.name}`, unit: "MB/s", ours, rival: rates.ide });
        row("flash drive", rates.flash);
        row("UAS drive", rates.uas);
      });
    }
  } finally {
    await host.close();
    await guest.stop();
  }
}

export const storage: Section = {
  name: "storage",
  title: "Storage in the guest",
  notes:
    "dd in the guest with O_DIRECT, one request at a time or eight dd at once, timed by the host's clock between two marks " +
    "on the serial line, beside v86's IDE disk in the same boot. All disks hold the same 64 MiB in memory; the USB drives " +
    "are at super speed, the flash drive bulk-only. The first round, with cold compiled code, is not counted.",
  async run(bench) {
    await measure(bench, "worker");
    await measure(bench, "thread");
  },
};
