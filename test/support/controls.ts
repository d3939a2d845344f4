/**
 * The controls that break a promise in the product's own source, as it is loaded: a test that a sound agent or bridge passes must fail on
 * these. A text is looked for in every source of its room, so that code may move between files of the room.
 *
 * Invariant: a text is in exactly one file of its room, or the control ends its process instead of breaking nothing
 * (test/unit/check/controls.test.ts asks it of every control in seconds, before the long tests that need them).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

interface Change {
  readonly sound: string;
  readonly broken: string;
}

interface Control {
  readonly room: URL;
  readonly changes: readonly Change[];
}

const root = new URL('../../', import.meta.url);

export const controls = {
  /** A bridge on SQLite that stores whatever arrives again a second time. */
  bridgeStoresRepeats: {
    room: new URL('cloud-bridge/store/', root),
    changes: [
      { sound: 'PRIMARY KEY (gateway, boot, n)\n) WITHOUT ROWID;', broken: 'again INTEGER\n);' },
      { sound: 'if (!fresh.has(record.n) || taken.has(record.n)) {', broken: 'if (taken.has(record.n)) {' },
    ],
  },
  /** A worker on PostgreSQL that does the same. */
  workerStoresRepeats: {
    room: new URL('cloud-bridge/store/postgres/', root),
    changes: [
      { sound: 'PRIMARY KEY (gateway, boot, n)\n', broken: 'again BIGINT\n' },
      { sound: 'found.sha256 !== null) {', broken: 'found.sha256 !== null && found.sha256 !== sha256) {' },
      { sound: '$9, $10, 0)`,', broken: '$9, $10, 0) ON CONFLICT DO NOTHING`,' },
      { sound: 'if (!fresh.has(n) || taken.has(n)) return false;', broken: 'if (taken.has(n)) return false;' },
    ],
  },
  /** A worker that takes a publication for confirmed which was not. */
  fanOutTrustsSilence: {
    room: new URL('cloud-bridge/fan-out/', root),
    changes: [
      {
        sound: "if (this.#client === null) throw new BridgeError('fanOutAway', 'not connected');",
        broken: 'if (this.#client === null) return false;',
      },
      { sound: "throw new BridgeError('fanOutAway', reasonOf(error), { cause: error });", broken: 'return false;' },
      {
        sound: 'this.#connection = await this.#connect();',
        broken: 'try { this.#connection = await this.#connect(); } catch { return; }',
      },
    ],
  },
  /** A journal that commits without waiting for the disk. */
  journalWithoutSync: {
    room: new URL('agent/store/', root),
    changes: [{ sound: 'synchronous = FULL', broken: 'synchronous = OFF' }],
  },
} as const satisfies Readonly<Record<string, Control>>;

/** Which files of the control's room (URLs) hold each of its texts, in the order of the changes. */
export function whereBroken({ room, changes }: Control): readonly (readonly string[])[] {
  const files = readdirSync(room)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => new URL(name, room));
  const sources = files.map((file) => ({ url: file.href, source: readFileSync(file, 'utf8') }));
  return changes.map(({ sound }) => sources.filter(({ source }) => source.includes(sound)).map(({ url }) => url));
}

/** Breaks the sources that this process loads from now on; a TypeError where one text is not in exactly one file. */
export function breakSources(control: Control): void {
  const places = whereBroken(control);
  const byFile = new Map<string, Change[]>();
  control.changes.forEach((change, index) => {
    const [file, ...more] = places[index] ?? [];
    if (file === undefined || more.length > 0) {
      throw new TypeError(`${control.room.href}: not in one file, so the control does not break it: ${change.sound}`);
    }
    byFile.set(file, [...(byFile.get(file) ?? []), change]);
  });
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      const wanted = byFile.get(url);
      if (wanted === undefined) return loaded;
      const source = Buffer.from((loaded.source ?? '') as Uint8Array).toString('utf8');
      return { ...loaded, source: wanted.reduce((text, { sound, broken }) => text.replaceAll(sound, broken), source) };
    },
  });
}
