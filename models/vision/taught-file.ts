/** What the eye learned of a cloth, as the numbers and tensors of `stats-file.ts` and back. */
import { ModelError } from '../errors.ts';
import type { Taught } from './taught.ts';
import type { NamedTensor, Stats } from '../stats-file.ts';

const cloth = [
  'whitening',
  'rows',
  'rowsBias',
  'columns',
  'columnsBias',
  'rowBands',
  'columnBands',
  'threadBands',
  'spots',
] as const;
const scaleArrays = ['middles', 'far', 'borders', 'borderFar'] as const;

/** @param model `id@version` of the model it was taught with */
export function statsOf(taught: Taught, model: string): Stats {
  const tensors: Record<string, NamedTensor> = {};
  for (const name of cloth) {
    const { type, dims, data } = taught[name];
    if (type !== 'float32') throw new ModelError('statsInvalid', `${name} is no float32`);
    tensors[name] = { dims, data };
  }
  for (const name of scaleArrays) tensors[name] = { dims: [taught.scale[name].length], data: taught.scale[name] };
  const { channels, width } = taught.scale;
  return {
    model,
    numbers: {
      channels,
      width,
      threshold: taught.threshold,
      alone: taught.alone,
      level: taught.level,
      slope: taught.slope,
    },
    tensors,
  };
}

/** @throws ModelError `statsInvalid` where something is missing */
export function taughtOf({ numbers, tensors }: Stats): Taught {
  const tensor = (name: string): NamedTensor => {
    const found = tensors[name];
    if (found === undefined) throw new ModelError('statsInvalid', `${name} is missing`);
    return found;
  };
  const number = (name: string): number => {
    const found = numbers[name];
    if (found === undefined) throw new ModelError('statsInvalid', `${name} is missing`);
    return found;
  };
  const of = (name: (typeof cloth)[number]) => ({ type: 'float32', ...tensor(name) }) as const;
  const array = (name: (typeof scaleArrays)[number]) => tensor(name).data;
  return {
    whitening: of('whitening'),
    rows: of('rows'),
    rowsBias: of('rowsBias'),
    columns: of('columns'),
    columnsBias: of('columnsBias'),
    rowBands: of('rowBands'),
    columnBands: of('columnBands'),
    threadBands: of('threadBands'),
    spots: of('spots'),
    slope: number('slope'),
    scale: {
      channels: number('channels'),
      width: number('width'),
      middles: array('middles'),
      far: array('far'),
      borders: array('borders'),
      borderFar: array('borderFar'),
    },
    threshold: number('threshold'),
    alone: number('alone'),
    level: number('level'),
  };
}
