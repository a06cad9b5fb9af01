import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { V86 } from "v86";
import { beforeAll, describe, expect, it } from "vitest";
import { writeCpio } from "../../app/guest/image/cpio.ts";
import {
  type KernelModule,
  MissingModuleError,
  moduleClosure,
  writeModulesAlias,
  writeModulesDep,
} from "../../app/guest/image/kernel-modules.ts";
import type { GuestFile, GuestManifest } from "../../app/guest/image/manifest.ts";

const GUEST = fileURLToPath(new URL("../../public/guest/", import.meta.url));
const GUEST_FILES: GuestFile[] = ["kernel", "initrd", "bios", "vgaBios"];
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

function readManifest(): GuestManifest {
  if (!existsSync(`${GUEST}manifest.json`)) {
    throw new Error("public/guest/ has no guest image: run `npm run build`");
  }
  return JSON.parse(readFileSync(`${GUEST}manifest.json`, "utf8")) as GuestManifest;
}

function readPlain(manifest: GuestManifest, file: GuestFile): Uint8Array {
  const stored = readFileSync(GUEST + manifest[file]);
  return manifest.encoding[file] === "gzip" ? gunzipSync(stored) : stored;
}

interface ParsedMember {
  readonly mode: number;
  readonly data: Uint8Array;
  readonly rdev: readonly [number, number];
}

/** Reads what the kernel's init/initramfs.c would read, and shares no code with the writer. */
function parseCpio(archive: Uint8Array): Map<string, ParsedMember> {
  const text = (from: number, to: number): string => String.fromCharCode(...archive.subarray(from, to));
  const members = new Map<string, ParsedMember>();
  for (let at = 0; at < archive.length; ) {
    expect(at % 4).toBe(0);
    expect(text(at, at + 6)).toBe("070701");
    const field = (index: number): number => Number.parseInt(text(at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const nameEnd = at + 110 + field(11);
    expect(archive[nameEnd - 1]).toBe(0);
    const name = text(at + 110, nameEnd - 1);
    const dataAt = Math.ceil(nameEnd / 4) * 4;
    const data = archive.subarray(dataAt, dataAt + field(6));
    const member: ParsedMember = { mode: field(1), data, rdev: [field(9), field(10)] };
    at = Math.ceil((dataAt + data.length) / 4) * 4;
    if (name === "TRAILER!!!") {
      expect(at).toBe(archive.length);
      return members;
    }
    members.set(name, member);
  }
  throw new Error("the archive has no trailer");
}

describe("cpio", () => {
  it("writes the golden bytes of one file", () => {
    const golden =
      "070701" +
      "00000001" + // inode
      "000081ed" + // regular file, 0755
      "00000000" + // user
      "00000000" + // group
      "00000001" + // links
      "00000000" + // time
      "00000005" + // size
      "00000000" +
      "00000000" +
      "00000000" +
      "00000000" +
      "00000005" + // name with its zero
      "00000000" +
      "init\0\0" + // to 116
      "\x11\x22\x33\x44\x55\0\0\0" +
      "070701" +
      "00000000".repeat(4) +
      "00000001" +
      "00000000".repeat(6) +
      "0000000b" +
      "00000000" +
      "TRAILER!!!\0\0\0\0";
    const archive = writeCpio([
      { kind: "file", path: "/init", data: Uint8Array.of(0x11, 0x22, 0x33, 0x44, 0x55), mode: 0o755 },
    ]);
    expect(String.fromCharCode(...archive)).toBe(golden);
  });

  it("writes every kind of entry so that it can be read back", () => {
    const members = parseCpio(
      writeCpio([
        { kind: "directory", path: "a" },
        { kind: "file", path: "a/empty", data: new Uint8Array(0) },
        { kind: "file", path: "a/é", data: ascii("four") },
        { kind: "symlink", path: "a/link", target: "empty" },
        { kind: "character-device", path: "a/console", major: 5, minor: 1 },
      ]),
    );
    expect([...members.values()].map(({ mode }) => mode.toString(8))).toEqual([
      "40755",
      "100644",
      "100644",
      "120777",
      "20600",
    ]);
    expect(members.get("a/link")?.data).toEqual(ascii("empty"));
    expect(members.get("a/console")?.rdev).toEqual([5, 1]);
  });

  it("refuses a path that would end the archive", () => {
    expect(() => writeCpio([{ kind: "directory", path: "/" }])).toThrow(RangeError);
    expect(() => writeCpio([{ kind: "directory", path: "TRAILER!!!" }])).toThrow(RangeError);
  });
});

describe("module index", () => {
  const module = (name: string, depends: string[], aliases: string[] = []): [string, KernelModule] => [
    name,
    { name, file: `${name.replaceAll("_", "-")}.ko`, data: new Uint8Array(0), depends, aliases },
  ];
  const all = new Map([
    module("usb_common", []),
    module("usbcore", ["usb_common"]),
    module("xhci_hcd", ["usbcore", "usb_common"]),
    module("xhci_pci", ["xhci_hcd", "usbcore"], ["pci:v*d*sv*sd*bc0Csc03i30*"]),
  ]);

  it("puts dependencies first in the closure and last in modules.dep", () => {
    const closure = moduleClosure(["xhci_pci"], (name) => all.get(name));
    expect([...closure.keys()]).toEqual(["usb_common", "usbcore", "xhci_hcd", "xhci_pci"]);
    expect(writeModulesDep(closure).split("\n").at(-2)).toBe("xhci-pci.ko: xhci-hcd.ko usbcore.ko usb-common.ko");
    expect(writeModulesAlias(closure)).toBe("alias pci:v*d*sv*sd*bc0Csc03i30* xhci_pci\n");
  });

  it("names the module that is missing and who wants it", () => {
    all.delete("usb_common");
    expect(() => moduleClosure(["xhci_pci"], (name) => all.get(name))).toThrow(MissingModuleError);
    expect(() => moduleClosure(["xhci_pci"], (name) => all.get(name))).toThrow(/usb_common, wanted by usbcore/);
  });
});

describe("built image", () => {
  let manifest: GuestManifest;
  beforeAll(() => {
    manifest = readManifest();
  });

  it("has the sizes and hashes that its manifest tells", () => {
    for (const file of GUEST_FILES) {
      const stored = readFileSync(GUEST + manifest[file]);
      expect(stored.length).toBe(manifest.sizes[file]);
      expect(createHash("sha256").update(stored).digest("hex")).toBe(manifest.sha256[file]);
      expect(readPlain(manifest, file).length).toBe(manifest.plainSizes[file]);
    }
  });

  it("has every module that modules.dep and the boot list name", () => {
    const members = parseCpio(readPlain(manifest, "initrd"));
    const folder = `lib/modules/${manifest.kernelRelease}/`;
    const text = (path: string): string => new TextDecoder().decode(members.get(path)?.data);
    const modules = new Set<string>();
    for (const line of text(`${folder}modules.dep`).trim().split("\n")) {
      const [file = "", needs = ""] = line.split(":");
      modules.add(file.replace(/\.ko$/, "").replaceAll("-", "_"));
      for (const needed of [file, ...needs.split(" ").filter((name) => name !== "")]) {
        expect(members.has(folder + needed), needed).toBe(true);
      }
    }
    for (const name of text("etc/pvusb/boot-modules").trim().split("\n")) {
      expect(modules.has(name), name).toBe(true);
    }
    for (const name of ["pl2303", "pegasus", "asix", "gspca_zc3xx", "snd_usb_audio", "sisusbvga"]) {
      expect(modules.has(name), name).toBe(true);
    }
  });
});

/** The least of a host for the agent: one command at a time. */
class Agent {
  readonly #emulator: V86;
  #bytes: number[] = [];
  #wake: () => void = () => {};

  constructor(emulator: V86) {
    this.#emulator = emulator;
    emulator.add_listener("serial1-output-byte", (byte: number) => {
      this.#bytes.push(byte);
      this.#wake();
    });
  }

  async #until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(String.fromCharCode(...this.#bytes));
      if (found !== null) {
        this.#bytes = [];
        return found;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async greeting(): Promise<void> {
    await this.#until(/pvusb-agent 1\n$/);
  }

  async run(command: string): Promise<{ output: string; status: number }> {
    const line = `run nonce ${Buffer.from(command).toString("base64")}\n`;
    this.#emulator.serial_send_bytes(1, Buffer.from(line));
    const [, output = "", status] = await this.#until(/^(.*)\nnonce (\d+)\n$/s);
    return { output, status: Number(status) };
  }
}

describe("booted image", () => {
  let emulator: V86;
  let agent: Agent;

  beforeAll(async () => {
    const manifest = readManifest();
    const file = (name: GuestFile): { buffer: ArrayBuffer } => ({
      buffer: Uint8Array.from(readPlain(manifest, name)).buffer,
    });
    emulator = new V86({
      wasm_path: fileURLToPath(new URL("../../node_modules/v86/build/v86.wasm", import.meta.url)),
      bios: file("bios"),
      vga_bios: file("vgaBios"),
      bzimage: file("kernel"),
      initrd: file("initrd"),
      cmdline: manifest.cmdline,
      memory_size: manifest.memoryMiB << 20,
      uart1: true,
      autostart: true,
    });
    agent = new Agent(emulator);
    await agent.greeting();
    return () => emulator.destroy();
  }, 120_000);

  it("runs a command through the agent", async () => {
    expect(await agent.run("uname -m")).toEqual({ output: "i686\n", status: 0 });
  }, 30_000);

  it("passes every byte through unchanged, and the exit status", async () => {
    expect(await agent.run("printf '\\000\\r\\n\\377'; exit 7")).toEqual({ output: "\0\r\n\xff", status: 7 });
  }, 30_000);

  it("takes the next command while a background child of the last one lives", async () => {
    expect((await agent.run("sleep 600 & echo started")).output).toBe("started\n");
    expect((await agent.run("echo next")).output).toBe("next\n");
  }, 30_000);

  it("has the drivers that nearly every session needs", async () => {
    const { output } = await agent.run("lsmod");
    for (const name of ["xhci_pci", "usb_storage", "uas", "sd_mod", "usbhid", "hid_generic", "vfat", "nls_cp437"]) {
      expect(output).toMatch(new RegExp(`^${name} `, "m"));
    }
  }, 30_000);

  it("loads the drivers of what the machine has", async () => {
    await agent.run("until grep -q ^ata_piix /proc/modules && grep -q ^psmouse /proc/modules; do usleep 50000; done");
  }, 30_000);

  it("answers after a restored state", async () => {
    await emulator.restore_state(await emulator.save_state());
    expect((await agent.run("echo again")).output).toBe("again\n");
  }, 60_000);
});
