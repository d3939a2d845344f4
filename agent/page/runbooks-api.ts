/** The operations about runbooks: which there are, what one says, and what an admin changes in the site's own. */
import { z } from 'zod';
import { maxRunbookBytes } from '../runbooks/files.ts';
import { alertType, profileId, runbookLanguages } from '../runbooks/lookup.ts';
import { list, type Operation } from './operation.ts';

const origins = ['site', 'shipped'] as const;
const language = z.enum(runbookLanguages);
const tree = z
  .array(z.looseObject({ kind: z.enum(['heading', 'paragraph', 'list']) }))
  .describe('The text taken apart: headings, paragraphs and lists of text, strong, em, code, link and break; no HTML');
const markdown = z.string().max(maxRunbookBytes);
/** A text of 64 kB as JSON, each of its characters escaped. */
const bodyLimit = 6 * maxRunbookBytes + 4_096;
export const runbookView = z.strictObject({
  type: z.string(),
  profile: z.string().nullable().describe('null: for machines of any profile'),
  language: language.describe('Of the text: English where nobody wrote it in the wanted one'),
  from: z.enum(origins),
  markdown: z.string(),
  tree,
  editable: z.boolean().describe('Whether this person may change the runbooks of the site'),
});

export const runbookOperations = {
  runbooks: {
    method: 'GET',
    path: '/api/runbooks',
    summary:
      'Every runbook with the languages it is there in and who wrote each; titles in the wanted language, else in English',
    access: 'viewer',
    touches: true,
    query: z.strictObject({ language: language.default('en') }),
    response: list(
      z.strictObject({
        type: z.string(),
        profile: z.string().nullable(),
        title: z.string().nullable(),
        languages: z.array(z.strictObject({ language, from: z.enum(origins) })),
      }),
    ),
  },
  runbook: {
    method: 'GET',
    path: '/api/runbooks/:type',
    summary:
      'What to do about an alert of this type, at machines of a profile or at this machine: what the site wrote before what ships, the profile before the type, ' +
      'the wanted language before English. 404: there is none',
    access: 'viewer',
    touches: false,
    params: z.strictObject({ type: alertType }),
    query: z.strictObject({
      profile: profileId.optional(),
      machine: z.string().max(40).optional(),
      language: language.default('en'),
      from: z.enum(origins).optional(),
    }),
    response: runbookView,
  },
  changeRunbook: {
    method: 'POST',
    path: '/api/runbooks/:type',
    summary:
      'Writes the site’s own runbook, in place of the shipped one; an empty text takes it back. The last one written stands. ' +
      '400: longer than 64 kB; 409: 500 are there already; 422: it cannot be taken apart',
    access: 'admin',
    touches: true,
    bodyLimit,
    params: z.strictObject({ type: alertType }),
    body: z.strictObject({ language, profile: profileId.optional(), markdown }),
    response: z.strictObject({ ok: z.literal(true), runbook: runbookView.nullable().describe('What is shown now') }),
  },
  previewRunbook: {
    method: 'POST',
    path: '/api/runbook-preview',
    summary: 'A text as it will be shown. 422: it cannot be taken apart',
    access: 'admin',
    touches: true,
    bodyLimit,
    body: z.strictObject({ markdown }),
    response: z.strictObject({ tree }),
  },
} as const satisfies Record<string, Operation>;
