/** An agent of nothing but an eye on the camera it is given, to be killed; says when it has started it. Whoever kills it removes its folder. */
import { eyeRig } from './eye-rig.ts';

const { bring, use, desk } = await eyeRig({ after: () => undefined }, {}, { endpoint: process.argv[2] ?? null });
await bring('8.0.0');
await use('8.0.0', true);
desk.start(new AbortController().signal);
process.stdout.write('started\n');
