/** Reads a camera through the program it is given, and says when it does. Killed by its test on the way. */
import { createCamera } from '../../drivers/camera/camera.ts';

const [endpoint = '', ffmpeg = ''] = process.argv.slice(2);
const camera = createCamera(
  { camera: 'c-1', endpoint, ffmpeg },
  {
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    random: () => 0.5,
    onFrame: () => Promise.resolve(),
    onEvent: () => undefined,
    log: () => undefined,
  },
);
await camera.start(new AbortController().signal);
process.stdout.write('reads\n');
