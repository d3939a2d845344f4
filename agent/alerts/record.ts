/** An alert step as the record that is stored and sent. */
import type { DraftOf } from '../records.ts';
import type { AlertStep } from './occurrence.ts';

export function alertDraft(step: AlertStep, atMs: number): DraftOf<'alert'> {
  const { occurrence: o } = step;
  return {
    kind: 'alert',
    machine: o.machine,
    atMs,
    occurrence: o.id,
    type: o.type,
    rule: o.rule,
    signal: o.signal,
    priority: o.priority,
    transition: step.transition,
    state: step.state,
    onsetMs: Math.round(o.onsetMs),
    raisedMs: Math.round(o.raisedMs),
    clearedMs: o.clearedMs === null ? null : Math.round(o.clearedMs),
    cause: o.cause,
    text: o.text,
    evidence: { ...step.evidence },
    actor: step.actor,
  };
}
