/**
 * Loaded into the agent before its own code (`node --import`), in its threads too, for the control of the power cuts: a journal that
 * commits without waiting for the disk.
 */
import { breakSources, controls } from '../support/controls.ts';

breakSources(controls.journalWithoutSync);
