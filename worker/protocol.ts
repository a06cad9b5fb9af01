/** The control plane: what the front asks of the backend, and hears from it. Bulk data never travels this way. */

/** Where a software disk's bytes come from, and where its writes go. */
export type ImageSource =
  /**
   * A File or Blob; in Node a File of @web-std/file or node:buffer will do. Read-only, or what is written is kept beside it in
   * memory: `UsbPort.image()` reads both as one.
   */
  | { readonly blob: Blob; readonly writes?: "memory" }
  /** Read and write, in memory: a blank disk of this many bytes… */
  | { readonly size: number }
  /** …or one that starts as these bytes, with zeros behind them up to `size`. */
  | { readonly bytes: Uint8Array; readonly size?: number }
  /** Read and write: a file of the origin's private file system (browsers, worker only), made with `size` if it is new. */
  | { readonly opfs: string; readonly size?: number }
  /** Read and write: a file on disk (Node only). Or it stays as it is, and what is written is kept in memory. */
  | { readonly path: string; readonly writes?: "memory" }
  /** What an unplugged drive has left behind, by the name that it had as `keep`. */
  | { readonly kept: string };

/** What can be plugged. Software devices are listed in worker/device/index.ts. */
export type DeviceSource =
  | WebUsbSource
  | HubSource
  | EthernetSource
  | SerialSource
  | MidiSource
  | DriveSource<"flash-drive">
  /** Alternate 0 is bulk-only, alternate 1 USB Attached SCSI. */
  | DriveSource<"uas-drive">
  | CdDriveSource
  | HidSource
  /** What a guest sets its lights to is a keyboard's output. */
  | { readonly kind: "keyboard" }
  | { readonly kind: "mouse" }
  /** A pointer that says where it is, and not how far it went. */
  | { readonly kind: "tablet" }
  | { readonly kind: "gamepad" }
  | {
      /** A USB sound card that plays, 16 bits, stereo. What it plays is its output. */
      readonly kind: "speaker";
      /** Full speed if it is not given. */
      readonly speed?: "full" | "high";
    }
  | {
      /** A USB sound card that records, 16 bits, one channel. */
      readonly kind: "microphone";
      /** What it hears, in Hz: a whole number from 1 to 20000. 440 if it is not given. */
      readonly tone?: number;
      /** It hears no tone, but what the page gives it (SoundInput). */
      readonly sound?: "page";
      readonly speed?: "full" | "high";
    }
  /** The device of Linux's usbtest driver: worker/device/gadget-zero/ tells what the settings mean. */
  | {
      readonly kind: "gadget-zero";
      /** SuperSpeed if it is not given. */
      readonly speed?: "full" | "high" | "super";
      readonly pattern?: "zero" | "mod63";
      readonly interval?: number;
      /** It takes no time to answer. */
      readonly atOnce?: boolean;
    }
  | {
      /** A camera that shows a test card. */
      readonly kind: "camera";
      /** It shows no test card, but what the page gives it (PictureInput), each time it asks for a picture (WantedPicture). */
      readonly pictures?: "page";
      /** The largest size it offers; 640x480 if it is not given. */
      readonly size?: "160x120" | "320x240" | "640x480";
      /** The only rate it offers, in pictures a second; otherwise several from 30 down. */
      readonly fps?: number;
      /** Isochronous if it is not given. */
      readonly transfer?: "isochronous" | "bulk";
      /** High speed if it is not given. */
      readonly speed?: "full" | "high" | "super";
    };

/** A disk. */
export interface DriveSource<Kind extends string = "flash-drive" | "uas-drive"> {
  readonly kind: Kind;
  readonly image: ImageSource;
  readonly readOnly?: boolean;
  /**
   * Any name: under it the backend keeps the image, with what was written to it, when the drive is unplugged, until `forgetImage`. A
   * drive that is plugged with the same name has that image, whatever it was to be made from.
   */
  readonly keep?: string;
  readonly serial?: string;
  /** SuperSpeed if it is not given. */
  readonly speed?: "full" | "high" | "super";
  /** Bytes a second that its bus carries, both ways together; as fast as it can if it is not given. */
  readonly rate?: number;
}

/** A CD drive, read-only. Discs are put in and taken out by `UsbPort.input()`, and by the guest. */
export interface CdDriveSource {
  readonly kind: "cdrom";
  /** The disc that is in at first: an ISO 9660 image, as a rule. None if it is not given. */
  readonly image?: ImageSource;
  readonly serial?: string;
  readonly speed?: "full" | "high" | "super";
}

/**
 * A device granted to the page. A USBDevice cannot be sent to a worker, so the worker finds it again among its own
 * getDevices(): the `ordinal`-th, counted from 0, of those with the same ids and serial number.
 */
export interface WebUsbSource {
  readonly kind: "webusb";
  readonly vendorId: number;
  readonly productId: number;
  readonly serialNumber: string;
  readonly ordinal: number;
  /** In Node: interfaces are taken from the computer's drivers, and given back by the unplug. */
  readonly detach?: boolean;
}

/** What a USBDevice tells and takes beyond WebUSB where it can, that is in Node. */
export interface RealDevice {
  /** Where it is on the computer's buses: "1-2.3" is port 3 of the hub in port 2 of bus 1. */
  readonly path: string;
  /** Undefined where the computer does not know it. */
  readonly speed: "low" | "full" | "high" | "super" | undefined;
  /** Set before open(): interfaces are taken from the drivers of the computer, and given back by close(). */
  detach: boolean;
}

export interface HubSource {
  readonly kind: "hub";
  /** Downstream ports, 1 to 15. Default 4. */
  readonly ports?: number;
  /** A USB 2.0 hub or a USB 3 hub, which takes devices of any speed and is the default. */
  readonly usb?: 2 | 3;
  /** A transaction translator for each port, instead of one for all. */
  readonly multiTt?: boolean;
}

/** An Ethernet adapter. All adapters and programs of a host that name the same cable are joined by it, whatever guest has them. */
export interface EthernetSource {
  readonly kind: "ethernet";
  /** The network class of CDC that it speaks; "ncm" if it is not given. */
  readonly class?: "ncm" | "ecm";
  /** "lan" if it is not given. */
  readonly cable?: string;
  /** Such as "02:00:00:00:00:01"; by chance if it is not given. */
  readonly mac?: string;
  /** SuperSpeed if it is not given. */
  readonly speed?: "full" | "high" | "super";
  /** Bits a second, each way; as fast as it can if it is not given. */
  readonly rate?: number;
}

/** A serial adapter. The page or program is at the other end of its line: `UsbPort.input()` and `output()`. */
export interface SerialSource {
  readonly kind: "serial";
  /** FTDI's FT232R if it is not given, or an adapter of the class that is there for it (CDC, PSTN 1.2). */
  readonly chip?: "ft232r" | "cdc-acm";
  /** A loopback plug is at its connector: TX to RX, RTS to CTS, DTR to DSR and DCD. Then nobody else is. */
  readonly loopback?: boolean;
  /** At most 16 characters. */
  readonly serial?: string;
}

/** A MIDI adapter with a cable each way. The page or program is at the other end of both: `UsbPort.input()` and `output()`. */
export interface MidiSource {
  readonly kind: "midi";
  /** What the guest shows it as; at most 64 characters. */
  readonly name?: string;
}

/** A HID device that the page has: what it sends comes by input(), what it is sent goes by output(). */
export interface HidSource {
  readonly kind: "hid";
  readonly vendorId: number;
  readonly productId: number;
  readonly product?: string;
  /** HID 1.11 §6.2.2; at most 4096 bytes. */
  readonly reportDescriptor: Uint8Array;
}

/**
 * What passes between a program and a cable, both ways: a burst of frames, with their memory; how many frames of the other side
 * have been taken; the program's leaving.
 */
export type CableMessage = readonly Uint8Array<ArrayBuffer>[] | number | "leave";

/** What a person or the page does to a plugged software device. */
export type DeviceInput =
  /** A key of the page's keyboard: KeyboardEvent.code. */
  | { readonly type: "key"; readonly code: string; readonly pressed: boolean }
  /** All keys up, as when the page loses the focus. */
  | { readonly type: "release-keys" }
  /** How far a mouse went, to the right and down; its wheels, in notches up and to the right. Without `buttons` they stay. */
  | {
      readonly type: "mouse";
      readonly x?: number;
      readonly y?: number;
      readonly wheel?: number;
      readonly pan?: number;
      /** As MouseEvent.buttons has them. */
      readonly buttons?: number;
    }
  /** Where a tablet's pointer is, 0 to 32767 to the right and down. What is not given stays. */
  | {
      readonly type: "tablet";
      readonly x?: number;
      readonly y?: number;
      readonly wheel?: number;
      readonly pan?: number;
      readonly buttons?: number;
    }
  /** All of a gamepad, as it is now. */
  | {
      readonly type: "gamepad";
      /** One bit each, of 16. */
      readonly buttons: number;
      /** 1 up, 3 right, 5 down, 7 left, 2, 4, 6, 8 between; 0 none. */
      readonly hat: number;
      /** X, Y, Z, Rz from -32767 to 32767, Rx and Ry from 0 to 32767. */
      readonly axes: readonly number[];
    }
  /** An input report of the page's HID device, without its id. */
  | { readonly type: "hid-report"; readonly id: number; readonly bytes: Uint8Array }
  /** What came of a HidRequest: the feature report as the device sent it, an id in front if it has ids. Without: it failed. */
  | { readonly type: "hid-answer"; readonly answer: number; readonly bytes?: Uint8Array }
  /** A disc for a CD drive, instead of the one that is in it. */
  | { readonly type: "insert"; readonly image: ImageSource }
  /** Opens the tray of a CD drive. A guest that keeps it closed is only asked to, unless it is done by `force`. */
  | { readonly type: "eject"; readonly force?: boolean }
  /** Bytes for a serial adapter, from the other end of its line. A CDC-ACM adapter has them when there was room for all. */
  | { readonly type: "serial"; readonly bytes: Uint8Array }
  /** MIDI for a MIDI adapter, in pieces of any size; it has them when there was room for all, or when nobody in the guest listens. */
  | { readonly type: "midi"; readonly bytes: Uint8Array }
  /** The other end sets lines of a serial adapter; those it does not name stay. `break` is a moment. */
  | {
      readonly type: "serial-lines";
      readonly cts?: boolean;
      readonly dsr?: boolean;
      readonly ri?: boolean;
      readonly dcd?: boolean;
      readonly break?: boolean;
    }
  | PictureInput
  | SoundInput;

/** A picture for a camera of the page. It is shown as large as it fits, and until there is another one. */
export interface PictureInput {
  readonly type: "picture";
  /** Pixels; 1 to 4096. */
  readonly width: number;
  readonly height: number;
  /** RGBA, as ImageData has it. They are the camera's: send their buffer along, or let them be. */
  readonly bytes: Uint8Array | Uint8ClampedArray;
}

/** Sound for a microphone of the page, as it comes, in short pieces: what comes 0.3 s too early is left out. */
export interface SoundInput {
  readonly type: "sound";
  /** Samples a second, 8000 to 192000; it may be another one than the guest's. */
  readonly rate: number;
  /** One channel, -1 to 1. */
  readonly samples: Float32Array;
}

/** What a plugged software device has for a person, since it was asked last. */
export type DeviceOutput =
  | PlayedSound
  | SerialOutput
  | MidiOutput
  | WantedPicture
  | KeyboardLights
  | HidOutput
  | DriveOutput;

/** A camera of the page wants its next picture, at best of this size. */
export interface WantedPicture {
  readonly type: "picture";
  readonly width: number;
  readonly height: number;
}

/** The lights of a keyboard, as the guest has set them last. */
export interface KeyboardLights {
  readonly type: "lights";
  readonly numLock: boolean;
  readonly capsLock: boolean;
  readonly scrollLock: boolean;
  readonly compose: boolean;
  readonly kana: boolean;
}

/** What the guest wants of the page's HID device, oldest first. */
export interface HidOutput {
  readonly type: "hid";
  readonly requests: readonly HidRequest[];
}

/** With an `answer`, the guest waits for a "hid-answer" of that number, for some seconds. */
export type HidRequest =
  /** `bytes` are without the id. */
  | {
      readonly is: "send";
      readonly report: "output" | "feature";
      readonly id: number;
      readonly bytes: Uint8Array;
      readonly answer?: number;
    }
  | { readonly is: "receive"; readonly report: "feature"; readonly id: number; readonly answer: number };

/** How a drive is now. */
export interface DriveOutput {
  readonly type: "drive";
  /** The guest has written to an image in memory, and it was not saved since. */
  readonly changed: boolean;
  /** A medium is in: not before the first disc, and not after the guest has ejected it. */
  readonly loaded: boolean;
  /** The guest keeps the medium from being taken out. */
  readonly locked: boolean;
}

export interface SerialSettings {
  /** Bits a second, as near to what the guest's program wanted as the adapter's divisor comes. The bytes do not keep to it. */
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: "none" | "odd" | "even" | "mark" | "space";
  readonly stopBits: 1 | 1.5 | 2;
}

/** What the other end of a serial adapter's line sees. */
export interface SerialState extends SerialSettings {
  readonly handshake: "none" | "rts-cts" | "dtr-dsr" | "xon-xoff";
  readonly dtr: boolean;
  readonly rts: boolean;
  readonly break: boolean;
}

/** What the other end sees from the byte at `at` on. */
export interface SerialChange extends SerialState {
  readonly at: number;
}

/** What a serial adapter has sent, as far as it is kept, and how its line is now. */
export interface SerialOutput extends SerialState {
  readonly type: "serial";
  readonly bytes: Uint8Array;
  /** Bytes that were given up, because nobody asked for them in time and nothing held them back. */
  readonly lost: number;
  /** How the line came to be as it is: what changed before the first of the bytes, between them and behind them, in order. */
  readonly changes: readonly SerialChange[];
}

/** What the guest has played to a MIDI adapter, as far as it is kept: messages with their status bytes, the last maybe in part. */
export interface MidiOutput {
  readonly type: "midi";
  readonly bytes: Uint8Array;
  /** Bytes that were given up before anybody asked. */
  readonly lost: number;
}

/** What a speaker has played, as far as it is kept: some seconds. */
export interface PlayedSound {
  readonly type: "sound";
  readonly channels: 2;
  /** Oldest first. Between two of them the guest's bus had frames without sound, or the sampling frequency changed. */
  readonly runs: readonly SoundRun[];
  /** Samples of each channel that were given up, because nobody asked for them in time. */
  readonly lost: number;
}

/** Sound without a gap. */
export interface SoundRun {
  /** The microframe of the guest's bus (125 µs, u32) in which it begins. */
  readonly frame: number;
  /** Samples a second. */
  readonly rate: number;
  /** Left and right in turn, with mute and volume applied. */
  readonly samples: Int16Array;
}

/** A drive's image that is read piece by piece, as it was when that began. */
export interface OpenedImage {
  readonly id: number;
  /** Bytes of all of it. */
  readonly size: number;
}

/** What came of a plug. */
export interface PlugReport {
  /** Which plug of the port this is; the port event on the ring carries the same number. */
  readonly plug: number;
  /** SPEED_… of asm/layout.ts. */
  readonly speed: number;
  /** Ports of a hub; 0 of anything else. */
  readonly ports: number;
  readonly vendorId: number;
  readonly productId: number;
  readonly manufacturer: string;
  readonly product: string;
  readonly serialNumber: string;
  /** Sentences for the person. */
  readonly notes: readonly string[];
}

/** How a guest has configured a device: what its transfers are read by. */
export interface ActiveDescriptors {
  /** All descriptors of the configuration (USB 2.0 §9.6.3). */
  readonly descriptors: Uint8Array;
  /** The alternates of interfaces, by number, where they are not 0. */
  readonly alternates: readonly (readonly [number: number, alternate: number])[];
}

/** Of the device in a port; a USB 3 hub is two. */
export interface ConfiguredDevice extends ActiveDescriptors {
  /** SPEED_… of asm/layout.ts. */
  readonly speed: number;
  /** What URBs call it. */
  readonly plug: number;
}

/** A device in a saved state. Plain data (asm/saved.ts). */
export interface SavedDevice {
  /** Of the controller, or of the hub that has it. */
  readonly port: number;
  /** What URBs called it, or its halves. */
  readonly plugs: readonly number[];
  /** Names this very device: while it is still plugged, it is used again. */
  readonly id: string;
  /** What it is made from again, or a sentence that says why it cannot be. */
  readonly origin: DeviceSource | string;
  /** What it saved, or its halves; undefined for a device that can only come back as an unplug and a plug. */
  readonly states: readonly unknown[] | undefined;
  /** What is plugged into it, if it is a hub. */
  readonly devices: readonly SavedDevice[];
}

/** A port: of a link's controller, or of a hub behind it. */
export interface PortAddress {
  readonly link: number;
  readonly port: number;
  /** Behind a hub: the route string, 4 bits a hub; otherwise 0. */
  readonly route: number;
}

/** What is in a port after a move. */
export interface MovedDevice extends Omit<PortAddress, "link"> {
  readonly report: PlugReport;
}

/** What came of a saved device. */
export interface RestoredDevice extends Omit<PortAddress, "link"> {
  /** What is in the port now, and what it was made from. */
  readonly report: PlugReport | undefined;
  readonly source: DeviceSource | undefined;
  /** It is the device of then, as it was then. Otherwise the guest has to hear of an unplug, and of a plug if there is a report. */
  readonly same: boolean;
  /** A sentence for the person. */
  readonly note: string | undefined;
  /** A sentence that says why the state is of no use at all. */
  readonly damage: string | undefined;
}

/** Counts for leak tests and the page's live state. */
export interface BackendStats {
  /** Links connected. */
  readonly links: number;
  /** Devices plugged, over all links. */
  readonly devices: number;
  /** Transfers taken and not yet answered, over all links. */
  readonly owned: number;
  /** WebUSB transfers given up by the guest whose promises are still open. */
  readonly orphans: number;
}

/** A device left by itself, or the front broke the protocol (port 0). */
export interface BackendNotice extends PortAddress {
  readonly reason: string;
}

/** The backend as the front sees it: by Comlink across a worker, or called directly on the guest's own thread. */
export interface BackendControl {
  /** Takes up a link that a front has laid out in `memory`. */
  connect(link: number, memory: WebAssembly.Memory, generation: number, core: WebAssembly.Module): Promise<void>;
  /** Unplugs every port of the link and forgets it. */
  disconnect(link: number): Promise<void>;
  /**
   * Opens the device and connects it to the port: of the controller, or with a `route` string of a hub that is plugged in
   * behind it. Rejects with a PlugError's words when it cannot.
   */
  plug(link: number, port: number, source: DeviceSource, route?: number): Promise<PlugReport>;
  /** Ends every transfer of the port and of all behind it, tells the front, closes the devices. An empty port is no error. */
  unplug(link: number, port: number, route?: number): Promise<void>;
  /**
   * Plugs the device into another port instead, of any link, as it is: a disk keeps what is written to it, a hub what is
   * plugged into it. Answers all that moved, the device first. Rejects, and nothing has moved, when the other port cannot
   * have it.
   */
  move(from: PortAddress, to: PortAddress): Promise<MovedDevice[]>;
  input(link: number, port: number, message: DeviceInput, route?: number): Promise<void>;
  /** What the port's device has for a person, which is given away by this; undefined when it has nothing of the kind. */
  output(link: number, port: number, route?: number): Promise<DeviceOutput | undefined>;
  /** The devices of a port that a guest has configured. */
  configured(link: number, port: number, route?: number): Promise<readonly ConfiguredDevice[]>;
  /**
   * Begins to read the image of the drive in a port, or of one that is kept under a name. Rejects when there is none. It takes
   * memory for what is written meanwhile, until it is closed or all read.
   */
  openImage(of: PortAddress | string): Promise<OpenedImage>;
  /** The next piece, or undefined behind the last. Rejects with a sentence. One at a time. */
  readImage(id: number): Promise<Uint8Array | undefined>;
  /**
   * What was read is about to be written over the very file that the drive is made of: until `closeImage` nothing is read from that.
   * Rejects when that would lose what was written since.
   */
  holdImage(id: number): Promise<void>;
  /**
   * Nobody wants more of it. When it was `saved`, the drive counts as unchanged by what was written before; after `holdImage` it is
   * made of this `blob` then.
   */
  closeImage(id: number, saved: boolean, blob?: Blob): Promise<void>;
  /** Lets go of what is kept under a name; of a drive that is plugged in, at its unplug. */
  forgetImage(name: string): Promise<void>;
  /**
   * Answers what is in the ports of a link, and from then on holds the link: transfers wait, and nothing that happens is shown
   * to the front until `resume`. What was shown before is what the answer goes with.
   */
  save(link: number): Promise<SavedDevice[]>;
  resume(link: number): Promise<void>;
  /**
   * Has these devices in their ports again, each as another plug of its port, in place of what is there; other ports stay as
   * they are. Rejects with a StateError when these are no devices.
   */
  restore(link: number, devices: readonly unknown[]): Promise<RestoredDevice[]>;
  /** Joins a program to a cable, which is made if nobody is at it. `port` carries each CableMessage, and goes along in the call. */
  joinCable(name: string, port: MessagePort): Promise<void>;
  stats(): Promise<BackendStats>;
  /**
   * One listener of each kind; the last one given is called. `hasOutput` hears of a device that has something for `output()`,
   * once until it was asked.
   */
  listen(left: (notice: BackendNotice) => void, hasOutput?: (address: PortAddress) => void): Promise<void>;
}

/** Why a plug failed. `code` survives the worker's boundary as the error's name. */
export type PlugErrorName =
  | "UnsupportedError"
  | "NotFoundError"
  | "AccessError"
  | "BusyError"
  | "PortOccupiedError"
  | "ImageError";
