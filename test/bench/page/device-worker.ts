import { device } from "../ring/device.ts";
import type { Request } from "../ring/protocol.ts";

const scope = self as unknown as {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: "message", hear: (event: MessageEvent<Request>) => void): void;
};
const answer = device((bytes, transfer) => scope.postMessage(bytes, transfer ?? []));
scope.addEventListener("message", ({ data }) => answer(data));
