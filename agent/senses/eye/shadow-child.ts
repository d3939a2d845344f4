/** The process of a model in the shadow: it judges what the model in use has judged, and says how far they agree. It tells no findings. */
import { ModelError } from '../../../models/errors.ts';
import { openSession, type ModelSession } from '../../../models/runtime.ts';
import { judge } from '../../../models/vision/eye.ts';
import type { Taught } from '../../../models/vision/taught.ts';
import { readStats } from '../../../models/stats-file.ts';
import { taughtOf } from '../../../models/vision/taught-file.ts';
import { leastClothShare, tilesOf } from '../../../models/vision/tiles.ts';
import { runSense, senseExits } from '../sense-child.ts';
import {
  shadowPictureSchema,
  shadowSettingsSchema,
  type ShadowMessage,
  type ShadowPicture,
  type ShadowSettings,
} from './shadow-messages.ts';

const aliveMs = 2_000;

async function begin({ modelFile, model, machines }: ShadowSettings, say: (message: ShadowMessage) => void) {
  const session = await openSession(modelFile);
  let taught: ReadonlyMap<string, Taught>;
  try {
    taught = new Map(
      machines.map(({ machine, stats }) => [machine, taughtOf(readStats(Buffer.from(stats), model))] as const),
    );
  } catch (error) {
    process.stderr.write(`shadow: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(senseExits.notTheModel);
  }
  let work: Promise<void> = Promise.resolve();
  process.on('message', (message: unknown) => {
    const picture = shadowPictureSchema.safeParse(message);
    if (!picture.success) return;
    const known = taught.get(picture.data.machine);
    if (known !== undefined) work = work.then(async () => say(await compare(picture.data, known, session)));
  });
  say({ kind: 'alive' });
  const alive = setInterval(() => say({ kind: 'alive' }), aliveMs);
  return {
    stop: async () => {
      clearInterval(alive);
      await work;
      await session.close();
    },
  };
}

async function compare(picture: ShadowPicture, taught: Taught, session: ModelSession): Promise<ShadowMessage> {
  const { active } = picture;
  const beganMs = performance.now();
  let judged: Awaited<ReturnType<typeof judge>>;
  try {
    judged = await judge(picture, taught, session);
  } catch (error) {
    if (error instanceof ModelError) return { kind: 'unjudged' };
    throw error;
  }
  const shadowMs = performance.now() - beganMs;
  const { map, cloth } = judged;
  if (map.width !== active.width || map.height !== active.height) return { kind: 'unjudged' };
  const theirs = tilesOf(active, cloth);
  const counts = { both: 0, onlyActive: 0, onlyShadow: 0, neither: 0 };
  for (const [i, { score, clothShare }] of tilesOf(map, cloth).entries()) {
    if (clothShare < leastClothShare) continue;
    const [isOurs, isTheirs] = [score > taught.threshold, (theirs[i]?.score ?? 0) > active.threshold];
    counts[isOurs ? (isTheirs ? 'both' : 'onlyShadow') : isTheirs ? 'onlyActive' : 'neither'] += 1;
  }
  return { kind: 'compared', ...counts, shadowMs };
}

runSense(shadowSettingsSchema, (settings, say) => {
  const started = begin(settings, say);
  started.catch((error: unknown) => {
    process.stderr.write(`shadow: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
  return { stop: async () => (await started).stop() };
});
