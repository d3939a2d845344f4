/** An agent of nothing but one sense of the mode and the way it is given, to be killed: prints the pid of its child. */
import { ForkThread } from '../../agent/senses/fork.ts';
import { senseOf } from './sense-process-rig.ts';

const sense = senseOf(process.argv[2] ?? '', {
  ...(process.argv[3] === 'in a thread' ? { fork: new ForkThread().fork } : {}),
  onMessage: (message) => {
    if (message.kind === 'ready') process.stdout.write(`${message.pid}\n`);
  },
});
sense.start(new AbortController().signal);
