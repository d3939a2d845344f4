/**
 * Alerts about the gateway itself. They have no rule in the configuration: nobody may switch them off, since each of them says that
 * data is or may be missing.
 */
import type { AlertDesk } from './alerts/desk.ts';
import type { Evidence } from './alerts/occurrence.ts';
import type { Instant } from './rules/conditions.ts';
import type { Rule } from './rules/schema.ts';

export type GatewayRule = Pick<Rule, 'id' | 'type' | 'priority' | 'latch' | 'text' | 'runbook'>;

const damaged: GatewayRule = {
  id: 'gateway-store-damaged',
  type: 'storage_damaged',
  priority: 'high',
  latch: false,
  text: 'A database of the gateway was damaged and put aside',
  runbook:
    'What could be read was saved, and the gateway goes on. Keep the .bad file, check the disk (dmesg, smartctl) and how the gateway is switched off.',
};
const full: GatewayRule = {
  id: 'gateway-store-full',
  type: 'storage_full',
  priority: 'urgent',
  latch: false,
  text: 'The disk of the gateway is full: alerts and events alone are stored',
  runbook:
    'Free space on the disk of the data folder. Minutes wait in memory until there is room, but not for long and not through a restart.',
};
const evicted: GatewayRule = {
  id: 'gateway-store-evicted',
  type: 'storage_evicted',
  priority: 'urgent',
  latch: false,
  text: 'The store of the gateway is over its budget: events or alerts that the bridge does not have were removed',
  runbook:
    'Bring the uplink back, or give the store more room (storage.budgetMiB). What went and of which time is in the events data_evicted.',
};
const modelBack: GatewayRule = {
  id: 'gateway-model-taken-back',
  type: 'model_taken_back',
  priority: 'high',
  latch: false,
  text: 'A new model was taken back: its process crashed again and again while it was on trial',
  runbook:
    'The version before is in use again; nothing has to be done here. Tell whoever made the package. selvedge models list shows both versions.',
};
const everyRule = [damaged, full, evicted, modelBack];

/** The id every record of the gateway itself goes by. */
export const gatewayId = 'gateway';

export class GatewayAlerts {
  readonly #desk: AlertDesk;

  constructor(desk: AlertDesk) {
    this.#desk = desk;
  }

  /** For taking over what is open from before the start. */
  static readonly rules: readonly GatewayRule[] = everyRule;

  static runbook(rule: string): string | null {
    return everyRule.find(({ id }) => id === rule)?.runbook ?? null;
  }

  /** Told once at a start. What an earlier start has raised stays until somebody has seen it. */
  damaged(files: readonly string[], now: Instant): void {
    if (files.length > 0) this.#raise(damaged, { files: files.join('; ').slice(0, 1_000) }, now);
    this.#desk.clear(gatewayId, damaged.id, Math.round(now.wallMs), now);
  }

  full(isFull: boolean, now: Instant): void {
    if (isFull) this.#raise(full, {}, now);
    else this.#desk.clear(gatewayId, full.id, Math.round(now.wallMs), now);
  }

  /** Told each time; it stays until somebody has seen it. */
  evicted(evidence: Evidence, now: Instant): void {
    this.#raise(evicted, evidence, now);
    this.#desk.clear(gatewayId, evicted.id, Math.round(now.wallMs), now);
  }

  /** Told each time; it stays until somebody has seen it. */
  modelTakenBack(evidence: Evidence, now: Instant): void {
    this.#raise(modelBack, evidence, now);
    this.#desk.clear(gatewayId, modelBack.id, Math.round(now.wallMs), now);
  }

  #raise({ text, ...rule }: GatewayRule, evidence: Evidence, now: Instant): void {
    const atMs = Math.round(now.wallMs);
    const activation = { onsetMs: atMs, raisedMs: atMs, signal: null, cause: null, text, evidence };
    this.#desk.activate(gatewayId, rule, activation, false, false, now);
  }
}
