/** The machines as they are now, for what lies deep in the page and asks seldom. */
import { createContext } from 'preact';
import type { MachineView } from '../live.ts';

export const MachinesHere = createContext<readonly MachineView[]>([]);
