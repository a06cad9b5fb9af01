/** Class requests: Probe and Commit, and why a request failed (UVC 1.1 §4.2.1.2, §4.3.1.1, §4.3.1.7). All others are stalled. */
import type { Saved } from "../../../asm/saved.ts";
import type { Request } from "../../request.ts";
import { answerIn, answerOut } from "../standard-requests.ts";
import type { CameraModes } from "./modes.ts";
import {
  committed,
  defaultParameters,
  negotiate,
  PARAMETERS_LENGTH,
  PARAMETERS_LENGTH_1_0,
  putExtreme,
  putParameters,
  putResolution,
  type VideoParameters,
} from "./parameters.ts";

/** bmRequestType << 8 | bRequest, to an interface (UVC 1.1 §4.1, appendix A.8). */
const SET_CUR = 0x2101;
const GET_CUR = 0xa181;
const GET_MIN = 0xa182;
const GET_MAX = 0xa183;
const GET_RES = 0xa184;
const GET_LEN = 0xa185;
const GET_INFO = 0xa186;
const GET_DEF = 0xa187;

/** Control selectors, the high byte of wValue (UVC 1.1 appendix A.9). */
const VC_REQUEST_ERROR_CODE_CONTROL = 0x02;
const VS_PROBE_CONTROL = 0x01;
const VS_COMMIT_CONTROL = 0x02;
const VS_STREAM_ERROR_CODE_CONTROL = 0x06;

/** GET_INFO (UVC 1.1 table 4-3). */
const INFO_GET = Uint8Array.of(0x01);
const INFO_GET_SET = Uint8Array.of(0x03);
const LENGTH = Uint8Array.of(PARAMETERS_LENGTH, 0);

/** Request Error Code Control (UVC 1.1 §4.2.1.2). */
const NO_ERROR = 0x00;
const WRONG_STATE = 0x02;
const OUT_OF_RANGE = 0x04;
const INVALID_UNIT = 0x05;
const INVALID_CONTROL = 0x06;
const INVALID_REQUEST = 0x07;

/** Stream Error Code Control (UVC 1.1 §4.3.1.7). */
const OUTPUT_BUFFER_UNDERRUN = 0x04;

export interface ControlAddresses {
  readonly controlInterface: number;
  readonly streamingInterface: number;
  /** Terminals and units: they are there, but have no controls. */
  readonly entities: readonly number[];
}

/** Who runs the video. */
export interface Video {
  /** An isochronous alternate is chosen: nothing can be committed now. */
  readonly running: boolean;
  /** SET_CUR of the Commit control. */
  commit(parameters: VideoParameters): void;
}

export class CameraControls {
  readonly #modes: CameraModes;
  readonly #addresses: ControlAddresses;
  readonly #video: Video;
  readonly #scratch = new Uint8Array(PARAMETERS_LENGTH);
  readonly #code = new Uint8Array(1);
  #probe: VideoParameters;
  #commit: VideoParameters;
  #requestError = NO_ERROR;
  #streamError = NO_ERROR;

  constructor(modes: CameraModes, addresses: ControlAddresses, video: Video) {
    this.#modes = modes;
    this.#addresses = addresses;
    this.#video = video;
    this.#probe = defaultParameters(modes);
    this.#commit = this.#probe;
  }

  /** A configuration, or none: what was agreed on is forgotten. */
  reset(): void {
    this.#probe = defaultParameters(this.#modes);
    this.#commit = this.#probe;
    this.#requestError = NO_ERROR;
    this.#streamError = NO_ERROR;
  }

  save(): object {
    return {
      probe: bytesOf(this.#probe),
      commit: bytesOf(this.#commit),
      requestError: this.#requestError,
      streamError: this.#streamError,
    };
  }

  /** A way to become what `save` said, checked. It answers what was committed. */
  read(saved: Saved): () => VideoParameters {
    const probe = negotiate(this.#modes, saved.bytes("probe", PARAMETERS_LENGTH));
    const commit = negotiate(this.#modes, saved.bytes("commit", PARAMETERS_LENGTH));
    const requestError = saved.integer("requestError", 0xff);
    const streamError = saved.integer("streamError", 0xff);
    return () => {
      this.#probe = probe;
      this.#commit = commit;
      this.#requestError = requestError;
      this.#streamError = streamError;
      return commit;
    };
  }

  /** A picture went out with the error bit. */
  pictureFailed(): void {
    this.#streamError = OUTPUT_BUFFER_UNDERRUN;
  }

  /** Answers a class request to an interface; false stalls it, and the Request Error Code says why. */
  answer(request: Request): boolean {
    const { bmRequestType } = request;
    if (bmRequestType !== 0xa1 && bmRequestType !== 0x21) return false;
    const error = this.#answer(request);
    this.#requestError = error; // "reset to 0 … upon the successful completion of any control request"
    return error === NO_ERROR;
  }

  #answer(request: Request): number {
    const { wValue, wIndex } = request;
    const { controlInterface, streamingInterface, entities } = this.#addresses;
    const entity = wIndex >> 8;
    if ((wValue & 0xff) !== 0) return INVALID_CONTROL;
    const selector = wValue >> 8;
    switch (wIndex & 0xff) {
      case controlInterface:
        if (entity !== 0) return entities.includes(entity) ? INVALID_CONTROL : INVALID_UNIT;
        if (selector !== VC_REQUEST_ERROR_CODE_CONTROL) return INVALID_CONTROL;
        return this.#errorCode(request, this.#requestError);
      case streamingInterface:
        if (entity !== 0) return INVALID_UNIT;
        return this.#streaming(request, selector);
      default:
        return INVALID_UNIT;
    }
  }

  #streaming(request: Request, selector: number): number {
    switch (selector) {
      case VS_PROBE_CONTROL:
        return this.#probeControl(request);
      case VS_COMMIT_CONTROL:
        return this.#commitControl(request);
      case VS_STREAM_ERROR_CODE_CONTROL:
        return this.#errorCode(request, this.#streamError);
      default:
        return INVALID_CONTROL;
    }
  }

  #probeControl(request: Request): number {
    switch ((request.bmRequestType << 8) | request.bRequest) {
      case SET_CUR:
        if (!this.#take(request)) return OUT_OF_RANGE;
        this.#probe = negotiate(this.#modes, this.#scratch);
        answerOut(request);
        return NO_ERROR;
      case GET_CUR:
        return this.#show(request, this.#probe);
      case GET_DEF:
        return this.#show(request, defaultParameters(this.#modes));
      case GET_MIN:
        putExtreme(this.#scratch, this.#modes, Math.min);
        return reply(request, this.#scratch);
      case GET_MAX:
        putExtreme(this.#scratch, this.#modes, Math.max);
        return reply(request, this.#scratch);
      case GET_RES:
        putResolution(this.#scratch);
        return reply(request, this.#scratch);
      case GET_LEN:
        return reply(request, LENGTH);
      case GET_INFO:
        return reply(request, INFO_GET_SET);
      default:
        return INVALID_REQUEST;
    }
  }

  #commitControl(request: Request): number {
    switch ((request.bmRequestType << 8) | request.bRequest) {
      case SET_CUR: {
        if (this.#video.running) return WRONG_STATE;
        const parameters = this.#take(request) ? committed(this.#modes, this.#scratch) : undefined;
        if (!parameters) return OUT_OF_RANGE;
        this.#probe = parameters;
        this.#commit = parameters;
        answerOut(request);
        this.#streamError = NO_ERROR;
        this.#video.commit(parameters);
        return NO_ERROR;
      }
      case GET_CUR:
        return this.#show(request, this.#commit);
      case GET_LEN:
        return reply(request, LENGTH);
      case GET_INFO:
        return reply(request, INFO_GET_SET);
      default:
        return INVALID_REQUEST;
    }
  }

  #errorCode(request: Request, code: number): number {
    switch ((request.bmRequestType << 8) | request.bRequest) {
      case GET_CUR:
        this.#code[0] = code;
        return reply(request, this.#code);
      case GET_INFO:
        return reply(request, INFO_GET);
      default:
        return INVALID_REQUEST;
    }
  }

  /** Copies the parameters that the host sends. False when these are not as many as there are. */
  #take(request: Request): boolean {
    if (request.length !== PARAMETERS_LENGTH && request.length !== PARAMETERS_LENGTH_1_0) return false;
    this.#scratch.fill(0);
    request.read(this.#scratch);
    return true;
  }

  #show(request: Request, parameters: VideoParameters): number {
    putParameters(this.#scratch, parameters);
    return reply(request, this.#scratch);
  }
}

function reply(request: Request, bytes: Uint8Array): number {
  answerIn(request, bytes);
  return NO_ERROR;
}

function bytesOf(parameters: VideoParameters): Uint8Array {
  const bytes = new Uint8Array(PARAMETERS_LENGTH);
  putParameters(bytes, parameters);
  return bytes;
}
