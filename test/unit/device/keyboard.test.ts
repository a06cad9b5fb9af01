import { describe, expect, test, vi } from "vitest";
import {
  SPEED_FULL,
  STATUS_BABBLE,
  STATUS_CANCELLED,
  STATUS_OK,
  STATUS_STALL,
  TYPE_INTERRUPT,
} from "../../../asm/layout.ts";
import { createKeyboard } from "../../../worker/device/hid/keyboard.ts";
import { usageOf } from "../../../worker/device/hid/keyboard-usages.ts";
import { bytes, Host, hex, now, type Transfer } from "./harness.ts";

const IN = 0x81;
const poll = (host: Host, length = 8): Transfer => host.in(IN, length, TYPE_INTERRUPT);
const key = (host: Host, code: string, pressed: boolean) => host.device.input?.({ type: "key", code, pressed });

async function plug(): Promise<Host> {
  const host = await Host.plug(createKeyboard());
  host.configure();
  host.control({ bmRequestType: 0x21, bRequest: 0x0a }); // SET_IDLE(0), as Linux does
  return host;
}

/** The reports that wait, oldest first. */
async function drain(host: Host): Promise<string[]> {
  const reports: string[] = [];
  for (;;) {
    const transfer = poll(host);
    if (!transfer.answer) {
      host.cancel(transfer);
      return reports;
    }
    reports.push(hex(transfer.answer.bytes));
  }
}

describe("descriptors", () => {
  test("device, configuration, HID and report descriptor (HID 1.11 §6, appendix E)", async () => {
    const host = await plug();
    expect(host.device.speed).toBe(SPEED_FULL);
    const descriptor = (bmRequestType: number, type: number, wIndex = 0) =>
      host.control({ bmRequestType, bRequest: 6, wValue: type << 8, wIndex, wLength: 255 });
    expect(hex(descriptor(0x80, 1).bytes)).toBe("120110010000004009120200000101020001");
    expect(hex(descriptor(0x80, 2).bytes)).toBe(
      "09022200010100a03209040000010301010009211101000122410007058103080" + "00a",
    );
    expect(hex(descriptor(0x81, 0x21).bytes)).toBe("092111010001224100");
    expect(hex(descriptor(0x81, 0x22).bytes)).toBe(
      hex(
        bytes(
          `0501 0906 a101  0507 19e0 29e7 1500 2501 7501 9508 8102  7508 9501 8101
           0508 1901 2905 7501 9505 9102  7503 9501 9101  0507 1900 2aff00 1500 26ff00 7508 9506 8100 c0`,
        ),
      ),
    );
    expect(descriptor(0x81, 0x23).status).toBe(STATUS_STALL);
    expect(descriptor(0x81, 0x22, 1).status).toBe(STATUS_STALL);
  });
});

describe("reports", () => {
  test("a press waits for the guest, or the guest for a press", async () => {
    const host = await plug();
    const waiting = poll(host);
    expect(waiting.answer).toBeUndefined();
    key(host, "KeyA", true);
    expect(hex((await host.wait(waiting)).bytes)).toBe("0000040000000000");
    key(host, "KeyA", false);
    expect(hex(now(poll(host)).bytes)).toBe("0000000000000000");
    expect(await drain(host)).toEqual([]);
  });

  test("each press and release is its own report, in order, modifiers too", async () => {
    const host = await plug();
    for (const [code, pressed] of [
      ["ShiftLeft", true],
      ["KeyH", true],
      ["KeyH", false],
      ["ShiftLeft", false],
      ["KeyI", true],
      ["KeyI", false],
    ] as const) {
      key(host, code, pressed);
    }
    expect(await drain(host)).toEqual([
      "0200000000000000",
      "02000b0000000000",
      "0200000000000000",
      "0000000000000000",
      "00000c0000000000",
      "0000000000000000",
    ]);
  });

  test("a key that repeats, one that is up already, and one that does not exist change nothing", async () => {
    const host = await plug();
    key(host, "Enter", true);
    key(host, "Enter", true);
    key(host, "KeyB", false);
    key(host, "Fn", true);
    for (const message of [undefined, null, 7, {}, { type: "key" }, { type: "unknown" }]) host.device.input?.(message);
    expect(await drain(host)).toEqual(["0000280000000000"]);
  });

  test("six keys at once; a seventh is ErrorRollOver, and the modifiers are still told (HID 1.11 appendix C)", async () => {
    const host = await plug();
    for (const code of ["KeyA", "KeyB", "KeyC", "KeyD", "KeyE", "KeyF", "KeyG", "ControlRight"]) key(host, code, true);
    expect((await drain(host)).slice(-3)).toEqual(["0000040506070809", "0000010101010101", "1000010101010101"]);
    key(host, "KeyA", false);
    expect(await drain(host)).toEqual(["100005060708090a"]);
    host.device.input?.({ type: "release-keys" });
    host.device.input?.({ type: "release-keys" });
    expect(await drain(host)).toEqual(["0000000000000000"]);
  });

  test("a guest that does not fetch them loses the oldest, never the last state", async () => {
    const host = await plug();
    for (let count = 0; count < 1000; count++) key(host, "KeyA", count % 2 === 0);
    key(host, "KeyZ", true);
    const reports = await drain(host);
    expect(reports).toHaveLength(256);
    expect(reports.at(-1)).toBe("00001d0000000000");
  });

  test("too little room is a babble, and the report stays", async () => {
    const host = await plug();
    key(host, "KeyA", true);
    expect(now(poll(host, 4)).status).toBe(STATUS_BABBLE);
    expect(hex(now(poll(host, 64)).bytes)).toBe("0000040000000000");
  });

  test("cancel, reset and unplug give back what waits; keys that are held are told again", async () => {
    const host = await plug();
    const waiting = poll(host);
    await host.reset(waiting);
    expect(now(waiting).status).toBe(STATUS_CANCELLED);
    key(host, "ShiftLeft", true);
    host.configure();
    expect(await drain(host)).toEqual(["0200000000000000"]);
    const last = poll(host);
    await host.device.close();
    await host.settle();
    expect(now(last).status).toBe(STATUS_CANCELLED);
    key(host, "KeyA", true);
    expect(host.clean).toBe(true);
  });
});

describe("class requests (HID 1.11 §7.2)", () => {
  const request = (
    host: Host,
    bmRequestType: number,
    bRequest: number,
    wValue: number,
    data: number | Uint8Array = 0,
  ) =>
    typeof data === "number"
      ? host.control({ bmRequestType, bRequest, wValue, wLength: data })
      : host.control({ bmRequestType, bRequest, wValue }, data);

  test("GET_REPORT and SET_REPORT", async () => {
    const host = await plug();
    key(host, "KeyA", true);
    expect(hex(request(host, 0xa1, 1, 0x100, 8).bytes)).toBe("0000040000000000");
    expect(await drain(host), "it is still to be fetched").toEqual(["0000040000000000"]);
    expect(request(host, 0x21, 9, 0x200, Uint8Array.of(0x03))).toMatchObject({ status: STATUS_OK, actual: 1 });
    expect(hex(request(host, 0xa1, 1, 0x200, 1).bytes)).toBe("03");
    for (const [type, wValue, data] of [
      [0xa1, 0x300, 8],
      [0xa1, 0x101, 8],
    ] as const) {
      expect(request(host, type, 1, wValue, data).status).toBe(STATUS_STALL);
    }
    expect(request(host, 0x21, 9, 0x200, new Uint8Array(2)).status).toBe(STATUS_STALL);
    expect(request(host, 0x21, 9, 0x100, new Uint8Array(8)).status).toBe(STATUS_STALL);
    expect(host.control({ bmRequestType: 0xa1, bRequest: 1, wValue: 0x100, wIndex: 1, wLength: 8 }).status).toBe(
      STATUS_STALL,
    );
  });

  test("SET_REPORT sets the lights: the page hears of each change, and of those that go out by a reset", async () => {
    const hasOutput = vi.fn();
    const host = await Host.plug(createKeyboard({ gone() {}, wake() {}, hasOutput }));
    host.configure();
    const dark = { type: "lights", numLock: false, capsLock: false, scrollLock: false, compose: false, kana: false };
    expect(host.device.output?.()).toEqual(dark);
    for (const lights of [0x02, 0x02, 0x15, 0xe2]) request(host, 0x21, 9, 0x200, Uint8Array.of(lights));
    expect(hasOutput).toHaveBeenCalledTimes(3);
    expect(host.device.output?.()).toEqual({ ...dark, capsLock: true });
    request(host, 0x21, 9, 0x200, Uint8Array.of(0x1d));
    expect(host.device.output?.()).toEqual({ ...dark, numLock: true, scrollLock: true, compose: true, kana: true });
    await host.reset();
    expect(hasOutput).toHaveBeenCalledTimes(5);
    expect(host.device.output?.()).toEqual(dark);
  });

  test("GET_PROTOCOL and SET_PROTOCOL", async () => {
    const host = await plug();
    const protocol = () => request(host, 0xa1, 3, 0, 1).bytes[0];
    expect(protocol()).toBe(1);
    expect(request(host, 0x21, 0x0b, 0).status).toBe(STATUS_OK);
    expect(protocol()).toBe(0);
    expect(request(host, 0x21, 0x0b, 2).status).toBe(STATUS_STALL);
    await host.reset();
    host.configure();
    expect(protocol(), "a reset brings the report protocol back (§7.2.6)").toBe(1);
  });

  test("GET_IDLE and SET_IDLE: an unchanged report again and again, until it is never", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const host = await Host.plug(createKeyboard());
      host.configure();
      const idle = () => request(host, 0xa1, 2, 0, 1).bytes[0];
      expect(idle()).toBe(125);
      expect(request(host, 0x21, 0x0a, 8 << 8).status).toBe(STATUS_OK);
      expect(idle()).toBe(8);
      expect(request(host, 0x21, 0x0a, (8 << 8) | 1).status, "there are no report ids").toBe(STATUS_STALL);
      key(host, "KeyA", true);
      expect(hex(now(poll(host)).bytes)).toBe("0000040000000000");
      for (let turn = 0; turn < 3; turn++) {
        const again = poll(host);
        vi.advanceTimersByTime(31);
        expect(again.answer).toBeUndefined();
        vi.advanceTimersByTime(1);
        await host.settle(1);
        expect(hex(now(again).bytes)).toBe("0000040000000000");
      }
      const never = poll(host);
      expect(request(host, 0x21, 0x0a, 0).status).toBe(STATUS_OK);
      vi.advanceTimersByTime(10_000);
      await host.settle(1);
      expect(never.answer).toBeUndefined();
      await host.device.close();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

test("usages (HID Usage Tables 1.12 §10)", () => {
  const some: Record<string, number> = {
    KeyA: 0x04,
    KeyZ: 0x1d,
    Digit1: 0x1e,
    Digit9: 0x26,
    Digit0: 0x27,
    Enter: 0x28,
    Escape: 0x29,
    Backspace: 0x2a,
    Tab: 0x2b,
    Space: 0x2c,
    Minus: 0x2d,
    Equal: 0x2e,
    BracketLeft: 0x2f,
    BracketRight: 0x30,
    Backslash: 0x31,
    Semicolon: 0x33,
    Quote: 0x34,
    Backquote: 0x35,
    Comma: 0x36,
    Period: 0x37,
    Slash: 0x38,
    CapsLock: 0x39,
    F1: 0x3a,
    F12: 0x45,
    PrintScreen: 0x46,
    ScrollLock: 0x47,
    Pause: 0x48,
    Insert: 0x49,
    Home: 0x4a,
    PageUp: 0x4b,
    Delete: 0x4c,
    End: 0x4d,
    PageDown: 0x4e,
    ArrowRight: 0x4f,
    ArrowLeft: 0x50,
    ArrowDown: 0x51,
    ArrowUp: 0x52,
    NumLock: 0x53,
    NumpadDivide: 0x54,
    NumpadMultiply: 0x55,
    NumpadSubtract: 0x56,
    NumpadAdd: 0x57,
    NumpadEnter: 0x58,
    Numpad1: 0x59,
    Numpad9: 0x61,
    Numpad0: 0x62,
    NumpadDecimal: 0x63,
    IntlBackslash: 0x64,
    ContextMenu: 0x65,
    Power: 0x66,
    NumpadEqual: 0x67,
    F13: 0x68,
    F24: 0x73,
    Help: 0x75,
    Again: 0x79,
    Find: 0x7e,
    NumpadComma: 0x85,
    IntlRo: 0x87,
    KanaMode: 0x88,
    IntlYen: 0x89,
    Convert: 0x8a,
    NonConvert: 0x8b,
    Lang1: 0x90,
    Lang5: 0x94,
    ControlLeft: 0xe0,
    ShiftLeft: 0xe1,
    AltLeft: 0xe2,
    MetaLeft: 0xe3,
    ControlRight: 0xe4,
    ShiftRight: 0xe5,
    AltRight: 0xe6,
    MetaRight: 0xe7,
  };
  for (const [code, usage] of Object.entries(some)) expect(usageOf(code), code).toBe(usage);
  expect(usageOf("Fn")).toBeUndefined();
});

describe("remote wake-up (USB 2.0 §7.1.7.7)", () => {
  const setFeature = (host: Host, on: boolean) =>
    host.control({ bmRequestType: 0x00, bRequest: on ? 0x03 : 0x01, wValue: 1 }).status;

  async function plugAwake() {
    const wake = vi.fn();
    const host = await Host.plug(createKeyboard({ wake, gone() {}, hasOutput() {} }));
    host.configure();
    host.control({ bmRequestType: 0x21, bRequest: 0x0a });
    return { host, wake };
  }

  test("is asked for by a key that nobody fetches, once the host has allowed it", async () => {
    const { host, wake } = await plugAwake();
    key(host, "KeyA", true);
    expect(wake).not.toHaveBeenCalled();
    expect(setFeature(host, true)).toBe(STATUS_OK);
    key(host, "KeyB", true);
    expect(wake).toHaveBeenCalledTimes(1);
    key(host, "KeyB", true);
    expect(wake, "a key that is down already").toHaveBeenCalledTimes(1);
    expect(setFeature(host, false)).toBe(STATUS_OK);
    key(host, "KeyB", false);
    expect(wake).toHaveBeenCalledTimes(1);
    // What woke the host is there when it looks.
    expect(await drain(host)).toEqual(["0000040000000000", "0000040500000000", "0000040000000000"]);
  });

  test("is not asked for while the host fetches reports, nor after a reset", async () => {
    const { host, wake } = await plugAwake();
    setFeature(host, true);
    poll(host);
    key(host, "KeyA", true);
    expect(wake).not.toHaveBeenCalled();
    host.device.reset();
    host.configure();
    key(host, "KeyA", false);
    expect(wake).not.toHaveBeenCalled();
  });

  test("is asked for no more often than there are reports to fetch", async () => {
    const { host, wake } = await plugAwake();
    setFeature(host, true);
    for (let press = 0; press < 1000; press++) key(host, "KeyA", press % 2 === 0);
    expect(wake).toHaveBeenCalledTimes(256);
  });
});
