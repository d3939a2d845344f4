/**
 * A folder of images as a camera: each once and none left out, in the order of the names, and then what is added behind the last. One
 * image: that one.
 * For inspection machines that write files, and for trying things out.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isImageName } from './image-file.ts';
import type { Source, SourceHandlers } from './source.ts';

export interface FilesOptions {
  /** From one image to the next, and from one look for new ones to the next, in ms. */
  readonly everyMs: number;
}

export function openFiles(path: string, handlers: SourceHandlers, { everyMs }: FilesOptions): Source {
  let over = false;
  let last: string | null = null;
  let waiting: string[] = [];
  let timer: NodeJS.Timeout | null = null;
  let working: Promise<void> = Promise.resolve();
  let isFile = false;
  const again = (): void => {
    if (over) return;
    timer = setTimeout(() => {
      working = next();
    }, everyMs);
  };
  const next = async (): Promise<void> => {
    // A file is there later too: none is left out because somebody looks slowly.
    if (handlers.isBusy()) return again();
    try {
      if (waiting.length === 0 && !isFile) waiting = await namesAfter(path, last);
      const name = waiting.shift();
      if (name !== undefined && !over) {
        last = name;
        const file = join(path, name);
        const { mtimeMs } = await stat(file);
        if (!over) handlers.onFrame({ image: { path: file }, capturedMs: mtimeMs, index: null });
      }
      again();
    } catch (error) {
      lost(error);
    }
  };
  const lost = (error: unknown): void => {
    if (over) return;
    over = true;
    handlers.onClosed('not-there', error instanceof Error ? error.message : String(error));
  };
  const begin = async (): Promise<void> => {
    try {
      const found = await stat(path);
      if (over) return;
      isFile = found.isFile();
      handlers.onOpen();
      if (isFile) handlers.onFrame({ image: { path }, capturedMs: found.mtimeMs, index: null });
      else again();
    } catch (error) {
      lost(error);
    }
  };
  working = begin();
  return {
    close: async () => {
      over = true;
      if (timer !== null) clearTimeout(timer);
      await working;
    },
  };
}

async function namesAfter(folder: string, last: string | null): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => isImageName(name) && (last === null || name > last)).toSorted();
}
