/** The addresses of this computer, in the one spelling of `names.ts`. */
import { networkInterfaces } from 'node:os';
import { readName } from './names.ts';

export function hostAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((cards) =>
    (cards ?? []).flatMap(({ address }) => readName(address.replace(/%.*$/, ''))?.text ?? []),
  );
}
