/** Blocks of a pcapng file, byte for byte: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html */
import { expect, test } from "vitest";
import { enhancedPacket, interfaceDescription, sectionHeader } from "../../../app/trace/pcapng.ts";
import { bytes, golden, hex, TIME } from "./urb.ts";

test("a section header: little-endian, version 1.0, of unknown length, with the program's name", () => {
  expect(hex(sectionHeader("pvusb"))).toBe(
    golden(`
      0a0d0d0a 2c000000
      4d3c2b1a 0100 0000 ffffffffffffffff
      0400 0500 7076757362 000000
      0000 0000
      2c000000`),
  );
});

test("an interface description: link type, longest packet, name, description, unit of time", () => {
  const description = { linkType: 220, longest: 262_144, name: "pvusb1", description: "é" };
  expect(hex(interfaceDescription(description))).toBe(
    golden(`
      01000000 34000000
      dc00 0000 00000400
      0200 0600 707675736231 0000
      0300 0200 c3a9 0000
      0900 0100 06 000000
      0000 0000
      34000000`),
  );
});

test("a packet: interface, time in two halves, lengths, bytes on a multiple of four", () => {
  const packet = { interface: 3, time: TIME, bytes: bytes("1122334455"), originalLength: 0x99 };
  // 1 700 000 001 234 567 µs is 0x00060A24_18311687.
  expect(hex(enhancedPacket(packet))).toBe(
    golden(`
      06000000 28000000
      03000000 240a0600 87163118 05000000 99000000
      1122334455 000000
      28000000`),
  );
});

test("a packet with a comment", () => {
  const packet = { interface: 0, time: 0, bytes: bytes("11223344"), originalLength: 4, comment: "hello" };
  expect(hex(enhancedPacket(packet))).toBe(
    golden(`
      06000000 34000000
      00000000 00000000 00000000 04000000 04000000
      11223344
      0100 0500 68656c6c6f 000000
      0000 0000
      34000000`),
  );
});
