/** The device's thread: an image in private memory, read by way of the ring, by messages, and by Comlink. */
import * as Comlink from "comlink";
import { Core } from "../../asm/core.ts";
import { STATUS_OK } from "../../asm/layout.ts";
import { Link } from "../link.ts";
import { type Answer, LARGEST, type Reader, type Request } from "./protocol.ts";

type Post = (answer: Answer, transfer?: ArrayBuffer[]) => void;

export function device(post: Post): (request: Request) => void {
  const image = new Uint8Array(4 * LARGEST).map((_, at) => at * 7);
  const outgoing = new Map<number, Uint8Array<ArrayBuffer>>();
  let at = 0;

  /** The next bytes of the image: never the same as before, so that no cache makes them cheap. */
  const next = (length: number) => {
    at = at + length > image.length - LARGEST ? 0 : at + length;
    return image.subarray(at, at + length);
  };

  /** A clone copies a view's whole buffer, so the bytes go into one that holds just them. */
  const copied = (length: number) => {
    const buffer = outgoing.get(length) ?? new Uint8Array(length);
    outgoing.set(length, buffer);
    buffer.set(next(length));
    return buffer;
  };

  const reader: Reader = { read: copied };

  return async (request) => {
    if (request.kind === "clone") post(copied(request.length));
    else if (request.kind === "transfer") {
      const bytes = next(request.length).slice();
      post(bytes, [bytes.buffer]);
    } else if (request.kind === "start") {
      Comlink.expose(reader, request.comlink);
      const link = new Link(await Core.instantiate(request.module, request.memory), 1, {
        submit(urb) {
          urb.write(next(urb.length));
          urb.complete(STATUS_OK, urb.length);
        },
        cancel() {},
        violated(reason) {
          throw new Error(`violation ${reason}`);
        },
      });
      void link.run();
      post("started");
    }
  };
}
