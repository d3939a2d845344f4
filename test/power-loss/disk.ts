/**
 * A disk with a cache in front of it, as far as a folder of files goes: what was written is there for whoever reads, and on the medium
 * only once it was synced. Of the rest a power cut leaves anything. Pure.
 *
 * Invariants (test/unit/power-loss/disk.test.ts):
 *  D1  What a sync of a file covered is in every image; a sync covers only writes that had ended before it began.
 *  D2  Of the writes and truncations since, each is there or not, by itself, and of a write any sectors: `Keep` says which.
 *  D3  Names are kept in the order they were made, as journaling file systems do: any number of the newest may be missing, none that a
 *      sync of the folder covered.
 *  D5  What a process left unsynced is older than whatever the next one does: no image has the new below the old.
 *  D4  With everything kept, the image is what a reader saw: the folder after a SIGKILL.
 */
import { basename, dirname } from 'node:path';
import type { Event } from './trace.ts';

export const sectorBytes = 512;

/** Decides what becomes of what was not synced. */
export interface Keep {
  /** Whether a truncation, or a write as a whole, was done; null: the sectors of the write are asked for one by one. */
  readonly change: () => boolean | null;
  readonly sector: () => boolean;
  /** How many of so many changes of names. */
  readonly names: (pending: number) => number;
}

type Change =
  | { readonly ended: number; readonly at: number; readonly data: Buffer }
  | { readonly ended: number; readonly length: number };

class File {
  readonly medium = new Content();
  pending: Change[] = [];
}

/** Of a process that is gone: events count from 0 again with each. */
const before = -1;

/** Bytes that grow and shrink; what was never written reads as noughts. */
class Content {
  #bytes: Buffer;
  #length: number;

  constructor(bytes: Uint8Array = Buffer.alloc(0)) {
    this.#bytes = Buffer.from(bytes);
    this.#length = bytes.length;
  }
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
  change(change: Change): void {
    const end = 'length' in change ? change.length : change.at + change.data.length;
    if (end > this.#bytes.length) {
      const larger = Buffer.alloc(2 * end);
      this.bytes.copy(larger);
      this.#bytes = larger;
    }
    if ('data' in change) {
      change.data.copy(this.#bytes, change.at);
      this.#length = Math.max(this.#length, end);
    } else {
      this.#bytes.fill(0, end, Math.max(end, this.#length));
      this.#length = end;
    }
  }
}

interface NameChange {
  readonly ended: number;
  readonly folder: string;
  readonly apply: (names: Map<string, File>) => void;
}

interface Open {
  readonly file: File | null;
  readonly path: string;
  at: number;
}

export class Disk {
  readonly #folders = new Set<string>();
  readonly #names = new Map<string, File>();
  readonly #seen = new Map<string, File>();
  #nameChanges: NameChange[] = [];
  #open = new Map<number, Open>();

  /** A file that is on the medium from the beginning. */
  holds(path: string, bytes: Buffer): void {
    const file = new File();
    file.medium.change({ ended: 0, at: 0, data: bytes });
    this.#names.set(path, file);
    this.#seen.set(path, file);
  }

  /** Another process: its descriptors are others, and all that was done so far ended before it began. */
  processStarts(): void {
    this.#open = new Map();
    for (const file of new Set([...this.#names.values(), ...this.#seen.values()]))
      file.pending = file.pending.map((change) => ({ ...change, ended: before }));
    this.#nameChanges = this.#nameChanges.map((change) => ({ ...change, ended: before }));
  }

  apply(event: Event): void {
    switch (event.kind) {
      case 'told':
        return;
      case 'mkdir':
        // A folder is made once, by the first start; an image without it is one without anything in it.
        this.#folders.add(event.path);
        return;
      case 'make':
        if (!this.#seen.has(event.path)) this.#make(event.ended, event.path);
        return;
      case 'open': {
        const file = this.#seen.get(event.path) ?? null;
        if (event.empties && file !== null) file.pending.push({ ended: event.ended, length: 0 });
        this.#open.set(event.fd, { file, path: event.path, at: 0 });
        return;
      }
      case 'unlink':
        this.#seen.delete(event.path);
        this.#changeNames(event.ended, event.path, (names) => names.delete(event.path));
        return;
      case 'rename':
      case 'link': {
        const file = this.#fileAt(event.path);
        if (event.kind === 'rename') this.#seen.delete(event.path);
        this.#seen.set(event.to, file);
        this.#changeNames(event.ended, event.to, (names) => {
          if (event.kind === 'rename') names.delete(event.path);
          names.set(event.to, file);
        });
        return;
      }
      case 'write': {
        const open = this.#opened(event.fd);
        const at = event.at ?? open.at;
        if (event.at === null) open.at += event.data.length;
        open.file?.pending.push({ ended: event.ended, at, data: event.data });
        return;
      }
      case 'truncate':
        this.#opened(event.fd).file?.pending.push({ ended: event.ended, length: event.length });
        return;
      case 'sync':
        this.#sync(this.#opened(event.fd), event.began);
        return;
    }
  }

  /** The files after a power cut now, by path. */
  image(keep: Keep): Map<string, Buffer> {
    const names = new Map(this.#names);
    const kept = keep.names(this.#nameChanges.length);
    for (const { apply } of this.#nameChanges.slice(0, kept)) apply(names);
    return new Map([...names].map(([path, file]) => [path, imageOf(file, keep)]));
  }

  get folders(): readonly string[] {
    return [...this.#folders];
  }

  #sync({ file, path }: Open, began: number): void {
    if (file === null) {
      const isCovered = ({ folder, ended }: NameChange) => folder === path && ended < began;
      // In their order: what a later one of the folder needs is there before it.
      const last = this.#nameChanges.findLastIndex(isCovered);
      for (const { apply } of this.#nameChanges.splice(0, last + 1)) apply(this.#names);
      return;
    }
    const covered = file.pending.filter(({ ended }) => ended < began);
    file.pending = file.pending.filter(({ ended }) => ended >= began);
    for (const change of covered) file.medium.change(change);
  }

  #make(ended: number, path: string): void {
    const file = new File();
    this.#seen.set(path, file);
    this.#changeNames(ended, path, (names) => names.set(path, file));
  }
  #changeNames(ended: number, path: string, apply: NameChange['apply']): void {
    this.#nameChanges.push({ ended, folder: dirname(path), apply });
  }
  #fileAt(path: string): File {
    const file = this.#seen.get(path);
    if (file === undefined) throw new TypeError(`${basename(path)} was never made`);
    return file;
  }
  #opened(fd: number): Open {
    const open = this.#open.get(fd);
    if (open === undefined) throw new TypeError(`descriptor ${fd} was never opened`);
    return open;
  }
}

function imageOf({ medium, pending }: File, keep: Keep): Buffer {
  const content = new Content(medium.bytes);
  for (const change of pending) {
    const whole = keep.change();
    if (whole === true) content.change(change);
    if (whole !== null || !('data' in change)) continue;
    for (const sector of sectorsOf(change)) if (keep.sector()) content.change(sector);
  }
  return content.bytes;
}

/** Cuts a write where the sectors of the file end. */
function sectorsOf({ ended, at, data }: Extract<Change, { readonly at: number }>): Change[] {
  const parts: Change[] = [];
  for (let from = at; from < at + data.length;) {
    const to = Math.min(at + data.length, (Math.floor(from / sectorBytes) + 1) * sectorBytes);
    parts.push({ ended, at: from, data: data.subarray(from - at, to - at) });
    from = to;
  }
  return parts;
}
