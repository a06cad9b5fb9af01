/** What SeaBIOS prints, which goes to an I/O port that v86 leaves empty. */
import { internalsOf, type V86Like } from "./v86-internals.ts";

const PORT = 0x402;
/** SeaBIOS prints only if the port reads as this. */
const READY = 0xe9;

/** Must be called before the guest runs. */
export function listenToBios(emulator: V86Like, onBytes: (bytes: Uint8Array) => void): void {
  const { io } = internalsOf(emulator).cpu;
  let batch: number[] = [];
  io.register_read(PORT, { name: "BIOS log" }, () => READY);
  io.register_write(PORT, { name: "BIOS log" }, (byte) => {
    if (batch.length === 0) {
      queueMicrotask(() => {
        const bytes = Uint8Array.from(batch);
        batch = [];
        onBytes(bytes);
      });
    }
    batch.push(byte & 0xff);
  });
}
