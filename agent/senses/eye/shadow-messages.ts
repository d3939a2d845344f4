/** What goes between the eye and the process that runs a model in its shadow. Checked on both sides. */
import { z } from 'zod';

const id = z.string().min(1).max(40);
const count = z.int().min(0);
const ms = z.number().min(0);

export const shadowSettingsSchema = z.strictObject({
  modelFile: z.string().min(1),
  model: z.string().min(1).describe('id@version'),
  machines: z.array(z.strictObject({ machine: id, stats: z.instanceof(Uint8Array) })).max(100),
});
export type ShadowSettings = z.infer<typeof shadowSettingsSchema>;

/** A picture, and what the model in use made of it. */
export const shadowPictureSchema = z.strictObject({
  kind: z.literal('picture'),
  machine: id,
  width: z.int().min(1),
  height: z.int().min(1),
  pixels: z.instanceof(Uint8Array),
  active: z.strictObject({
    width: z.int().min(1),
    height: z.int().min(1),
    scores: z.instanceof(Float32Array),
    threshold: z.number(),
  }),
});
/** As it is sent; what is received has passed the schema. */
export interface ShadowPicture {
  readonly kind: 'picture';
  readonly machine: string;
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  readonly active: {
    readonly width: number;
    readonly height: number;
    readonly scores: Float32Array;
    readonly threshold: number;
  };
}

export const shadowMessageSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('alive') }),
  z.strictObject({
    kind: z.literal('compared'),
    both: count,
    onlyActive: count,
    onlyShadow: count,
    neither: count,
    shadowMs: ms,
  }),
  z.strictObject({ kind: z.literal('unjudged') }),
]);
export type ShadowMessage = z.infer<typeof shadowMessageSchema>;
