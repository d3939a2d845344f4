/** The words of machines (states, causes, signals, units, durations) as the views Floor, Machine and Health say them. */
import type { MachineState } from '../../cloud-bridge/contract.ts';
import type { SignalView } from '../live.ts';
import type { Alert } from './floor-state.ts';
import { useLanguage } from './language.ts';
import { lasted } from './times.ts';
import {
  alertStateWords,
  causeWord,
  kindWord,
  priorityWords,
  reasonWord,
  signalWord,
  stateWords,
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
  const { number } = useLanguage();
  return {
    state: (state) => stateWords[state],
    priority: (priority) => priorityWords[priority],
    alertState: (state) => alertStateWords[state],
    kind: kindWord,
    cause: causeWord,
    reason: reasonWord,
    signal: signalWord,
    value: ({ value, kind, unit }) => {
      const sign = unitSign(unit);
      const text =
        typeof value === 'number' && kind !== 'code' ? number(value, decimalsOf(value)) : valueText({ value, kind });
      return value === null || sign === '' ? text : `${text} ${sign}`;
    },
    lasted,
  };
}

/** Three significant decimals at most. */
const decimalsOf = (value: number): number => (Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 100 ? 1 : 2);
