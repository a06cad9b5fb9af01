/** A stock guest's TCP and UDP through a USB Ethernet adapter, beside v86's own virtio card: one peer in the page for both. */
import { networkBuses, type V86Like } from "../../guest/v86-internals.ts";
import { createUsbHost } from "../../host.ts";
import { BenchGuest } from "../bench-guest.ts";
import { type Figures, median } from "../row.ts";
import type { Bench, Section } from "../section.ts";
import { Card, GuestNetwork, someFile } from "./guest-network.ts";

const FILE_SIZE = 8 << 20;

const TO = "network, TCP to the guest, NCM adapter";
const FROM = "network, TCP from the guest, NCM adapter";

type Placement = "worker" | "thread";

type Pair = Readonly<Record<"virtio" | "ncm", Figures>>;
type Told = (name: string, figures: Pair) => void;

async function measure(bench: Bench, placement: Placement, told: Told): Promise<void> {
  const where = placement === "worker" ? "in the worker" : "on the guest's thread";
  bench.stage(`The adapter ${where}: Linux starts`);
  const host = await createUsbHost({ placement });
  const guest = await BenchGuest.start(bench.place, [host], { net_device: { type: "virtio" } });
  const file = someFile(FILE_SIZE);
  const network = new GuestNetwork(guest, file);
  const end = await host.cable();
  const ncm = new Card(1, file, (frame) => void end.send(frame));
  end.onFrame = (frame) => ncm.peer.receive(frame);
  const { backend } = networkBuses(guest.guest.emulator as V86Like);
  const virtio = new Card(2, file, (frame) => backend.send("net0-receive", frame));
  const hear = (frame: Uint8Array) => virtio.peer.receive(frame);
  backend.register("net0-send", hear, virtio);
  try {
    await guest.controllers[0]?.port(1).plug(host.device("ethernet"));
    await guest.run("modprobe virtio_pci && modprobe virtio_net");
    await network.up("usb0", ncm);
    await network.up("eth0", virtio);
    await network.fetch(virtio);
    const work = async (name: string, does: (card: Card) => Promise<number>) => {
      bench.stage(`The adapter ${where}: ${name}`);
      let figures: Pair = { virtio: [], ncm: [] };
      await bench.alternate({ virtio: () => does(virtio), ncm: () => does(ncm) }, (soFar) => {
        figures = soFar;
        bench.row({ name: `${name}, ${where}`, unit: "MB/s", ours: soFar.ncm, rival: soFar.virtio });
      });
      told(name, figures);
    };
    await work(TO, (card) => network.toGuest(card));
    await work(FROM, (card) => network.fromGuest(card));
    await work("network, TFTP to the guest, NCM adapter", (card) => network.toGuestByDatagrams(card));
    await work("network, TFTP from the guest, NCM adapter", (card) => network.fromGuestByDatagrams(card));
  } finally {
    ncm.peer.close();
    virtio.peer.close();
    backend.unregister("net0-send", hear);
    await host.close();
    await guest.stop();
  }
}

export const network: Section = {
  name: "network",
  title: "Ethernet in the guest",
  notes:
    "8 MiB between dd in the guest and a peer in the page, by TCP through nc, timed by the peer and compared afterwards; " +
    "TFTP has one UDP datagram of 1428 bytes under way. The peer is the same code for the USB adapter and for v86's virtio " +
    "card, which hands it each frame inside the guest's own instruction. The rows with a bar are the better " +
    "of two places: the adapter on the guest's thread and in the worker.",
  async run(bench) {
    const best = new Map<string, Pair>();
    const told: Told = (name, figures) => {
      const other = best.get(name);
      if (!other || ratio(figures) > ratio(other)) best.set(name, figures);
    };
    await measure(bench, "thread", told);
    await measure(bench, "worker", told);
    for (const name of [TO, FROM]) {
      const { ncm, virtio } = best.get(name) ?? { ncm: [], virtio: [] };
      bench.row({ name, unit: "MB/s", ours: ncm, rival: virtio });
    }
  },
};

function ratio({ ncm, virtio }: Pair): number {
  return median(ncm) / median(virtio);
}
