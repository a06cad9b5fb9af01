/** Hub class requests and the hub's interrupt endpoint (USB 2.0 §11.24, USB 3.2 §10.16). */
import { SPEED_SUPER } from "../../../asm/layout.ts";
import { bits, count, u8, u16 } from "./bytes.ts";
import { type Description, named, type Setup, say, type Transfer } from "./description.ts";
import { DESCRIPTOR_WORDS, describeDescriptor } from "./descriptors.ts";

const GET_STATUS = 0;
const CLEAR_FEATURE = 1;
const SET_FEATURE = 3;
const GET_DESCRIPTOR = 6;
const RECIPIENT_PORT = 3;

const REQUESTS: Readonly<Record<number, string>> = {
  7: "SetHubDescriptor",
  8: "ClearTTBuffer",
  9: "ResetTT",
  10: "GetTTState",
  11: "StopTT",
  12: "SetHubDepth",
  13: "GetPortErrorCount",
};

const HUB_FEATURES: Readonly<Record<number, string>> = { 0: "C_HUB_LOCAL_POWER", 1: "C_HUB_OVER_CURRENT" };
const PORT_FEATURES: Readonly<Record<number, string>> = {
  0: "PORT_CONNECTION",
  1: "PORT_ENABLE",
  2: "PORT_SUSPEND",
  3: "PORT_OVER_CURRENT",
  4: "PORT_RESET",
  5: "PORT_LINK_STATE",
  8: "PORT_POWER",
  9: "PORT_LOW_SPEED",
  16: "C_PORT_CONNECTION",
  17: "C_PORT_ENABLE",
  18: "C_PORT_SUSPEND",
  19: "C_PORT_OVER_CURRENT",
  20: "C_PORT_RESET",
  21: "PORT_TEST",
  22: "PORT_INDICATOR",
  23: "PORT_U1_TIMEOUT",
  24: "PORT_U2_TIMEOUT",
  25: "C_PORT_LINK_STATE",
  26: "C_PORT_CONFIG_ERROR",
  27: "PORT_REMOTE_WAKE_MASK",
  28: "BH_PORT_RESET",
  29: "C_BH_PORT_RESET",
  30: "FORCE_LINKPM_ACCEPT",
};

// USB 2.0 tables 11-21 and 11-22, USB 3.2 tables 10-13 and 10-14. The link's state and the speed are numbers.
const STATUS_2 =
  "connected,enabled,suspended,over-current,in reset,,,,powered,low speed,high speed,test,indicator".split(",");
const STATUS_3 = "connected,enabled,,over-current,in reset,,,,,powered".split(",");
const CHANGES_2 = ["C_PORT_CONNECTION", "C_PORT_ENABLE", "C_PORT_SUSPEND", "C_PORT_OVER_CURRENT", "C_PORT_RESET"];
const CHANGES_3 =
  "C_PORT_CONNECTION,,,C_PORT_OVER_CURRENT,C_PORT_RESET,C_BH_PORT_RESET,C_PORT_LINK_STATE,C_PORT_CONFIG_ERROR".split(
    ",",
  );
const LINK_STATES = ["U0", "U1", "U2", "U3", "SS.Disabled", "Rx.Detect", "SS.Inactive", "Polling", "Recovery"];

export function describeHubRequest(setup: Setup, { data, speed }: Transfer): Description {
  const { index, request, value } = setup;
  const ofPort = (setup.type & 0x1f) === RECIPIENT_PORT;
  const whose = ofPort ? ` port ${index & 0xff}` : "";
  switch (request) {
    case GET_STATUS:
      if (!ofPort) {
        const words = [...bits(u16(data, 0), ["local power lost", "over-current"], 16), ...changes(u16(data, 2), [])];
        return say(`GetHubStatus → ${words.join(", ") || "nothing set"}`);
      }
      return say(`GetPortStatus${whose} → ${portStatus(data, speed === SPEED_SUPER)}`);
    case CLEAR_FEATURE:
    case SET_FEATURE: {
      const verb = `${request === SET_FEATURE ? "Set" : "Clear"}${ofPort ? "Port" : "Hub"}Feature`;
      const selector = named(ofPort ? PORT_FEATURES : HUB_FEATURES, value, "feature");
      const state = selector === "PORT_LINK_STATE" ? ` ${LINK_STATES[index >>> 8] ?? index >>> 8}` : "";
      return say(`${verb}(${selector})${whose}${state}`);
    }
    case GET_DESCRIPTOR: {
      const { fields, text } = describeDescriptor(value >>> 8, data);
      return say(`GetHubDescriptor ${named(DESCRIPTOR_WORDS, value >>> 8, "descriptor")} → ${text}`, ...fields);
    }
    default:
      return say(`${named(REQUESTS, request, "hub request")}${whose}, wValue ${value}`);
  }
}

function portStatus(data: Uint8Array, isSuper: boolean): string {
  if (data.length < 4) return count(data.length, "byte");
  const status = u16(data, 0);
  const words = isSuper
    ? [
        ...bits(status & ~0x1de0, STATUS_3, 16),
        LINK_STATES[(status >>> 5) & 0xf] ?? `link state ${(status >>> 5) & 0xf}`,
      ]
    : bits(status, STATUS_2, 16);
  return [...words, ...changes(u16(data, 2), isSuper ? CHANGES_3 : CHANGES_2)].join(", ") || "nothing set";
}

function changes(value: number, names: readonly string[]): string[] {
  return bits(value, names, 16);
}

/** The Status Change endpoint (USB 2.0 §11.12.4): bit 0 is the hub, bit n port n. */
export function describeHubChange({ data }: Transfer): Description {
  const changed: string[] = [];
  for (let bit = 0; bit < Math.min(data.length, 2) * 8; bit++) {
    if ((u8(data, bit >> 3) >> (bit & 7)) & 1) changed.push(bit === 0 ? "the hub" : `port ${bit}`);
  }
  return say(`changed: ${changed.join(", ") || "nothing"}`);
}
