/** Secrets stay where they are until the moment they are used; nothing keeps or logs what this returns. */
import { readFileSync } from 'node:fs';
import { AgentError } from '../errors.ts';
import type { SecretReference } from './config.ts';

/** More than any password or token; a file longer than this is the wrong file. */
const maxSecretBytes = 64 * 1024;

/**
 * The secret behind a reference. One line end at the end of a file does not belong to the secret.
 * @throws {AgentError} AGT-102, naming the reference and never the secret
 */
export function resolveSecret(
  reference: SecretReference,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const secret = reference.startsWith('env:')
    ? environment[reference.slice(4)]
    : readSecret(reference, reference.slice(5));
  if (secret === undefined || secret === '') throw new AgentError('secretMissing', `${reference} is not set or empty`);
  return secret;
}

function readSecret(reference: string, file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new AgentError('secretMissing', `${reference} cannot be read (${code})`);
  }
  if (bytes.length > maxSecretBytes) throw new AgentError('secretMissing', `${reference} is too long to be a secret`);
  return bytes.toString('utf8').replace(/\r?\n$/, '');
}
