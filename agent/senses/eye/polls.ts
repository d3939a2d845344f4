/** What of a machine's readings its eye is told: the polls a camera without a mark or encoder reckons its place by. */
import type { DriverEvent, ReadingsEvent } from '../../../drivers/contract.ts';
import type { EyeConfig, WebEyeConfig } from '../../config/config.ts';
import type { EyePoll } from './settings.ts';

const speedSignal = 'cylinder.speed';
const countSignal = 'revolution.count';

export class EyePolls {
  /** Machines of which a poll tells the turn. */
  readonly #turning: ReadonlySet<string>;
  /** The signal that is the speed of the web, by machine. */
  readonly #speeds = new Map<string, string>();
  readonly #known = new Map<string, { rpm: number | null; revolutions: number | null }>();

  constructor(
    machines: readonly { readonly id: string; readonly eye: Pick<EyeConfig, 'position'> }[],
    webs: readonly { readonly id: string; readonly eye: Pick<WebEyeConfig, 'position'> }[],
  ) {
    this.#turning = new Set(machines.flatMap(({ id, eye }) => (eye.position === 'telemetry' ? [id] : [])));
    for (const { id, eye } of webs) if (eye.position.kind === 'speed') this.#speeds.set(id, eye.position.signal);
  }

  /** What the eye is to be told of it; nothing of what lies in the past. */
  saw(event: DriverEvent): readonly EyePoll[] {
    if (event.kind !== 'readings' || event.past !== undefined) return [];
    const speed = this.#speeds.get(event.machine);
    return [
      ...(this.#turning.has(event.machine) ? this.#poll(event) : []),
      ...(speed === undefined ? [] : speeds(event, speed)),
    ];
  }

  #poll({ machine, readings }: ReadingsEvent): readonly EyePoll[] {
    const known = this.#known.get(machine) ?? { rpm: null, revolutions: null };
    this.#known.set(machine, known);
    for (const { signal, quality, value } of readings) {
      if (quality !== 'good' || typeof value !== 'number') continue;
      if (signal === speedSignal) known.rpm = value;
      if (signal === countSignal) known.revolutions = value;
    }
    const timeMs = readings.at(-1)?.sourceTimeMs;
    if (known.rpm === null || timeMs === undefined) return [];
    return [{ kind: 'telemetry', machine, timeMs, rpm: known.rpm, revolutions: known.revolutions }];
  }
}

function speeds({ machine, readings }: ReadingsEvent, name: string): readonly EyePoll[] {
  return readings.flatMap(({ signal, quality, value, sourceTimeMs }) =>
    signal === name && quality === 'good' && typeof value === 'number' && value >= 0
      ? [{ kind: 'web-speed' as const, machine, timeMs: sourceTimeMs, mPerMin: value }]
      : [],
  );
}
