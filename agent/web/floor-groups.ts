/** How the machines of a floor are grouped, how good what is known of them is, and what fits a wall screen at a time. Pure. */
import type { MachineView, SignalView } from '../live.ts';
import type { MachineToday } from '../store/view-sums.ts';
import type { Alert } from './floor-state.ts';
import type { Now } from './times.ts';

export interface LineGroup {
  /** null: machines without a line. */
  readonly line: string | null;
  readonly machines: readonly MachineView[];
}

/** "Station 10" after "Station 9"; nothing at the end. */
function inOrder(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return a.localeCompare(b, 'en', { numeric: true, sensitivity: 'base' }) || (a < b ? -1 : a > b ? 1 : 0);
}

/** Every machine once: by line, within it by station, then by name. */
export function groupsOf(machines: readonly MachineView[]): readonly LineGroup[] {
  const byLine = Map.groupBy(machines, ({ line }) => line);
  return [...byLine]
    .map(([line, some]) => ({
      line,
      machines: some.toSorted((a, b) => inOrder(a.station, b.station) || inOrder(a.name, b.name)),
    }))
    .sort((a, b) => inOrder(a.line, b.line));
}

/** A wall screen below its head: alerts, or that the connection is lost, stand above. */
export interface WallScreen {
  readonly widthPx: number;
  readonly heightPx: number;
  /** One rem of it. */
  readonly remPx: number;
}
/** Sizes of the style sheet (`.andon-line`), rem: a machine, the name of a line, and the gaps, of which the first is between two lines. */
const wallTile = { minWidth: 19.5, height: 10.5 };
const wallHeading = 2.25;
const wallGaps = { line: 1, heading: 0.5, tile: 0.875 };
/** From as large as the screen lets them be, down to what can still be read across a hall. */
const wallScales = Array.from({ length: 31 }, (_, step) => (40 - step) / 10);

/** What a screen has room for when all on it is drawn `scale` times as large. */
export function wallRoom({ widthPx, heightPx, remPx }: WallScreen, scale: number): WallRoom {
  const px = remPx * scale;
  return {
    // As the style sheet fills a row.
    columns: Math.max(1, Math.floor((widthPx / px + wallGaps.tile) / (wallTile.minWidth + wallGaps.tile))),
    heightPx,
    headingPx: (wallGaps.line + wallHeading + wallGaps.heading - wallGaps.tile) * px,
    rowPx: (wallTile.height + wallGaps.tile) * px,
  };
}

/**
 * How large a few machines can be drawn: the largest scale (1 to 4) at which all of them are on one page; 1 where they need more
 * pages than one anyway.
 */
export function wallScale(groups: readonly LineGroup[], screen: WallScreen): number {
  const fits = (scale: number): boolean => {
    const room = wallRoom(screen, scale);
    if (wallTile.minWidth * scale * screen.remPx > screen.widthPx) return false;
    return room.headingPx + room.rowPx <= room.heightPx && pagesOf(groups, room).length <= 1;
  };
  return wallScales.find(fits) ?? 1;
}

/** What a wall screen has room for, and what its parts take of it, in px; the gaps between them are in the parts. */
export interface WallRoom {
  readonly columns: number;
  readonly heightPx: number;
  /** The name of a line, above its machines. */
  readonly headingPx: number;
  readonly rowPx: number;
}

/**
 * A wall screen shows what fits it at a time: each line has its name and begins a row of its own, and lines that do not fit go on on the next
 * page. One row a page is shown however low the screen is.
 */
export function pagesOf(groups: readonly LineGroup[], room: WallRoom): readonly (readonly LineGroup[])[] {
  const columns = Math.max(1, Math.floor(room.columns));
  const rowsIn = (heightPx: number): number => Math.max(0, Math.floor((heightPx - room.headingPx) / room.rowPx));
  const rowsOfPage = Math.max(1, rowsIn(room.heightPx));
  const pages: LineGroup[][] = [];
  let freePx = 0;
  for (const { line, machines } of groups) {
    // A line that fits a page whole begins a new one rather than being torn.
    const wanted = Math.ceil(machines.length / columns);
    if (wanted > rowsIn(freePx) && wanted <= rowsOfPage) freePx = 0;
    for (let from = 0; from < machines.length;) {
      const isNew = rowsIn(freePx) === 0;
      if (isNew) {
        pages.push([]);
        freePx = room.heightPx;
      }
      const rows = isNew ? rowsOfPage : rowsIn(freePx);
      const part = machines.slice(from, from + rows * columns);
      pages.at(-1)?.push({ line, machines: part });
      from += part.length;
      freePx -= room.headingPx + Math.ceil(part.length / columns) * room.rowPx;
    }
  }
  return pages;
}

/** Without a good reading for this long the values of a machine are old, whatever its state says. */
const oldAfterMs = 30_000;

export type Quality =
  | { readonly kind: 'good' }
  | { readonly kind: 'unread'; readonly sinceMs: number; readonly reason: string }
  /** null: never read. */
  | { readonly kind: 'old'; readonly sinceMs: number | null }
  | { readonly kind: 'partly'; readonly notGood: number; readonly of: number; readonly reason: string | null };

/** How far what is shown of a machine can be believed now. */
export function qualityOf(machine: Pick<MachineView, 'gap' | 'lastGoodMs' | 'signals'>, nowMs: number): Quality {
  if (machine.gap !== null) return { kind: 'unread', sinceMs: machine.gap.fromMs, reason: machine.gap.reason };
  if (machine.lastGoodMs === null || nowMs - machine.lastGoodMs > oldAfterMs) {
    return { kind: 'old', sinceMs: machine.lastGoodMs };
  }
  const read = machine.signals.filter(({ quality }) => quality !== 'none');
  const notGood = read.filter(({ quality }) => quality !== 'good');
  if (notGood.length === 0) return { kind: 'good' };
  return { kind: 'partly', notGood: notGood.length, of: read.length, reason: notGood[0]?.reason ?? null };
}

/** The signal that tells how fast it runs; null: it has none. */
export function speedOf({ signals }: Pick<MachineView, 'signals'>): SignalView | null {
  const gauges = signals.filter(({ kind }) => kind === 'gauge');
  const named = ['spindle.speed', 'cylinder.speed'].flatMap((name) => gauges.filter(({ signal }) => signal === name));
  return named[0] ?? gauges.find(({ signal }) => /(^|\.)speed$/.test(signal)) ?? null;
}

/** How the speed of a machine is told: as it is, as it was while nothing comes from the gateway, or not at all. */
export function speedTold(
  machine: Pick<MachineView, 'gap' | 'lastGoodMs' | 'signals'>,
  speed: SignalView,
  now: Pick<Now, 'ms' | 'stale'>,
): 'is' | 'was' | 'unknown' {
  if (speed.quality === 'bad' || speed.value === null || qualityOf(machine, now.ms).kind === 'unread') return 'unknown';
  return now.stale ? 'was' : 'is';
}

/** A good value is an old one while nothing comes from the gateway; what was not good before says so still. */
export const qualityTold = (quality: SignalView['quality'], stale: boolean): SignalView['quality'] | 'old' =>
  stale && quality === 'good' ? 'old' : quality;

/** Other than before whenever an alert of the machine is raised, changes its state, or is over. */
export const alertsMark = (alerts: readonly Alert[], machine: string): string =>
  alerts
    .filter((alert) => alert.machine === machine)
    .map(({ occurrence, state }) => `${occurrence} ${state}`)
    .toSorted()
    .join('\n');

const counted = ['piece.count', 'stitch.total', 'revolution.count', 'fabric.length', 'roll.count'];

export interface CountedToday {
  readonly signal: string;
  /** null: nothing of it is known today. */
  readonly delta: number | null;
  readonly unit: string;
  readonly isUncertain: boolean;
}

/** What a machine made today, of the counters it has; lengths in metres. */
export function countedToday(
  machine: Pick<MachineView, 'signals'>,
  today: MachineToday | null,
): readonly CountedToday[] {
  return counted.flatMap((signal) => {
    const view = machine.signals.find((one) => one.signal === signal);
    if (view === undefined) return [];
    const found = today?.counters.find((one) => one.signal === signal);
    const isMillimetre = view.unit === 'MMT';
    const delta = found === undefined ? null : isMillimetre ? found.delta / 1000 : found.delta;
    return [{ signal, delta, unit: isMillimetre ? 'MTR' : view.unit, isUncertain: (found?.uncertainty ?? 0) > 0 }];
  });
}

/** Open alerts by machine. */
export function alertCounts(
  alerts: readonly Alert[],
): ReadonlyMap<string, { readonly open: number; readonly urgent: number }> {
  const counts = new Map<string, { open: number; urgent: number }>();
  for (const { machine, state, priority } of alerts) {
    if (state === 'normal') continue;
    const known = counts.get(machine) ?? { open: 0, urgent: 0 };
    counts.set(machine, { open: known.open + 1, urgent: known.urgent + Number(priority === 'urgent') });
  }
  return counts;
}

const serviceNames = /needle\.stitches|service|maint|oil|hours|\.life|bobbin\.remaining/;

/** Signals that tell when something of the machine is due: stitches of the needle, oil, hours. */
export const serviceSignals = ({ signals }: Pick<MachineView, 'signals'>): readonly SignalView[] =>
  signals.filter(({ signal, kind }) => (kind === 'counter' || kind === 'gauge') && serviceNames.test(signal));
