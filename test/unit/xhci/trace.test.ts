/** A trace of the xHC: registers with the names of their bits, TRBs of every ring with their fields. */
import { describe, expect, it } from "vitest";
import type { RegisterTrace, TrbTrace } from "../../../app/trace/trace.ts";
import { EP_TYPE_BULK_IN } from "../../../app/xhci/context.ts";
import { registerFields } from "../../../app/xhci/register-fields.ts";
import { TRB_CHAIN, TRB_IOC, Trb } from "../../../app/xhci/trb.ts";
import { trbFields, trbName } from "../../../app/xhci/trb-fields.ts";
import { SPEED_HIGH, STATUS_OK } from "../../../asm/layout.ts";
import { Ram } from "../../fakes/guest-driver/ram.ts";
import { rigFactory } from "../../fakes/guest-driver/rig.ts";
import { immediate, normal } from "../../fakes/guest-driver/trbs.ts";

const createRig = await rigFactory();
const BULK_IN = 3;

describe("of registers", () => {
  it("tells every access, with its width, in the order of the guest's", () => {
    const { controller, driver } = createRig();
    const heard: RegisterTrace[] = [];
    const stop = controller.trace({ registers: (access) => heard.push(access) });
    const { bar } = driver;
    bar.read(0, 1);
    bar.read(2, 2);
    bar.write(0x40, 4, 5);
    bar.read(0x1002, 1);
    bar.write(0x2004, 4, 0x00070003);
    bar.read(0x3ffc, 4);
    stop();
    bar.read(0, 4);
    expect(
      heard.map(({ access, name, offset, width, value, fields }) => [access, name, offset, width, value, fields]),
    ).toEqual([
      ["read", "CAPLENGTH_HCIVERSION", 0, 1, 0x40, ""],
      ["read", "CAPLENGTH_HCIVERSION", 2, 2, 0x110, ""],
      ["write", "USBCMD", 0x40, 4, 5, "RS INTE"],
      ["read", "MFINDEX", 0x1002, 1, 0, ""],
      ["write", "DOORBELL1", 0x2004, 4, 0x00070003, "endpoint 3 stream 7"],
      ["read", "reserved", 0x3ffc, 4, 0, ""],
    ]);
  });

  // Bits by xHCI 1.2 tables 5-20, 5-21, 5-24, 5-27, 5-38, 5-42
  it.each([
    ["USBCMD", 0x00000005, "RS INTE"],
    ["USBCMD", 0x00000002, "HCRST"],
    ["USBSTS", 0x00000019, "HCH EINT PCD"],
    ["CRCR", 0x0000000f, "RCS CS CA CRR"],
    ["CONFIG", 64, "MAX_SLOTS_EN=64"],
    ["IMAN", 3, "IP IE"],
    ["ERDP", 0x00123458, "EHB"],
    ["PORTSC3", 0x00000e03, "CCS PED PP PLS=U0 SPEED=3"],
    ["PORTSC12", 0x802212a0, "PP CSC PRC WPR PLS=RX_DETECT SPEED=4"],
    ["PORTSC12", 0x00000180, "PLS=12 SPEED=0"],
    ["MFINDEX", 0x3fff, ""],
  ])("tells the bits of %s", (name, value, fields) => {
    expect(registerFields(name, value)).toBe(fields);
  });

  it("moves the bits of a part to where they are in the whole", () => {
    const { controller, driver } = createRig();
    const heard: RegisterTrace[] = [];
    controller.trace({ registers: (access) => heard.push(access) });
    driver.bar.write(0x40 + 0x400 + 2, 1, 0x22);
    expect(heard[0]).toMatchObject({ name: "PORTSC1", width: 1, fields: "CSC PRC PLS=U0 SPEED=0" });
  });
});

describe("of TRBs", () => {
  it("tells a transfer on all three rings", () => {
    const { back, controller, driver, ram } = createRig({ placement: "deferred" });
    driver.start();
    back.plug(1, SPEED_HIGH);
    const device = driver.enumerate(1, SPEED_HIGH);
    const heard: TrbTrace[] = [];
    const stop = controller.trace({ trbs: (trb) => heard.push(trb) });
    device.mustConfigure({ id: BULK_IN, type: EP_TYPE_BULK_IN });
    const buffer = ram.buffer(64);
    const [first = 0, second = 0] = device.submit(
      BULK_IN,
      normal(buffer, 32, TRB_CHAIN),
      normal(buffer + 32, 32, TRB_IOC),
    );
    back.answer(back.first(), STATUS_OK, new Uint8Array(64));
    driver.take();
    stop();
    device.stop(BULK_IN);
    const at = (value: number) => `0x${value.toString(16).padStart(8, "0")}`;
    const { slotId } = device;
    expect(
      heard.map(({ ring, slot, endpoint, name, fields }) => `${ring} ${slot} ${endpoint} ${name}: ${fields}`),
    ).toEqual([
      `command 0 0 Configure Endpoint: slot ${slotId}, input context ${at(device.input)}, C`,
      `event 0 0 Command Completion Event: success, slot ${slotId}, TRB ${at(heard[0]?.address ?? 0)}, C`,
      `transfer ${slotId} 3 Normal: buffer ${at(buffer)}, length 32, TD size 0, CH, C`,
      `transfer ${slotId} 3 Normal: buffer ${at(buffer + 32)}, length 32, TD size 0, IOC, C`,
      `event 0 0 Transfer Event: success, slot ${slotId}, endpoint 3, TRB ${at(second)}, residue 0, C`,
    ]);
    expect(heard.slice(2, 4).map(({ address }) => address)).toEqual([first, second]);
    expect(heard[3]?.dwords).toEqual([buffer + 32, 0, 32, (1 << 10) | TRB_IOC | 1]);
  });

  it.each([
    // Setup Stage: GET_DESCRIPTOR, TRT IN
    [[0x01000680, 0x00120000, 8, 0x00030841], "Setup Stage", "setup 80 06 00 01 00 00 12 00, TRT IN, C"],
    [[0x00001000, 0, 18, 0x00010c24], "Data Stage", "IN, buffer 0x00001000, length 18, TD size 0, ISP, IOC"],
    [[0, 0, 0, 0x00001020], "Status Stage", "OUT, IOC"],
    [immediate(Uint8Array.of(0x11, 0x22, 0x33)), "Normal", "immediate 11 22 33, length 3, TD size 0, IDT"],
    [
      [0x1000, 1, 0x20400, 0x80011420],
      "Isoch",
      "SIA, buffer 0x0000000100001000, length 1024, TD size 1, TBC 0, TLBPC 1, IOC",
    ],
    [[0x1000, 0, 0, 0x00b01400], "Isoch", "frame 11, buffer 0x00001000, length 0, TD size 0, TBC 0, TLBPC 0"],
    [[0x00002000, 0, 0, 0x00001812], "Link", "to 0x00002000, TC, CH"],
    [[0x55667788, 0x11223344, 0, 0x00001c20], "Event Data", "data 0x1122334455667788, IOC"],
    [[0, 0, 0, 0x00002020], "No Op", "IOC"],
    [[0, 0, 0, 0x00002401], "Enable Slot", "slot type 0, C"],
    [[0x3000, 0, 0, 0x02002e00], "Address Device", "slot 2, input context 0x00003000, BSR"],
    [[0, 0, 0, 0x02033a00], "Reset Endpoint", "slot 2, endpoint 3, TSP"],
    [[0, 0, 0, 0x02833c00], "Stop Endpoint", "slot 2, endpoint 3, SP"],
    [
      [0x4003, 0, 0x00050000, 0x02034000],
      "Set TR Dequeue Pointer",
      "slot 2, endpoint 3, to 0x00004000, DCS, stream 5, SCT 1",
    ],
    [
      [0x11223344, 0, 0x0d00000a, 0x02038004],
      "Transfer Event",
      "short packet, slot 2, endpoint 3, data 0x0000000011223344, moved 10",
    ],
    [[0x03000000, 0, 0x01000000, 0x00008801], "Port Status Change Event", "success, port 3, C"],
    [[0, 0, 0x15000000, 0x00009400], "Host Controller Event", "event ring full"],
    [[0, 0, 0xff000000, 0x00009c00], "MFINDEX Wrap Event", "completion code 255"],
    [[1, 2, 3, 0x0000fc00], "reserved type 63", "0x0000000200000001 0x00000003 0x0000fc00"],
  ] as const)("%j is %s: %s", (words, name, fields) => {
    const ram = new Ram(4096);
    ram.poke(0x100, ...words);
    const trb = new Trb();
    trb.load(ram, 0x100);
    expect([trbName(trb), trbFields(trb)]).toEqual([name, fields]);
  });
});
