/** The backend's worker with a fake navigator.usb. */
import "./fake-usb.ts";
import "../../../worker/main.ts";
