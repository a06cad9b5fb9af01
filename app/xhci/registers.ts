/** Where the registers of the xHC are and what their bits are called (xHCI 1.2 §5). Offsets are from the BAR's start. */

// Layout of the BAR
export const CAPABILITY = 0x0000;
export const OPERATIONAL = 0x0040;
export const PORT_REGISTERS = OPERATIONAL + 0x400;
export const PORT_REGISTERS_SIZE = 0x10;
export const EXTENDED_CAPABILITIES = 0x0800;
export const RUNTIME = 0x1000;
export const INTERRUPTER_0 = RUNTIME + 0x20;
export const DOORBELLS = 0x2000;
export const BAR_SIZE = 0x4000;

// Capability registers (§5.3)
export const CAPLENGTH_HCIVERSION = CAPABILITY + 0x00;
export const HCSPARAMS1 = CAPABILITY + 0x04;
export const HCSPARAMS2 = CAPABILITY + 0x08;
export const HCSPARAMS3 = CAPABILITY + 0x0c;
export const HCCPARAMS1 = CAPABILITY + 0x10;
export const DBOFF = CAPABILITY + 0x14;
export const RTSOFF = CAPABILITY + 0x18;
export const HCCPARAMS2 = CAPABILITY + 0x1c;

/** Windows asks for at least 64. */
export const MAX_SLOTS = 64;
/** Primary Stream Array size: 2^(n + 1) contexts, so that UASP has its 255 streams. */
export const MAX_PSA_SIZE = 7;
/** log2 of the segments an event ring may have. */
export const ERST_MAX = 4;

// Operational registers (§5.4)
export const USBCMD = OPERATIONAL + 0x00;
export const USBSTS = OPERATIONAL + 0x04;
export const PAGESIZE = OPERATIONAL + 0x08;
export const DNCTRL = OPERATIONAL + 0x14;
export const CRCR = OPERATIONAL + 0x18;
export const CRCR_HIGH = OPERATIONAL + 0x1c;
export const DCBAAP = OPERATIONAL + 0x30;
export const DCBAAP_HIGH = OPERATIONAL + 0x34;
export const CONFIG = OPERATIONAL + 0x38;

export const USBCMD_RS = 1 << 0;
export const USBCMD_HCRST = 1 << 1;
export const USBCMD_INTE = 1 << 2;
export const USBCMD_HSEE = 1 << 3;
export const USBCMD_CSS = 1 << 8;
export const USBCMD_CRS = 1 << 9;
/** Enable Wrap Event. */
export const USBCMD_EWE = 1 << 10;

export const USBSTS_HCH = 1 << 0;
export const USBSTS_HSE = 1 << 2;
export const USBSTS_EINT = 1 << 3;
export const USBSTS_PCD = 1 << 4;
export const USBSTS_SRE = 1 << 10;

export const CRCR_RCS = 1 << 0;
export const CRCR_CS = 1 << 1;
export const CRCR_CA = 1 << 2;
export const CRCR_CRR = 1 << 3;
export const CRCR_POINTER = 0xffffffc0;

export const CONFIG_MAX_SLOTS_EN = 0xff;

// Port registers (§5.4.8 and on), from the port's own base
export const PORTSC = 0x0;
export const PORTPMSC = 0x4;
export const PORTLI = 0x8;
export const PORTHLPMC = 0xc;

export const PORTSC_CCS = 1 << 0;
export const PORTSC_PED = 1 << 1;
export const PORTSC_PR = 1 << 4;
export const PORTSC_PLS_SHIFT = 5;
export const PORTSC_PLS = 0xf << PORTSC_PLS_SHIFT;
export const PORTSC_PP = 1 << 9;
export const PORTSC_SPEED_SHIFT = 10;
export const PORTSC_SPEED = 0xf << PORTSC_SPEED_SHIFT;
export const PORTSC_LWS = 1 << 16;
export const PORTSC_CSC = 1 << 17;
export const PORTSC_PEC = 1 << 18;
export const PORTSC_WRC = 1 << 19;
export const PORTSC_OCC = 1 << 20;
export const PORTSC_PRC = 1 << 21;
export const PORTSC_PLC = 1 << 22;
export const PORTSC_CEC = 1 << 23;
export const PORTSC_WCE = 1 << 25;
export const PORTSC_WDE = 1 << 26;
export const PORTSC_WOE = 1 << 27;
export const PORTSC_WPR = 0x80000000;
/** Without port indicators (PIND) PIC is not among them. */
export const PORTSC_RW = PORTSC_PP | PORTSC_WCE | PORTSC_WDE | PORTSC_WOE;
export const PORTSC_CHANGES = PORTSC_CSC | PORTSC_PEC | PORTSC_WRC | PORTSC_OCC | PORTSC_PRC | PORTSC_PLC | PORTSC_CEC;
export const PORTSC_RW1C = PORTSC_CHANGES;

// Port link states (§5.4.8, table 5-27)
export const PLS_U0 = 0;
export const PLS_U2 = 2;
export const PLS_U3 = 3;
export const PLS_DISABLED = 4;
export const PLS_RX_DETECT = 5;
export const PLS_INACTIVE = 6;
export const PLS_POLLING = 7;
export const PLS_HOT_RESET = 9;
export const PLS_RESUME = 15;

// PORTPMSC of a USB2 port (table 5-30) and of a USB3 port (table 5-29)
export const PORTPMSC_L1S = 7;
/** L1 Status: Not Supported. */
export const PORTPMSC_L1S_NOT_SUPPORTED = 3;
/** RWE, BESL and L1 Device Slot. Without Hardware LPM (HLC) HLE is not among them. */
export const PORTPMSC_USB2_RW = 0xfff8;
export const PORTPMSC_FLA = 1 << 16;
/** U1 Timeout and U2 Timeout. */
export const PORTPMSC_USB3_TIMEOUTS = 0xffff;
export const PORTPMSC_USB3_RW = PORTPMSC_USB3_TIMEOUTS | PORTPMSC_FLA;
export const PORTHLPMC_RW = 0x3fff;

// Runtime registers (§5.5)
export const MFINDEX = RUNTIME + 0x00;
export const IMAN = INTERRUPTER_0 + 0x00;
export const IMOD = INTERRUPTER_0 + 0x04;
export const ERSTSZ = INTERRUPTER_0 + 0x08;
export const ERSTBA = INTERRUPTER_0 + 0x10;
export const ERSTBA_HIGH = INTERRUPTER_0 + 0x14;
export const ERDP = INTERRUPTER_0 + 0x18;
export const ERDP_HIGH = INTERRUPTER_0 + 0x1c;

export const IMAN_IP = 1 << 0;
export const IMAN_IE = 1 << 1;
export const IMOD_DEFAULT = 4000;
export const ERSTSZ_MASK = 0xffff;
export const ERSTBA_MASK = 0xffffffc0;
/** IMODI, in units of 250 ns; the upper half is the counter. */
export const IMOD_INTERVAL = 0xffff;
export const ERDP_DESI = 7;
export const ERDP_EHB = 1 << 3;
export const ERDP_POINTER = 0xfffffff0;
