/** The command line: what it may say, and what it says. */
import { parseArgs } from "node:util";
import { parseRule, type Rule } from "../rules/rule.ts";
import { MACHINE_HELP, MACHINE_OPTIONS, type MachineArguments, machineArguments } from "./machine-arguments.ts";
import { inOrder, type PlugArgument, parsePlug } from "./plug-argument.ts";
import type { RulesAction } from "./run-rules.ts";
import type { ServeArguments } from "./serve.ts";
import { UsageError } from "./usage-error.ts";

export const HELP = `Usage: pvusb run [options]
       pvusb rules [list | set DEVICE PLACE | delete DEVICE | import FILE | export] [--rules FILE]
       pvusb serve [DIR] [--port N]
       pvusb guest DIR

Boots a Linux guest without a screen and plugs USB devices into it; or keeps the rules that say which device goes where; or
serves a folder's pages to this computer's browser, with the headers that they need to share memory; or writes that guest's
kernel, initrd and BIOS into a folder, for a page of your own with v86.

  --plug KIND[:ARGS]@PORT  plugs a device into a port, 1 to 8, or with a hub in port 1 into 1.1, 1.2 and so on; may be
                           given several times
                             flash-drive:image=FILE[,readonly][,serial=TEXT]   FILE is written in place
                             flash-drive:image=FILE,writes=memory              FILE stays as it is
                             flash-drive:size=64M                              blank, forgotten at the end
                             uas-drive:…                                       the same with USB Attached SCSI
                             either with speed=full, high or super             super if it is not said
                             cdrom[:image=FILE]                                a CD drive with this disc, an ISO image, or none
                             hub[:ports=4][,usb=2][,multi-tt]                  USB 3 unless it is said
                             ethernet[:class=ecm][,cable=NAME][,mac=ADDRESS]   NCM unless it is said; all with the same
                                                                               cable are joined by it
                             serial[:chip=cdc-acm][,loopback][,serial=TEXT]    FTDI's FT232R unless it is said, with a loopback
                                                                               plug or nothing
                             midi[:name=TEXT]                                  USB-MIDI, with nothing at its cables
                             keyboard, mouse, tablet, gamepad
                             speaker[:speed=high]
                             microphone[:tone=440][,speed=high]                hears a tone, in Hz
                             gadget-zero[:speed=high][,pattern=mod63]          the device of Linux's usbtest driver
                             camera[:size=320x240][,fps=N][,transfer=bulk][,speed=full]   shows a test card
                             usb:VID:PID[/SERIAL][,detach]                     a real device; needs npm install usb@3
                             usb:1-2.3[,detach]                                the same by its place: bus 1, port 2, 3
                             with detach it is taken from this computer's drivers while it is plugged: unmount it first
                           A comma or backslash in a value is written after a backslash.
  --plug NAME=KIND[:ARGS]  the same, into the port that a rule has for NAME
  --rule RULE              a hotplug rule for this run, DEVICE:GUEST:CONTROLLER:PORT, such as 1d50:6018:1:0:3: a device
                           with these ids goes to port 3 of the guest's first controller, now or whenever it is connected.
                           DEVICE is also 1d50:6018/SERIAL, a place on this computer's buses such as 1-2.3, or the NAME
                           of a --plug. May be given several times
  --rules FILE             rules to use instead of the kept ones; those are in $XDG_CONFIG_HOME/pvusb/rules, or in
                           ~/.config/pvusb/rules, one a line, and pvusb rules shows and changes them
  --exec COMMAND           runs a shell command in the guest; its output is the program's output, its exit status
                           the program's exit status. Without it the terminal is the guest's console, its first
                           serial port; Ctrl-] ends.
  --overlay DIR            adds the directory's files to the guest's root before it boots
  --controller xhci        the virtual host controller
  --memory MB              the guest's memory
${MACHINE_HELP}  --guest DIR              the guest's image; the default is public/guest
  --placement WHERE        where software devices run: thread (the guest's own, the default) or worker
  --network WHERE          puts a network of v86 at the cable "lan", where Ethernet adapters are that name no other: fetch
                           (HTTP by Node's own fetch), or a server's address, wisp://… or ws://…
  --pcap FILE              captures what the devices and the guest say, as pcapng for Wireshark and tshark
  --trace[=WHAT]           prints on standard error what passes: urbs (transfers and their answers; the default),
                           trbs (what is on the controller's rings), registers, or several with commas between
  --timeout SECONDS        ends the run, exit status 124
  --no-state               boots, instead of going on from a saved state of the ready guest, and saves none
  --json                   one JSON object on standard output; progress as JSON lines on standard error

  --port N                 the port of pvusb serve, 8080 if it is not said; 0 is any that is free

  --list                   lists what can be plugged, and the real devices of this computer
  --help, --version

Exit status: the command's; 124 on timeout; 125 for a wrong command line or when pvusb itself failed.
`;

/** What `--trace` can print. */
const TRACE_KINDS = ["registers", "trbs", "urbs"] as const;
export type TraceKind = (typeof TRACE_KINDS)[number];
const TRACE_DEFAULT: TraceKind = "urbs";
const SERVE_PORT = 8080;

export interface RunArguments {
  /** Of this run alone. */
  readonly rules: readonly Rule[];
  /** Instead of the kept ones. */
  readonly rulesFile: string | undefined;
  readonly plugs: readonly PlugArgument[];
  readonly exec: string | undefined;
  readonly overlay: string | undefined;
  readonly controller: "xhci";
  readonly machine: MachineArguments;
  readonly guest: string | undefined;
  readonly placement: "thread" | "worker";
  /** As v86 has it: `relay_url`. */
  readonly network: string | undefined;
  readonly pcap: string | undefined;
  /** Empty without `--trace`. */
  readonly trace: readonly TraceKind[];
  readonly timeoutMs: number | undefined;
  readonly states: boolean;
  readonly json: boolean;
}

export type Arguments =
  | { readonly order: "help" | "version" | "list" }
  | ({ readonly order: "serve" } & ServeArguments)
  | { readonly order: "guest"; readonly folder: string; readonly from: string | undefined }
  | { readonly order: "rules"; readonly action: RulesAction; readonly rulesFile: string | undefined }
  | ({ readonly order: "run" } & RunArguments);

const OPTIONS = {
  plug: { type: "string", multiple: true },
  rule: { type: "string", multiple: true },
  rules: { type: "string" },
  exec: { type: "string" },
  overlay: { type: "string" },
  controller: { type: "string" },
  ...MACHINE_OPTIONS,
  guest: { type: "string" },
  placement: { type: "string" },
  network: { type: "string" },
  pcap: { type: "string" },
  trace: { type: "string" },
  timeout: { type: "string" },
  "no-state": { type: "boolean" },
  json: { type: "boolean" },
  port: { type: "string" },
  list: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

/** Throws a UsageError. */
export function parseCommandLine(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  if (values.help) return { order: "help" };
  if (values.version) return { order: "version" };
  if (values.list) return { order: "list" };
  const [order, ...rest] = positionals;
  if (order === undefined) throw new UsageError("Say what to do: pvusb run. See pvusb --help.");
  if (order === "rules") return { order, action: rulesAction(rest), rulesFile: values.rules };
  if (order === "serve") return { order, ...serveArguments(rest, values.port) };
  if (order === "guest") {
    const [folder, more] = rest;
    if (!folder || more !== undefined)
      throw new UsageError("Write pvusb guest DIR: the folder to write the guest's files into.");
    return { order, folder, from: values.guest };
  }
  if (order !== "run") throw new UsageError(`There is no command ${order}; there are run, rules, serve and guest.`);
  if (rest.length > 0) {
    throw new UsageError(`What is ${rest[0]} for? A command for the guest is given as one argument after --exec.`);
  }
  const given = (values.plug ?? []).map(parsePlug);
  // Without a port of its own, a plug has its place once the rules are read.
  const plugs = given.every(({ path }) => path.length > 0) ? inOrder(given) : given;
  const controller = oneOf("--controller", values.controller ?? "xhci", ["xhci"]);
  const placement = oneOf("--placement", values.placement ?? "thread", ["thread", "worker"]);
  const seconds = positive("--timeout", values.timeout, "seconds");
  const machine = machineArguments(values);
  if (machine.boot !== "linux" && (values.exec ?? values.overlay) !== undefined) {
    throw new UsageError("--exec and --overlay are for the default guest: one of your own is worked by its console.");
  }
  return {
    order: "run",
    plugs,
    rules: (values.rule ?? []).map(rule),
    rulesFile: values.rules,
    exec: values.exec,
    overlay: values.overlay,
    controller,
    machine,
    guest: values.guest,
    placement,
    network: network(values.network),
    pcap: values.pcap,
    trace: traceKinds(values.trace),
    timeoutMs: seconds && seconds * 1000,
    states: !values["no-state"],
    json: values.json ?? false,
  };
}

function rule(text: string): Rule {
  try {
    return parseRule(text);
  } catch (cause) {
    throw new UsageError(`--rule ${(cause as Error).message}`, { cause });
  }
}

function serveArguments([folder = ".", ...more]: readonly string[], port = String(SERVE_PORT)): ServeArguments {
  if (more.length > 0) throw new UsageError(`pvusb serve takes one folder, and what is ${more[0]} for?`);
  if (!/^\d+$/.test(port) || Number(port) > 0xffff) {
    throw new UsageError(`--port is a number from 0 to 65535, and ${port || "nothing"} is not.`);
  }
  return { folder, port: Number(port) };
}

function rulesAction([verb = "list", ...operands]: readonly string[]): RulesAction {
  const [first = "", second = ""] = operands;
  const use = (count: number, form: string) => {
    if (operands.length !== count) throw new UsageError(`Write pvusb rules ${form}.`);
  };
  switch (verb) {
    case "list":
    case "export":
      use(0, verb);
      return { is: verb };
    case "set":
      use(2, "set DEVICE GUEST:CONTROLLER:PORT, such as pvusb rules set 1d50:6018 1:0:3");
      return { is: verb, device: first, place: second };
    case "delete":
      use(1, "delete DEVICE");
      return { is: verb, device: first };
    case "import":
      use(1, "import FILE, or - for standard input");
      return { is: verb, file: first };
    default:
      throw new UsageError(`There is no pvusb rules ${verb}; there are list, set, delete, import and export.`);
  }
}

function parse(args: readonly string[]) {
  try {
    // The one option that may stand without its value: Node's parser knows either kind, not both.
    const whole = args.map((arg) => (arg === "--trace" ? `--trace=${TRACE_DEFAULT}` : arg));
    return parseArgs({ args: whole, options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    // Node's own words name the option; what follows the first sentence is about its API.
    const [sentence] = (error as Error).message.split(". ");
    throw new UsageError(`${sentence}. See pvusb --help.`, { cause: error });
  }
}

function network(value: string | undefined): string | undefined {
  if (value === undefined || value === "fetch") return value;
  if (!/^(wisp|ws)s?:\/\/./.test(value)) {
    throw new UsageError(`--network is fetch, wisp://… or ws://…, and not ${value || "nothing"}.`);
  }
  if (typeof WebSocket === "undefined")
    throw new UsageError(`--network ${value} needs Node 22 or newer; fetch does not.`);
  return value;
}

function traceKinds(value: string | undefined): TraceKind[] {
  if (value === undefined) return [];
  return value.split(",").map((kind) => {
    const found = TRACE_KINDS.find((each) => each === kind);
    if (found === undefined)
      throw new UsageError(`--trace prints ${TRACE_KINDS.join(", ")}, and not ${kind || "nothing"}.`);
    return found;
  });
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw new UsageError(`${option} is ${allowed.join(" or ")}, and not ${value}.`);
  return found;
}

function positive(option: string, value: string | undefined, unit: string): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number)) {
    throw new UsageError(`${option} is a number of ${unit}, and ${value} is not.`);
  }
  return number;
}
