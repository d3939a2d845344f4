/** What the schema alone cannot see in the set-points of a profile. Pure. */
import type { Profile } from './schema.ts';
import { boundsOfWrite, defaultForm, rawOf, writeAddress, writeLength, type SetPointSpec } from './writes.ts';

type Add = (path: readonly (string | number)[], message: string, right: string) => void;

interface Place {
  readonly name: string;
  readonly table: string;
  readonly from: number;
  readonly to: number;
}

export function checkWrites(profile: Profile, add: Add): void {
  if (profile.writes === undefined) return;
  if (profile.protocol !== 'modbus') {
    add([], `has no meaning with protocol ${profile.protocol}: nothing is written over it`, 'no writes: here');
    return;
  }
  const places: Place[] = [];
  for (const [name, spec] of Object.entries(profile.writes)) {
    const addHere: Add = (path, message, right) => add([name, ...path], message, right);
    const address = writeAddress(spec, profile.modbus ?? defaultForm);
    if (address === null) {
      addHere(
        ['address'],
        `is no address of the table ${spec.table}`,
        'an address as the signals of this profile have',
      );
    } else {
      const place = { name, table: spec.table, from: address, to: address + writeLength(spec) };
      const other = places.find((one) => one.table === place.table && one.from < place.to && place.from < one.to);
      if (other !== undefined) addHere(['address'], `is also written by ${other.name}`, 'an address of its own');
      places.push(place);
    }
    checkRange(spec, addHere);
    checkVerify(profile, spec, addHere);
    if (spec.function !== undefined && (spec.table === 'coil' || writeLength(spec) === 2))
      addHere(['function'], 'is for single registers', 'no function: here');
  }
}

function checkRange(spec: SetPointSpec, add: Add): void {
  const { range, table, type, scale, offset, step } = spec;
  const [lowest, highest] = range;
  if (lowest > highest) {
    add(['range'], 'has its first limit above the second', '[lowest, highest]');
    return;
  }
  if (table === 'coil') {
    if (range.some((limit) => limit !== 0 && limit !== 1))
      add(['range'], 'is not of a coil', '[0, 1], [0, 0] or [1, 1]');
    if (scale !== 1 || offset !== 0) add(['scale'], 'does nothing: a coil is one bit', 'no scale and no offset');
    if (step !== undefined) add(['step'], 'does nothing: a coil is one bit', 'no step');
    return;
  }
  const [least, most] = boundsOfWrite[type].map((raw) => raw * scale + offset).toSorted((a, b) => a - b);
  if (least === undefined || most === undefined || lowest < least || highest > most) {
    add(['range'], `is more than ${type} holds, which is ${least} … ${most} in the unit`, 'a range inside it');
    return;
  }
  if (rawOf(spec, lowest) === null)
    add(
      ['range'],
      `begins at ${lowest}, which ${type} cannot hold exactly`,
      `a limit that is raw × ${scale} + ${offset}`,
    );
  if (step !== undefined && rawOf(spec, lowest + step) === null && lowest + step <= highest)
    add(['step'], `leads to ${lowest + step}, which ${type} cannot hold exactly`, `a multiple of ${Math.abs(scale)}`);
}

function checkVerify(profile: Profile, spec: SetPointSpec, add: Add): void {
  if (spec.verify === undefined) return;
  const signal = profile.signals[spec.verify];
  const wanted = spec.table === 'coil' ? ['flag'] : ['gauge', 'counter'];
  const names = Object.entries(profile.signals).flatMap(([name, { kind }]) => (wanted.includes(kind) ? [name] : []));
  const right = names.length === 0 ? 'no verify: here' : `one of ${names.join(', ')}`;
  if (signal === undefined) add(['verify'], `names no signal of this profile: no signal ${spec.verify}`, right);
  else if (!wanted.includes(signal.kind)) add(['verify'], `names a ${signal.kind}, which cannot show the value`, right);
}
