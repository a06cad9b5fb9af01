/** A program that puts the adapter of npm usb through its paces, on the built pvusb, and prints what came of each step. */
import { nodeUsb } from "../../../dist/worker/node-usb/index.js";

const usb = await nodeUsb();
const [device] = await usb.getDevices();
device.detach = process.argv.includes("detach");
const events = [];
const told = new Promise((resolve) => {
  const listener = ({ type, device: each }) => {
    events.push(`${type} ${each === device}`);
    if (events.length === 2) resolve();
  };
  usb.addEventListener("connect", listener);
  usb.addEventListener("disconnect", listener);
});

/** In words. */
const outcome = (name, call) =>
  call.then(
    (result) => [name, result?.status ?? "ok", result?.data?.byteLength ?? result?.bytesWritten].join(" "),
    (error) => `${name} ${error.name}`,
  );
const say = async (name, call) => console.log(await outcome(name, call));
const vendor = (request) => ({ requestType: "vendor", recipient: "device", request, value: 0, index: 0 });

console.log(device.path, device.speed, device.serialNumber);
await say("open", device.open());
if (!device.opened) process.exit(1);
await say("claim", device.claimInterface(0));
const [first, second] = [1, 2].map(() => outcome("IN", device.transferIn(1, 4096)));
await say("clearHalt beside an IN", device.clearHalt("in", 1));
await say("OUT", device.transferOut(2, new Uint8Array(1300)));
console.log(await first);
await say("OUT", device.transferOut(2, new Uint8Array(0)));
console.log(await second);
await say("refused", device.controlTransferIn(vendor(1), 4));
await say("control OUT", device.controlTransferOut(vendor(0x5b), new Uint8Array(9)));
await say("control IN", device.controlTransferIn(vendor(0x5c), 64));
await say("control OUT of nothing", device.controlTransferOut(vendor(0x5b)));

const beforeReset = outcome("IN before a reset", device.transferIn(1, 512));
await say("reset", device.reset());
console.log(await beforeReset);
const beforeRelease = outcome("IN before a release", device.transferIn(1, 512));
await say("release", device.releaseInterface(0));
console.log(await beforeRelease);
await say("claim", device.claimInterface(0));

const whole = outcome("IN", device.transferIn(1, 1 << 20));
await say("OUT", device.transferOut(2, new Uint8Array(100_000)));
console.log(await whole);

const stuck = outcome("OUT that the device does not take", device.transferOut(2, new Uint8Array(300 * 512)));
const idle = outcome("interrupt IN", device.transferIn(3, 8));
await say("control IN beside them", device.controlTransferIn(vendor(0x5c), 64));
await say("close", device.close());
console.log(await stuck);
console.log(await idle);
await say("open", device.open());
await say("claim", device.claimInterface(0));

console.log("pull");
const alive = setInterval(() => undefined, 1000); // the adapter's looks keep no program alive
await told;
clearInterval(alive);
console.log(...events);
await say("open", device.open());
process.exit(0);
