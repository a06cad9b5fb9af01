/** `pvusb run` as a person or a script has it: the built program in a process of its own. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bootDisk } from "../fakes/boot-image.ts";
import { V8_FLAGS } from "../v8.ts";

const program = fileURLToPath(new URL("../../dist/app/cli/main.js", import.meta.url));
const MIB = 2 ** 20;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pvusb-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function pvusb(args: readonly string[], options: { input?: string; signalOn?: RegExp } = {}): Promise<Ended> {
  const child = spawn(process.execPath, [...V8_FLAGS, program, ...args], {
    env: { ...process.env, XDG_CACHE_HOME: join(folder, "cache"), XDG_CONFIG_HOME: join(folder, "config") },
  });
  const text = { out: "", err: "" };
  child.stdout.on("data", (bytes) => {
    text.out += bytes;
    if (options.signalOn?.test(text.out)) child.kill("SIGINT");
  });
  child.stderr.on("data", (bytes) => {
    text.err += bytes;
  });
  child.stdin.end(options.input ?? "");
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, ...text })));
}

test("a command's output and exit status are the program's", async () => {
  const { status, out } = await pvusb(["run", "--exec", "echo to stdout; echo to stderr >&2; exit 7"]);
  expect(out).toBe("to stdout\nto stderr\n");
  expect(status).toBe(7);
});

test("a flash drive's image is read whole and written in place", async () => {
  const image = join(folder, "disk.img");
  const bytes = new Uint8Array(4 * MIB).map((_, i) => (i * 31) ^ (i >> 9));
  await writeFile(image, bytes);
  const command = [
    "dd if=/dev/sda bs=1M count=1 2>/dev/null | dd of=/dev/sda bs=1M seek=2 2>/dev/null",
    "cat /sys/block/sda/size",
  ].join("; ");
  const { status, out } = await pvusb(["run", "--plug", `flash-drive:image=${image}@1`, "--exec", command]);
  expect({ status, out }).toEqual({ status: 0, out: `${bytes.length / 512}\n` });
  bytes.copyWithin(2 * MIB, 0, MIB);
  expect(Buffer.compare(await readFile(image), bytes)).toBe(0);
});

test("an overlay's files are in the guest, with their modes and links", async () => {
  const overlay = join(folder, "overlay");
  await mkdir(join(overlay, "opt/tools"), { recursive: true });
  await writeFile(join(overlay, "opt/tools/hello"), "#!/bin/sh\necho hello from $0\n");
  await chmod(join(overlay, "opt/tools/hello"), 0o755);
  await symlink("tools/hello", join(overlay, "opt/link"));
  const { status, out } = await pvusb(["run", "--no-state", "--overlay", overlay, "--exec", "/opt/link"]);
  expect({ status, out }).toEqual({ status: 0, out: "hello from /opt/link\n" });
});

test("--json gives one object, also for bytes that are no text", async () => {
  const plugs = ["--plug", "keyboard@2.3", "--plug", "flash-drive:size=1M@5", "--plug", "hub@2"];
  const { status, out } = await pvusb(["run", "--json", ...plugs, "--exec", "printf '\\377\\000'; exit 3"]);
  expect(status).toBe(3);
  expect(JSON.parse(out)).toMatchObject({
    status: 3,
    encoding: "base64",
    output: Buffer.from([0xff, 0]).toString("base64"),
    ports: [
      { port: 5, kind: "flash-drive", address: expect.any(Number) },
      { port: 2, kind: "hub", address: expect.any(Number) },
      { port: "2.3", kind: "keyboard", address: expect.any(Number) },
    ],
  });
});

test("a state that cannot be restored is forgotten, and the guest boots; the next one goes on from it, with the clock right", async () => {
  const args = ["run", "--json", "--exec", "date +%s"];
  const states = join(folder, "cache", "pvusb");
  const kept = await readdir(states).catch(() => []);
  if (kept.length === 0) await pvusb(args);
  for (const name of await readdir(states)) await writeFile(join(states, name), gzipSync("rubbish"));
  expect(JSON.parse((await pvusb(args)).out)).toMatchObject({ status: 0, resumed: false });
  const { resumed, output } = JSON.parse((await pvusb(args)).out);
  expect(resumed).toBe(true);
  expect(Math.abs(Number(output) - Date.now() / 1000)).toBeLessThan(30);
});

test("a trace says what went over the bus, on the rings and through the registers", async () => {
  const args = ["run", "--plug", "keyboard@1", "--trace=registers,trbs,urbs", "--exec", "true"];
  const { status, err } = await pvusb(args);
  expect(status).toBe(0);
  expect(err).toMatch(/^\d+\.\d+ R PORTSC1 0x[0-9a-f]{8} CCS PED PP .*PLS=U0 SPEED=1$/m);
  expect(err).toMatch(/^\d+\.\d+ command ring 0x[0-9a-f]{8} Address Device: slot 1, input context 0x[0-9a-f]{8}/m);
  expect(err).toMatch(/^\d+\.\d+ slot 1 endpoint 1 0x[0-9a-f]{8} Setup Stage: setup 80 06 00 01 00 00 12 00, TRT IN/m);
  expect(err).toMatch(/^\d+\.\d+ event ring 0x[0-9a-f]{8} Transfer Event: success, slot 1, endpoint 1, TRB 0x/m);
  expect(err).toMatch(/^\d+\.\d+ port 1 #\d+ S control 0x80 \[8006000100001200\] 18$/m);
  expect(err).toMatch(/^\d+\.\d+ port 1 #\d+ C control 0x80 ok 18\/18 1201/m);
});

test("a capture that finds no room ends with one line, and the run goes on", async () => {
  const args = ["run", "--plug", "keyboard@1", "--pcap", "/dev/full", "--exec", "echo on"];
  const { status, out, err } = await pvusb(args);
  expect({ status, out }).toEqual({ status: 0, out: "on\n" });
  expect(err.match(/^pvusb: --pcap \/dev\/full: .*ENOSPC.* The capture ends here\.$/gm)?.length).toBe(1);
});

test("without a command the guest's console is piped, until the guest is halted", async () => {
  const { status, out } = await pvusb(["run", "--timeout", "120"], { input: "echo $((6 * 7)) is it\npoweroff -f\n" });
  expect(out).toContain("42 is it");
  expect(status).toBe(0);
});

test("a floppy disk of one's own is booted, until the machine is halted", async () => {
  const image = join(folder, "floppy.img");
  await writeFile(image, bootDisk("The floppy was here.\n"));
  const { status, out } = await pvusb(["run", "--floppy", image, "--memory", "32", "--timeout", "120"]);
  expect({ status, out }).toEqual({ status: 0, out: expect.stringContaining("The floppy was here.\n") });
});

test("a run that takes too long ends with status 124", async () => {
  const { status, err } = await pvusb(["run", "--timeout", "8", "--exec", "sleep 1000"]);
  expect(status).toBe(124);
  expect(err).toMatch(/pvusb: Not done within 8 s\.\n$/);
});

test("Ctrl-C ends a run, and what was written is in the image", async () => {
  const image = join(folder, "interrupted.img");
  await writeFile(image, new Uint8Array(MIB));
  const args = [
    "run",
    "--plug",
    `flash-drive:image=${image}@1`,
    "--exec",
    "echo -n kept > /dev/sda; echo go; sleep 1000",
  ];
  const { status } = await pvusb(args, { signalOn: /go/ });
  expect(status).toBe(130);
  expect((await readFile(image)).subarray(0, 4).toString()).toBe("kept");
});

test.each([
  ["poweroff -f", "The guest was halted before the command ended."],
  ["echo c > /proc/sysrq-trigger", "The guest's kernel gave up: Kernel panic"],
])("a command that takes the guest down (%s) fails with status 125", async (command, words) => {
  const { status, err } = await pvusb(["run", "--timeout", "200", "--exec", command]);
  expect(status).toBe(125);
  expect(err).toContain(`pvusb: ${words}`);
});

test.each([
  [["run", "--plug", "keyboard"], /^pvusb: --plug keyboard does not say which port.*\n$/],
  [
    ["run", "--plug", "flash-drive:image=/nowhere.img@1", "--exec", "true"],
    /^pvusb: .*there is no file \/nowhere\.img\.\n$/,
  ],
  [["run", "--kernel", import.meta.filename], /^pvusb: cli\.test\.ts is .*no Linux kernel.*bzImage.*\n$/],
  [["run", "--guest", "/nowhere", "--exec", "true"], /^pvusb: There is no guest image in \/nowhere.*\n$/],
  [["run", "--overlay", "/nowhere", "--exec", "true"], /^pvusb: --overlay \/nowhere cannot be read.*\n$/],
  // No package, no USB bus, or no such device.
  [["run", "--plug", "usb:1:2@1", "--exec", "true"], /^pvusb: (To plug|This computer's|--plug usb:1:2@1: this).*\n$/],
])("%j fails with status 125 and one line", async (args, line) => {
  const { status, out, err } = await pvusb(args);
  expect({ status, out }).toEqual({ status: 125, out: "" });
  expect(err).toMatch(line);
});

test("a checkout has the command as npx pvusb", () => {
  const out = execFileSync("npx", ["pvusb", "--version"], {
    cwd: join(import.meta.dirname, "../.."),
    encoding: "utf8",
  });
  expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("rules are kept in the person's folder for settings, and a run goes by them", async () => {
  expect(await pvusb(["rules", "set", "backup", "1:0:6"])).toEqual({ status: 0, out: "", err: "" });
  expect(await pvusb(["rules"])).toEqual({ status: 0, out: "backup:1:0:6\n", err: "" });
  expect(await readFile(join(folder, "config/pvusb/rules"), "utf8")).toBe("backup:1:0:6\n");
  const { err, out } = await pvusb(["rules", "import", "-"], { input: "x:1:0:0\ny\n" });
  expect(out).toBe("");
  expect(err).toMatch(/^pvusb: Line 1: .*\nLine 2: .*\n$/);
  const plug = ["--plug", "backup=flash-drive:size=1M"];
  const { out: json } = await pvusb(["run", "--json", ...plug, "--exec", "true"]);
  expect(JSON.parse(json)).toMatchObject({ status: 0, ports: [{ port: 6, kind: "flash-drive" }] });
  expect((await pvusb(["run", "--rules", "/dev/null", ...plug])).err).toContain("no rule says where backup goes");
});

test("--help, --version and --list answer at once", async () => {
  expect(await pvusb(["--help"])).toMatchObject({ status: 0, out: expect.stringContaining("Usage: pvusb run") });
  expect(await pvusb(["--version"])).toMatchObject({ status: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  expect(await pvusb(["--list"])).toMatchObject({ status: 0, out: expect.stringContaining("flash-drive") });
});

test("--network fetch: a guest's USB Ethernet adapter gets a file of this computer, by name", async () => {
  const server = createServer((request, response) => response.end(`you asked for ${request.url}`)).listen(0);
  const { port } = server.address() as AddressInfo;
  const command = [
    "ip addr add 192.168.86.50/24 dev usb0 && ip link set usb0 up && ip route add default via 192.168.86.1",
    "echo nameserver 192.168.86.1 >/etc/resolv.conf",
    `wget -q -O- http://${port}.external/file`,
  ].join(" && ");
  const { status, out } = await pvusb(["run", "--network", "fetch", "--plug", "ethernet@1", "--exec", command]);
  server.close();
  expect({ status, out }).toEqual({ status: 0, out: "you asked for /file" });
});

test("serve shows a folder's pages to this computer, isolated, until it is ended", async () => {
  await writeFile(join(folder, "index.html"), "<!doctype html>hello");
  const child = spawn(process.execPath, [program, "serve", folder, "--port", "0"]);
  const [line] = await once(child.stdout, "data");
  const address = /^http:\/\/127\.0\.0\.1:\d+\//.exec(String(line))?.[0] ?? "";
  expect(String(line)).toContain(folder);
  const response = await fetch(address);
  expect(await response.text()).toBe("<!doctype html>hello");
  expect(response.headers.get("cross-origin-opener-policy")).toBe("same-origin");
  child.kill("SIGINT");
  expect(await once(child, "close")).toEqual([null, "SIGINT"]);
});
