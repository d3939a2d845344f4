/** The views of the page beside the first one, each fetched when it is first looked at, and where they are in the address. */
import type { ComponentType } from 'preact';
import type { SessionView } from './client.ts';
import type { FloorState } from './floor-state.ts';
import type { Key } from './speech.ts';
import type { Now } from './times.ts';

export interface ViewProps {
  readonly session: SessionView;
  readonly floor: FloorState;
  readonly now: Now;
  readonly machineName: (id: string) => string;
  /** What follows the name of the view in the address: a machine, a case. */
  readonly of: string | null;
}

export interface View {
  readonly title: Key;
  readonly load: () => Promise<ComponentType<ViewProps>>;
}

/** Name in the address (`#/name` or `#/name/of`) → view, in the order of the navigation. */
export const views = {
  floor: { title: 'floor-view.title', load: async () => (await import('./floor-view.tsx')).FloorView },
  machine: { title: 'machine-page.title', load: async () => (await import('./machine-view.tsx')).MachineView },
  shift: { title: 'shift.title', load: async () => (await import('./shift-view.tsx')).ShiftView },
  health: { title: 'health.title', load: async () => (await import('./health-view.tsx')).HealthView },
  andon: { title: 'floor-view.andon', load: async () => (await import('./andon-view.tsx')).AndonView },
  'alert-figures': {
    title: 'acts.figures.title',
    load: async () => (await import('./alert-figures-view.tsx')).AlertFiguresView,
  },
  people: { title: 'people.title', load: async () => (await import('./people-view.tsx')).PeopleView },
  runbooks: { title: 'runbooks.title', load: async () => (await import('./runbooks-view.tsx')).RunbooksView },
  'needle-case': {
    title: 'needles.title',
    load: async () => (await import('./needle-case-view.tsx')).NeedleCasePage,
  },
} as const satisfies Readonly<Record<string, View>>;

export interface Place {
  /** null: the first view. */
  readonly view: string | null;
  readonly of: string | null;
}

/** Reads the part of the address after `#`; what is not known is the first view. */
export function placeOf(hash: string, known: Readonly<Record<string, View>> = views): Place {
  const [name = '', of] = hash.replace(/^#\/?/, '').split('/');
  if (!Object.hasOwn(known, name)) return { view: null, of: null };
  return { view: name, of: of === undefined || of === '' ? null : decoded(of) };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
