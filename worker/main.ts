/** The worker's entry, and the npm entry `pvusb/worker`: importing it starts a backend. */
import { exposeBackend } from "./expose-backend.ts";

void exposeBackend();
