/** What a drag over the page carries. */
import type { Session } from "./session.ts";
import type { Carried } from "./views.ts";

const CARD_TYPE = "application/x-pvusb-card";
const PORT_TYPE = "application/x-pvusb-port";

export function carryCard(event: DragEvent, id: string): void {
  event.dataTransfer?.setData(CARD_TYPE, id);
  if (event.dataTransfer) event.dataTransfer.effectAllowed = "copyMove";
}

export function carryPort(event: DragEvent, port: number): void {
  event.dataTransfer?.setData(PORT_TYPE, String(port));
  if (event.dataTransfer) event.dataTransfer.effectAllowed = "move";
}

/** While a drag goes on its data cannot be read, only its types: what is carried is known from the drag's start. */
export function carriedBy(event: DragEvent, session: Session): Carried | undefined {
  const types = event.dataTransfer?.types ?? [];
  if (types.includes("Files")) return { is: "files" };
  const { carried } = session;
  if (types.includes(CARD_TYPE)) {
    const id = event.dataTransfer?.getData(CARD_TYPE);
    const card = session.cards.find((each) => each.id === id);
    return card ? { is: "card", card } : carried;
  }
  return types.includes(PORT_TYPE) ? carried : undefined;
}
