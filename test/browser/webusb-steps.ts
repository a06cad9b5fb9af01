/**
 * What a page does with a device, step by step, the same in a real Chromium and with the fake. Each `run` is sent to the page as
 * text: it uses nothing but its arguments.
 */
import type { ScriptedFunction, ScriptedInterface, ScriptedOptions } from "../fakes/scripted-function.ts";

/** Puts what came of a call into words: a value, or the error's name and message. */
export type Tell = (call: Promise<unknown>) => Promise<string>;

export type Dies = (device: USBDevice) => Promise<void>;

/** Claims interface 0. Chromium lets go of its file a little after close() has resolved: until then that is refused. */
export type Claim = (device: USBDevice) => Promise<void>;

export interface Step {
  readonly title: string;
  readonly device?: ScriptedOptions;
  /** Interfaces that a driver of the computer holds. */
  readonly bound?: readonly number[];
  readonly forbidden?: boolean;
  /** What the computer has configured, if it is not the first. */
  readonly configuration?: number;
  /** What the device does, before the page begins. */
  script?(fn: ScriptedFunction): void;
  /** What happens at the computer once so many transfers are on their way. */
  readonly hand?: { readonly pending: number; readonly does: "unplug" | "replug" };
  /** `device` is not open. `dies` waits until the page's object knows that its device is gone: no event says that. */
  run(device: USBDevice, tell: Tell, usb: USB, dies: Dies, claim: Claim): Promise<unknown>;
}

const BULK_IN = 0x81;

function packet(length: number, byte = 0x5a): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

const COMPOSITE: readonly ScriptedInterface[] = [
  { number: 0, interfaceClass: 0xff, endpoints: [{ address: 0x81, type: "bulk", packetSize: 512 }] },
  { number: 1, interfaceClass: 0x03, endpoints: [{ address: 0x83, type: "interrupt", packetSize: 8 }] },
];

const ALTERNATES: readonly ScriptedInterface[] = [
  { number: 0, alternate: 0, endpoints: [{ address: 0x81, type: "bulk", packetSize: 512 }] },
  { number: 0, alternate: 1, endpoints: [{ address: 0x84, type: "bulk", packetSize: 512 }] },
];

export const STEPS: readonly Step[] = [
  // ---------------------------------------------------------------- states and claims
  {
    title: "nothing works before open()",
    run: async (device, tell) => [
      await tell(device.claimInterface(0)),
      await tell(device.transferIn(1, 64)),
      await tell(
        device.controlTransferIn(
          { requestType: "standard", recipient: "device", request: 6, value: 0x100, index: 0 },
          18,
        ),
      ),
      await tell(device.selectConfiguration(1)),
      await tell(device.reset()),
      await tell(device.close()),
    ],
  },
  {
    title: "open, claim, release and close may be said twice",
    run: async (device, tell) => [
      await tell(device.open()),
      await tell(device.open()),
      await tell(device.claimInterface(0)),
      await tell(device.claimInterface(0)),
      device.configuration?.interfaces[0]?.claimed,
      await tell(device.releaseInterface(0)),
      await tell(device.releaseInterface(0)),
      device.configuration?.interfaces[0]?.claimed,
      await tell(device.close()),
      await tell(device.close()),
      device.opened,
    ],
  },
  {
    title: "endpoints that are not claimed, not there, of the other direction, or no endpoints",
    run: async (device, tell) => {
      await device.open();
      const early = await tell(device.transferIn(1, 64));
      await device.claimInterface(0);
      return [
        early,
        await tell(device.transferIn(9, 64)),
        await tell(device.transferIn(2, 64)),
        await tell(device.transferOut(1, new Uint8Array(1))),
        await tell(device.transferIn(0, 64)),
        await tell(device.transferIn(16, 64)),
        await tell(device.clearHalt("in", 9)),
      ];
    },
  },
  {
    title: "interfaces, alternates and configurations that the device does not have",
    run: async (device, tell) => {
      await device.open();
      return [
        await tell(device.claimInterface(7)),
        await tell(device.releaseInterface(7)),
        await tell(device.selectAlternateInterface(0, 0)),
        await tell(device.selectConfiguration(9)),
        await tell(device.claimInterface(0)),
        await tell(device.selectAlternateInterface(0, 9)),
      ];
    },
  },
  {
    title: "a driver of the computer holds the interface",
    bound: [0],
    run: async (device, tell) => [await tell(device.open()), await tell(device.claimInterface(0)), device.opened],
  },
  {
    title: "a node that may not be opened",
    forbidden: true,
    run: async (device, tell) => [await tell(device.open()), device.opened],
  },
  {
    title: "a protected interface beside a free one",
    device: { configurations: [COMPOSITE] },
    run: async (device, tell) => {
      await device.open();
      const request = { request: 1, value: 0 };
      return [
        await tell(device.claimInterface(0)),
        await tell(device.claimInterface(1)),
        await tell(device.controlTransferIn({ requestType: "class", recipient: "interface", index: 1, ...request }, 8)),
        await tell(device.controlTransferIn({ requestType: "class", recipient: "device", index: 1, ...request }, 8)),
        await tell(device.controlTransferIn({ requestType: "vendor", recipient: "device", index: 1, ...request }, 8)),
        await tell(device.controlTransferIn({ requestType: "class", recipient: "device", index: 0, ...request }, 8)),
      ];
    },
  },
  {
    title: "class requests where nothing is protected",
    run: async (device, tell) => {
      await device.open();
      const ask = (recipient: USBRecipient, index: number) =>
        tell(device.controlTransferIn({ requestType: "class", recipient, request: 1, value: 0, index }, 8));
      return [await ask("device", 0), await ask("device", 1), await ask("other", 0), await ask("device", 0x100)];
    },
  },
  {
    title: "class requests to a device with a protected interface, by what wIndex names",
    device: { configurations: [COMPOSITE] },
    run: async (device, tell) => {
      await device.open();
      const ask = (requestType: USBRequestType, recipient: USBRecipient, index: number) =>
        tell(device.controlTransferIn({ requestType, recipient, request: 1, value: 0, index }, 8));
      const told = [await ask("class", "device", 0), await ask("class", "device", 2), await ask("class", "other", 0)];
      await device.claimInterface(0);
      return [
        ...told,
        await ask("class", "device", 0),
        await ask("class", "device", 1),
        await ask("class", "device", 2),
        await ask("class", "device", 0x100),
        await ask("class", "interface", 0),
        await ask("class", "other", 0),
        await ask("vendor", "device", 1),
        await ask("vendor", "other", 1),
        await ask("class", "endpoint", 0x81),
      ];
    },
  },
  {
    title: "another configuration while an interface is claimed, and after",
    device: { configurations: [[{ number: 0 }], [{ number: 0 }]] },
    run: async (device, tell) => {
      await device.open();
      await device.claimInterface(0);
      return [
        await tell(device.selectConfiguration(2)),
        device.configuration?.configurationValue,
        await tell(device.selectConfiguration(1)),
        await tell(device.releaseInterface(0)),
        await tell(device.selectConfiguration(2)),
        device.configuration?.configurationValue,
        device.configuration?.interfaces[0]?.claimed,
      ];
    },
  },
  {
    title: "alternates have their own endpoints",
    device: { configurations: [ALTERNATES] },
    script: (fn) => {
      fn.push(0x81, packet(3, 1));
      fn.push(0x84, packet(3, 4));
    },
    run: async (device, tell) => {
      await device.open();
      await device.claimInterface(0);
      const interfaceNow = () => device.configuration?.interfaces[0]?.alternate.alternateSetting;
      return [
        await tell(device.transferIn(1, 512)),
        await tell(device.transferIn(4, 512)),
        await tell(device.selectAlternateInterface(0, 1)),
        interfaceNow(),
        await tell(device.transferIn(1, 512)),
        await tell(device.transferIn(4, 512)),
        await tell(device.releaseInterface(0)),
        interfaceNow(),
      ];
    },
  },
  {
    title: "what is on its way when a state changes under it",
    run: async (device, tell, _usb, _dies, claim) => {
      await device.open();
      const told: unknown[] = [];
      for (const change of [
        "clearHalt",
        "selectConfiguration",
        "selectAlternateInterface",
        "reset",
        "releaseInterface",
      ]) {
        await claim(device);
        const pending = tell(device.transferIn(1, 512));
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (change === "clearHalt") told.push(change, await tell(device.clearHalt("in", 1)));
        if (change === "selectConfiguration") told.push(change, await tell(device.selectConfiguration(1)));
        if (change === "selectAlternateInterface") told.push(change, await tell(device.selectAlternateInterface(0, 0)));
        if (change === "reset") told.push(change, await tell(device.reset()));
        if (change === "releaseInterface") told.push(change, await tell(device.releaseInterface(0)));
        const later = new Promise((resolve) => setTimeout(() => resolve("still pending"), 100));
        const outcome = await Promise.race([pending, later]);
        told.push(outcome);
        if (outcome === "still pending") {
          await device.close();
          told.push(await pending);
          await device.open();
        }
      }
      return told;
    },
  },
  {
    title: "after reset() claims stay and transfers work",
    script: (fn) => fn.push(BULK_IN, packet(5)),
    run: async (device, tell) => {
      await device.open();
      await device.claimInterface(0);
      return [
        await tell(device.reset()),
        device.opened,
        device.configuration?.interfaces[0]?.claimed,
        await tell(device.transferIn(1, 512)),
        await tell(device.transferOut(2, new Uint8Array([1]))),
      ];
    },
  },
  {
    title: "after reset() the interface cannot be released before it is used, and close() helps",
    run: async (device, tell, _usb, _dies, claim) => {
      await device.open();
      await device.claimInterface(0);
      const told = [
        await tell(device.reset()),
        await tell(device.releaseInterface(0)),
        device.configuration?.interfaces[0]?.claimed,
        await tell(device.close()),
        await tell(device.open()),
      ];
      await claim(device);
      return [...told, await tell(device.releaseInterface(0))];
    },
  },
  {
    title: "clearing a halt is use enough, after reset()",
    run: async (device, tell) => {
      await device.open();
      await device.claimInterface(0);
      return [
        await tell(device.reset()),
        await tell(device.clearHalt("in", 1)),
        await tell(device.releaseInterface(0)),
      ];
    },
  },
  {
    title: "a request to the interface is use enough, after reset()",
    script: (fn) => {
      fn.onControl = () => packet(1);
    },
    run: async (device, tell) => {
      await device.open();
      await device.claimInterface(0);
      const ask = (requestType: USBRequestType) =>
        tell(device.controlTransferIn({ requestType, recipient: "interface", request: 1, value: 0, index: 0 }, 1));
      return [
        await tell(device.reset()),
        await ask("vendor"),
        await tell(device.releaseInterface(0)),
        await ask("class"),
        await tell(device.releaseInterface(0)),
      ];
    },
  },
  {
    title: "a device that the computer has not configured",
    device: { configurations: [[{ number: 0 }], [{ number: 0 }]] },
    configuration: 0,
    run: async (device, tell) => {
      const ask = (requestType: USBRequestType, request: number, value: number) =>
        tell(device.controlTransferIn({ requestType, recipient: "device", request, value, index: 0 }, 8));
      const before = device.configuration;
      await device.open();
      return [
        before,
        await tell(device.claimInterface(0)),
        await tell(device.transferIn(1, 8)),
        await ask("standard", 6, 0x100),
        await ask("vendor", 1, 0),
        await tell(device.selectConfiguration(0)),
        await tell(device.selectConfiguration(2)),
        device.configuration?.configurationValue,
        await tell(device.claimInterface(0)),
      ];
    },
  },
  {
    title: "a pending IN at close() is aborted before close() resolves",
    run: async (device, tell) => {
      await device.open();
      await device.claimInterface(0);
      const order: string[] = [];
      const pending = tell(device.transferIn(1, 512)).then((words) => order.push(words));
      await new Promise((resolve) => setTimeout(resolve, 20));
      await device.close();
      order.push("closed");
      await pending;
      return order;
    },
  },
  {
    title: "a control transfer without an answer holds up the next one, and close() ends both",
    script: (fn) => {
      fn.onControl = ({ bRequest }) => (bRequest === 1 ? "nak" : "ack");
    },
    run: async (device, tell) => {
      const setup = (request: number) =>
        ({ requestType: "vendor", recipient: "device", request, value: 0, index: 0 }) as const;
      await device.open();
      await device.claimInterface(0);
      const order: string[] = [];
      const pending = [1, 2].map(async (request) => {
        order.push(`${request} ${await tell(device.controlTransferOut(setup(request)))}`);
      });
      await new Promise((resolve) => setTimeout(resolve, 100));
      order.push("waited");
      await device.close();
      order.push("closed");
      await Promise.all(pending);
      await device.open();
      return [...order, await tell(device.controlTransferOut(setup(3)))];
    },
  },
  // ---------------------------------------------------------------- transfers
  {
    title: "short packets, empty packets and whole ones",
    script: (fn) => fn.push(BULK_IN, packet(3), packet(0), packet(512), packet(512), packet(512), packet(1)),
    run: async (device, tell) => {
      await device.open();
      await device.claimInterface(0);
      return [
        await tell(device.transferIn(1, 512)),
        await tell(device.transferIn(1, 512)),
        await tell(device.transferIn(1, 512)),
        await tell(device.transferIn(1, 2048)),
      ];
    },
  },
  {
    title: "more than was asked for is a babble, and the next transfer works",
    script: (fn) => fn.push(BULK_IN, packet(512), packet(4)),
    run: async (device, tell) => {
      await device.open();
      await device.claimInterface(0);
      return [await tell(device.transferIn(1, 100)), await tell(device.transferIn(1, 512))];
    },
  },
  {
    title: "a stall lasts until it is cleared",
    script: (fn) => fn.push(BULK_IN, packet(512), "stall", packet(2)),
    run: async (device, tell) => {
      await device.open();
      await device.claimInterface(0);
      return [
        await tell(device.transferIn(1, 1024)),
        await tell(device.transferIn(1, 512)),
        await tell(device.clearHalt("in", 1)),
        await tell(device.transferIn(1, 512)),
      ];
    },
  },
  {
    title: "an OUT tells what was asked for, whatever became of it",
    script: (fn) => void fn.outAnswers.push("ack", "stall"),
    run: async (device, tell) => {
      await device.open();
      await device.claimInterface(0);
      return [
        await tell(device.transferOut(2, new Uint8Array(1000))),
        await tell(device.clearHalt("out", 2)),
        await tell(device.transferOut(2, new Uint8Array(0))),
      ];
    },
  },
  {
    title: "noise on the wire",
    script: (fn) => {
      fn.push(BULK_IN, "error", packet(1));
      fn.outAnswers.push("error");
    },
    run: async (device, tell) => {
      await device.open();
      await device.claimInterface(0);
      return [
        await tell(device.transferIn(1, 512)),
        await tell(device.transferIn(1, 512)),
        await tell(device.transferOut(2, new Uint8Array(1))),
      ];
    },
  },
  {
    title: "transfers of an endpoint come back in their order",
    script: (fn) => fn.push(BULK_IN, packet(1, 1), packet(1, 2), packet(1, 3)),
    run: async (device, tell) => {
      await device.open();
      await device.claimInterface(0);
      const order: string[] = [];
      await Promise.all([0, 1, 2].map(() => tell(device.transferIn(1, 512)).then((words) => order.push(words))));
      return order;
    },
  },
  {
    title: "buffers that are shared, resizable or too long",
    run: async (device, tell) => {
      await device.open();
      await device.claimInterface(0);
      const shared = typeof SharedArrayBuffer === "function" ? new SharedArrayBuffer(4) : undefined;
      const resizable = new (ArrayBuffer as new (length: number, options: object) => ArrayBuffer)(4, {
        maxByteLength: 8,
      });
      return [
        shared
          ? (await tell(device.transferOut(2, new Uint8Array(shared) as unknown as BufferSource))).split(":")[0]
          : "TypeError",
        (await tell(device.transferOut(2, new Uint8Array(resizable)))).split(":")[0],
        (await tell(device.transferIn(1, 32 * 1024 * 1024 + 1))).split(":")[0],
        await tell(device.transferIn(1, 17 * 1024 * 1024)),
        await tell(device.transferOut(2, new Uint8Array(17 * 1024 * 1024))),
      ];
    },
  },
  // ---------------------------------------------------------------- control transfers
  {
    title: "standard requests: five may be sent, all IN",
    run: async (device, tell) => {
      await device.open();
      await device.claimInterface(0);
      const ask = (recipient: USBRecipient, request: number, value: number, index: number, length: number) =>
        tell(device.controlTransferIn({ requestType: "standard", recipient, request, value, index }, length));
      const order = (recipient: USBRecipient, request: number, value: number, index: number) =>
        tell(device.controlTransferOut({ requestType: "standard", recipient, request, value, index }));
      return [
        await ask("device", 6, 0x100, 0, 18),
        await ask("device", 6, 0x100, 0, 8),
        await ask("device", 6, 0x200, 0, 9),
        await ask("device", 6, 0x301, 0x409, 255),
        await ask("device", 6, 0x600, 0, 10),
        await ask("device", 0, 0, 0, 2),
        await ask("device", 8, 0, 0, 1),
        await ask("interface", 10, 0, 0, 1),
        await ask("endpoint", 0, 0, 0x81, 2),
        await ask("device", 7, 0, 0, 2),
        await order("device", 9, 1, 0),
        await order("interface", 11, 0, 0),
        await order("endpoint", 1, 0, 0x81),
        await order("device", 3, 1, 0),
        await order("device", 5, 1, 0),
      ];
    },
  },
  {
    title: "vendor requests: data both ways, stalls, and more than was asked for",
    script: (fn) => {
      fn.onControl = ({ bRequest, wLength }, data) => {
        if (bRequest === 1) return packet(wLength, 7);
        if (bRequest === 2) return data.length === 3 ? "ack" : "stall";
        if (bRequest === 3) return packet(wLength - 1, 8);
        return undefined;
      };
    },
    run: async (device, tell) => {
      await device.open();
      const setup = (request: number) => ({
        requestType: "vendor" as const,
        recipient: "device" as const,
        request,
        value: 0,
        index: 0,
      });
      return [
        await tell(device.controlTransferIn(setup(1), 4)),
        await tell(device.controlTransferIn(setup(1), 0)),
        await tell(device.controlTransferIn(setup(3), 4)),
        await tell(device.controlTransferIn(setup(9), 4)),
        await tell(device.controlTransferOut(setup(2), new Uint8Array(3))),
        await tell(device.controlTransferOut(setup(2), new Uint8Array(2))),
        await tell(device.controlTransferOut(setup(2))),
      ];
    },
  },
  {
    title: "a request that the device never answers ends at reset() and at close()",
    script: (fn) => {
      fn.onControl = () => "nak";
    },
    run: async (device, tell) => {
      await device.open();
      const setup = { requestType: "vendor", recipient: "device", request: 1, value: 0, index: 0 } as const;
      const told: string[] = [];
      for (const end of ["reset", "close"] as const) {
        const pending = tell(device.controlTransferIn(setup, 8));
        await new Promise((resolve) => setTimeout(resolve, 20));
        told.push(await tell(device[end]()), await pending);
      }
      return told;
    },
  },
  {
    title: "requests to interfaces and endpoints that are not claimed",
    run: async (device, tell) => {
      await device.open();
      const request = { request: 1, value: 0 };
      return [
        await tell(
          device.controlTransferIn({ requestType: "vendor", recipient: "interface", index: 0, ...request }, 1),
        ),
        await tell(
          device.controlTransferIn({ requestType: "vendor", recipient: "endpoint", index: 0x81, ...request }, 1),
        ),
        await tell(device.controlTransferIn({ requestType: "vendor", recipient: "other", index: 0, ...request }, 1)),
        await tell(
          device.controlTransferIn(
            { requestType: "standard", recipient: "interface", request: 6, value: 0x2200, index: 0 },
            9,
          ),
        ),
      ];
    },
  },
  {
    title: "a control transfer while a state changes",
    run: async (device, tell) => {
      await device.open();
      const claim = tell(device.claimInterface(0));
      const control = tell(
        device.controlTransferIn(
          { requestType: "standard", recipient: "device", request: 6, value: 0x100, index: 0 },
          8,
        ),
      );
      return [await control, await claim];
    },
  },
  // ---------------------------------------------------------------- come and go
  {
    title: "an unplug ends what is on its way, and the page is told",
    hand: { pending: 2, does: "unplug" },
    run: async (device, tell, usb, dies) => {
      await device.open();
      await device.claimInterface(0);
      const gone = new Promise<boolean>((resolve) => {
        usb.addEventListener("disconnect", (event) => {
          if (event.device.serialNumber === device.serialNumber) resolve(event.device === device);
        });
      });
      const pending = [tell(device.transferIn(1, 512)), tell(device.transferIn(3, 64))];
      // Which of the two errors it is, and whether the event comes first, is a matter of chance in Chromium.
      const ends = (await Promise.all(pending)).map((words) => /^(NetworkError|AbortError): /.test(words));
      const isTold = await gone;
      await dies(device);
      return [
        ...[...ends, isTold],
        await tell(device.transferIn(1, 512)),
        await tell(device.claimInterface(0)),
        await tell(device.reset()),
        await tell(device.close()),
        await tell(device.open()),
        (await usb.getDevices()).filter(({ serialNumber }) => serialNumber === device.serialNumber).length,
      ];
    },
  },
  {
    title: "an unplug ends a request that the device never answers",
    script: (fn) => {
      fn.onControl = () => "nak";
    },
    hand: { pending: 1, does: "unplug" },
    run: async (device, tell, _, dies) => {
      await device.open();
      const setup = { requestType: "vendor", recipient: "device", request: 1, value: 0, index: 0 } as const;
      const end = await tell(device.controlTransferIn(setup, 8));
      await dies(device);
      return [/^(NetworkError|AbortError|NotFoundError): /.test(end), await tell(device.controlTransferIn(setup, 8))];
    },
  },
  {
    title: "a replug is another object, and the old one stays dead",
    hand: { pending: 1, does: "replug" },
    run: async (device, tell, usb, dies) => {
      await device.open();
      await device.claimInterface(0);
      const fresh = new Promise<USBDevice>((resolve) => {
        usb.addEventListener("connect", (event) => {
          if (event.device.serialNumber === device.serialNumber && event.device !== device) resolve(event.device);
        });
      });
      await tell(device.transferIn(1, 512));
      const other = await fresh;
      await dies(device);
      const [listed] = (await usb.getDevices()).filter(({ serialNumber }) => serialNumber === device.serialNumber);
      return [
        listed === other,
        other.opened,
        await tell(device.open()),
        await tell(other.open()),
        await tell(other.claimInterface(0)),
        await tell(other.close()),
      ];
    },
  },
  {
    title: "what the page sees of a device",
    device: { serialNumber: "S1", deviceClass: 0xff, usbVersion: 0x0210, configurations: [COMPOSITE, [{ number: 3 }]] },
    run: async (device) => ({
      ...{ vendor: device.vendorId, product: device.productId, class: device.deviceClass, serial: device.serialNumber },
      ...{ maker: device.manufacturerName, name: device.productName },
      usb: [device.usbVersionMajor, device.usbVersionMinor, device.usbVersionSubminor],
      version: [device.deviceVersionMajor, device.deviceVersionMinor, device.deviceVersionSubminor],
      active: device.configuration?.configurationValue,
      configurations: device.configurations.map(({ configurationValue, interfaces }) => [
        configurationValue,
        interfaces.map(({ interfaceNumber, alternates }) => [
          interfaceNumber,
          alternates.map(({ alternateSetting, interfaceClass, endpoints }) => [
            alternateSetting,
            interfaceClass,
            endpoints.map(({ endpointNumber, direction, type, packetSize }) => [
              endpointNumber,
              direction,
              type,
              packetSize,
            ]),
          ]),
        ]),
      ]),
    }),
  },
];
