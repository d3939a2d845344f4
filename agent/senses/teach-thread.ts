/**
 * A thread that starts the process that learns a cloth and passes on what it says: to start a process holds the thread that does it for ten and
 * more milliseconds, which the polling loop must not be.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { startTeaching, type EndedFor } from './teach-child.ts';
import type { FromTeachThread, ToTeachThread } from './teach-fork.ts';

const tell = (told: FromTeachThread): void => parentPort?.postMessage(told, []);
const { command, withinMs } = workerData as ToTeachThread;
const child = startTeaching({ command, withinMs, onPicture: (picture, of) => tell({ kind: 'picture', picture, of }) });
parentPort?.on('message', (why: EndedFor) => child.end(why));
void child.ended.then((end) => tell({ kind: 'ended', end }));
