/** A camera of the USB Video Class 1.1: one format, several sizes, isochronous or bulk. */
import { SPEED_FULL, SPEED_HIGH, SPEED_SUPER } from "../../../asm/layout.ts";
import { Saved } from "../../../asm/saved.ts";
import type { DeviceOutput } from "../../protocol.ts";
import type { Request } from "../../request.ts";
import type { ActiveConfiguration } from "../active-configuration.ts";
import type { EndpointDescriptor, InterfaceDescriptor } from "../descriptor.ts";
import type { DeviceFunction, DeviceModel } from "../device-model.ts";
import type { Endpoint } from "../endpoint.ts";
import { SoftwareDevice } from "../software-device.ts";
import { BulkTransport } from "./bulk.ts";
import { CameraControls } from "./controls.ts";
import {
  CC_VIDEO,
  SC_VIDEO_INTERFACE_COLLECTION,
  SC_VIDEOCONTROL,
  SC_VIDEOSTREAMING,
  videoControl,
  videoStreaming,
} from "./descriptors.ts";
import { IsochronousTransport } from "./isochronous.ts";
import { type CameraModes, cameraModes, type Frame, type ModeOptions, payloadSize } from "./modes.ts";
import { CLOCK_FREQUENCY, defaultInterval, type VideoParameters } from "./parameters.ts";
import type { Scene } from "./picture-source.ts";
import { TestCard } from "./test-card.ts";
import type { Transport } from "./transport.ts";
import { Video } from "./video.ts";

export interface CameraOptions extends ModeOptions {
  /** A test card if it is not given. */
  readonly scene?: Scene | undefined;
}

const CONTROL_INTERFACE = 0;
const STREAMING_INTERFACE = 1;
const VIDEO_IN = 0x81;
/** bmAttributes: isochronous and asynchronous, or bulk (USB 2.0 §9.6.6). */
const ISOCHRONOUS = 0x05;
const BULK = 0x02;

/** Ids of the terminals and units. */
const CAMERA_TERMINAL = 1;
const PROCESSING_UNIT = 2;
const OUTPUT_TERMINAL = 3;

const NAME = 2;

const SPEEDS = {
  full: { speed: SPEED_FULL, usbVersion: 0x0200, maxPacketSize0: 64, maxPower: 50 },
  high: { speed: SPEED_HIGH, usbVersion: 0x0200, maxPacketSize0: 64, maxPower: 50 },
  super: { speed: SPEED_SUPER, usbVersion: 0x0300, maxPacketSize0: 9, maxPower: 12 },
} as const;

/** Throws a PlugError for options that no camera can have. */
export function createCamera(options: CameraOptions = {}): SoftwareDevice {
  const modes = cameraModes(options);
  return new SoftwareDevice(cameraModel(options), new Camera(modes, options.scene ?? TEST_CARD));
}

const TEST_CARD: Scene = { open: (width, height) => new TestCard(width, height) };

export function cameraModel(options: ModeOptions): DeviceModel {
  const modes = cameraModes(options);
  const { maxPower, speed, ...device } = SPEEDS[modes.speed];
  return {
    speed,
    device: {
      ...device,
      deviceClass: 0xef, // miscellaneous, with interface associations
      subclass: 0x02,
      protocol: 0x01,
      // pid.codes' vendor id and its fourth test product: ids that no product has
      vendorId: 0x1209,
      productId: 0x0004,
      deviceVersion: 0x0100,
      manufacturer: 1,
      product: NAME,
    },
    configurations: [{ value: 1, attributes: 0, maxPower, interfaces: [controlInterface(), ...streaming(modes)] }],
    strings: ["pvusb", "Camera"],
    // Latencies of 0 keep Linux from link power management, which a virtual link has no use for.
    ...(modes.speed === "high" && { otherSpeed: cameraModel({ ...options, speed: "full", fps: undefined }) }),
    ...(modes.speed === "super" && {
      bos: { usb2Attributes: 0x02, speeds: 0x0e, lowestFullFunction: 1, u1ExitLatency: 0, u2ExitLatency: 0 },
    }),
  };
}

function controlInterface(): InterfaceDescriptor {
  return {
    association: {
      interfaces: 2,
      functionClass: CC_VIDEO,
      subclass: SC_VIDEO_INTERFACE_COLLECTION,
      protocol: 0,
      name: NAME,
    },
    number: CONTROL_INTERFACE,
    interfaceClass: CC_VIDEO,
    subclass: SC_VIDEOCONTROL,
    protocol: 0,
    name: NAME,
    extra: videoControl({
      clockFrequency: CLOCK_FREQUENCY,
      streamingInterface: STREAMING_INTERFACE,
      camera: CAMERA_TERMINAL,
      processing: PROCESSING_UNIT,
      output: OUTPUT_TERMINAL,
    }),
    endpoints: [],
  };
}

/** Bulk: the endpoint is there at once. Isochronous: alternate 0 takes no bandwidth, the others more and more (UVC 1.1 §2.4.3). */
function streaming({ transfer, frames, defaultFrame, alternates, bulkPacketSize, speed }: CameraModes) {
  const endpoint = { address: VIDEO_IN, attributes: BULK, maxPacketSize: bulkPacketSize };
  const bulk: EndpointDescriptor = speed === "super" ? { ...endpoint, companion: { maxBurst: 15 } } : endpoint;
  const first: InterfaceDescriptor = {
    ...streamingAlternate(0, transfer === "bulk" ? [bulk] : []),
    extra: videoStreaming({
      endpoint: VIDEO_IN,
      terminal: OUTPUT_TERMINAL,
      frames: frames.map((frame, index) => ({
        ...frame,
        index: index + 1,
        defaultInterval: defaultInterval(frame),
      })),
      defaultFrame,
    }),
  };
  if (transfer === "bulk") return [first];
  const others = alternates.map(({ payload: _, ...rest }, index) =>
    streamingAlternate(index + 1, [{ address: VIDEO_IN, attributes: ISOCHRONOUS, interval: 1, ...rest }]),
  );
  return [first, ...others];
}

function streamingAlternate(alternate: number, endpoints: readonly EndpointDescriptor[]): InterfaceDescriptor {
  return {
    number: STREAMING_INTERFACE,
    alternate,
    interfaceClass: CC_VIDEO,
    subclass: SC_VIDEOSTREAMING,
    protocol: 0,
    endpoints,
  };
}

class Camera implements DeviceFunction {
  readonly #modes: CameraModes;
  readonly #scene: Scene;
  readonly #controls: CameraControls;
  readonly #transport: Transport;
  #configured = false;
  #endpoint: Endpoint | undefined;
  /** Bytes a service interval of the chosen alternate. */
  #bandwidth = 0;
  #committed: VideoParameters | undefined;

  constructor(modes: CameraModes, scene: Scene) {
    this.#modes = modes;
    this.#scene = scene;
    this.#transport =
      modes.transfer === "bulk"
        ? new BulkTransport(payloadSize(modes, modes.frames[0] as Frame, 0))
        : new IsochronousTransport();
    const addresses = {
      controlInterface: CONTROL_INTERFACE,
      streamingInterface: STREAMING_INTERFACE,
      entities: [CAMERA_TERMINAL, PROCESSING_UNIT, OUTPUT_TERMINAL],
    };
    this.#controls = new CameraControls(modes, addresses, this);
  }

  get running(): boolean {
    return this.#modes.transfer === "isochronous" && this.#endpoint !== undefined;
  }

  /** Over bulk this begins the video; over isochronous it waits for an alternate (UVC 1.1 §4.3.1.1). */
  commit(parameters: VideoParameters): void {
    this.#committed = parameters;
    if (this.#endpoint) this.#begin();
  }

  start(active: ActiveConfiguration): void {
    this.#configured = true;
    if (active.endpoint(VIDEO_IN) === this.#endpoint) return; // the control interface's only alternate
    this.#choose(active);
  }

  stop(): void {
    this.#configured = false;
    this.#endpoint = undefined;
    this.#committed = undefined;
    this.#controls.reset();
    this.#begin();
  }

  control(request: Request): boolean {
    return this.#configured && this.#controls.answer(request);
  }

  ready(): void {
    this.#transport.advance();
  }

  withdrawn(): void {
    this.#transport.advance();
  }

  haltCleared(): void {
    this.#transport.haltCleared?.();
  }

  input(message: unknown): void {
    this.#scene.input?.(message);
  }

  output(): DeviceOutput | undefined {
    return this.#scene.output?.();
  }

  /** What was agreed on. A video that runs begins anew, as after a picture that was lost. */
  save(): unknown {
    return { controls: this.#controls.save(), committed: this.#committed !== undefined };
  }

  restore(state: unknown, active: ActiveConfiguration | undefined): undefined {
    const saved = new Saved(state, "the camera");
    const become = this.#controls.read(saved.record("controls"));
    const isCommitted = saved.flag("committed");
    const parameters = become();
    this.#committed = isCommitted ? parameters : undefined;
    this.#configured = active !== undefined;
    this.#choose(active);
  }

  #choose(active: ActiveConfiguration | undefined): void {
    this.#endpoint = active?.endpoint(VIDEO_IN);
    const alternate = active?.alternate(STREAMING_INTERFACE) ?? 0;
    this.#bandwidth = this.#modes.alternates[alternate - 1]?.payload ?? Number.POSITIVE_INFINITY;
    this.#begin();
  }

  /** A video from its first picture on, or none. Allocates its picture. */
  #begin(): void {
    this.#transport.start(this.#endpoint, this.#endpoint && this.#committed && this.#video(this.#committed));
  }

  #video(parameters: VideoParameters): Video {
    const { width, height } = parameters.frame;
    return new Video({
      parameters,
      source: this.#scene.open(width, height),
      payload: Math.min(parameters.payload, this.#bandwidth),
      clocked: this.#modes.transfer === "isochronous",
      failed: () => this.#controls.pictureFailed(),
    });
  }
}
