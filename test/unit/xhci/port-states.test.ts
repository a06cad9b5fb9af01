/**
 * The state machines of the ports, row by row, as a driver sees them in PORTSC (xHCI 1.2 §4.19.1.1, §4.19.1.2; change
 * bits: table 5-27). What is not a row changes nothing.
 */
import { describe, expect, it } from "vitest";
import { SPEED_HIGH, SPEED_NONE, SPEED_SUPER, STATUS_OK, STATUS_TRANSACTION_ERROR } from "../../../asm/layout.ts";
import type { DriverPort } from "../../fakes/guest-driver/driver-port.ts";
import { type Rig, rigFactory } from "../../fakes/guest-driver/rig.ts";

const createRig = await rigFactory();
const SOCKETS = 4;

const PLS = ["U0", "U1", "U2", "U3", "Disabled", "RxDetect", "Inactive", "Polling", "Recovery", "HotReset"];
const RESUME = 15;
const CHANGES = ["CSC", "PEC", "WRC", "OCC", "PRC", "PLC", "CEC"];
const CHANGES_SHIFT = 17;

/** PORTSC in words: what is set of PP, CCS, PED, PR, then the link state. */
function show(port: DriverPort): string {
  const flags = [port.powered && "PP", port.connected && "CCS", port.enabled && "PED", port.resetting && "PR"];
  const link = port.linkState === RESUME ? "Resume" : (PLS[port.linkState] ?? `${port.linkState}?`);
  return [...flags.filter(Boolean), link].join(" ");
}

function showChanges(port: DriverPort): string {
  return CHANGES.filter((_, bit) => (port.changes >>> (CHANGES_SHIFT + bit)) & 1).join(" ");
}

/** The bench: one socket, its port of the protocol under test. */
interface Bench extends Rig {
  readonly port: DriverPort;
  readonly speed: number;
}

function answerReset({ back, settle }: Bench, status: number): void {
  // Cutting the power resets the device as well: that one is not the port's.
  back.resets.pop()?.complete(status, 0);
  settle();
}

const TRIGGERS: Record<string, (bench: Bench) => void> = {
  plug: ({ back, speed, settle }) => {
    back.plug(1, speed);
    settle();
  },
  unplug: ({ back, settle }) => {
    back.unplug(1);
    settle();
  },
  wake: ({ back, settle }) => {
    back.wake(1);
    settle();
  },
  "reset ends": (bench) => answerReset(bench, STATUS_OK),
  "reset fails": (bench) => answerReset(bench, STATUS_TRANSACTION_ERROR),
  "PP=0": ({ port }) => port.setPower(false),
  "PP=1": ({ port }) => port.setPower(true),
  "PR=1": ({ port }) => port.startReset(),
  "WPR=1": ({ port }) => port.startReset(true),
  "PED=1": ({ port }) => port.disable(),
};
for (const target of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15]) {
  TRIGGERS[`PLS=${target}`] = ({ port }) => port.setLinkState(target);
}

interface Machine {
  readonly speed: number;
  readonly port: number;
  /** How a state is reached, and what PORTSC shows of it. */
  readonly states: Readonly<Record<string, readonly [path: readonly string[], portsc: string]>>;
  /** From a state, by a trigger, to what PORTSC shows then, with these change bits. */
  readonly rows: readonly (readonly [from: string, trigger: string, portsc: string, changes: string])[];
}

const USB2: Machine = {
  speed: SPEED_HIGH,
  port: 1,
  states: {
    "Powered-off, empty": [["PP=0"], "Disabled"],
    "Powered-off": [["plug", "PP=0"], "Disabled"],
    Disconnected: [[], "PP RxDetect"],
    Disabled: [["plug"], "PP CCS Polling"],
    "Disabled by the guest": [["plug", "PR=1", "reset ends", "PED=1"], "PP CCS Disabled"],
    Reset: [["plug", "PR=1"], "PP CCS PR Polling"],
    U0: [["plug", "PR=1", "reset ends"], "PP CCS PED U0"],
    U3: [["plug", "PR=1", "reset ends", "PLS=3"], "PP CCS PED U3"],
    Resume: [["plug", "PR=1", "reset ends", "PLS=3", "PLS=15"], "PP CCS PED Resume"],
  },
  rows: [
    ["Powered-off, empty", "PP=1", "PP RxDetect", ""],
    ["Powered-off", "PP=1", "PP CCS Polling", "CSC"],
    ["Disconnected", "plug", "PP CCS Polling", "CSC"],
    ["Disconnected", "PP=0", "Disabled", ""],
    ["Disabled", "PR=1", "PP CCS PR Polling", ""],
    ["Disabled", "unplug", "PP RxDetect", "CSC"],
    ["Disabled", "PP=0", "Disabled", ""],
    ["Disabled by the guest", "PR=1", "PP CCS PR Polling", ""],
    ["Disabled by the guest", "unplug", "PP RxDetect", "CSC"],
    ["Disabled by the guest", "PP=0", "Disabled", ""],
    ["Reset", "reset ends", "PP CCS PED U0", "PRC"],
    ["Reset", "reset fails", "PP CCS Polling", "PRC"],
    ["Reset", "unplug", "PP RxDetect", "CSC PRC"],
    ["Reset", "PED=1", "PP CCS Disabled", ""],
    ["Reset", "PP=0", "Disabled", ""],
    ["U0", "PR=1", "PP CCS PR Polling", ""],
    ["U0", "PED=1", "PP CCS Disabled", ""],
    ["U0", "unplug", "PP RxDetect", "CSC"],
    ["U0", "PP=0", "Disabled", ""],
    ["U0", "PLS=2", "PP CCS PED U0", "PLC"], // L1 Entry Reject
    ["U0", "PLS=3", "PP CCS PED U3", ""],
    ["U3", "PLS=0", "PP CCS PED U0", "PLC"],
    ["U3", "PLS=15", "PP CCS PED Resume", ""],
    ["U3", "wake", "PP CCS PED Resume", "PLC"],
    ["U3", "PR=1", "PP CCS PR Polling", ""],
    ["U3", "PED=1", "PP CCS Disabled", ""],
    ["U3", "unplug", "PP RxDetect", "CSC"],
    ["U3", "PP=0", "Disabled", ""],
    ["Resume", "PLS=0", "PP CCS PED U0", "PLC"],
    ["Resume", "PR=1", "PP CCS PR Polling", ""],
    ["Resume", "PED=1", "PP CCS Disabled", ""],
    ["Resume", "unplug", "PP RxDetect", "CSC"],
    ["Resume", "PP=0", "Disabled", ""],
  ],
};

const USB3: Machine = {
  speed: SPEED_SUPER,
  port: SOCKETS + 1,
  states: {
    "Powered-off, empty": [["PP=0"], "Disabled"],
    "Powered-off": [["plug", "PP=0"], "Disabled"],
    Disconnected: [[], "PP RxDetect"],
    "Disabled, empty": [["plug", "PED=1", "unplug"], "PP Disabled"],
    Disabled: [["plug", "PED=1"], "PP Disabled"],
    U0: [["plug"], "PP CCS PED U0"],
    U3: [["plug", "PLS=3"], "PP CCS PED U3"],
    Resume: [["plug", "PLS=3", "wake"], "PP CCS PED Resume"],
    "Hot Reset": [["plug", "PR=1"], "PP CCS PR HotReset"],
    "Warm Reset": [["plug", "WPR=1"], "PP CCS PR RxDetect"],
    Error: [["plug", "PR=1", "reset fails"], "PP Inactive"],
    "Warm Reset of an error": [["plug", "PR=1", "reset fails", "WPR=1"], "PP PR RxDetect"],
  },
  rows: [
    ["Powered-off, empty", "PP=1", "PP RxDetect", ""],
    ["Powered-off", "PP=1", "PP CCS PED U0", "CSC"],
    ["Disconnected", "plug", "PP CCS PED U0", "CSC"],
    ["Disconnected", "PP=0", "Disabled", ""],
    ["Disabled, empty", "PLS=5", "PP RxDetect", ""],
    ["Disabled, empty", "PP=0", "Disabled", ""],
    ["Disabled", "PLS=5", "PP CCS PED U0", "CSC"],
    ["Disabled", "PP=0", "Disabled", ""],
    ["U0", "PR=1", "PP CCS PR HotReset", ""],
    ["U0", "WPR=1", "PP CCS PR RxDetect", ""],
    ["U0", "PED=1", "PP Disabled", "CSC"],
    ["U0", "unplug", "PP RxDetect", "CSC"],
    ["U0", "PP=0", "Disabled", ""],
    ["U0", "PLS=3", "PP CCS PED U3", ""],
    ["U3", "PLS=0", "PP CCS PED U0", "PLC"],
    ["U3", "wake", "PP CCS PED Resume", "PLC"],
    ["U3", "PR=1", "PP CCS PR RxDetect", ""], // a sleeping link takes a warm reset (USB 3.2 §7.4.2)
    ["U3", "WPR=1", "PP CCS PR RxDetect", ""],
    ["U3", "PED=1", "PP Disabled", "CSC"],
    ["U3", "unplug", "PP RxDetect", "CSC"],
    ["U3", "PP=0", "Disabled", ""],
    ["Resume", "PLS=0", "PP CCS PED U0", "PLC"],
    ["Resume", "PR=1", "PP CCS PR RxDetect", ""],
    ["Resume", "WPR=1", "PP CCS PR RxDetect", ""],
    ["Resume", "PED=1", "PP Disabled", "CSC"],
    ["Resume", "unplug", "PP RxDetect", "CSC"],
    ["Resume", "PP=0", "Disabled", ""],
    ["Hot Reset", "reset ends", "PP CCS PED U0", "PRC"],
    ["Hot Reset", "reset fails", "PP Inactive", "CSC PRC PLC"],
    ["Hot Reset", "PED=1", "PP Disabled", "CSC"],
    ["Hot Reset", "unplug", "PP RxDetect", "CSC PRC"],
    ["Hot Reset", "PP=0", "Disabled", ""],
    ["Warm Reset", "reset ends", "PP CCS PED U0", "WRC PRC"],
    ["Warm Reset", "reset fails", "PP Inactive", "CSC WRC PRC PLC"],
    ["Warm Reset", "PED=1", "PP Disabled", "CSC"],
    ["Warm Reset", "unplug", "PP RxDetect", "CSC WRC PRC"],
    ["Warm Reset", "PP=0", "Disabled", ""],
    ["Error", "PR=1", "PP PR RxDetect", ""],
    ["Error", "WPR=1", "PP PR RxDetect", ""],
    ["Error", "unplug", "PP RxDetect", ""],
    ["Error", "PP=0", "Disabled", ""],
    ["Warm Reset of an error", "reset ends", "PP CCS PED U0", "CSC WRC PRC"],
    ["Warm Reset of an error", "reset fails", "PP Inactive", "WRC PRC PLC"],
    ["Warm Reset of an error", "PED=1", "PP Disabled", ""],
    ["Warm Reset of an error", "unplug", "PP RxDetect", "WRC PRC"],
    ["Warm Reset of an error", "PP=0", "Disabled", ""],
  ],
};

function arrive(machine: Machine, state: string): Bench {
  const rig = createRig({ placement: "deferred", sockets: SOCKETS });
  rig.driver.start();
  rig.back.resetsAtOnce = false;
  const bench: Bench = { ...rig, port: rig.driver.port(machine.port), speed: machine.speed };
  const [path, portsc] = machine.states[state] ?? [[], ""];
  for (const trigger of path) TRIGGERS[trigger]?.(bench);
  bench.port.clearChanges();
  rig.driver.take();
  expect(show(bench.port)).toBe(portsc);
  return bench;
}

/** A plug where something is plugged already, or an unplug of an empty socket, is no event of the port. */
function makesSense({ controller }: Bench, trigger: string): boolean {
  const isEmpty = controller.port(1).speed === SPEED_NONE;
  return trigger === "plug" ? isEmpty : trigger === "unplug" || trigger === "wake" ? !isEmpty : true;
}

describe.each([
  ["USB2", USB2],
  ["USB3", USB3],
] as const)("a %s port", (_, machine) => {
  it.each(machine.rows)("in %s goes by %s to '%s', with change bits '%s'", (from, trigger, portsc, changes) => {
    const bench = arrive(machine, from);
    TRIGGERS[trigger]?.(bench);
    expect(show(bench.port)).toBe(portsc);
    expect(showChanges(bench.port)).toBe(changes);
    expect(bench.driver.takePorts()).toEqual(changes === "" ? [] : [machine.port]);
  });

  it.each(Object.keys(machine.states))("in %s is not moved by anything else", (state) => {
    let bench = arrive(machine, state);
    for (const trigger of Object.keys(TRIGGERS)) {
      if (machine.rows.some(([from, by]) => from === state && by === trigger)) continue;
      if (!makesSense(bench, trigger)) continue;
      const { portsc } = bench.port;
      TRIGGERS[trigger]?.(bench);
      expect(bench.port.portsc, trigger).toBe(portsc);
      expect(bench.driver.takePorts(), trigger).toEqual([]);
      if (trigger === "plug" || trigger === "unplug") bench = arrive(machine, state);
    }
  });
});
