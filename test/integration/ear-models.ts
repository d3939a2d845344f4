/** Versions of both models of the ear, installed as the agent does it, and who watches which is in use. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CrashNotes, noteInThread } from '../../agent/models/crash-notes.ts';
import { InstalledModels, type VerifiedModel } from '../../agent/models/installed.ts';
import { emptySlot } from '../../agent/models/slots.ts';
import type { ModelTakenBack } from '../../agent/pipeline-ports.ts';
import { ModelWatch, type ModelWatchParts } from '../../agent/senses/model-watch.ts';
import { shippedPackages } from '../../models/package/keys.ts';
import { sealPackage } from '../../models/package/seal.ts';
import { good } from '../../models/package/verify.ts';
import { keyPair, trusting } from '../unit/models/making.ts';

export interface EarModels {
  readonly installed: InstalledModels;
  /** What was told of versions that were taken back. */
  readonly taken: readonly ModelTakenBack[];
  /** The package that came with the agent, sealed by the site as another version, and installed. */
  bring(id: string, version: string): Promise<void>;
  /** @param active in place of what is installed */
  watch(about: Pick<ModelWatchParts, 'id' | 'changed' | 'log'>, active?: () => VerifiedModel | null): ModelWatch;
}

export function earModels(dir: string, dataDir: string): EarModels {
  const site = keyPair();
  const taken: ModelTakenBack[] = [];
  const installed = new InstalledModels({
    dataDir,
    trusted: trusting({ site: [site.publicKey] }),
    golden: () => Promise.resolve(good('golden', '')),
    now: () => ({ boot: 'b', monotonicMs: performance.now() }),
    wallMs: () => Date.now(),
  });
  return {
    installed,
    taken,
    async bring(id, version) {
      const folder = join(dir, `${id}-${version}`);
      cpSync(join(shippedPackages, id), folder, { recursive: true });
      const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as object;
      writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, version }));
      sealPackage(folder, 'site', site.privateKey);
      await installed.install(folder);
    },
    watch: (about, active = () => null) => {
      const given = active();
      return new ModelWatch({
        ...about,
        of: 'the ear',
        installed:
          given === null
            ? installed
            : { slot: () => ({ ...emptySlot, active: given.manifest.version }), verified: () => given },
        notes: new CrashNotes(about.id, (note) => noteInThread({ dataDir, ...note })),
        accelerators: null,
        takenBack: (told) => taken.push(told),
        tryAfterMs: 0,
      });
    },
  };
}
