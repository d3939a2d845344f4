/** An agent of nothing but one sense of the mode it is given, to be killed: prints the pid of its child. */
import { senseOf } from './sense-process-rig.ts';

const sense = senseOf(process.argv[2] ?? '', {
  onMessage: (message) => {
    if (message.kind === 'ready') process.stdout.write(`${message.pid}\n`);
  },
});
sense.start(new AbortController().signal);
