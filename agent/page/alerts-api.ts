/** The operations about what people do with alerts beside the acknowledgement, and how many there are. */
import { z } from 'zod';
import { alertRecord, alertStates, eventRecord } from '../../cloud-bridge/contract.ts';
import { closingActions, closingCauses, mostComment } from '../alerts/act-words.ts';
import type { AlertFigures } from '../alerts/figures.ts';
import { list, ofOccurrence, paging, type Operation } from './operation.ts';
import { roles, userName } from './users.ts';
import { ms, queryMs } from './views.ts';

const comment = z.string().trim().max(mostComment).optional();
const refusals = '404: unknown; 409: it is over, or this changes nothing';
const stands = z.strictObject({
  ok: z.literal(true),
  occurrence: z.string(),
  state: z.enum(alertStates).describe('How it stands now; normal: it is closed'),
});
const ofRule = { machine: z.string(), rule: z.string(), text: z.string() };
const figures = {
  fromMs: ms,
  toMs: ms,
  raised: z.int().describe('Times an alert became active'),
  perHour: z.number(),
  worst: z
    .array(z.strictObject({ ...ofRule, raised: z.int(), share: z.number().describe('Of all, 0 to 1') }))
    .readonly()
    .describe('The ten most frequent'),
  chattering: z
    .array(z.strictObject({ ...ofRule, most: z.int().describe('Times within the fullest minute') }))
    .readonly()
    .describe('Three times or more within a minute (EEMUA 191), at most 50'),
  chatteringTotal: z.int(),
  stale: z
    .array(z.strictObject({ occurrence: z.string(), ...ofRule, sinceMs: ms }))
    .readonly()
    .describe('Active now, for more than 24 hours before `toMs`, at most 50, oldest first'),
  staleTotal: z.int(),
  floods: z.strictObject({
    count: z.int(),
    minutes: z.int().describe('Minutes at whose end more than ten alerts lay within ten minutes'),
    most: z.int().describe('Alerts within the fullest ten minutes'),
  }),
  isComplete: z.boolean().describe('false: there were more than 100,000, and the newest are not counted'),
};
const onlyFigures = z.strictObject(figures) satisfies z.ZodType<AlertFigures>;

const act = { method: 'POST', access: 'maintainer', touches: true, params: ofOccurrence, response: stands } as const;

export const alertOperations = {
  shelveAlert: {
    ...act,
    path: '/api/alerts/:occurrence/shelve',
    summary: `Puts an alert aside for some time; it comes back by itself. ${refusals}, as where it is aside already`,
    body: z.strictObject({ forS: z.int().min(60).max(86_400).describe('Seconds'), comment }),
  },
  unshelveAlert: {
    ...act,
    path: '/api/alerts/:occurrence/unshelve',
    summary: `Takes an alert back that was put aside. ${refusals}`,
    body: z.strictObject({}),
  },
  assignAlert: {
    ...act,
    path: '/api/alerts/:occurrence/assign',
    summary: `Says who has an alert; null: nobody. 400: there is no such user. ${refusals}`,
    body: z.strictObject({ to: userName.nullable() }),
  },
  commentAlert: {
    ...act,
    path: '/api/alerts/:occurrence/comment',
    summary: `Writes something beside an alert. ${refusals}, or there are too many`,
    body: z.strictObject({ text: z.string().trim().min(1).max(mostComment) }),
  },
  closeAlert: {
    ...act,
    path: '/api/alerts/:occurrence/close',
    summary:
      'Says what an alert came from and what was done, and acknowledges it. It closes if its condition is over; while that holds it cannot, and ' +
      `it closes by itself once it is over: \`state\` tells which. ${refusals}`,
    body: z.strictObject({ cause: z.enum(closingCauses), action: z.enum(closingActions), comment }),
  },
  alertHistory: {
    method: 'GET',
    path: '/api/alerts/:occurrence/acts',
    summary:
      'Every step of one occurrence and every act of a person with it (events `alert_act`), oldest first. 404: unknown',
    access: 'viewer',
    touches: true,
    params: ofOccurrence,
    query: z.strictObject({ ...paging }),
    response: list(z.discriminatedUnion('kind', [alertRecord, eventRecord])),
  },
  alertPeople: {
    method: 'GET',
    path: '/api/alert-people',
    summary: 'Who an alert may be given to: everybody who may act on it',
    access: 'maintainer',
    touches: false,
    response: list(z.strictObject({ name: z.string(), role: z.enum(roles), isYou: z.boolean().describe('Who asks') })),
  },
  alertFigures: {
    method: 'GET',
    path: '/api/alert-figures',
    summary:
      'How much the alerts raised in [from, to) asked of people, in the figures of ISA-18.2 and EEMUA 191. Without from: the last seven days; ' +
      'at most 31 days',
    access: 'viewer',
    touches: false,
    query: z.strictObject({ from: queryMs.optional(), to: queryMs.optional() }),
    response: onlyFigures.extend({
      operators: z
        .int()
        .nullable()
        .describe('People signed in now who may act on alerts; null: nobody is. Who was signed in before is not kept'),
      perOperatorHour: z.number().nullable(),
    }),
  },
} as const satisfies Record<string, Operation>;
