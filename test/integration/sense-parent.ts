/** An agent of nothing but one sense, to be killed: prints the pid of its child. */
import { senseOf } from './sense-process-rig.ts';

const sense = senseOf('stubborn', {
  onMessage: (message) => {
    if (message.kind === 'ready') process.stdout.write(`${message.pid}\n`);
  },
});
sense.start(new AbortController().signal);
