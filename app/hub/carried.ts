/** What a page around a hub does with what is in a person's hand: keys, and files that are dropped beside the ports. */
import type { Desk } from "./desk.ts";
import { carriedBy } from "./drag.ts";
import type { PvDeviceCard } from "./pv-device-card.ts";
import type { PvPorts } from "./pv-ports.ts";

/** Escape puts it back, to where the focus then is; a digit goes to that port. `root` has the cards. */
export function carryKey(event: KeyboardEvent, desk: Desk, ports: PvPorts | null | undefined, root: ParentNode): void {
  const { carried } = desk;
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
  if (!carried || carried.is === "files") return;
  if (event.key === "Escape") {
    desk.carry(undefined);
    desk.announce("Put back.");
    if (carried.is === "device") void ports?.go(carried.path);
    else
      cardsIn(root)
        .find(({ card }) => card.id === carried.card.id)
        ?.focus();
  } else if (/^[1-9]$/.test(event.key)) {
    event.preventDefault();
    void ports?.go(event.key);
  }
}

/** Of "dragover": a file may be dropped anywhere; the browser would open it otherwise. */
export function takeFiles(event: DragEvent, desk: Desk): boolean {
  const areFiles = carriedBy(event, desk)?.is === "files";
  if (areFiles) event.preventDefault();
  return areFiles;
}

function cardsIn(root: ParentNode): readonly PvDeviceCard[] {
  return [...root.querySelectorAll<PvDeviceCard>("pv-device-card")];
}
