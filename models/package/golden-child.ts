/**
 * The process of `golden.ts`: one request in, one answer out. A model blocks the thread it runs on, so it has one of its own: the
 * first thread hears that the channel closed, and ends the process whatever the model does.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { goldenRequest, type GoldenAnswer, type GoldenRequest } from './golden.ts';
import { compareTensors, tensorData, type TensorData } from './tensor.ts';
import type { ElementType } from './manifest.ts';

/** After so long a sample is not run again for its median alone. */
const enoughMs = 5_000;

async function tryModel(request: GoldenRequest): Promise<GoldenAnswer> {
  const { folder, model, provider, runs, samples } = request;
  const read = (file: string) => readFileSync(join(folder, file));
  // From bytes, not from a path: a graph that is a file may name other files to be read.
  const session = await InferenceSession.create(read(model), {
    executionProviders: [provider],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const problems = [
    ...portProblems('inputs', session.inputNames, request.inputs),
    ...portProblems('outputs', session.outputNames, request.outputs),
  ];
  if (problems.length > 0) return { problems, worst: null, medianMs: null };
  const typeOf = new Map([...request.inputs, ...request.outputs].map(({ name, type }) => [name, type]));
  const load = (name: string, file: string) => tensorData(typeOf.get(name) ?? 'uint8', read(file));
  const times: number[] = [];
  let worst = 0;
  for (const sample of samples) {
    const feeds = Object.fromEntries(
      sample.inputs.map(({ name, file, shape }) => [name, tensorOf(typeOf.get(name), load(name, file), shape)]),
    );
    let results: InferenceSession.ReturnType = {};
    // The first run makes buffers, and shaders where there are any: of more than two it is not the median.
    for (let run = 0; run < runs; run += 1) {
      // What takes so long is slow, however often it is run.
      if (run > 0 && times.reduce((sum, one) => sum + one, 0) > enoughMs) break;
      const beganMs = performance.now();
      results = await session.run(feeds);
      times.push(performance.now() - beganMs);
    }
    for (const output of sample.outputs) {
      const got = results[output.name];
      const isShape =
        got !== undefined && got.dims.join() === output.shape.join() && got.type === typeOf.get(output.name);
      if (!isShape) {
        problems.push(`${sample.name}: ${output.name} is ${got?.type ?? 'nothing'} [${got?.dims.join() ?? ''}]`);
        continue;
      }
      const data = (await got.getData()) as TensorData;
      const apart = compareTensors(data, load(output.name, output.file), output);
      worst = Math.max(worst, apart.worst);
      if (!apart.ok) {
        problems.push(
          `${sample.name}: ${output.name} has ${apart.outside} of ${data.length} values outside, ${apart.worst} at most`,
        );
      }
    }
  }
  const middle = times.toSorted((a, b) => a - b)[times.length >> 1] ?? null;
  return { problems, worst: Number.isFinite(worst) ? worst : null, medianMs: middle };
}

function portProblems(what: string, has: readonly string[], says: readonly { readonly name: string }[]): string[] {
  const [mine, theirs] = [
    has.toSorted().join(', '),
    says
      .map(({ name }) => name)
      .toSorted()
      .join(', '),
  ];
  return mine === theirs ? [] : [`the ${what} of the graph are ${mine}, those of the manifest ${theirs}`];
}

function tensorOf(type: ElementType | undefined, data: TensorData, shape: readonly number[]): Tensor {
  return new Tensor(type ?? 'uint8', data, [...shape]);
}

function problemOf(error: unknown): GoldenAnswer {
  const said = error instanceof Error ? error.message : String(error);
  // The library begins some messages with its own source and the condition that did not hold.
  const why = said.replace(/^\/onnxruntime_src\/.*? was false\. /, '');
  return { problems: [(why.split('\n')[0] ?? '').slice(0, 400)], worst: null, medianMs: null };
}

if (isMainThread) {
  // Not exit: it would wait for the other thread.
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.once('message', (message) => {
    const answer = (told: GoldenAnswer) => process.send?.(told);
    const worker = new Worker(new URL(import.meta.url), { workerData: message });
    worker.once('message', answer);
    worker.once('error', (error) => answer(problemOf(error)));
  });
} else {
  const answer = await tryModel(goldenRequest.parse(workerData)).catch(problemOf);
  parentPort?.postMessage(answer, []);
}
