/** The gateway's side of getting a certificate: one request to the bridge, which is believed for its authority's certificate alone. */
import { request as httpsRequest } from 'node:https';
import {
  enrolAnswer,
  enrolRefusal,
  type EnrolAnswer,
  type EnrolRefusalCode,
  type JoinRequest,
  type RenewRequest,
} from '../../cloud-bridge/contract.ts';
import { AgentError } from '../errors.ts';

const maxAnswerBytes = 64 * 1024;
const timeoutMs = 15_000;

export interface Trust {
  /** PEM: nobody else is believed. */
  readonly ca: string;
  /** Certificate and key in one PEM; null where there is none yet. */
  readonly identity: string | null;
}

/** @throws AgentError `joinRefused`, or `enrolmentUnreachable` where trying again may help */
export async function askForCertificate(
  address: string,
  path: '/v1/join' | '/v1/renew',
  body: JoinRequest | RenewRequest,
  trust: Trust,
): Promise<EnrolAnswer> {
  const { status, text } = await post(new URL(path, address), JSON.stringify(body), trust);
  const said: unknown = parse(text);
  const answer = status === 200 ? enrolAnswer.safeParse(said).data : undefined;
  if (answer !== undefined) return answer;
  const refusal = enrolRefusal.safeParse(said).data;
  if (refusal !== undefined) throw new AgentError('joinRefused', refusals[refusal.refused]);
  throw new AgentError(
    'enrolmentUnreachable',
    `${address} answered with status ${status}, which is no answer of a bridge`,
  );
}

const refusals: Readonly<Record<EnrolRefusalCode, string>> = {
  unknown: 'the bridge knows no such join file or certificate: it was replaced by a newer one, or is of another bridge',
  used: 'the join file was used already, by other keys than those of this data folder',
  expired: 'its time is over',
  mismatch: 'it was made for another gateway or site, or by other keys',
  revoked: 'the gateway was revoked at the bridge',
  malformed: 'the bridge does not understand the request; agent and bridge may be of different versions',
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function post(url: URL, body: string, { ca, identity }: Trust): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const unreachable = (why: string, cause?: unknown) => {
      reject(new AgentError('enrolmentUnreachable', `${url.host}: ${why}`, { cause }));
    };
    const request = httpsRequest(
      url,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        ca,
        ...(identity === null ? {} : { cert: identity, key: identity }),
        rejectUnauthorized: true,
        minVersion: 'TLSv1.2',
        agent: false,
        timeout: timeoutMs,
      },
      (response) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on('data', (part: Buffer) => {
          bytes += part.length;
          if (bytes > maxAnswerBytes) request.destroy(new AgentError('enrolmentUnreachable', 'the answer has no end'));
          else parts.push(part);
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
        );
        response.on('error', (error) => unreachable(error.message, error));
      },
    );
    request.on('timeout', () => request.destroy(new AgentError('enrolmentUnreachable', 'no answer in time')));
    request.on('error', (error) =>
      unreachable('code' in error ? `${error.message} (${String(error.code)})` : error.message, error),
    );
    request.end(body);
  });
}
