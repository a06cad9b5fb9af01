/**
 * Runs shell commands in the guest, by the agent on its second serial port (image/agent):
 *
 *   host   run <nonce> <base64 of the command>\n
 *   guest  whatever the command prints, then \n<nonce> <exit status>\n
 */

/** The agent's first words, after a boot. */
const GREETING = "pvusb-agent 1\n";
const NEWLINE = 0x0a;

export interface ExecOptions {
  /** Milliseconds, with the time in the queue. */
  readonly timeout?: number;
  /** Called with the output as it comes. */
  readonly onOutput?: (bytes: Uint8Array) => void;
}

export interface ExecResult {
  /** The shell's exit status, 0 to 255. */
  readonly status: number;
  /** Standard output and standard error, as they came. */
  readonly output: Uint8Array;
}

/** A command did not end in time. It may still run in the guest. */
export class GuestTimeoutError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "GuestTimeoutError";
  }
}

/** What the agent needs of a serial port. */
export interface AgentPort {
  write(bytes: Uint8Array): void;
  onBytes: ((bytes: Uint8Array) => void) | undefined;
}

export class Agent {
  readonly #port: AgentPort;
  #reader: ((bytes: Uint8Array) => void) | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #fail: ((error: Error) => void) | undefined;
  #closed: Error | undefined;

  constructor(port: AgentPort) {
    this.#port = port;
    port.onBytes = (bytes) => this.#reader?.(bytes);
  }

  /** Resolves when the agent says that it is there. Ask before the guest runs. */
  greeting(): Promise<void> {
    return new Promise((resolve) => {
      let heard = "";
      this.#reader = (bytes) => {
        heard = (heard + String.fromCharCode(...bytes)).slice(-256);
        if (heard.endsWith(GREETING)) resolve();
      };
    });
  }

  /** Runs a command by the guest's shell. Commands run one after another. */
  async exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    const { timeout, onOutput } = options;
    const turn = this.#queue.then(() => this.#run(command, onOutput));
    this.#queue = turn.catch(() => {});
    if (timeout === undefined) return turn;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new GuestTimeoutError(`The guest did not finish within ${timeout / 1000} s: ${command}`));
      }, timeout);
    });
    try {
      return await Promise.race([turn, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Fails the command that runs, and those that wait. */
  close(reason: Error): void {
    this.#closed = reason;
    this.#reader = undefined;
    this.#fail?.(reason);
  }

  #run(command: string, onOutput: ((bytes: Uint8Array) => void) | undefined): Promise<ExecResult> {
    if (this.#closed) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      const nonce = crypto.randomUUID();
      const reply = new Reply(nonce, onOutput);
      this.#fail = reject;
      this.#reader = (bytes) => {
        const status = reply.take(bytes);
        if (status === undefined) return;
        this.#reader = undefined;
        this.#fail = undefined;
        resolve({ status, output: reply.output() });
      };
      this.#port.write(new TextEncoder().encode(`run ${nonce} ${toBase64(command)}\n`));
    });
  }
}

/** Tells a command's output from the line that ends it. */
class Reply {
  readonly #mark: Uint8Array;
  readonly #onOutput: ((bytes: Uint8Array) => void) | undefined;
  #bytes = new Uint8Array(4096);
  #length = 0;
  /** Bytes of the mark that the last bytes are equal to; they may be output after all. */
  #matched = 0;
  #told = 0;
  #status = "";

  constructor(nonce: string, onOutput: ((bytes: Uint8Array) => void) | undefined) {
    this.#mark = new TextEncoder().encode(`\n${nonce} `);
    this.#onOutput = onOutput;
  }

  /** The exit status, once it is there. */
  take(bytes: Uint8Array): number | undefined {
    for (const byte of bytes) {
      if (this.#matched === this.#mark.length) {
        if (byte === NEWLINE) {
          this.#tell();
          return Number(this.#status);
        }
        this.#status += String.fromCharCode(byte);
        continue;
      }
      this.#push(byte);
      // The mark's first byte occurs in it only once, so a mismatch can only begin it anew.
      if (byte === this.#mark[this.#matched]) this.#matched++;
      else this.#matched = byte === NEWLINE ? 1 : 0;
    }
    this.#tell();
    return undefined;
  }

  output(): Uint8Array {
    return this.#bytes.slice(0, this.#length - this.#matched);
  }

  #push(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = byte;
  }

  #tell(): void {
    const end = this.#length - this.#matched;
    if (!this.#onOutput || end <= this.#told) return;
    this.#onOutput(this.#bytes.slice(this.#told, end));
    this.#told = end;
  }
}

function toBase64(text: string): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}
