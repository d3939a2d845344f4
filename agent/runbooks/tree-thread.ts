/** Takes one Markdown text apart, on a thread that ends with it: the lexer costs memory, and a hostile text time. */
import { parentPort, workerData } from 'node:worker_threads';
import { lexer } from 'marked';
import { treeOf } from './tree.ts';

parentPort?.postMessage(treeOf(lexer(String(workerData))), []);
