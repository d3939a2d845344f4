/** `selvedge user`: the users of the local page, by whoever may write the data folder. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { AgentError } from '../errors.ts';
import { addressFile } from '../page/page.ts';
import { createPasswords } from '../page/password.ts';
import { createUserStore, roles, type Outcome, type Role, type UserStore } from '../page/users.ts';
import { readPassword, type PasswordInput } from '../page/password-input.ts';
import { writeJsonFile } from './json-file.ts';

export const help = `Usage: selvedge user add NAME --role ROLE --data-dir DIR
       selvedge user password NAME --data-dir DIR
       selvedge user remove NAME --data-dir DIR
       selvedge user list --data-dir DIR [--json FILE]
       selvedge user setup-link --data-dir DIR

Users of the local page of the gateway whose data folder is DIR. The agent may run meanwhile.

  add          a new user; ROLE is viewer (sees), maintainer (acknowledges too) or admin
  password     a new password; every session of the user ends
  remove       ends the sessions too; the last admin stays
  setup-link   a new one-time link for the first admin, while there is none (15 minutes, on this computer)

The password is asked for at the terminal, or read as the first line of standard input; never from the command line.

Exit codes: 0 done, 1 refused, 2 wrong usage.
`;

export interface UserPorts {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly input: PasswordInput;
  readonly store: (dataDir: string) => UserStore;
}

export function main(args: readonly string[]): Promise<number> {
  return runUser(args, {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    input: process.stdin,
    store: (dataDir) =>
      createUserStore({
        dataDir,
        passwords: createPasswords(randomBytes),
        random: randomBytes,
        clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
      }),
  });
}

/** As `main`, with its surroundings passed in. */
export async function runUser(args: readonly string[], ports: UserPorts): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { 'data-dir': { type: 'string' }, role: { type: 'string' }, json: { type: 'string' } },
  });
  const [deed, name, ...more] = positionals;
  const dataDir = values['data-dir'];
  if (deed === undefined) throw new AgentError('usage', 'user needs one of add, password, remove, list, setup-link');
  if (dataDir === undefined)
    throw new AgentError('usage', '--data-dir DIR says which gateway: dataDir of its configuration');
  if (more.length > 0)
    throw new AgentError('usage', `too many words: ${more.join(' ')} (a password is never an argument)`);
  const store = ports.store(resolve(dataDir));

  const named = (): string => {
    if (name === undefined) throw new AgentError('usage', `user ${deed} needs a NAME`);
    return name;
  };
  const finish = <T>(outcome: Outcome<T>, text: (value: T) => string): number => {
    if (outcome.ok) ports.out(`${text(outcome.value)}\n`);
    else ports.err(`selvedge user: ${outcome.message}\n`);
    return outcome.ok ? 0 : 1;
  };
  const password = async (prompt: string): Promise<string> => {
    const given = await readPassword(ports.input, ports.err, prompt);
    if (given === null) throw new AgentError('usage', 'no password was given, or the two differ');
    return given;
  };

  switch (deed) {
    case 'add': {
      const role = roleOf(values.role);
      const user = named();
      if ((await store.find(user)) !== null) {
        return finish({ ok: false, refused: 'exists', message: `There is a user "${user}" already.` }, String);
      }
      const made = await store.add(user, role, await password(`Password for ${user}`));
      return finish(made, (value) => `${value.name} can sign in as ${value.role}.`);
    }
    case 'password': {
      const user = named();
      if ((await store.find(user)) === null) {
        return finish({ ok: false, refused: 'missing', message: `There is no user "${user}".` }, String);
      }
      const set = await store.setPassword(user, await password(`New password for ${user}`), false);
      return finish(set, (value) => `${value.name} has a new password; open sessions have ended.`);
    }
    case 'remove':
      return finish(await store.remove(named()), (value) => `${value.name} is removed.`);
    case 'list':
      return list(store, ports, values.json);
    case 'setup-link':
      return setupLink(store, ports, resolve(dataDir));
    default:
      throw new AgentError('usage', `user has no '${deed}'; it has add, password, remove, list, setup-link`);
  }
}

function roleOf(text: string | undefined): Role {
  const role = roles.find((known) => known === text);
  if (role === undefined) throw new AgentError('usage', `--role must be one of ${roles.join(', ')}`);
  return role;
}

async function list(store: UserStore, ports: UserPorts, jsonFile: string | undefined): Promise<number> {
  const users = await store.list();
  const items = users.map(({ name, role, createdMs }) => ({ name, role, createdMs }));
  for (const { name, role, createdMs } of items) {
    ports.out(`${name.padEnd(24)} ${role.padEnd(12)} since ${new Date(createdMs).toISOString().slice(0, 10)}\n`);
  }
  if (items.length === 0) ports.out('There are no users yet.\n');
  if (jsonFile !== undefined) writeJsonFile(jsonFile, { items, next: null });
  return 0;
}

const address = z.object({ url: z.url({ protocol: /^http$/ }), pid: z.int().positive() });

async function setupLink(store: UserStore, ports: UserPorts, dataDir: string): Promise<number> {
  let page: z.infer<typeof address>;
  try {
    page = address.parse(JSON.parse(await readFile(join(dataDir, addressFile), 'utf8')));
    process.kill(page.pid, 0);
  } catch {
    ports.err(
      `selvedge user: no agent runs on ${dataDir}. Start it: it prints a set-up link while there is no admin.\n`,
    );
    return 1;
  }
  const token = await store.issueSetupToken();
  if (!token.ok) {
    ports.err(`selvedge user: ${token.message}\n`);
    return 1;
  }
  ports.out(`${page.url}/#setup=${token.value}\nIt works once, for 15 minutes, on this computer.\n`);
  return 0;
}
