/** The requests of HID 1.11 §7.1 and §7.2, as bmRequestType << 8 | bRequest, and what their wValue says. */

export const GET_INTERFACE_DESCRIPTOR = 0x8106;
export const GET_REPORT = 0xa101;
export const GET_IDLE = 0xa102;
export const GET_PROTOCOL = 0xa103;
export const SET_REPORT = 0x2109;
export const SET_IDLE = 0x210a;
export const SET_PROTOCOL = 0x210b;

/** Report types, in the high byte of wValue (§7.2.1); the low byte is the report id, 0 for a device that has none. */
export const INPUT_REPORT = 1;
export const OUTPUT_REPORT = 2;
export const FEATURE_REPORT = 3;

export const BOOT_PROTOCOL = 0;
export const REPORT_PROTOCOL = 1;
