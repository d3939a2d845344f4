/** The control of the event-loop figure: a bare Node process beside the demo that does nothing but measure itself. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const keepAlive = setInterval(() => undefined, 1000);
process.once('SIGTERM', () => {
  clearInterval(keepAlive);
  process.stdout.write(`${JSON.stringify({ eventLoopP99Ms: delay.percentile(99) / 1e6 })}\n`);
});
process.once('SIGINT', () => clearInterval(keepAlive));
