/** The kinds of software devices, as the page and the command line show them. */
import type { DeviceSource } from "../protocol.ts";

export interface DeviceKind {
  readonly kind: Exclude<DeviceSource["kind"], "webusb">;
  readonly title: string;
  /** A sentence for the person who chooses. */
  readonly description: string;
  readonly options: readonly DeviceOption[];
}

export interface DeviceOption {
  /** The field of the source; several names stand for one field that takes either. */
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
}

export const DEVICE_KINDS: readonly DeviceKind[] = [
  {
    kind: "flash-drive",
    title: "Flash drive",
    description: "A USB stick whose contents are a disk image.",
    options: [
      {
        name: "image",
        description:
          "Where its bytes are: a file, a size in bytes for a blank one, or a file of the browser's own storage.",
        required: true,
      },
      { name: "readOnly", description: "Write-protected.", required: false },
      { name: "serial", description: "Its serial number.", required: false },
      { name: "speed", description: "full, high or super (the default).", required: false },
    ],
  },
  {
    kind: "keyboard",
    title: "Keyboard",
    description: "A USB keyboard that types what is typed into the page.",
    options: [],
  },
];
