import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { grantFailed, NOT_ISOLATED, platformOf, plugFailed, startFailed, USB_FORBIDDEN } from "../../app/hub/words.ts";

const gadget = { name: "Gadget", vendorId: 0x1d50, productId: 0x6018 };
const failure = (name: string, message = "It is so") => Object.assign(new Error(message), { name });

describe("plugFailed", () => {
  it("gives a udev rule with the device's ids on Linux", () => {
    const words = plugFailed(failure("AccessError", "The device may not be opened"), "3", gadget, "linux");
    expect(words.title).toBe("Gadget could not be plugged into port 3");
    expect(words.text).toBe("The device may not be opened.");
    expect(words.command).toContain('ATTR{idVendor}=="1d50", ATTR{idProduct}=="6018"');
    expect(words.command).toContain("/etc/udev/rules.d/");
  });

  it("names WinUSB on Windows and the programs to quit on macOS", () => {
    expect(plugFailed(failure("BusyError"), "1", gadget, "windows").steps?.join()).toContain("WinUSB");
    expect(plugFailed(failure("BusyError"), "1", gadget, "mac").steps?.join()).toContain("Quit");
    expect(plugFailed(failure("AccessError"), "1", gadget, "android").steps?.join()).toContain("Allow");
    expect(plugFailed(failure("BusyError"), "1", gadget, "android").steps?.join()).toContain("other apps");
  });

  it("offers the serial port's own API for a serial adapter that a driver holds, and for nothing else", () => {
    for (const platform of ["linux", "windows", "mac", "android"] as const) {
      const adapter = { ...gadget, isSerial: true };
      expect(plugFailed(failure("BusyError"), "1", adapter, platform).steps?.[0]).toContain("serial port");
      expect(plugFailed(failure("BusyError"), "1", gadget, platform).steps?.join()).not.toContain("serial port");
    }
  });

  it("has something to do for every error of the backend", () => {
    for (const name of [
      "UnsupportedError",
      "NotFoundError",
      "AccessError",
      "BusyError",
      "PortOccupiedError",
      "ImageError",
      "NotAllowedError",
    ]) {
      for (const platform of ["linux", "windows", "mac", "android", "chromeos", "other"] as const) {
        expect(plugFailed(failure(name), "1", gadget, platform).steps?.length).toBeGreaterThan(0);
      }
    }
  });

  it("shows the first line of an error it does not know, and never a stack", () => {
    const error = new TypeError("x is not a function\n    at plug (file.js:1:2)");
    expect(plugFailed(error, "1", gadget, "linux")).toEqual({
      title: "Gadget could not be plugged into port 1",
      text: "x is not a function.",
    });
    expect(plugFailed(undefined, "1", { name: "It" }, "linux").text).toBe("undefined.");
    expect(plugFailed(new Error(""), "1", { name: "It" }, "linux").text).toMatch(/did not say what/);
  });

  it("unbinds every driver of that device, and of no other, by a command that a shell runs", () => {
    const root = mkdtempSync(join(tmpdir(), "pvusb-words-"));
    try {
      const write = (path: string, text: string) => {
        mkdirSync(join(root, path, ".."), { recursive: true });
        writeFileSync(join(root, path), text);
      };
      write("1-2/idVendor", "1d50\n");
      write("1-2/idProduct", "6018\n");
      write("1-3/idVendor", "1d50\n");
      write("1-3/idProduct", "6019\n");
      for (const name of ["1-2:1.0", "1-2:1.1", "1-2:1.2", "1-3:1.0"]) mkdirSync(join(root, name));
      for (const [driver, bound] of [
        ["cdc_acm", "1-2:1.0"],
        ["cdc_data", "1-2:1.1"],
        ["other", "1-3:1.0"],
      ] as const) {
        write(`drivers/${driver}/unbind`, "");
        symlinkSync(join(root, "drivers", driver), join(root, bound, "driver"));
      }
      const { command } = plugFailed(failure("BusyError"), "1", gadget, "linux");
      const script = (command ?? "").replaceAll("/sys/bus/usb/devices", root).replaceAll("sudo ", "");
      execFileSync("sh", ["-c", `${script}\ntrue`]);
      const unbound = (driver: string) => readFileSync(join(root, "drivers", driver, "unbind"), "utf8");
      expect(unbound("cdc_acm")).toBe("1-2:1.0");
      expect(unbound("cdc_data")).toBe("1-2:1.1");
      expect(unbound("other")).toBe("");
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe("grantFailed", () => {
  it("says nothing when the person closed the chooser", () => {
    expect(grantFailed(new DOMException("No device selected.", "NotFoundError"))).toBeUndefined();
  });
  it("says what to do when the page may not use USB", () => {
    expect(grantFailed(new DOMException("no", "SecurityError"))).toBe(USB_FORBIDDEN);
  });
});

describe("startFailed", () => {
  it("names both headers when the page is not isolated", () => {
    expect(startFailed(failure("NotIsolatedError"))).toBe(NOT_ISOLATED);
    expect(NOT_ISOLATED.command?.split("\n")).toHaveLength(2);
  });
});

describe("platformOf", () => {
  it("tells the platforms apart whose advice differs", () => {
    expect(platformOf("Mozilla/5.0 (X11; Linux x86_64) Chrome/156")).toBe("linux");
    expect(platformOf("Mozilla/5.0 (Linux; Android 10; K) Chrome/156")).toBe("android");
    expect(platformOf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/156")).toBe("windows");
    expect(platformOf("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/156")).toBe("mac");
    expect(platformOf("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/156")).toBe("chromeos");
  });
});
