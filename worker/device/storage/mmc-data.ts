/** The parameter data that a CD drive answers: fields in, bytes out (MMC-6). The disc is one data track from block 0 on. */
import { putBe16, putBe32 } from "./scsi-command.ts";

/** Of user data (MMC-6 §4.2). */
export const CD_BLOCK_SIZE = 2048;
/** ADR 1, and a data track that was recorded without interruption (MMC-6 table 496). */
const DATA_TRACK = 0x14;
export const LEAD_OUT = 0xaa;
/** Blocks before block 0, in minutes, seconds and frames (MMC-6 §4.2.3.5). */
const PREGAP = 150;
const FRAMES = 75;
/** The last address that three fields of minutes, seconds and frames hold, 99:59:74. */
const BLOCKS_MAX = 100 * 60 * FRAMES - PREGAP;

/** Profiles (MMC-6 table 96). A disc that is larger than any CD is a DVD. */
const PROFILE_NONE = 0x0000;
const PROFILE_CD_ROM = 0x0008;
const PROFILE_DVD_ROM = 0x0010;

function profile(blocks: number): number {
  if (blocks === 0) return PROFILE_NONE;
  return blocks > BLOCKS_MAX ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

/** Three bytes: minutes, seconds, frames. */
function putTime(into: Uint8Array, at: number, block: number): void {
  const frames = Math.min(block, BLOCKS_MAX - 1) + PREGAP;
  into[at] = Math.floor(frames / (60 * FRAMES));
  into[at + 1] = Math.floor(frames / FRAMES) % 60;
  into[at + 2] = frames % FRAMES;
}

function putAddress(into: Uint8Array, at: number, block: number, asTime: boolean): void {
  putBe32(into, at, 0);
  if (asTime) putTime(into, at + 1, block);
  else putBe32(into, at, block);
}

/** READ TOC, format 0 (MMC-6 §6.26.2.4): track 1, if that is asked for, and the lead-out. */
export function putToc(into: Uint8Array, blocks: number, asTime: boolean, firstTrack: number): number {
  let end = 4;
  for (const [track, block] of [
    [1, 0],
    [LEAD_OUT, blocks],
  ] as const) {
    if (firstTrack > track) continue;
    into.fill(0, end, end + 4);
    into[end + 1] = DATA_TRACK;
    into[end + 2] = track;
    putAddress(into, end + 4, block, asTime);
    end += 8;
  }
  return putTocHeader(into, end);
}

/** READ TOC, format 1 (MMC-6 §6.26.2.5): one session, which begins with track 1. */
export function putSessions(into: Uint8Array, asTime: boolean): number {
  into.fill(0, 4, 12);
  into[5] = DATA_TRACK;
  into[6] = 1;
  putAddress(into, 8, 0, asTime);
  return putTocHeader(into, 12);
}

/** READ TOC, format 2 (MMC-6 §6.26.2.6): as it is in the lead-in. */
export function putFullToc(into: Uint8Array, blocks: number): number {
  let end = 4;
  for (const point of [0xa0, 0xa1, 0xa2, 1]) {
    into.fill(0, end, end + 11);
    into[end] = 1; // session
    into[end + 1] = DATA_TRACK;
    into[end + 3] = point;
    if (point === 0xa2 || point === 1) putTime(into, end + 8, point === 1 ? 0 : blocks);
    else into[end + 8] = 1; // first track, last track
    end += 11;
  }
  return putTocHeader(into, end);
}

/** Tracks, or sessions, 1 to 1. */
function putTocHeader(into: Uint8Array, end: number): number {
  putBe16(into, 0, end - 2);
  into[2] = 1;
  into[3] = 1;
  return end;
}

/** READ DISC INFORMATION (MMC-6 §6.22.3.1.1): complete, not erasable, one session with one track. */
export function putDiscInformation(into: Uint8Array): number {
  into.fill(0, 0, 34);
  putBe16(into, 0, 32);
  into[2] = 0x0e; // last session complete, disc finalized
  into.fill(1, 3, 7); // first track; sessions; first and last track of the last session
  into.fill(0xff, 16, 24); // start of the lead-in and of the lead-out: none to be recorded
  return 34;
}

/** MECHANISM STATUS (MMC-6 §6.12): no changer. */
export function putMechanismStatus(into: Uint8Array, isOpen: boolean): number {
  into.fill(0, 0, 8);
  if (isOpen) into[1] = 0x10;
  return 8;
}

/** What has happened to the medium (MMC-6 table 288). */
export const EVENT_NONE = 0;
export const EVENT_EJECT_REQUEST = 1;
export const EVENT_NEW_MEDIA = 2;
export const EVENT_MEDIA_REMOVAL = 3;
export const EVENT_MAX = 3;

/** The class of these events, as a number and as a bit of the request (MMC-6 §6.6). */
const CLASS_MEDIA = 4;
export const CLASSES_MEDIA = 1 << CLASS_MEDIA;

/** GET EVENT STATUS NOTIFICATION: the event of a class that was asked for, or that there is no such class. */
export function putMediaEvent(
  into: Uint8Array,
  classes: number,
  event: number,
  isOpen: boolean,
  isPresent: boolean,
): number {
  const hasClass = (classes & CLASSES_MEDIA) !== 0;
  const end = hasClass ? 8 : 4;
  putBe16(into, 0, end - 2);
  into[2] = hasClass ? CLASS_MEDIA : 0x80; // NEA: no event available
  into[3] = CLASSES_MEDIA;
  if (!hasClass) return end;
  into[4] = event;
  into[5] = (isOpen ? 0x01 : 0) | (isPresent ? 0x02 : 0);
  into.fill(0, 6, 8); // not of a changer's slots
  return end;
}

/** Feature codes (MMC-6 §5.3), in their order. */
const FEATURE_PROFILE_LIST = 0x0000;
const FEATURE_CORE = 0x0001;
const FEATURE_REMOVABLE_MEDIUM = 0x0003;
const FEATURE_RANDOM_READABLE = 0x0010;
const FEATURE_CD_READ = 0x001e;
const FEATURE_DVD_READ = 0x001f;
const FEATURES = [
  FEATURE_PROFILE_LIST,
  FEATURE_CORE,
  FEATURE_REMOVABLE_MEDIUM,
  FEATURE_RANDOM_READABLE,
  FEATURE_CD_READ,
  FEATURE_DVD_READ,
];

/** Which features GET CONFIGURATION asks for: RT (MMC-6 table 275). */
const RT_CURRENT = 1;
const RT_ONE = 2;

/** GET CONFIGURATION (MMC-6 §6.5): the header and the features from `first` on. */
export function putConfiguration(into: Uint8Array, blocks: number, requested: number, first: number): number {
  const current = profile(blocks);
  let end = 8;
  for (const feature of FEATURES) {
    if (requested === RT_ONE ? feature !== first : feature < first) continue;
    if (requested === RT_CURRENT && !isCurrent(feature, current)) continue;
    end = putFeature(into, end, feature, current);
  }
  putBe32(into, 0, end - 4);
  putBe16(into, 4, 0);
  putBe16(into, 6, current);
  return end;
}

function isCurrent(feature: number, current: number): boolean {
  switch (feature) {
    case FEATURE_RANDOM_READABLE:
      return current !== PROFILE_NONE;
    case FEATURE_CD_READ:
      return current === PROFILE_CD_ROM;
    case FEATURE_DVD_READ:
      return current === PROFILE_DVD_ROM;
    default:
      return true;
  }
}

function putFeature(into: Uint8Array, at: number, feature: number, current: number): number {
  const data = at + 4;
  const end = data + featureLength(feature);
  into.fill(0, at, end);
  putBe16(into, at, feature);
  const persistent = feature <= FEATURE_REMOVABLE_MEDIUM;
  const version = feature === FEATURE_CORE || feature === FEATURE_CD_READ ? 2 : 0;
  into[at + 2] = (version << 2) | (persistent ? 0x02 : 0) | (isCurrent(feature, current) ? 0x01 : 0);
  into[at + 3] = end - data;
  switch (feature) {
    case FEATURE_PROFILE_LIST:
      putBe16(into, data, PROFILE_DVD_ROM);
      into[data + 2] = current === PROFILE_DVD_ROM ? 1 : 0;
      putBe16(into, data + 4, PROFILE_CD_ROM);
      into[data + 6] = current === PROFILE_CD_ROM ? 1 : 0;
      break;
    case FEATURE_CORE:
      putBe32(into, data, 8); // physical interface: USB
      into[data + 4] = 0x01; // DBE
      break;
    case FEATURE_REMOVABLE_MEDIUM:
      into[data] = 0x29; // tray; Eject, Lock
      break;
    case FEATURE_RANDOM_READABLE:
      putBe32(into, data, CD_BLOCK_SIZE);
      putBe16(into, data + 4, 1); // blocking
      break;
  }
  return end;
}

function featureLength(feature: number): number {
  switch (feature) {
    case FEATURE_PROFILE_LIST:
    case FEATURE_CORE:
    case FEATURE_RANDOM_READABLE:
      return 8;
    case FEATURE_DVD_READ:
      return 0;
    default:
      return 4;
  }
}
