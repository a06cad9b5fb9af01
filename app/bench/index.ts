/** The sections of the benchmark, in the order in which they run. */
import { growth } from "./growth/section.ts";
import { network } from "./network/section.ts";
import { ring } from "./ring/section.ts";
import type { Section } from "./section.ts";
import { storage } from "./storage/section.ts";
import { urbs } from "./urbs/section.ts";
import { webusb } from "./webusb/section.ts";

export const sections: readonly Section[] = [ring, urbs, storage, network, webusb, growth];
