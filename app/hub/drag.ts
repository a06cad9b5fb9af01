/** What a drag over the page carries. */
import type { Desk } from "./desk.ts";
import type { Carried, Spot } from "./views.ts";

const CARD_TYPE = "application/x-pvusb-card";
const DEVICE_TYPE = "application/x-pvusb-device";

export function carryCard(event: DragEvent, id: string): void {
  event.dataTransfer?.setData(CARD_TYPE, id);
  if (event.dataTransfer) event.dataTransfer.effectAllowed = "copyMove";
}

export function carryDevice(event: DragEvent, path: string): void {
  event.dataTransfer?.setData(DEVICE_TYPE, path);
  if (event.dataTransfer) event.dataTransfer.effectAllowed = "move";
}

/** While a drag goes on its data cannot be read, only its types: what is carried is known from the drag's start. */
export function carriedBy(event: DragEvent, desk: Desk): Carried | undefined {
  const types = event.dataTransfer?.types ?? [];
  if (types.includes("Files")) return { is: "files" };
  const { carried } = desk;
  if (types.includes(CARD_TYPE)) {
    const id = event.dataTransfer?.getData(CARD_TYPE);
    const card = desk.cards.find((each) => each.id === id);
    return card ? { is: "card", card } : carried;
  }
  return types.includes(DEVICE_TYPE) ? carried : undefined;
}

/** Has it in a hub's port. */
export async function dropInto(event: DragEvent, desk: Desk, spot: Spot): Promise<void> {
  const carried = carriedBy(event, desk);
  const files = [...(event.dataTransfer?.files ?? [])];
  desk.carry(undefined);
  if (carried?.is === "card") await spot.hub.plug(carried.card, spot.path);
  else if (carried?.is === "device") await carried.hub.move(carried.path, spot);
  else if (carried?.is === "files") await desk.addFiles(files, spot);
}
