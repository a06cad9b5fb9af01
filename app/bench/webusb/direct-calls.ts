/** The page itself drives the device. */
import { Flow } from "./flow.ts";
import { NoStreamError, type Pipes } from "./pipes.ts";

export class DirectCalls {
  readonly #device: USBDevice;
  readonly #pipes: Pipes;

  constructor(device: USBDevice, pipes: Pipes) {
    this.#device = device;
    this.#pipes = pipes;
  }

  async open(): Promise<void> {
    const { configuration, interfaceNumber, alternate } = this.#pipes;
    await this.#device.open();
    if (this.#device.configuration?.configurationValue !== configuration)
      await this.#device.selectConfiguration(configuration);
    await this.#device.claimInterface(interfaceNumber);
    if (alternate !== 0) await this.#device.selectAlternateInterface(interfaceNumber, alternate);
  }

  close(): Promise<void> {
    return this.#device.close();
  }

  in(length: number, depth: number): Promise<number> {
    return this.#stream(
      depth,
      async () => (await this.#device.transferIn(this.#pipes.in, length)).data?.byteLength ?? 0,
    );
  }

  out(length: number, depth: number): Promise<number> {
    const data = new Uint8Array(length);
    const endpoint = this.#pipes.out ?? 0;
    return this.#stream(depth, async () => (await this.#device.transferOut(endpoint, data)).bytesWritten);
  }

  #stream(depth: number, transfer: () => Promise<number>): Promise<number> {
    return new Promise((resolve, reject) => {
      const flow = new Flow(depth, (rate) =>
        rate === undefined ? reject(new NoStreamError(this.#device, "sends nothing")) : resolve(rate),
      );
      const chain = async () => {
        while (flow.moved(await transfer()));
      };
      for (let each = 0; each < depth; each++) chain().catch(reject);
    });
  }
}
