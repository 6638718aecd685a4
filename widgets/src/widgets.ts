/** The widgets there are. */
import { LoadBalancing } from "./balance/widget.ts";
import { HpaDecision } from "./hpa/widget.ts";
import { RequestJourney } from "./journey/widget.ts";
import type { Widget } from "./widget.ts";

export const WIDGETS: Record<string, Widget> = { RequestJourney, LoadBalancing, HpaDecision };
