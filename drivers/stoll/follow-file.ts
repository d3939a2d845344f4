/**
 * Follows a file of lines: reads what is there, then what is added. It looks like a connection, so that the driver treats both
 * alike: `open` when the file is there, `closed` when it has gone, was made anew or was cut short.
 *
 * Invariants:
 *  - Every byte that is added is handed over once and in order; a file that was cut or replaced is begun anew after `onClosed`.
 *  - While the taker is not ready nothing is read; pieces are at most 64 KiB.
 */
import { open, stat, type FileHandle } from 'node:fs/promises';
import type { Connection, ConnectionHandlers } from '../serial/transport.ts';

/** As a connection, but nothing can be sent. */
export type Following = Pick<Connection, 'close' | 'isReplaced'>;

const pieceBytes = 64 * 1024;

/** @param isReady false while the taker has enough */
export function followFile(
  path: string,
  handlers: ConnectionHandlers,
  isReady: () => boolean,
  lookEveryMs = 200,
): Following {
  const ending = new AbortController();
  const isOver = (): boolean => ending.signal.aborted;
  let timer: NodeJS.Timeout | null = null;
  let wake: (() => void) | null = null;
  const nap = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      timer = setTimeout(resolve, lookEveryMs);
    });
  const follow = async (handle: FileHandle): Promise<string> => {
    const piece = Buffer.alloc(pieceBytes);
    const { ino } = await handle.stat();
    let offset = 0;
    while (!isOver()) {
      if (!isReady()) {
        await nap();
        continue;
      }
      const { bytesRead } = await handle.read(piece, 0, pieceBytes, offset);
      if (isOver()) break;
      offset += bytesRead;
      if (bytesRead > 0) {
        handlers.onBytes(Uint8Array.prototype.slice.call(piece, 0, bytesRead));
        continue;
      }
      const now = await stat(path).catch(() => null);
      if (isOver()) break;
      if (now === null) return 'file-absent';
      if (now.ino !== ino || now.size < offset) return 'file-replaced';
      await nap();
    }
    return 'stopped';
  };
  const done = (async () => {
    let handle: FileHandle | null = null;
    let reason = 'file-absent';
    try {
      handle = await open(path, 'r');
      if (!(await handle.stat()).isFile()) reason = 'file-unreadable';
      else {
        if (!isOver()) handlers.onOpen();
        reason = await follow(handle);
      }
    } catch (error) {
      reason = error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'file-absent' : 'file-unreadable';
    } finally {
      await handle?.close();
    }
    if (!isOver()) {
      ending.abort();
      handlers.onClosed(reason);
    }
  })();
  return {
    async close() {
      ending.abort();
      if (timer !== null) clearTimeout(timer);
      wake?.();
      await done;
    },
    isReplaced: () => Promise.resolve(false),
  };
}
