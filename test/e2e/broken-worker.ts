/** A worker that stores whatever arrives again a second time: the control of the cluster's test. */
import { breakSources, controls } from '../support/controls.ts';

breakSources(controls.workerStoresRepeats);
await import('../../cloud-bridge/cli.ts');
