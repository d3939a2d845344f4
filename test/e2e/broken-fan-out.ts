/** A worker that takes a publication for confirmed which was not: the control of the fan-out's test. */
import { breakSources, controls } from '../support/controls.ts';

breakSources(controls.fanOutTrustsSilence);
await import('../../cloud-bridge/cli.ts');
