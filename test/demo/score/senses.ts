/** What eye and ear raised, read from the bridge's database, and the pictures that were kept of it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { FabricAlert, SoundAlert } from './report.ts';

/** What the eye raised, as the bridge has it. */
export function readFabricAlerts(path: string, gateway: string): FabricAlert[] {
  const db = new Database(path, { readonly: true });
  try {
    return raisedBy(db, gateway, 'eye').map(({ machine, type, evidence }) => ({ machine, type, evidence }));
  } finally {
    db.close();
  }
}

/** What the ear raised, as the bridge has it, with the picture that belongs to it. */
export function readSoundAlerts(path: string, gateway: string): SoundAlert[] {
  const db = new Database(path, { readonly: true });
  try {
    const files = (
      db
        .prepare("SELECT data FROM record_event WHERE gateway = ? AND event = 'evidence'")
        .pluck()
        .all(gateway) as string[]
    ).map((data) => JSON.parse(data) as { occurrence?: unknown; role?: unknown; sha256?: unknown });
    return raisedBy(db, gateway, 'ear').map(({ machine, type, occurrence, evidence }) => {
      const file = files.find((one) => one.occurrence === occurrence && one.role === 'spectrogram');
      return { machine, type, evidence, picture: typeof file?.sha256 === 'string' ? file.sha256 : null };
    });
  } finally {
    db.close();
  }
}

function raisedBy(db: Database.Database, gateway: string, sense: 'eye' | 'ear') {
  const rows = db
    .prepare(
      "SELECT machine, type, occurrence, evidence FROM record_alert WHERE gateway = ? AND rule LIKE ? AND transition = 'raised' ORDER BY raised_ms",
    )
    .all(gateway, `${sense}-%`) as { machine: string; type: string; occurrence: string; evidence: string }[];
  return rows.map((row) => ({ ...row, evidence: JSON.parse(row.evidence) as Record<string, unknown> }));
}

/** Bytes of an evidence file whose content has the hash it is called by; null where there is none. */
export function readCropBytes(folder: string, sha256: string): number | null {
  if (!/^[0-9a-f]{64}$/.test(sha256)) return null;
  try {
    const bytes = readFileSync(join(folder, sha256.slice(0, 2), sha256));
    return createHash('sha256').update(bytes).digest('hex') === sha256 ? bytes.length : null;
  } catch {
    return null;
  }
}
