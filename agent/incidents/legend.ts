/** What of an alert's evidence belongs to its picture: without it a crop has no heat map, and of a spectrogram nobody knows what stands out. */
import type { AlertRecord } from '../../cloud-bridge/contract.ts';

/** Fields of an alert's evidence. */
export type Legend = AlertRecord['evidence'];

const names = { eye: ['heatMap', 'heatPeak'], ear: ['spectrogramAxis', 'bands', 'speed'] } as const;

/** null for what an alert from before such a field was there does not have. */
export const legendOf = (sense: keyof typeof names, evidence: Legend): Legend =>
  Object.fromEntries(names[sense].map((name) => [name, evidence[name] ?? null]));
