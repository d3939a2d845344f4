/**
 * Healthy weeks of the trials, heard as a gateway hears them: its gate, its samples, its evidence (`agent/senses/ear/hearing.ts`). Each article's
 * speed is enrolled from the day before.
 */
import type { Graph } from '../../models/graph.ts';
import { enrol, type Heard } from '../../models/voiceprint/ear.ts';
import { bandsHeard, hopSamples, modelRateHz } from '../../models/voiceprint/front-end.ts';
import { HallSum } from '../../models/voiceprint/hall.ts';
import { piecesASample, pooled } from '../../models/voiceprint/pool.ts';
import { mean } from '../../models/statistics/metrics.ts';
import { leastTaught } from '../senses/ear/hall-memory.ts';
import { Hearing, type OpenPiece, type SpeedPrint } from '../senses/ear/hearing.ts';
import { featuresOf, hopsAPiece } from '../senses/ear/listening.ts';
import { readClip, readClips, readTruths, type ToldClip } from './evaluate-sound-data.ts';
import type { HeardWeek } from './evaluate-sound-report.ts';

const hourMs = 3_600_000;
const pieceSamples = hopsAPiece * hopSamples;
const pieceMs = (1000 * pieceSamples) / modelRateHz;

interface HeardPiece {
  readonly piece: OpenPiece;
  readonly features: Float32Array;
}

/** @throws AgentError `fileUnreadable`, `usage`; ModelError `tooFewClips`, `modelUnusable` */
export async function heardWeeks(dir: string, graph: Graph): Promise<HeardWeek[]> {
  const trials = readClips(dir);
  const { clips: truths, days = 0, share = 0 } = readTruths(dir);
  const truthOf = new Map(truths.map((truth) => [truth.file, truth]));
  const weeks: HeardWeek[] = [];
  for (const machine of trials.machines) {
    const clips = (role: ToldClip['role']) =>
      trials.clips
        .filter((clip) => clip.machine === machine.id && clip.role === role)
        .map((clip) => {
          const { article = -1, atH = 0 } = truthOf.get(clip.file) ?? {};
          return { clip, article, fromMs: atH * hourMs };
        });
    const prints = await taughtOf(dir, clips('enrol'), graph);
    const hearing = new Hearing(prints);
    let falseAlarms = 0;
    for (const { clip, fromMs } of clips('judge')) {
      for (const { piece, features } of await heardIn(dir, clip, fromMs, hearing, graph)) {
        const { told } = hearing.heard(piece, features);
        falseAlarms += told.filter(({ kind }) => kind === 'began').length;
      }
    }
    const { judged, speech, alarm, untaughtSpeed, dropped } = hearing.counts();
    const leftOut = speech + alarm + dropped + piecesASample * untaughtSpeed;
    const pieces = leftOut + piecesASample * judged;
    weeks.push({ machineDays: days * share, falseAlarms, judged, pieces, leftOut });
  }
  return weeks;
}

interface TimedClip {
  readonly clip: ToldClip;
  readonly article: number;
  readonly fromMs: number;
}

/** A sample a clip, as many as were asked for. */
async function taughtOf(dir: string, clips: readonly TimedClip[], graph: Graph): Promise<SpeedPrint[]> {
  const hearing = new Hearing([]);
  const taught = new Map<number, { readonly clips: Heard[]; readonly speeds: number[]; readonly hall: HallSum }>();
  for (const { clip, article, fromMs } of clips) {
    const heard = await heardIn(dir, clip, fromMs, hearing, graph);
    const ran = heard.filter(({ piece }) => piece.speed > 0);
    const there = taught.get(article) ?? { clips: [], speeds: [], hall: new HallSum() };
    taught.set(article, there);
    for (const { piece, features } of heard) if (piece.speed === 0) there.hall.add(features);
    const [first] = ran;
    if (first === undefined) continue;
    there.clips.push({
      windows: [pooled(ran.map(({ features }) => features))],
      bands: bandsHeard(first.piece.rateHz),
    });
    there.speeds.push(mean(ran.map(({ piece }) => piece.speed)));
  }
  return [...taught.values()].map((one) => {
    const others = [...taught.values()].flatMap((other) => (other === one ? [] : [other.clips]));
    return { speed: mean(one.speeds), print: enrol(one.clips, { others, hall: one.hall.mean(leastTaught) }) };
  });
}

/** What of a clip, and of what waited before it, passes the gate. */
async function heardIn(
  dir: string,
  clip: ToldClip,
  fromMs: number,
  hearing: Hearing,
  graph: Graph,
): Promise<HeardPiece[]> {
  const { samples, rateHz } = readClip(dir, clip, false).sound;
  for (const { atS, speed } of clip.telemetry) {
    hearing.poll({ timeMs: fromMs + 1000 * atS, isRunning: speed > 0, speed });
  }
  for (let from = 0; from + pieceSamples <= samples.length; from += pieceSamples) {
    const atMs = fromMs + (1000 * from) / rateHz;
    const piece = samples.subarray(from, from + pieceSamples);
    hearing.offer({ fromMs: atMs, toMs: atMs + pieceMs, samples: piece, rateHz });
  }
  const open = hearing.take();
  const features = await featuresOf(open, graph);
  return open.flatMap((piece, at) => {
    const heard = features[at] ?? null;
    return heard === null ? [] : [{ piece, features: heard }];
  });
}
