/** A USB drive as UAS products are: alternate 0 of its interface is bulk-only, alternate 1 is USB Attached SCSI. */
import { Saved } from "../../../asm/saved.ts";
import type { DeviceHost, ImageReading } from "../../device.ts";
import type { DriveOutput } from "../../protocol.ts";
import type { Request } from "../../request.ts";
import type { ActiveConfiguration } from "../active-configuration.ts";
import { sharedBus } from "../bus.ts";
import type { EndpointDescriptor, InterfaceDescriptor } from "../descriptor.ts";
import type { DeviceFunction, DeviceModel } from "../device-model.ts";
import type { Endpoint } from "../endpoint.ts";
import { SoftwareDevice } from "../software-device.ts";
import { BulkOnlyTransport } from "./bulk-only.ts";
import {
  bulk,
  type DriveKind,
  type DriveOptions,
  type DriveSpeed,
  driveModel,
  driveOrigin,
  serialNumber,
} from "./drive-model.ts";
import { BULK_IN, BULK_OUT, bulkOnlyInterface } from "./flash-drive.ts";
import { DIRECT_ACCESS } from "./scsi-data.ts";
import { ScsiDisk } from "./scsi-disk.ts";
import { type UasPipes, UasTransport } from "./uas.ts";

const PIPES: UasPipes<number> = { command: 0x04, status: 0x83, dataIn: BULK_IN, dataOut: BULK_OUT };
/** At SuperSpeed, 2^5 streams: as many commands as Linux has under way at high speed. */
const STREAMS = 5;

const UAS_DRIVE: DriveKind = {
  productId: 0x0003,
  product: "UAS Drive",
  alternates: (speed) => [bulkOnlyInterface(speed), uasInterface(speed)],
};

const IDENTITY = { type: DIRECT_ACCESS, vendor: "pvusb", product: "UAS Drive", revision: "1.0", queues: true } as const;

export function createUasDrive(
  { medium, serial: given, speed = "super", rate }: DriveOptions,
  host?: DeviceHost,
): SoftwareDevice {
  const serial = serialNumber(given);
  const identity = { ...IDENTITY, serial };
  const conduct = new UasDrive(new ScsiDisk(medium, identity, () => host?.hasOutput()));
  const origin = driveOrigin("uas-drive", medium, serial, speed, rate);
  return new SoftwareDevice(uasDriveModel(speed, serial), conduct, medium.image.notes, origin, sharedBus(rate));
}

export function uasDriveModel(speed: DriveSpeed, serial: string): DeviceModel {
  return driveModel(UAS_DRIVE, speed, serial);
}

function uasInterface(speed: DriveSpeed): InterfaceDescriptor {
  return {
    ...bulkOnlyInterface(speed),
    alternate: 1,
    protocol: 0x62, // USB Attached SCSI
    endpoints: [
      pipe(1, bulk(PIPES.command, speed)),
      pipe(2, bulk(PIPES.status, speed, STREAMS)),
      pipe(3, bulk(PIPES.dataIn, speed, STREAMS)),
      pipe(4, bulk(PIPES.dataOut, speed, STREAMS)),
    ],
  };
}

/** With its pipe usage descriptor (UAS-3 §5.2.3.5). */
function pipe(id: number, endpoint: EndpointDescriptor): EndpointDescriptor {
  return { ...endpoint, extra: Uint8Array.of(4, 0x24, id, 0) };
}

/** Two transports of one disk, of which the host chooses one by SET_INTERFACE. */
class UasDrive implements DeviceFunction {
  readonly #disk: ScsiDisk;
  readonly #transports: readonly [BulkOnlyTransport, UasTransport];
  #chosen: DeviceFunction;

  constructor(disk: ScsiDisk) {
    this.#disk = disk;
    this.#transports = [new BulkOnlyTransport(disk, BULK_IN, BULK_OUT), new UasTransport(disk, PIPES)];
    this.#chosen = this.#transports[0];
  }

  start(active: ActiveConfiguration): void {
    this.#chosen.stop();
    this.#chosen = this.#transports[active.alternate(0) === 1 ? 1 : 0];
    this.#chosen.start(active);
  }

  stop(): void {
    this.#chosen.stop();
  }

  /** The disk is in the state of the bulk-only transport, whichever is chosen. */
  save(): unknown {
    const [bulkOnly, uas] = this.#transports;
    return { bulkOnly: bulkOnly.save(), uas: uas.save() };
  }

  restore(state: unknown, active: ActiveConfiguration | undefined): string | undefined {
    const saved = new Saved(state, "the UAS drive");
    const [bulkOnly, uas] = this.#transports;
    const isUas = active?.alternate(0) === 1;
    const becomeUas = uas.read(saved.get("uas"), isUas ? active : undefined);
    const note = bulkOnly.restore(saved.get("bulkOnly"), isUas ? undefined : active);
    becomeUas();
    this.#chosen = isUas ? uas : bulkOnly;
    return note;
  }

  reset(): void {
    this.#disk.reset();
  }

  close(): void {
    this.#disk.close();
  }

  openImage(): ImageReading | undefined {
    return this.#disk.openImage();
  }

  output(): DriveOutput {
    return this.#disk.output();
  }

  control(request: Request): boolean {
    return this.#chosen.control(request);
  }

  ready(endpoint: Endpoint, stream: number): void {
    this.#chosen.ready(endpoint, stream);
  }

  withdrawn(endpoint: Endpoint): void {
    this.#chosen.withdrawn?.(endpoint);
  }

  haltCleared(endpoint: Endpoint): void {
    this.#chosen.haltCleared?.(endpoint);
  }
}
