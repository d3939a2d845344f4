/** A bridge that is killed between the commit and the answer: its broker link dies instead of publishing. */
import { EmbeddedBroker } from '../../cloud-bridge/broker/embedded.ts';

EmbeddedBroker.prototype.publish = () => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
};
process.argv[1] = 'bridge';
await import('../../cloud-bridge/cli.ts');
