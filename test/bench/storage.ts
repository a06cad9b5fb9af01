/** A stock guest's dd from USB disks beside v86's own IDE disk: the same image, the same boot, by turns. */
import { Guest } from "../../app/guest/default-guest.ts";
import { folderFiles, installedV86 } from "../../app/guest/node-files.ts";
import { createUsbHost, type UsbController, type UsbHost } from "../../app/index.ts";
import { type Section, spread, type Table } from "./section.ts";

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

const DISKS = ["ide", "flash", "uas"] as const;
type Disk = (typeof DISKS)[number];

const NOTES = [
  "dd in the guest with O_DIRECT, one request at a time or eight dd at once, timed by the host's clock between two marks on",
  "the serial line. All disks hold the same 64 MiB in memory; the USB drives are at super speed, the flash drive bulk-only.",
  "Medians [min..max] over rounds in which the disks take turns; the first round, with cold compiled code, is not counted.",
];

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

async function measure(placement: "worker" | "thread", rounds: number): Promise<Table> {
  const image = new Uint8Array(IMAGE_SIZE).map((_, index) => Math.imul(index, 2654435761) >>> 24);
  const host: UsbHost = await createUsbHost({ placement });
  let controller: UsbController | undefined;
  const guest = await Guest.start({
    files: folderFiles("public/guest"),
    wasm: installedV86().wasm,
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
    const devices: Record<Disk, string> = {
      ide: await find(guest, "v86"),
      flash: await find(guest, "flash drive"),
      uas: await find(guest, "uas drive"),
    };
    const rates = WORKS.map((): Record<Disk, number[]> => ({ ide: [], flash: [], uas: [] }));
    for (let round = 0; round <= rounds; round++) {
      for (const [index, work] of WORKS.entries()) {
        for (let turn = 0; turn < DISKS.length; turn++) {
          const disk = DISKS[(round + turn) % DISKS.length] ?? "ide";
          const ms = await time(guest, work.dd(devices[disk]));
          if (round > 0) rates[index]?.[disk].push(work.bytes / 1e3 / ms);
        }
      }
    }
    const row = (name: string, disk: Disk) => [name, ...rates.map((each) => spread("MB/s", each[disk]))];
    const ratio = (name: string, disk: Disk, over: Disk) => [
      name,
      ...rates.map((each) =>
        spread(
          "ratio",
          each[disk].map((rate, round) => rate / (each[over][round] ?? 0)),
        ),
      ),
    ];
    return {
      title: `Guest storage, Node, software device in the ${placement === "worker" ? "worker" : "guest's thread"}: MB/s`,
      notes: NOTES,
      columns: ["", ...WORKS.map(({ name }) => name)],
      rows: [
        row("v86 IDE", "ide"),
        row("flash drive", "flash"),
        row("UAS drive", "uas"),
        ratio("flash drive ÷ IDE", "flash", "ide"),
        ratio("UAS drive ÷ flash drive", "uas", "flash"),
      ],
    };
  } finally {
    await host.close();
    await guest.stop();
  }
}

export const storage: Section = {
  name: "storage",
  async run({ rounds, where }) {
    if (where === "chromium") return [];
    return [await measure("worker", rounds), await measure("thread", rounds)];
  },
};
