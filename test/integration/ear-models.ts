/** Versions of both models of the ear, installed as the agent does it, and who watches which is in use. */
import { CrashNotes, noteInThread } from '../../agent/models/crash-notes.ts';
import type { VerifiedModel } from '../../agent/models/installed.ts';
import { emptySlot } from '../../agent/models/slots.ts';
import type { ModelTakenBack } from '../../agent/pipeline-ports.ts';
import { ModelWatch, type ModelWatchParts } from '../../agent/senses/model-watch.ts';
import { siteModels, type SiteModels } from './site-models.ts';

export interface EarModels extends Pick<SiteModels, 'installed' | 'bring' | 'use'> {
  /** What was told of versions that were taken back. */
  readonly taken: readonly ModelTakenBack[];
  /** @param active in place of what is installed */
  watch(about: Pick<ModelWatchParts, 'id' | 'changed' | 'log'>, active?: () => VerifiedModel | null): ModelWatch;
}

export function earModels(dir: string, dataDir: string): EarModels {
  const taken: ModelTakenBack[] = [];
  const { installed, bring, use } = siteModels(dir, dataDir);
  return {
    installed,
    taken,
    bring,
    use,
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
