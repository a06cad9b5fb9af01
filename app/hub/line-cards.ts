/** Serial lines, MIDI and networks, as cards. */
import type { DeviceSource } from "../../worker/protocol.ts";
import { EthernetFeed } from "../sources/ethernet.ts";
import { PianoFeed } from "../sources/piano.ts";
import { openSerialPort } from "../sources/serial-port.ts";
import { SerialTerminalFeed } from "../sources/serial-terminal.ts";
import { openMidi } from "../sources/web-midi.ts";
import type { Card, Opened } from "./card.ts";
import type { Glyph } from "./icons.ts";

interface LineCard {
  readonly id: string;
  readonly glyph: Glyph;
  readonly name: string;
  readonly detail: string;
  /** It asks the browser, which wants a person's click: no rule plugs it. */
  readonly asks?: boolean;
  readonly open: () => Opened | Promise<Opened>;
}

function lineCard({ id, glyph, name, detail, asks = false, open }: LineCard): Card {
  const names = asks ? [] : [id];
  return { id, group: "lines", glyph, name, short: name, detail, single: false, ids: { name }, names, open };
}

const source = (each: DeviceSource) => () => each;

export const LINES: readonly Card[] = [
  lineCard({
    id: "serial-port",
    glyph: "serial",
    name: "Serial port",
    detail: "one of this computer's, which you choose",
    asks: true,
    open: () => openSerialPort(),
  }),
  lineCard({
    id: "serial-terminal",
    glyph: "serial",
    name: "Serial terminal",
    detail: "the page is at the other end of the line",
    open: () => new SerialTerminalFeed(),
  }),
  lineCard({
    id: "serial",
    glyph: "serial",
    name: "Serial adapter",
    detail: "FT232R, which echoes what it is sent",
    open: source({ kind: "serial", loopback: true }),
  }),
  lineCard({
    id: "midi-ports",
    glyph: "midi",
    name: "MIDI ports",
    detail: "an input and an output of this computer",
    asks: true,
    open: () => openMidi(),
  }),
  lineCard({
    id: "piano",
    glyph: "midi",
    name: "Piano",
    detail: "MIDI, played by clicks or keys",
    open: () => new PianoFeed(),
  }),
  lineCard({
    id: "network",
    glyph: "network",
    name: "Ethernet to the machine's network",
    detail: "by fetch: HTTP to sites that allow other pages; the machine needs a network",
    open: () => new EthernetFeed(),
  }),
  lineCard({
    id: "ethernet",
    glyph: "network",
    name: "Ethernet adapter",
    detail: "all of them are on one cable",
    open: source({ kind: "ethernet" }),
  }),
];
