/** Capability registers and extended capabilities: what this controller says it can do, and nothing more (xHCI 1.2 §5.3, §7). */
import type { Register } from "./register-file.ts";
import {
  CAPLENGTH_HCIVERSION,
  DBOFF,
  DOORBELLS,
  ERST_MAX,
  EXTENDED_CAPABILITIES,
  HCCPARAMS1,
  HCCPARAMS2,
  HCSPARAMS1,
  HCSPARAMS2,
  HCSPARAMS3,
  MAX_PSA_SIZE,
  MAX_SLOTS,
  OPERATIONAL,
  RTSOFF,
  RUNTIME,
} from "./registers.ts";

const HCIVERSION = 0x0110;
const MAX_INTERRUPTERS = 1;
/** Port Power Control: a guest can cut the power of a port, and its device begins anew after that. */
const HCCPARAMS1_PPC = 1 << 3;
/** No Secondary SID Support; no 64-bit addresses, 32-byte contexts, no port indicators. */
const HCCPARAMS1_NSS = 1 << 7;
/** Parse All Event Data: those behind a short packet, too. */
const HCCPARAMS1_PAE = 1 << 8;
/* Contiguous Frame ID (bit 11) is not said, though a TD may name its frame: Linux would name each, and skip some when late. */
const HCCPARAMS1_MAX_PSA_SIZE_SHIFT = 12;
/** Isochronous Scheduling Threshold: one frame. */
const IST = (1 << 3) | 1;

const SUPPORTED_PROTOCOL = 2;
const PROTOCOL_NAME = 0x20425355; // "USB "
const PROTOCOL_SIZE = 0x10;

export function capabilityRegisters(sockets: number): Register[] {
  const usb2 = EXTENDED_CAPABILITIES;
  const usb3 = EXTENDED_CAPABILITIES + PROTOCOL_SIZE;
  const hccparams1 =
    HCCPARAMS1_PPC |
    HCCPARAMS1_NSS |
    HCCPARAMS1_PAE |
    (MAX_PSA_SIZE << HCCPARAMS1_MAX_PSA_SIZE_SHIFT) |
    ((EXTENDED_CAPABILITIES >> 2) << 16);
  const constant = (name: string, offset: number, value: number): Register => {
    return { name, offset, reset: value >>> 0, rw: 0, rw1c: 0 };
  };
  return [
    constant("CAPLENGTH_HCIVERSION", CAPLENGTH_HCIVERSION, OPERATIONAL | (HCIVERSION << 16)),
    constant("HCSPARAMS1", HCSPARAMS1, MAX_SLOTS | (MAX_INTERRUPTERS << 8) | ((2 * sockets) << 24)),
    constant("HCSPARAMS2", HCSPARAMS2, IST | (ERST_MAX << 4)),
    constant("HCSPARAMS3", HCSPARAMS3, 0),
    constant("HCCPARAMS1", HCCPARAMS1, hccparams1),
    constant("DBOFF", DBOFF, DOORBELLS),
    constant("RTSOFF", RTSOFF, RUNTIME),
    constant("HCCPARAMS2", HCCPARAMS2, 0),
    // Two Supported Protocol capabilities (§7.2): USB2 ports first, then as many USB3 ports. Default speed ids (PSIC 0).
    constant("SUPPORTED_PROTOCOL_USB2", usb2, SUPPORTED_PROTOCOL | ((PROTOCOL_SIZE >> 2) << 8) | 0x02000000),
    constant("SUPPORTED_PROTOCOL_USB2_NAME", usb2 + 4, PROTOCOL_NAME),
    constant("SUPPORTED_PROTOCOL_USB2_PORTS", usb2 + 8, 1 | (sockets << 8)),
    constant("SUPPORTED_PROTOCOL_USB2_SLOT_TYPE", usb2 + 12, 0),
    constant("SUPPORTED_PROTOCOL_USB3", usb3, SUPPORTED_PROTOCOL | 0x03000000),
    constant("SUPPORTED_PROTOCOL_USB3_NAME", usb3 + 4, PROTOCOL_NAME),
    constant("SUPPORTED_PROTOCOL_USB3_PORTS", usb3 + 8, (sockets + 1) | (sockets << 8)),
    constant("SUPPORTED_PROTOCOL_USB3_SLOT_TYPE", usb3 + 12, 0),
  ];
}
