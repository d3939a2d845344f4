/** What the ear learned of a machine, as the numbers and tensors of `../vision/stats-file.ts` and back. Pure. */
import { ModelError } from '../errors.ts';
import type { NamedTensor, Stats } from '../stats-file.ts';
import { parts, type Voiceprint } from './ear.ts';
import { bands } from './front-end.ts';

/** @param model `id@version` of the model it was taught with */
export function statsOf({ bands: used, gaussians, threshold, spread, hall }: Voiceprint, model: string): Stats {
  const joined = (of: (part: number) => Float64Array) =>
    Float32Array.from(gaussians.flatMap((_, part) => [...of(part)]));
  const none = new Float64Array();
  return {
    model,
    numbers: { bands: used, threshold, spread },
    tensors: {
      middles: { dims: [parts, used], data: joined((part) => gaussians[part]?.middle ?? none) },
      factors: { dims: [parts, used, used], data: joined((part) => gaussians[part]?.factor ?? none) },
      ...(hall === null ? {} : { hall: { dims: [parts, bands], data: hall } }),
    },
  };
}

/** @throws ModelError `statsInvalid` where something is missing or of another size */
export function printOf({ numbers, tensors }: Stats): Voiceprint {
  const number = (name: string): number => {
    const found = numbers[name];
    if (found === undefined) throw new ModelError('statsInvalid', `${name} is missing`);
    return found;
  };
  const used = number('bands');
  if (!Number.isInteger(used) || used < 1 || used > bands) throw new ModelError('statsInvalid', `${used} bands`);
  const tensor = (name: string, dims: readonly number[]): NamedTensor => {
    const found = tensors[name];
    if (found?.dims.join() !== dims.join())
      throw new ModelError('statsInvalid', `${name} is missing or has another size`);
    return found;
  };
  const middles = tensor('middles', [parts, used]).data;
  const factors = tensor('factors', [parts, used, used]).data;
  const part = (data: Float32Array, at: number, size: number) =>
    Float64Array.from(data.subarray(at * size, (at + 1) * size));
  return {
    bands: used,
    gaussians: Array.from({ length: parts }, (_, at) => ({
      size: used,
      middle: part(middles, at, used),
      factor: part(factors, at, used * used),
    })),
    threshold: number('threshold'),
    spread: number('spread'),
    // What was taught before the hall was has none.
    hall: tensors['hall'] === undefined ? null : tensor('hall', [parts, bands]).data,
  };
}
