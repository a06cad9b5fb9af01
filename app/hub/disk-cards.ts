/**
 * The disks on the list: blank drives, files as drives and CDs, drives that the browser keeps, and drives that were pulled out with
 * something on them that is nowhere else.
 */
import type { UsbHost } from "../host.ts";
import { BLANK_DRIVE_SIZE, blankImage } from "../sources/blank-drive.ts";
import { type BrowserDrive, BrowserDrives } from "../sources/browser-drives.ts";
import { CdFeed } from "../sources/cd-feed.ts";
import type { DiskFile } from "../sources/disk-file.ts";
import { Drive } from "../sources/drive.ts";
import { DriveFeed } from "../sources/drive-feed.ts";
import type { Card } from "./card.ts";
import { inBytes } from "./rate.ts";

/** What a file is plugged in as. */
export type DiskKind = "drive" | "cd";

const LOSES = "has changes that were not saved. Take it off the list all the same?";

let count = 0;
const nextSerial = (): string => `PVUSB${String(++count).padStart(4, "0")}`;

export class DiskCards {
  readonly kept = new BrowserDrives();
  readonly #host: () => UsbHost | undefined;
  readonly #changed: () => void;
  readonly #blank: readonly Card[] = [this.#blankCard(), cdDriveCard()];
  #cards: readonly Card[] = [];
  readonly #drives = new Map<Card, Drive>();

  /** `host` has the drives, as soon as there is one; `changed` hears of each change. */
  constructor(host: () => UsbHost | undefined, changed: () => void) {
    this.#host = host;
    this.#changed = changed;
  }

  get all(): readonly Card[] {
    return [...this.#blank, ...this.#cards];
  }

  /** A drive has something on it that is nowhere else. */
  get isUnsaved(): boolean {
    return [...this.#drives.values()].some(({ changed }) => changed);
  }

  /** Lists the drives that the browser keeps. */
  async start(): Promise<void> {
    if (!BrowserDrives.areSupported) return;
    for (const drive of await this.kept.list()) this.#add(this.#browserCard(drive));
  }

  addFile(file: DiskFile, as: DiskKind): Card {
    return this.#add(as === "cd" ? this.#discCard(file) : this.#fileCard(file));
  }

  /** A blank drive in memory. */
  addBlank(size: number): Card {
    const number = count + 1;
    const drive = this.#drive({ name: `Flash drive ${number}`, image: blankImage(size), serial: nextSerial() });
    return this.#add(this.#driveCard(drive, `blank-${number}`, "drive", `${inBytes(size)}, in memory`));
  }

  /** A blank drive that the browser keeps. Rejects with a sentence. */
  async addKept(name: string, size: number): Promise<Card> {
    return this.#add(this.#browserCard(await this.kept.create(name, size)));
  }

  // ------------------------------------------------------------------ the kinds of cards

  /** A new one at each plug. One that is pulled out with something on it gets a card of its own. */
  #blankCard(): Card {
    return {
      id: "blank-drive",
      group: "disks",
      glyph: "drive",
      name: `Flash drive (blank, ${inBytes(BLANK_DRIVE_SIZE)})`,
      short: "Flash drive",
      detail: "FAT, in memory; a new one at each plug",
      single: false,
      ids: { name: "Flash drive" },
      names: ["blank-drive"],
      open: () => {
        const serial = nextSerial();
        const drive = this.#drive({ name: `Flash drive ${count}`, image: blankImage(), serial });
        const card = this.#driveCard(drive, `blank-${count}`, "drive", `${inBytes(BLANK_DRIVE_SIZE)}, in memory`);
        this.#drives.set(card, drive);
        return new DriveFeed(drive, () => {
          if (drive.changed) this.#add(card);
          else void this.#drop(card);
        });
      },
    };
  }

  #fileCard({ name, blob, handle }: DiskFile): Card {
    const serial = `FILE${++count}`;
    const drive = this.#drive({ name, image: { blob, writes: "memory" }, serial, handle });
    return this.#driveCard(drive, `file-${count}`, "file", `flash drive of ${inBytes(blob.size)}`);
  }

  #driveCard(drive: Drive, id: string, glyph: Card["glyph"], detail: string): Card {
    const card: Card = {
      id,
      group: "disks",
      glyph,
      name: drive.name,
      short: drive.name,
      get detail() {
        return drive.words ? `${detail}; ${drive.words}` : detail;
      },
      single: true,
      get actions() {
        return drive.isPlugged ? [] : drive.actions;
      },
      forget: () => this.#drop(card),
      lossQuestion: () => (drive.changed ? `“${drive.name}” ${LOSES}` : undefined),
      ids: { name: drive.name },
      names: [],
      open: () => new DriveFeed(drive),
    };
    this.#drives.set(card, drive);
    return card;
  }

  #browserCard(kept: BrowserDrive): Card {
    const { name, size, path } = kept;
    const drive = this.#drive({ name, image: { opfs: path }, serial: `KEPT${++count}`, lasts: true });
    const card: Card = {
      id: `kept-${name}`,
      group: "disks",
      glyph: "drive",
      name,
      short: name,
      detail: `${inBytes(size)}, kept in this browser`,
      single: true,
      forget: async () => {
        await this.kept.delete(kept);
        await this.#drop(card);
      },
      forgetTitle: "Delete it",
      lossQuestion: () => `Delete the drive “${name}” with all that is on it?`,
      ids: { name },
      names: /^[\w-]+$/.test(name) ? [`kept-${name}`] : [],
      open: () => new DriveFeed(drive),
    };
    return card;
  }

  #discCard(file: DiskFile): Card {
    const { name, blob } = file;
    const serial = `DISC${++count}`;
    const card: Card = {
      id: `disc-${count}`,
      group: "disks",
      glyph: "disc",
      name,
      short: name,
      detail: `CD drive with this disc, ${inBytes(blob.size)}`,
      single: true,
      forget: () => this.#drop(card),
      ids: { name },
      names: [],
      open: () => new CdFeed(serial, file),
    };
    return card;
  }

  #drive(options: ConstructorParameters<typeof Drive>[0]): Drive {
    const drive = new Drive(options, this.#host);
    drive.onChange = () => this.#changed();
    return drive;
  }

  #add(card: Card): Card {
    this.#cards = [...this.#cards.filter(({ id }) => id !== card.id), card];
    this.#changed();
    return card;
  }

  async #drop(card: Card): Promise<void> {
    this.#cards = this.#cards.filter(({ id }) => id !== card.id);
    const drive = this.#drives.get(card);
    this.#drives.delete(card);
    this.#changed();
    await drive?.forget();
  }
}

function cdDriveCard(): Card {
  return {
    id: "cd-drive",
    group: "disks",
    glyph: "disc",
    name: "CD drive",
    short: "CD drive",
    detail: "empty; put a disc in, such as an ISO image",
    single: false,
    ids: { name: "CD drive" },
    names: ["cd-drive"],
    open: () => new CdFeed(nextSerial()),
  };
}
