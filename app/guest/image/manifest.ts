/** What `manifest.json` beside the built image says. Read by the page, the command line and the tests. */

export type GuestFile = "kernel" | "initrd" | "bios" | "vgaBios";

export interface GuestManifest {
  /** Layout of this file and the agent's protocol. */
  readonly version: number;
  /** One hash over all that decides how the guest runs: a saved state belongs to one id. */
  readonly id: string;
  /** Hash of what the image was built by; the builder's own. */
  readonly recipe: string;
  /** File names, beside the manifest. */
  readonly kernel: string;
  readonly initrd: string;
  readonly bios: string;
  readonly vgaBios: string;
  /** How a file is stored. The emulator wants it plain: inflating is much faster outside the guest. */
  readonly encoding: Readonly<Record<GuestFile, "gzip" | "identity">>;
  /** Bytes as stored, and as handed to the emulator. */
  readonly sizes: Readonly<Record<GuestFile, number>>;
  readonly plainSizes: Readonly<Record<GuestFile, number>>;
  /** Hexadecimal, of the file as stored. */
  readonly sha256: Readonly<Record<GuestFile, string>>;
  readonly cmdline: string;
  readonly memoryMiB: number;
  readonly kernelRelease: string;
  /** Debian packages and their versions. */
  readonly packages: Readonly<Record<string, string>>;
}
