/** The words of machines (states, causes, signals, units, durations) as the views Floor, Machine and Health say them. */
import type { MachineState } from '../../cloud-bridge/contract.ts';
import type { SignalView } from '../live.ts';
import type { Alert } from './floor-state.ts';
import { useLanguage } from './language.ts';
import { lasted } from './times.ts';
import {
  alertStateWord,
  causeWord,
  kindWord,
  priorityWord,
  reasonWord,
  signalWord,
  stateWord,
  unitSign,
  valueText,
} from './words.ts';

export interface Words {
  readonly state: (state: MachineState) => string;
  readonly priority: (priority: Alert['priority']) => string;
  readonly alertState: (state: Alert['state']) => string;
  readonly kind: (kind: string) => string;
  readonly cause: (cause: string) => string;
  readonly reason: (reason: string) => string;
  readonly signal: (signal: string) => string;
  /** A value with the sign of its unit. */
  readonly value: (view: Pick<SignalView, 'value' | 'kind' | 'unit'>) => string;
  readonly lasted: (ms: number) => string;
}

export function useWords(): Words {
  const language = useLanguage();
  return {
    state: (state) => stateWord(state, language),
    priority: (priority) => priorityWord(priority, language),
    alertState: (state) => alertStateWord(state, language),
    kind: (kind) => kindWord(kind, language),
    cause: (cause) => causeWord(cause, language),
    reason: (reason) => reasonWord(reason, language),
    signal: (signal) => signalWord(signal, language),
    value: ({ value, kind, unit }) => {
      const sign = unitSign(unit, language);
      const text = valueText({ value, kind }, language);
      return value === null || sign === '' ? text : `${text} ${sign}`;
    },
    lasted: (ms) => lasted(ms, language),
  };
}
