/** Serial lines, MIDI and networks, as cards. */
import { EthernetFeed } from "../sources/ethernet.ts";
import { PianoFeed } from "../sources/piano.ts";
import { openSerialPort } from "../sources/serial-port.ts";
import { SerialTerminalFeed } from "../sources/serial-terminal.ts";
import { openMidi } from "../sources/web-midi.ts";
import { type Card, softwareCard } from "./card.ts";

export const LINES: readonly Card[] = [
  softwareCard({
    id: "serial-port",
    group: "lines",
    glyph: "serial",
    name: "Serial port",
    detail: "one of this computer's, which you choose",
    names: [], // it asks the browser, which wants a person's click
    open: () => openSerialPort(),
  }),
  softwareCard({
    id: "serial-terminal",
    group: "lines",
    glyph: "serial",
    name: "Serial terminal",
    detail: "the page is at the other end of the line",
    open: () => new SerialTerminalFeed(),
  }),
  softwareCard({
    id: "serial",
    group: "lines",
    glyph: "serial",
    name: "Serial adapter",
    detail: "FT232R, which echoes what it is sent",
    open: () => ({ kind: "serial", loopback: true }),
  }),
  softwareCard({
    id: "midi-ports",
    group: "lines",
    glyph: "midi",
    name: "MIDI ports",
    detail: "an input and an output of this computer",
    names: [], // it asks the browser, which wants a person's click
    open: () => openMidi(),
  }),
  softwareCard({
    id: "piano",
    group: "lines",
    glyph: "midi",
    name: "Piano",
    detail: "MIDI, played by clicks or keys",
    open: () => new PianoFeed(),
  }),
  softwareCard({
    id: "network",
    group: "lines",
    glyph: "network",
    name: "Ethernet to the machine's network",
    detail: "by fetch: HTTP to sites that allow other pages; the machine needs a network",
    open: () => new EthernetFeed(),
  }),
  softwareCard({
    id: "ethernet",
    group: "lines",
    glyph: "network",
    name: "Ethernet adapter",
    detail: "all of them are on one cable",
    open: () => ({ kind: "ethernet" }),
  }),
];
