/** Web Serial as far as it is used here: TypeScript's own library does not have it. */

export interface WebSerial {
  /** Opens the chooser; needs a person's click. Rejects with a NotFoundError when nothing is chosen. */
  requestPort(options?: object): Promise<WebSerialPort>;
}

export interface WebSerialOptions {
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly stopBits: 1 | 2;
  readonly parity: "none" | "even" | "odd";
  readonly bufferSize: number;
  readonly flowControl: "none" | "hardware";
}

export interface WebSerialPort extends EventTarget {
  /** Null when the port is not open or is gone. After an error that it outlives it is another stream. */
  readonly readable: ReadableStream<Uint8Array> | null;
  readonly writable: WritableStream<Uint8Array> | null;
  open(options: WebSerialOptions): Promise<void>;
  /** Rejects while one of the streams is locked; drops what they still have. */
  close(): Promise<void>;
  setSignals(signals: {
    readonly dataTerminalReady?: boolean;
    readonly requestToSend?: boolean;
    readonly break?: boolean;
  }): Promise<void>;
  getSignals(): Promise<{
    readonly dataCarrierDetect: boolean;
    readonly clearToSend: boolean;
    readonly ringIndicator: boolean;
    readonly dataSetReady: boolean;
  }>;
}

export function webSerial(): WebSerial | undefined {
  return (globalThis.navigator as { readonly serial?: WebSerial } | undefined)?.serial;
}
