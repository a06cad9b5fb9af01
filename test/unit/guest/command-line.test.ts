import { expect, test } from "vitest";
import { readMachine } from "../../../app/cli/machine-arguments.ts";
import { parsePlug, parseSize } from "../../../app/cli/plug-argument.ts";
import { parseCommandLine } from "../../../app/cli/usage.ts";
import { UsageError } from "../../../app/cli/usage-error.ts";

test.each([
  ["keyboard@3", 3, { kind: "keyboard" }],
  ["keyboard@1.2", [1, 2], { kind: "keyboard" }],
  ["mouse@1", 1, { kind: "mouse" }],
  ["tablet@1", 1, { kind: "tablet" }],
  ["gamepad@1", 1, { kind: "gamepad" }],
  ["hub@1", 1, { kind: "hub" }],
  ["hub:ports=7,usb=2,multi-tt@8.15.3", [8, 15, 3], { kind: "hub", ports: 7, usb: 2, multiTt: true }],
  ["gadget-zero@3", 3, { kind: "gadget-zero" }],
  [
    "gadget-zero:speed=high,pattern=mod63,interval=16@3",
    3,
    { kind: "gadget-zero", speed: "high", pattern: "mod63", interval: 16 },
  ],
  ["cdrom@3", 3, { kind: "cdrom" }],
  ["cdrom:image=/a/b.iso,speed=high@3", 3, { kind: "cdrom", image: { path: "/a/b.iso" }, speed: "high" }],
  ["flash-drive:image=/a.img,writes=memory@3", 3, { kind: "flash-drive", image: { path: "/a.img", writes: "memory" } }],
  ["flash-drive:size=64M@1", 1, { kind: "flash-drive", image: { size: 64 * 2 ** 20 } }],
  ["flash-drive:image=/a/b.img,readonly@8", 8, { kind: "flash-drive", image: { path: "/a/b.img" }, readOnly: true }],
  ["flash-drive:image=/a@b\\,c=d.img@2", 2, { kind: "flash-drive", image: { path: "/a@b,c=d.img" } }],
  ["uas-drive:size=1M,readonly@3", 3, { kind: "uas-drive", image: { size: 2 ** 20 }, readOnly: true }],
  ["uas-drive:size=1M,speed=high@3", 3, { kind: "uas-drive", image: { size: 2 ** 20 }, speed: "high" }],
  ["flash-drive:size=4096,serial=AB12@2", 2, { kind: "flash-drive", image: { size: 4096 }, serial: "AB12" }],
  ["ethernet@1", 1, { kind: "ethernet" }],
  ["flash-drive:size=64M,rate=33M@1", 1, { kind: "flash-drive", image: { size: 2 ** 26 }, rate: 33_000_000 }],
  ["uas-drive:size=1M,rate=500k@1", 1, { kind: "uas-drive", image: { size: 2 ** 20 }, rate: 500_000 }],
  ["ethernet:rate=100M@1", 1, { kind: "ethernet", rate: 100_000_000 }],
  ["serial@1", 1, { kind: "serial" }],
  ["serial:chip=cdc-acm@1", 1, { kind: "serial", chip: "cdc-acm" }],
  ["midi:name=Piano@1", 1, { kind: "midi", name: "Piano" }],
  ["serial:chip=ft232r,loopback,serial=A1B2@2", 2, { kind: "serial", chip: "ft232r", loopback: true, serial: "A1B2" }],
  [
    "ethernet:class=ecm,cable=a b,mac=02:00:00:00:00:01,speed=full@1",
    1,
    { kind: "ethernet", class: "ecm", cable: "a b", mac: "02:00:00:00:00:01", speed: "full" },
  ],
  ["speaker@1", 1, { kind: "speaker" }],
  ["speaker:speed=high@1", 1, { kind: "speaker", speed: "high" }],
  ["microphone:tone=440@2", 2, { kind: "microphone", tone: 440 }],
  ["microphone:speed=full,tone=1000@2", 2, { kind: "microphone", tone: 1000, speed: "full" }],
  ["camera@4", 4, { kind: "camera" }],
  [
    "camera:size=320x240,fps=7.5,transfer=bulk,speed=super@4",
    4,
    { kind: "camera", size: "320x240", fps: 7.5, transfer: "bulk", speed: "super" },
  ],
  ["usb:1d50:6018@2", 2, { kind: "usb", name: { vendorId: 0x1d50, productId: 0x6018 }, detach: false }],
  [
    "usb:0403:6001/A=1\\,2@3,detach@1.2",
    [1, 2],
    { kind: "usb", name: { vendorId: 0x0403, productId: 0x6001, serialNumber: "A=1,2@3" }, detach: true },
  ],
  ["usb:1-2.3,detach@4", 4, { kind: "usb", name: { path: "1-2.3" }, detach: true }],
])("%s", (text, port, device) => {
  expect(parsePlug(text)).toEqual({ text, path: [port].flat(), device });
});

test.each([
  ["backup=flash-drive:image=/a@b.img", "backup", [], { kind: "flash-drive", image: { path: "/a@b.img" } }],
  ["backup=keyboard@1.2", "backup", [1, 2], { kind: "keyboard" }],
  ["my board=usb:1-2.3", "my board", [], { kind: "usb", name: { path: "1-2.3" }, detach: false }],
])("%s has a name for rules", (text, name, path, device) => {
  expect(parsePlug(text)).toEqual({ text, name, path, device });
});

test("rules of a run are read, and plugs without a port wait for theirs", () => {
  const plugs = ["--plug", "backup=keyboard", "--plug", "hub@1"];
  const rules = ["--rule", "1D50:6018:1:0:3", "--rule", "backup:1:0:1.2", "--rules", "file"];
  expect(parseCommandLine(["run", ...plugs, ...rules])).toMatchObject({
    plugs: [{ name: "backup", path: [] }, { path: [1] }],
    rules: [
      { device: "1d50:6018", place: "1:0:3" },
      { device: "backup", place: "1:0:1.2" },
    ],
    rulesFile: "file",
  });
});

test.each([
  [[], { is: "list" }],
  [["list"], { is: "list" }],
  [["export"], { is: "export" }],
  [["set", "1d50:6018", "1:0:3"], { is: "set", device: "1d50:6018", place: "1:0:3" }],
  [["delete", "backup"], { is: "delete", device: "backup" }],
  [["import", "-"], { is: "import", file: "-" }],
])("rules %j", (args, action) => {
  expect(parseCommandLine(["rules", ...args, "--rules", "file"])).toEqual({
    order: "rules",
    action,
    rulesFile: "file",
  });
});

test.each([
  ["keyboard", /which port/],
  ["keyboard@0", /1 to 8/],
  ["keyboard@9", /1 to 8/],
  ["keyboard@x", /1 to 8/],
  ["keyboard@1.0", /1 to 15, as in 1.2/],
  ["keyboard@1.16", /1 to 15/],
  ["keyboard@1..2", /1 to 15/],
  ["hub:ports=0@1", /1 to 15 ports/],
  ["hub:ports=16@1", /1 to 15 ports/],
  ["hub:usb=4@1", /2 or 3/],
  ["ethernet:class=token-ring@1", /class is ncm or ecm/],
  ["ethernet:cable@1", /needs a value/],
  ["serial:chip=16450@1", /chip is ft232r or cdc-acm/],
  ["joystick@1", /no device joystick/],
  ["keyboard:layout=de@1", /no setting layout/],
  ["gadget-zero:pattern=noise@1", /zero or mod63/],
  ["gadget-zero:interval=17@1", /1 to 16/],
  ["flash-drive@1", /either image=FILE or size/],
  ["uas-drive:size=1M,speed=warp@1", /full or high or super/],
  ["uas-drive@1", /a uas-drive has either image=FILE or size/],
  ["flash-drive:image=a,size=1M@1", /either image=FILE or size/],
  ["flash-drive:size=many@1", /no size/],
  ["flash-drive:size=0@1", /no size/],
  ["flash-drive:size=1M,rate=0@1", /0 is no rate/],
  ["ethernet:rate=fast@1", /fast is no rate; write 33M/],
  ["flash-drive:image@1", /needs a value/],
  ["flash-drive:size=1M,readonly=yes@1", /takes no value/],
  ["flash-drive:size=1M,size=2M@1", /given twice/],
  ["speaker:tone=440@1", /no setting tone/],
  ["speaker:speed=super@1", /full or high/],
  ["microphone:tone=high@1", /1 to 20000/],
  ["microphone:tone=0@1", /1 to 20000/],
  ["camera:size=1x1@1", /size is 160x120 or 320x240 or 640x480/],
  ["camera:transfer=pigeon@1", /transfer is isochronous or bulk/],
  ["camera:fps=61@1", /1 to 60/],
  ["camera:fps=many@1", /1 to 60, and many is not/],
  ["usb@1", /usb:VID:PID or usb:VID:PID\/SERIAL, .* or its place, such as usb:1-2.3/],
  ["usb:1d50@1", /hexadecimal/],
  ["usb:xyz:1@1", /hexadecimal/],
  ["usb:1d50:60180@1", /hexadecimal/],
  ["usb:1-@1", /its place/],
  ["usb:1-2.3,detach=yes@1", /takes no value/],
  ["usb:1-2.3,serial=1@1", /no setting serial/],
  ["webusb:vid=1,pid=2@1", /no device webusb/],
])("%s is refused in words", (text, words) => {
  expect(() => parsePlug(text)).toThrow(UsageError);
  expect(() => parsePlug(text)).toThrow(words);
});

test("sizes", () => {
  expect(["512", "1K", "64M", "2G", "1MiB", "3kb"].map(parseSize)).toEqual([
    512,
    1024,
    64 * 2 ** 20,
    2 ** 31,
    2 ** 20,
    3072,
  ]);
  expect(["", "M", "1T", "-1", "1.5M"].map(parseSize)).toEqual(Array(5).fill(undefined));
});

test("hubs are plugged before what is plugged into them", () => {
  const plugs = ["keyboard@1.4.2", "hub:usb=2@1.4", "keyboard@2", "hub@1"].flatMap((plug) => ["--plug", plug]);
  expect(parseCommandLine(["run", ...plugs])).toMatchObject({
    plugs: [{ path: [2] }, { path: [1] }, { path: [1, 4] }, { path: [1, 4, 2] }],
  });
});

test("a whole command line", () => {
  const args = [
    "run",
    "--plug",
    "keyboard@1",
    "--plug",
    "flash-drive:size=1M@2",
    "--exec",
    "lsusb",
    "--timeout",
    "1.5",
  ];
  expect(parseCommandLine([...args, "--json", "--no-state", "--memory", "256", "--placement", "worker"])).toMatchObject(
    {
      order: "run",
      plugs: [{ path: [1] }, { path: [2] }],
      exec: "lsusb",
      controller: "xhci",
      machine: { boot: "linux", append: "", memoryMiB: 256 },
      placement: "worker",
      timeoutMs: 1500,
      states: false,
      json: true,
    },
  );
});

test.each([
  [[], []],
  [["--trace"], ["urbs"]],
  [["--trace=registers,trbs"], ["registers", "trbs"]],
  [["--trace", "--pcap", "x.pcapng"], ["urbs"]],
])("%j traces %j", (args, trace) => {
  expect(parseCommandLine(["run", ...args])).toMatchObject({ trace });
});

test.each([
  [[], { boot: "linux", append: "" }],
  [["--hda", "a.img"], { boot: "disk", append: "", hda: "a.img" }],
  [["--hda", "a.img", "--cdrom", "b.iso"], { boot: "cd", append: "", hda: "a.img", cdrom: "b.iso" }],
  [
    ["--hda", "a.img", "--cdrom", "b.iso", "--boot", "disk"],
    { boot: "disk", append: "", hda: "a.img", cdrom: "b.iso" },
  ],
  [["--floppy", "c.img", "--cdrom", "b.iso"], { boot: "floppy", append: "", floppy: "c.img", cdrom: "b.iso" }],
  [["--hda", "a.img", "--boot", "linux", "--exec", "ls"], { boot: "linux", append: "", hda: "a.img" }],
  [["--boot", "usb", "--memory", "16"], { boot: "usb", append: "", memoryMiB: 16 }],
  [
    ["--kernel", "k", "--initrd", "i", "--append", "quiet", "--hda", "a.img"],
    { boot: "kernel", kernel: "k", initrd: "i", append: "quiet", hda: "a.img" },
  ],
])("%j is a machine", (args, machine) => {
  expect(parseCommandLine(["run", ...args])).toMatchObject({ order: "run", machine });
});

test("a machine's files are opened, and one that is not there is told by its option", async () => {
  const machine = await readMachine({ boot: "kernel", kernel: import.meta.filename, append: "quiet" });
  expect(machine).toEqual({
    boots: { from: "kernel", kernel: { name: "command-line.test.ts", blob: expect.any(Blob) }, append: "quiet" },
    drives: {},
  });
  await expect(readMachine({ boot: "cd", cdrom: "/nowhere.iso", append: "" })).rejects.toThrow(
    "--cdrom: there is no file /nowhere.iso.",
  );
});

test.each([
  [[], /Say what to do/],
  [["run", "--initrd", "i"], /give --kernel, too/],
  [["run", "--kernel", "k", "--boot", "cd"], /leave out --boot/],
  [["run", "--boot", "net"], /--boot is linux or disk or cd or floppy or usb, and not net/],
  [["run", "--cdrom", "c", "--exec", "ls"], /worked by its console/],
  [["run", "--memory", "4"], /from 16 to 2047, and 4 is not/],
  [["walk"], /no command walk; there are run, rules, serve and guest/],
  [["guest"], /^Write pvusb guest DIR/],
  [["guest", "a", "b"], /^Write pvusb guest DIR/],
  [["run", "--rule", "backup:1:0:0"], /^--rule "backup:1:0:0" is no rule: PORT is a number/],
  [["rules", "set", "backup"], /^Write pvusb rules set DEVICE GUEST:CONTROLLER:PORT/],
  [["rules", "burn"], /no pvusb rules burn; there are list/],
  [["run", "lsusb"], /--exec/],
  [["run", "--exce", "x"], /--exce/],
  [["run", "--exec"], /--exec/],
  [["run", "--controller", "ohci"], /--controller is xhci/],
  [["run", "--timeout", "soon"], /number of seconds/],
  [["run", "--trace=urbs,packets"], /--trace prints registers, trbs, urbs, and not packets/],
  [["run", "--trace="], /and not nothing/],
  [["run", "--plug", "keyboard@1", "--plug", "keyboard@1"], /Two devices/],
  [["run", "--plug", "keyboard@1.2"], /no hub in port 1/],
  [["run", "--plug", "keyboard@1", "--plug", "keyboard@1.2"], /no hub in port 1/],
  [["run", "--plug", "hub@1", "--plug", "keyboard@1.5"], /has 4 ports/],
  [["run", "--plug", "hub@1", "--plug", "keyboard@1.2", "--plug", "keyboard@1.2"], /Two devices .* port 1.2/],
])("%j is refused in words", (args, words) => {
  expect(() => parseCommandLine(args)).toThrow(UsageError);
  expect(() => parseCommandLine(args)).toThrow(words);
});

test("--network is v86's fetch, or a server that Node can reach", () => {
  const network = (value: string) => parseCommandLine(["run", "--network", value]);
  expect(network("fetch")).toMatchObject({ network: "fetch" });
  expect(parseCommandLine(["run"])).toMatchObject({ network: undefined });
  expect(() => network("inbrowser")).toThrow(/fetch, wisp:\/\/… or ws:\/\/…, and not inbrowser/);
  if (typeof WebSocket === "undefined") expect(() => network("wisp://localhost/")).toThrow(/needs Node 22/);
  else expect(network("wisp://localhost/")).toMatchObject({ network: "wisp://localhost/" });
});
