/**
 * What becomes of a control request on its way to a WebUSB device. Chromium lets a page send only five standard requests,
 * all of them IN; the state-changing ones have calls of their own, and the rest is answered here.
 *
 * A decision is always made on the full bmRequestType with bRequest (USB 2.0 §9.3, §9.4): 5 is SET_ADDRESS only when
 * bmRequestType is 0x00, and something else in every class and vendor request.
 */

/** The setup packet (USB 2.0 table 9-2); wLength is the length of the transfer. */
export interface Setup {
  readonly bmRequestType: number;
  readonly bRequest: number;
  readonly wValue: number;
  readonly wIndex: number;
  readonly wLength: number;
}

export type ControlDecision =
  /** Answered with success and no data. */
  | { readonly kind: "accept" }
  /** Refused, as a device refuses what it does not know (USB 2.0 §9.2.7). */
  | { readonly kind: "stall" }
  /** Endpoint 0 is not halted, or it would not be asked (USB 2.0 §9.4.5). */
  | { readonly kind: "not-halted" }
  /** Answered from the descriptors that this device presents. */
  | { readonly kind: "device-descriptor" }
  | { readonly kind: "configuration-descriptor"; readonly index: number }
  /** Answered from the shadow of the guest's view. */
  | { readonly kind: "get-configuration" }
  | { readonly kind: "get-interface"; readonly interfaceNumber: number }
  /** Done by a call of WebUSB. */
  | { readonly kind: "set-configuration"; readonly value: number }
  | { readonly kind: "set-interface"; readonly interfaceNumber: number; readonly alternate: number }
  | { readonly kind: "clear-halt"; readonly endpoint: number }
  /** Sent to the device. */
  | { readonly kind: "pass"; readonly requestType: USBRequestType; readonly recipient: USBRecipient };

// bRequest (USB 2.0 table 9-4, USB 3.2 table 9-5)
const GET_STATUS = 0;
const CLEAR_FEATURE = 1;
const SET_FEATURE = 3;
const GET_DESCRIPTOR = 6;
const GET_CONFIGURATION = 8;
const SET_CONFIGURATION = 9;
const GET_INTERFACE = 10;
const SET_INTERFACE = 11;
const SYNCH_FRAME = 12;
const SET_SEL = 48;
const SET_ISOCH_DELAY = 49;

// Feature selectors (USB 2.0 table 9-6, USB 3.2 table 9-7)
const ENDPOINT_HALT = 0;
const FUNCTION_SUSPEND = 0;
const DEVICE_REMOTE_WAKEUP = 1;
const U1_ENABLE = 48;
const U2_ENABLE = 49;
const LTM_ENABLE = 50;

const DESCRIPTOR_DEVICE = 1;
const DESCRIPTOR_CONFIGURATION = 2;

const REQUEST_TYPES: readonly (USBRequestType | undefined)[] = ["standard", "class", "vendor", undefined];
const RECIPIENTS: readonly (USBRecipient | undefined)[] = ["device", "interface", "endpoint", "other"];

const ACCEPT: ControlDecision = { kind: "accept" };
const STALL: ControlDecision = { kind: "stall" };

export function decide(setup: Setup): ControlDecision {
  const requestType = REQUEST_TYPES[(setup.bmRequestType >> 5) & 3];
  const recipient = RECIPIENTS[setup.bmRequestType & 0x1f];
  if (!requestType || !recipient) return STALL;
  if (requestType === "standard") return decideStandard(setup, recipient);
  return { kind: "pass", requestType, recipient };
}

function decideStandard({ bmRequestType, bRequest, wValue, wIndex }: Setup, recipient: USBRecipient): ControlDecision {
  const pass: ControlDecision = { kind: "pass", requestType: "standard", recipient };
  switch ((bmRequestType << 8) | bRequest) {
    // The device
    case 0x8000 | GET_STATUS:
      return pass;
    case 0x8000 | GET_DESCRIPTOR:
      if (wValue >> 8 === DESCRIPTOR_DEVICE) return { kind: "device-descriptor" };
      if (wValue >> 8 === DESCRIPTOR_CONFIGURATION) return { kind: "configuration-descriptor", index: wValue & 0xff };
      return pass;
    case 0x8000 | GET_CONFIGURATION:
      return { kind: "get-configuration" };
    case 0x0000 | SET_CONFIGURATION:
      return { kind: "set-configuration", value: wValue & 0xff };
    case 0x0000 | CLEAR_FEATURE:
    case 0x0000 | SET_FEATURE:
      // No browser lets a device wake the host, and the link states of USB 3 are the browser's host's own.
      return [DEVICE_REMOTE_WAKEUP, U1_ENABLE, U2_ENABLE, LTM_ENABLE].includes(wValue) ? ACCEPT : STALL;
    case 0x0000 | SET_SEL:
    case 0x0000 | SET_ISOCH_DELAY:
      return ACCEPT;

    // An interface
    case 0x8100 | GET_STATUS:
    case 0x8100 | GET_DESCRIPTOR:
      return pass;
    case 0x8100 | GET_INTERFACE:
      return { kind: "get-interface", interfaceNumber: wIndex & 0xff };
    case 0x0100 | SET_INTERFACE:
      return { kind: "set-interface", interfaceNumber: wIndex & 0xff, alternate: wValue & 0xff };
    case 0x0100 | CLEAR_FEATURE:
    case 0x0100 | SET_FEATURE:
      return wValue === FUNCTION_SUSPEND ? ACCEPT : STALL;

    // An endpoint
    case 0x8200 | GET_STATUS:
      return (wIndex & 0x0f) === 0 ? { kind: "not-halted" } : pass;
    case 0x8200 | SYNCH_FRAME:
      return pass;
    case 0x0200 | CLEAR_FEATURE:
      return wValue === ENDPOINT_HALT ? { kind: "clear-halt", endpoint: wIndex & 0x8f } : STALL;

    default:
      return STALL;
  }
}
