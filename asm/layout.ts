/// <reference path="./integers.d.ts" preserve="true" />
/**
 * The memory map of a link: one shared memory between one virtual controller (front) and the backend (back).
 * Plain constants, read by both compilers (asc and tsc). Offsets and sizes are in bytes.
 *
 *   0x0000  header            magic, version, link generation
 *   0x0100  submission ring   front → back: counters, then RING_CAPACITY entries of 4 bytes
 *   ......  completion ring   back → front: the same shape
 *   ......  URB table         SLOT_COUNT records of URB_SIZE
 *   ......  arena             BLOCK_COUNT blocks of BLOCK_SIZE: block n < SLOT_COUNT belongs to slot n, the rest is a pool
 *
 * A URB's payload is the bytes of its slot's own block, then of the pool blocks that its block table names, in order.
 * So a URB of up to one block never waits for memory, and a long one never needs contiguous memory.
 */

export const MAGIC: u32 = 0x42535550; // "PUSB"
export const VERSION: u32 = 2;

// ------------------------------------------------------------------ header
export const HEADER_MAGIC: u32 = 0;
export const HEADER_VERSION: u32 = 4;
/** Which life of the link this is: the back refuses a memory whose generation is not the one it was told. */
export const HEADER_GENERATION: u32 = 8;
/** Not 0: somebody watches where the time goes, and the back stamps each URB. */
export const HEADER_STAMPING: u32 = 12;
export const HEADER_SIZE: u32 = 0x100;

// ------------------------------------------------------------------ rings
/**
 * A ring, single producer and single consumer. Counters run free as u32 and are masked by RING_MASK.
 *
 *   +0x00  producer   written by the producer; a sleeping consumer waits on this word
 *   +0x40  consumer   written by the consumer
 *   +0x80  event      written by the consumer: "wake me when the producer's counter passes this"
 *   +0xC0  entries    RING_CAPACITY × u32
 */
export const RING_PRODUCER: u32 = 0x00;
export const RING_CONSUMER: u32 = 0x40;
export const RING_EVENT: u32 = 0x80;
export const RING_ENTRIES: u32 = 0xc0;
/**
 * Four times the slots. A slot has at most three submission entries on their way (the cancel of a URB that was answered
 * meanwhile, the next submission, and its cancel), so the submission ring is never full.
 */
export const RING_CAPACITY: u32 = 1024;
export const RING_MASK: u32 = RING_CAPACITY - 1;
export const RING_SIZE: u32 = RING_ENTRIES + RING_CAPACITY * 4;

/** Submission entry: the slot's number, with this bit set when the entry asks to cancel it. */
export const ENTRY_CANCEL: u32 = 0x40000000;
/**
 * Completion entry: the slot's number, or a port event:
 *
 *   31  30      29..26   25......8   7......0
 *   0   event   speed    plug        port          speed 0 is an unplug
 */
export const ENTRY_EVENT: u32 = 0x40000000;
export const EVENT_PORT_MASK: u32 = 0xff;
export const EVENT_PLUG_SHIFT: u32 = 8;
/** Which plug of its port a device is, counted from 1 and masked by this: a fast replug is two events, never one. */
export const EVENT_PLUG_MASK: u32 = 0x3ffff;
export const EVENT_SPEED_SHIFT: u32 = 26;
export const EVENT_SPEED_MASK: u32 = 0xf;
/** In the speed's place: the device asks for a resume (remote wake-up), and is still the same plug. */
export const EVENT_WAKE: u32 = 0xf;
/** Port events that may be on their way at once; with SLOT_COUNT completions they fit on the ring. */
export const EVENTS_MAX: u32 = 256;

// ------------------------------------------------------------------ URB records
export const SLOT_COUNT: u32 = 256;
/** Blocks beyond the slots' own. A bit set holds either of them (bit-set.ts). */
export const POOL_COUNT: u32 = 256;

/**
 *   +0x00 operation   +0x04 port      +0x08 plug       +0x0C endpoint (bEndpointAddress; 0 for control)
 *   +0x10 type        +0x14 flags     +0x18 setup, 8 bytes
 *   +0x20 stream      +0x24 interval (µs)              +0x28 route     +0x2C frame     +0x30 length (bytes)
 *   +0x40 status      +0x44 actual length (bytes)                               written by the back
 *   +0x48 taken       +0x50 answered      µs, f64, where HEADER_STAMPING asks for it: written by the back
 *   +0x80 block table: u16 × (BLOCKS_MAX - 1), pool blocks 1.. of the payload
 */
export const URB_OPERATION: u32 = 0x00;
export const URB_PORT: u32 = 0x04;
export const URB_PLUG: u32 = 0x08;
export const URB_ENDPOINT: u32 = 0x0c;
export const URB_TYPE: u32 = 0x10;
export const URB_FLAGS: u32 = 0x14;
export const URB_SETUP: u32 = 0x18;
export const URB_STREAM: u32 = 0x20;
export const URB_INTERVAL: u32 = 0x24;
/** Where behind the port: a route string (USB 3.2 §8.9), 4 bits a hub, the nearest one lowest; 0 is the port's own device. */
export const URB_ROUTE: u32 = 0x28;
/** Isochronous: the microframe of the guest's bus in which the packet is due. Runs freely as u32, 125 µs each. */
export const URB_FRAME: u32 = 0x2c;
export const URB_LENGTH: u32 = 0x30;
export const URB_STATUS: u32 = 0x40;
export const URB_ACTUAL: u32 = 0x44;
export const URB_TAKEN: u32 = 0x48;
export const URB_ANSWERED: u32 = 0x50;
export const URB_BLOCKS: u32 = 0x80;
export const URB_SIZE: u32 = 0x100;

/** Operations. Only a transfer carries a payload. */
export const OPERATION_TRANSFER: u32 = 0;
export const OPERATION_PORT_RESET: u32 = 1;
/**
 * SET_ADDRESS for a device behind a hub: from now on the device that answers at the port's route is the plug that the URB
 * names, a number of the front's that no other device of the link has had. A port's own device is named by its plug event.
 */
export const OPERATION_ADDRESS: u32 = 2;
export const OPERATION_COUNT: u32 = 3;

/** Transfer types, numbered as in bmAttributes of an endpoint descriptor (USB 2.0 §9.6.6). */
export const TYPE_CONTROL: u32 = 0;
export const TYPE_ISOCHRONOUS: u32 = 1;
export const TYPE_BULK: u32 = 2;
export const TYPE_INTERRUPT: u32 = 3;
export const TYPE_COUNT: u32 = 4;

/** An OUT transfer that ends on a whole packet is followed by a zero-length packet. */
export const FLAG_ZERO_PACKET: u32 = 1;
export const FLAGS_ALL: u32 = 1;

/**
 * What the back has taken, in one word, because a call from JavaScript costs more than what it answers:
 *
 *   24     23........16   15....8   7....4   3..2   1.......0
 *   more   endpoint       port      flags    type   operation     more: stream, interval, route and frame are not all 0
 */
export const TAKEN_OPERATION_MASK: u32 = 3;
export const TAKEN_TYPE_SHIFT: u32 = 2;
export const TAKEN_TYPE_MASK: u32 = 3;
export const TAKEN_FLAGS_SHIFT: u32 = 4;
export const TAKEN_FLAGS_MASK: u32 = 0xf;
export const TAKEN_PORT_SHIFT: u32 = 8;
export const TAKEN_PORT_MASK: u32 = 0xff;
export const TAKEN_ENDPOINT_SHIFT: u32 = 16;
export const TAKEN_ENDPOINT_MASK: u32 = 0xff;
export const TAKEN_MORE: u32 = 1 << 24;

/** How a URB ended. A failed URB still reports its bytes. */
export const STATUS_OK: u32 = 0;
export const STATUS_STALL: u32 = 1;
export const STATUS_BABBLE: u32 = 2;
/** CRC, time-out of the bus, or whatever else the device's side calls an error. */
export const STATUS_TRANSACTION_ERROR: u32 = 3;
export const STATUS_NO_DEVICE: u32 = 4;
export const STATUS_CANCELLED: u32 = 5;
/** The request makes no sense for the device, such as an endpoint it does not have. */
export const STATUS_INVALID: u32 = 6;
export const STATUS_COUNT: u32 = 7;

/** Speeds, numbered as xHCI's default protocol speed ids (xHCI 1.2 §7.2.2.1.1). */
export const SPEED_NONE: u32 = 0;
export const SPEED_FULL: u32 = 1;
export const SPEED_LOW: u32 = 2;
export const SPEED_HIGH: u32 = 3;
export const SPEED_SUPER: u32 = 4;
export const SPEED_COUNT: u32 = 5;

/** 20 bits: five hubs in a row. */
export const ROUTE_MASK: u32 = 0xfffff;

/** Ports of one virtual controller; ports count from 1. */
export const PORTS_MAX: u32 = 31;
/** Sockets, each with one port for what a person plugs… */
export const SOCKETS_MAX: u32 = 15;
/** …and, this much further, one for the USB 2.0 half of a USB 3 hub in the same socket, a device of its own (USB 3.2 §10.1). */
export const COMPANION_PORT: u32 = 16;

// ------------------------------------------------------------------ arena
export const BLOCK_SHIFT: u32 = 16;
export const BLOCK_SIZE: u32 = 1 << BLOCK_SHIFT;
export const BLOCK_COUNT: u32 = SLOT_COUNT + POOL_COUNT;
/** Blocks of the longest URB: 4 MiB. */
export const BLOCKS_MAX: u32 = 64;
export const LENGTH_MAX: u32 = BLOCKS_MAX * BLOCK_SIZE;

// ------------------------------------------------------------------ the map
export const HEADER: u32 = 0;
export const SUBMISSION_RING: u32 = HEADER + HEADER_SIZE;
export const COMPLETION_RING: u32 = SUBMISSION_RING + RING_SIZE;
export const URB_TABLE: u32 = (COMPLETION_RING + RING_SIZE + 0xff) & ~0xff;
export const ARENA: u32 = (URB_TABLE + SLOT_COUNT * URB_SIZE + 0xffff) & ~0xffff;
export const MEMORY_SIZE: u32 = ARENA + BLOCK_COUNT * BLOCK_SIZE;
export const MEMORY_PAGES: u32 = MEMORY_SIZE / 0x10000;

// ------------------------------------------------------------------ what the exports answer instead of a slot
/** Nothing there. */
export const NONE: i32 = -1;
/** The other side broke the protocol; `violation()` says how. The link is dead. */
export const VIOLATION: i32 = -2;

export const VIOLATION_NONE: i32 = 0;
/** The producer's counter is further ahead than the ring is long. */
export const VIOLATION_COUNTER: i32 = 1;
/** A slot out of range, submitted twice, or completed without being in flight. */
export const VIOLATION_SLOT: i32 = 2;
/** A block of the payload out of range. */
export const VIOLATION_EXTENT: i32 = 3;
/** A field of the record out of range. */
export const VIOLATION_FIELD: i32 = 4;
/** More bytes than were asked for. */
export const VIOLATION_LENGTH: i32 = 5;
/** A port event that makes no sense. */
export const VIOLATION_EVENT: i32 = 6;
/** A cancel was not answered in time. Only the front's link says this. */
export const VIOLATION_SILENCE: i32 = 7;
