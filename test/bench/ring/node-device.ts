import { parentPort } from "node:worker_threads";
import { device } from "./device.ts";

const port = parentPort;
port?.on(
  "message",
  device((answer, transfer) => port.postMessage(answer, transfer)),
);
