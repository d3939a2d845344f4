/**
 * The endpoints file: where the machines of a floor answer right now. A simulated floor writes it; the agent lays it over
 * its configuration by machine id. Machines it names beyond those of the configuration are simply not watched.
 */
import { z } from 'zod';
import { parseEndpoint } from './endpoint.ts';
import { fingerprintExpects, fingerprintPattern } from './fields.ts';
import { uplinkUrlProblem } from './uplink-schema.ts';

const machine = z.object({
  id: z.string().min(1).meta({ expects: 'the id of a machine' }),
  profile: z.string().optional(),
  protocol: z.string().optional(),
  endpoint: z
    .string()
    .superRefine((text, ctx) => {
      const parsed = parseEndpoint(text);
      if ('problem' in parsed)
        ctx.addIssue({ code: 'custom', message: parsed.problem, params: { right: parsed.right } });
    })
    .meta({ expects: 'an endpoint address', examples: ['modbus://127.0.0.1:1502'] }),
  unit: z.int().min(0).max(255).nullish(),
  serverFingerprint: z.string().regex(fingerprintPattern).nullish().meta({ expects: fingerprintExpects }),
});

/** Members it does not know are left alone: the file is made by a program that may tell more than the agent needs. */
export const overlaySchema = z.object({
  machines: z.array(machine).meta({ expects: 'a list of machines with id and endpoint' }),
  uplink: z
    .string()
    .superRefine((text, ctx) => {
      const problem = uplinkUrlProblem(text);
      if (problem !== null) ctx.addIssue({ code: 'custom', message: problem });
    })
    .optional()
    .meta({ expects: 'mqtt://127.0.0.1:PORT' }),
});
export type Overlay = z.output<typeof overlaySchema>;
export type OverlayMachine = Overlay['machines'][number];
