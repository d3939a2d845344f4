/** The present as the page, the API and the status line see it. Plain data, made new at each call. */
import type { AlertRecord, MachineState } from '../cloud-bridge/contract.ts';
import type { Acts } from './alerts/acts.ts';
import type { IncidentView } from './incidents/book.ts';

export interface SignalView {
  readonly signal: string;
  readonly kind: 'gauge' | 'counter' | 'flag' | 'code' | 'text';
  readonly unit: string;
  /** Last value of any quality; null when the last reading was bad or none came yet. */
  readonly value: number | string | boolean | null;
  readonly quality: 'good' | 'uncertain' | 'bad' | 'none';
  readonly reason: string | null;
  readonly sourceTimeMs: number | null;
}

export interface MachineView {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly line: string | null;
  readonly station: string | null;
  readonly profile: string;
  readonly protocol: string;
  /** What it is read over, without anything secret: machines with the same one share a connection. null: not known. */
  readonly endpoint: string | null;
  readonly state: MachineState;
  readonly cause: string | null;
  readonly stateSinceMs: number;
  /** The open gap, if the machine cannot be read at present. */
  readonly gap: { readonly fromMs: number; readonly reason: string } | null;
  /** Codes the machine shows that no table of its profile explains. */
  readonly unknownCodes: readonly { readonly signal: string; readonly code: string }[];
  readonly lastGoodMs: number | null;
  readonly readings: number;
  /** A camera looks at its cloth. */
  readonly hasEye: boolean;
  /** A microphone hears it. */
  readonly hasEar: boolean;
  readonly signals: readonly SignalView[];
}

/** An occurrence as it stands: its newest record, plus what staff need to act. */
export interface AlertView {
  readonly record: AlertRecord;
  readonly verified: boolean;
  readonly runbook: string | null;
  /** null: it belongs to none, or that was over long ago. */
  readonly incident: IncidentView | null;
  /** What people did with it; null: nothing. */
  readonly acts: Acts | null;
}

export interface UplinkView {
  readonly configured: boolean;
  readonly connected: boolean;
  readonly sinceMs: number | null;
  readonly reason: string | null;
  readonly outboxRecords: number;
  readonly outboxBatches: number;
  /** Evidence files that wait for the bridge. */
  readonly outboxFiles: number;
  readonly oldestUnackedMs: number | null;
  readonly acked: number;
  readonly redelivered: number;
  readonly deadLetters: number;
}
