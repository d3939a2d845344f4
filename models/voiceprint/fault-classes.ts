/**
 * What the fault graph tells apart, in the order of its outputs (models/training/fault/train.py has the same). The signatures are hypotheses from
 * physics and the graph learned them from simulated machines: a name is where to look first, not a finding. Pure.
 *
 * F8, the trimmer, is not among them: it sounds only while the machine stops, and what is heard then is not judged (`gate.ts`).
 */
import type { Turner } from './turning.ts';

export const faultClasses = {
  sewing: [
    'healthy',
    'bluntNeedle',
    'bentNeedle',
    'dryHook',
    'looseBearing',
    'slippingBelt',
    'feedDogStrike',
    'threadBreak',
    'looseCover',
  ],
  knitting: ['healthy', 'badNeedle', 'badFeeder', 'lackOfOil'],
} as const;

export type FaultClass = (typeof faultClasses)[Turner['kind']][number];
export type FaultName = Exclude<FaultClass, 'healthy'>;

export const isFaultName = (name: FaultClass): name is FaultName => name !== 'healthy';
