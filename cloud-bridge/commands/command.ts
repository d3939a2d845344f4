/** `bridge command`: asks a gateway something over the API of the running bridge, and shows the answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { operations, type CommandView } from '../api/operations.ts';
import { problemBody } from '../api/problem.ts';
import { isLoopback } from '../broker/access.ts';
import { BridgeError } from '../errors.ts';
import { dataDir, readText, reasonOf, writeFileAtomic } from '../files.ts';
import { apiKey } from '../keys.ts';

export interface CommandOptions {
  readonly gateway: string;
  readonly kind: string;
  /** JSON text. */
  readonly body: string;
  readonly root: string | null;
  readonly keyFile: string | null;
  readonly api: string;
  readonly withinS: number;
  readonly waitS: number;
  readonly json: string | null;
}

const askEveryMs = 200;
const answerWithinMs = 15_000;

/** Prints the command as one line of JSON. Exit code 0 only when the gateway has carried it out. */
export async function command(options: CommandOptions): Promise<number> {
  const { gateway, kind, withinS, waitS } = options;
  const ask = asker(options);
  const asked = { kind, body: parseBody(options.body), withinS };
  let view = await ask('POST', `/api/gateways/${encodeURIComponent(gateway)}/commands`, asked);
  const endMs = performance.now() + waitS * 1000;
  while (view.state === 'pending' && performance.now() < endMs) {
    await sleep(askEveryMs);
    view = await ask('GET', `${operations.commands.path}?gateway=${view.gateway}&id=${view.id}`);
  }
  process.stdout.write(`${JSON.stringify(view)}\n`);
  if (options.json !== null) writeFileAtomic(options.json, `${JSON.stringify(view)}\n`, 0o600);
  const why = view.code === null ? '' : ` (${view.code})`;
  process.stderr.write(`${gateway} ${kind}: ${view.state}${why}\n`);
  return view.state === 'done' ? 0 : 1;
}

function asker({ api, root, keyFile }: CommandOptions) {
  const base = URL.canParse(api) ? new URL(api) : null;
  if (base === null || !['http:', 'https:'].includes(base.protocol)) {
    throw new BridgeError('usage', '--api must be http://127.0.0.1:PORT or https://host:PORT');
  }
  if (base.protocol === 'http:' && !isLoopback(base.hostname.replace(/^\[|\]$/g, ''))) {
    throw new BridgeError('plaintextBind', `the key would go to ${base.host} unencrypted`);
  }
  if ((root === null) === (keyFile === null)) {
    throw new BridgeError('usage', 'give --data-dir DIR or --api-key-file FILE');
  }
  const key = root === null ? readText(keyFile ?? '').trim() : apiKey(dataDir(root));
  return async (method: 'GET' | 'POST', path: string, body?: object): Promise<CommandView> => {
    const { ok, text } = await fetched(new URL(path, base), {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = parsed(text);
    if (!ok) {
      const problem = problemBody.safeParse(answer).data?.error;
      throw new BridgeError('commandNotTaken', problem?.message ?? 'it did not say why');
    }
    const view =
      method === 'POST'
        ? operations.command.response.safeParse(answer).data
        : z.object({ items: z.tuple([operations.command.response]) }).safeParse(answer).data?.items[0];
    if (view === undefined) throw new BridgeError('apiUnreachable', `what answers at ${base.host} is no bridge`);
    return view;
  };
}

async function fetched(url: URL, request: RequestInit): Promise<{ ok: boolean; text: string }> {
  try {
    const response = await fetch(url, { ...request, signal: AbortSignal.timeout(answerWithinMs) });
    return { ok: response.ok, text: await response.text() };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new BridgeError('apiUnreachable', `${url.host}: ${reasonOf(cause)}`, { cause: error });
  }
}

function parseBody(text: string): object {
  const body = parsed(text);
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  throw new BridgeError('usage', 'BODY must be a JSON object');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
