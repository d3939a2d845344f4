/** Loaded before each test file: every property of fast-check draws from the seed of the run (`SELVEDGE_SEED`). */
import * as fc from 'fast-check';

const seed = Number(process.env['SELVEDGE_SEED']);
if (Number.isInteger(seed)) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
