/** Where the models lie. Apart from what changes them, which loads a database. */
import { join } from 'node:path';

export const modelsFolder = (dataDir: string): string => join(dataDir, 'models');
