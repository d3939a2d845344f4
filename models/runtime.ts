/**
 * One model in memory. `run` blocks its thread for as long as it takes: sessions live where nothing else must go on in time.
 * Plain arrays with shapes go in and come out; nothing of the library leaves this file.
 *
 * The library (1.30) tells its maker over the network about every session, and keeps an id of the computer in the user's home, unless
 * ORT_DISABLE_TELEMETRY is set before it is loaded. So it is loaded here, after that, and nowhere earlier. In a worker thread the
 * environment is a copy the library does not see: there the process must have set it, as `agent/bin/selvedge` does.
 */
import { readFileSync } from 'node:fs';
import type * as ort from 'onnxruntime-node';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { ModelError } from './errors.ts';
import type { FloatTensor, Graph, TensorLike } from './graph.ts';

export interface SessionOptions {
  /** Tried in this order; `cpu` is always there. */
  readonly providers?: readonly string[];
}

export interface ModelSession extends Graph {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Gives the memory back. Loading many sessions one after another in one process leaks: a new model is a new process. */
  close(): Promise<void>;
}

async function library(): Promise<typeof ort> {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  return import('onnxruntime-node');
}

/**
 * @param model its bytes, or the path of its file
 * @throws ModelError `modelUnusable`
 */
export async function openSession(model: Uint8Array | string, options: SessionOptions = {}): Promise<ModelSession> {
  try {
    // From bytes, not from a path: a graph that is a file may name other files to be read.
    const bytes = typeof model === 'string' ? readFileSync(model) : model;
    const { InferenceSession, Tensor } = await library();
    const session = await InferenceSession.create(bytes, {
      executionProviders: [...(options.providers ?? ['cpu'])],
      // More threads than one make the slowest run many times slower than the middle one.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
    });
    return new OpenSession(session, Tensor);
  } catch (error) {
    const what = typeof model === 'string' ? model : `${model.length} bytes`;
    throw new ModelError('modelUnusable', `${what}: ${textOf(error)}`, { cause: error });
  }
}

class OpenSession implements ModelSession {
  readonly #session: InferenceSession;
  /** Taught tensors go in again with every image. */
  readonly #known = new WeakMap<TensorLike, Tensor>();

  readonly #tensor: typeof Tensor;

  constructor(session: InferenceSession, tensor: typeof Tensor) {
    this.#session = session;
    this.#tensor = tensor;
  }

  get inputs(): readonly string[] {
    return this.#session.inputNames;
  }

  get outputs(): readonly string[] {
    return this.#session.outputNames;
  }

  async run(
    feeds: Readonly<Record<string, TensorLike>>,
    wanted: readonly string[],
  ): Promise<Record<string, FloatTensor>> {
    const inputs = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, this.#tensorOf(tensor)]));
    let results: InferenceSession.ReturnType;
    try {
      results = await this.#session.run(inputs, [...wanted]);
    } catch (error) {
      throw new ModelError('modelUnusable', textOf(error), { cause: error });
    }
    return Object.fromEntries(
      wanted.map((name) => {
        const tensor = results[name];
        if (!(tensor?.data instanceof Float32Array)) throw new ModelError('modelUnusable', `${name} is no float32`);
        return [name, { dims: tensor.dims, data: tensor.data }];
      }),
    );
  }

  close(): Promise<void> {
    return this.#session.release();
  }

  #tensorOf(tensor: TensorLike): Tensor {
    const known = this.#known.get(tensor);
    if (known !== undefined) return known;
    const made =
      tensor.type === 'uint8'
        ? new this.#tensor('uint8', tensor.data, tensor.dims)
        : new this.#tensor('float32', tensor.data, tensor.dims);
    this.#known.set(tensor, made);
    return made;
  }
}

const textOf = (error: unknown) => (error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
