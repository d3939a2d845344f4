/** What the fleet page says, and in which order: no browser is needed to test it. */

/** As `/api/fleet` gives it. */
export interface Gateway {
  readonly gateway: string;
  readonly site: string;
  readonly state: 'up' | 'down' | 'unknown';
  readonly mayConnect: boolean;
  readonly statusMs: number | null;
  readonly heardMs: number;
  readonly data: {
    readonly receivedMs: number;
    readonly madeMs: number;
    readonly clock: 'synced' | 'stepped' | 'unsynced';
  } | null;
  readonly agentVersion: string | null;
  readonly missing: number;
  readonly forks: number;
  readonly alerts: {
    readonly urgent: number;
    readonly high: number;
    readonly medium: number;
    readonly low: number;
    readonly silenced: number;
  };
}

/** A gateway sends a minute every minute: one that is connected and sends none for this long does not work. */
export const silentMs = 5 * 60_000;

export const priorities = ['urgent', 'high', 'medium', 'low'] as const;
export const priorityWords = { urgent: 'Urgent', high: 'High', medium: 'Medium', low: 'Low' } as const;
const clockWords = {
  synced: 'Kept by a time service',
  stepped: 'Has jumped, not confirmed since',
  unsynced: 'Not kept by a time service',
} as const;

export type Condition = 'down' | 'silent' | 'unknown' | 'up' | 'retired';
const conditionWords = {
  down: 'Down',
  silent: 'Connected, sends nothing',
  unknown: 'Not known',
  up: 'Up',
  retired: 'May not connect',
} as const;
/** Beside the word, so that nobody has to tell colours apart. */
const conditionSigns = { down: '✕', silent: '!', unknown: '?', up: '✓', retired: '–' } as const;

/** Age of the newest data in ms: since the batch came, or since it was made where its clock was kept; null: none ever came. */
export function dataAgeMs({ data }: Pick<Gateway, 'data'>, nowMs: number): number | null {
  if (data === null) return null;
  const fromMs = data.clock === 'synced' ? Math.min(data.receivedMs, data.madeMs) : data.receivedMs;
  return Math.max(0, nowMs - fromMs);
}

export function conditionOf(one: Gateway, nowMs: number): Condition {
  if (!one.mayConnect) return 'retired';
  if (one.state !== 'up') return one.state;
  // A gateway that has just connected has a moment for its first minute.
  const quietMs = Math.min(dataAgeMs(one, nowMs) ?? Infinity, nowMs - (one.statusMs ?? 0));
  return quietMs > silentMs ? 'silent' : 'up';
}

/**
 * What needs somebody comes first: gateways that do not work, then alerts, then what may be lost or wrong; else by name. Last those
 * that were revoked or removed: nobody waits for them.
 */
export function inOrder(fleet: readonly Gateway[], nowMs: number): readonly Gateway[] {
  const ranks = { down: 0, silent: 1, unknown: 2, up: 3, retired: 4 } as const;
  const rank = (one: Gateway): readonly number[] => [
    ranks[conditionOf(one, nowMs)],
    ...priorities.map((priority) => -one.alerts[priority]),
    -one.forks,
    one.missing > 0 ? 0 : 1,
    one.data === null || one.data.clock === 'synced' ? 1 : 0,
  ];
  return fleet
    .map((one) => ({ one, rank: rank(one) }))
    .toSorted((a, b) => {
      for (const [at, mine] of a.rank.entries()) {
        const theirs = b.rank[at] ?? 0;
        if (mine !== theirs) return mine - theirs;
      }
      return a.one.site < b.one.site || (a.one.site === b.one.site && a.one.gateway < b.one.gateway) ? -1 : 1;
    })
    .map(({ one }) => one);
}

/** "12 s", "4 min", "2 h 05 min", "3 d 4 h". A clock that was set back gives "0 s". */
export function lasted(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 24) return `${h} h ${String(min % 60).padStart(2, '0')} min`;
  return `${Math.floor(h / 24)} d ${h % 24} h`;
}

export const counted = (n: number): string => n.toLocaleString('en').replaceAll(',', '\u202f');

/** One line of the table: plain text, in the order of its columns. */
export interface Line {
  readonly condition: Condition;
  readonly sign: string;
  readonly state: string;
  readonly since: string;
  readonly gateway: string;
  readonly site: string;
  readonly data: string;
  /** Why the age is not that of the arrival, or ''. */
  readonly dataNote: string;
  readonly alerts: readonly { readonly priority: string; readonly text: string }[];
  readonly missing: string;
  readonly clock: string;
  readonly agent: string;
  /** Copies of one gateway, or ''. */
  readonly fork: string;
}

export function lineOf(one: Gateway, nowMs: number): Line {
  const condition = conditionOf(one, nowMs);
  const age = dataAgeMs(one, nowMs);
  const { data, alerts } = one;
  const late = data !== null && data.clock === 'synced' && data.receivedMs - data.madeMs > silentMs;
  return {
    condition,
    sign: conditionSigns[condition],
    state: conditionWords[condition],
    since:
      one.state === 'up' && one.statusMs !== null
        ? `connected for ${lasted(nowMs - one.statusMs)}`
        : `last heard ${lasted(nowMs - one.heardMs)} ago`,
    gateway: one.gateway,
    site: one.site,
    data: age === null ? 'none yet' : `${lasted(age)} old`,
    dataNote: late ? 'it had waited at the gateway' : '',
    alerts: [
      ...priorities
        .filter((priority) => alerts[priority] > 0)
        .map((priority) => ({
          priority,
          text: `${counted(alerts[priority])} ${priorityWords[priority].toLowerCase()}`,
        })),
      ...(alerts.silenced > 0 ? [{ priority: 'silenced', text: `${counted(alerts.silenced)} silenced` }] : []),
    ],
    missing: one.missing === 0 ? '0' : counted(one.missing),
    clock: data === null ? 'not known' : clockWords[data.clock],
    agent: one.agentVersion ?? 'not known',
    fork: one.forks > 0 ? 'cloned or restored: two copies have run' : '',
  };
}

/** The figures above the table. */
export function totalsOf(fleet: readonly Gateway[], nowMs: number): readonly (readonly [string, number, boolean])[] {
  const of = (condition: Condition) => fleet.filter((one) => conditionOf(one, nowMs) === condition).length;
  const [down, silent, unknown, retired] = [of('down'), of('silent'), of('unknown'), of('retired')];
  const active = fleet.filter(({ mayConnect }) => mayConnect);
  const calling = (priority: (typeof priorities)[number]) => active.reduce((sum, one) => sum + one.alerts[priority], 0);
  return [
    ['Gateways', active.length, false],
    ['Up', of('up'), false],
    ['Down', down, down > 0],
    ['Connected, send nothing', silent, silent > 0],
    ['State not known', unknown, unknown > 0],
    ['Urgent alerts', calling('urgent'), calling('urgent') > 0],
    ['High alerts', calling('high'), calling('high') > 0],
    ['Other alerts', calling('medium') + calling('low'), false],
    ...(retired > 0 ? [['May not connect', retired, false] as const] : []),
  ];
}

/** Why the bridge showed nothing, for whoever looks at the page. */
export function refusalWords(status: number, code: string, retryAfterS: number | null): string {
  switch (code) {
    case 'key-expired':
      return 'This key has expired. Ask for a new one.';
    case 'key-wrong':
      return 'This key is wrong, or was removed.';
    case 'scope-missing':
      return 'This key may not read: it needs the scope read.';
    case 'too-many-keys':
      return `Too many wrong keys came from this address. Try again in ${lasted((retryAfterS ?? 60) * 1000)}.`;
    default:
      return `The bridge could not answer (${status}).`;
  }
}
