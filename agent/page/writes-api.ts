/** The operations about writes to machines. */
import { z } from 'zod';
import { list, paging, type Operation } from './operation.ts';
import { setPointValue, setPointView, writeView } from './views.ts';

export const writeOperations = {
  setPoints: {
    method: 'GET',
    path: '/api/machines/:machine/set-points',
    summary: 'What may be written to a machine, with what it has now. 403: writing is off for it',
    access: 'maintainer',
    touches: true,
    params: z.strictObject({ machine: z.string().min(1).max(40) }),
    response: list(setPointView),
  },
  proposeWrite: {
    method: 'POST',
    path: '/api/machines/:machine/writes',
    summary:
      'Proposes a write. Nothing is sent before it is confirmed, within 60 s. 403: writing is off for the machine',
    access: 'maintainer',
    touches: true,
    params: z.strictObject({ machine: z.string().min(1).max(40) }),
    body: z.strictObject({
      setPoint: z.string().min(1).max(200),
      value: setPointValue,
      reason: z.string().trim().min(1).max(500),
    }),
    response: writeView,
  },
  confirmWrite: {
    method: 'POST',
    path: '/api/writes/:write/confirm',
    summary:
      'Sends a proposed write, once: the value said again, and the own password. Answers when its outcome is known, or known to be unknown',
    access: 'maintainer',
    touches: true,
    params: z.strictObject({ write: z.string().min(1).max(64) }),
    body: z.strictObject({ value: setPointValue, password: z.string().max(1000) }),
    response: writeView,
  },
  dropWrite: {
    method: 'POST',
    path: '/api/writes/:write/drop',
    summary: 'Takes a proposal back',
    access: 'maintainer',
    touches: true,
    params: z.strictObject({ write: z.string().min(1).max(64) }),
    response: writeView,
  },
  writes: {
    method: 'GET',
    path: '/api/writes',
    summary: 'Every write and proposal as it stands, newest first, out of the audit',
    access: 'viewer',
    touches: false,
    query: z.strictObject({ ...paging }),
    response: list(writeView),
  },
} as const satisfies Record<string, Operation>;
