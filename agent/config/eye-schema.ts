/** Cameras in the configuration: one before a circular knitting machine (`eye:`), or one over a flat web (`webEye:`). */
import { z } from 'zod';
import { parseCameraEndpoint } from '../../drivers/camera/endpoint.ts';
import { maskSchema } from '../../drivers/camera/mask.ts';
import { atStart, field, idExpects } from './fields.ts';

/** What is wrong with the endpoint of a camera; null: nothing. */
function cameraProblem(text: string): string | null {
  try {
    parseCameraEndpoint(text);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : 'cannot be read';
  }
}

const scoreSchema = z.strictObject({
  grades: field(
    z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 +-]{0,19}$/), z.number().min(0).max(100_000)).default({}),
    'Grades with the most points per 100 m² each may have. Absent: no grade is given.',
    { ...atStart, expects: 'names with their limits, such as { A: 20, B: 28 }' },
  ),
  holes: field(
    z.enum(['by-size', 'four']).default('by-size'),
    'Points of a hole: by its size as the standard has it, or always four.',
    atStart,
  ),
});

export const eyeSchema = z.strictObject({
  camera: field(
    z.string().superRefine((text, ctx) => {
      const problem = cameraProblem(text);
      if (problem !== null) ctx.addIssue({ code: 'custom', message: problem });
    }),
    'Where the pictures of its cloth come from. It stands still before the tube.',
    {
      ...atStart,
      expects: 'mjpeg+http://host:port/path, file:///folder, rtsp://host/path or v4l2:/dev/video0',
      examples: ['mjpeg+http://192.168.10.61/stream'],
    },
  ),
  mask: field(
    maskSchema.default([]),
    'Parts of the picture nobody ever sees, in shares of its width and height.',
    atStart,
  ),
  fabric: field(
    z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/),
    'The cloth it knits, as it was taught (selvedge teach vision). Not taught: the eye says so and finds nothing.',
    { ...atStart, expects: idExpects, examples: ['single-jersey'] },
  ),
  mmPerPx: field(z.number().positive().max(10), 'Cloth that one pixel shows.', { ...atStart, unit: 'mm' }),
  needles: field(z.int().min(4).max(100_000), 'Needles of the cylinder.', atStart),
  firstNeedle: field(z.union([z.literal(0), z.literal(1)]).default(1), 'How the machine counts its needles.', atStart),
  feeders: field(z.int().min(1).max(1_000), 'Feeders.', atStart),
  coursesPerCm: field(z.number().positive().max(100), 'Courses of the cloth as the camera sees it.', {
    ...atStart,
    unit: '1/cm',
  }),
  circumferenceMm: field(
    z.number().positive().max(20_000),
    'Round the tube where the camera looks: twice its flat width.',
    {
      ...atStart,
      unit: 'mm',
    },
  ),
  position: field(
    z.enum(['index', 'encoder', 'telemetry']),
    'What tells the angle of the cylinder: a light mark on its ring that the camera sees, an encoder whose count comes with each picture, or the polls of the machine. By polls alone no needle can be named.',
    atStart,
  ),
  ringRowsPx: field(z.int().min(1).max(256).default(16), 'index: rows at the top of the picture that show the ring.', {
    ...atStart,
    unit: 'px',
  }),
  countsPerRevolution: field(z.int().min(1).max(10_000_000).default(4096), 'encoder: counts a revolution.', atStart),
  rising: field(z.boolean().default(true), 'Needles of rising number pass the camera as the machine turns.', atStart),
  needleZero: field(
    z.number().min(0).max(100_000).optional(),
    'Needle in the middle of the picture at turn 0 of the index or encoder. It counts before every calibration. Absent: no needle is named until it is calibrated (selvedge calibrate camera).',
    atStart,
  ),
  behind: field(
    z.enum(['darker', 'lighter']).optional(),
    'What is seen through a hole, against the cloth. Absent: no hole is told from a stain.',
    atStart,
  ),
  score: field(scoreSchema.prefault({}), 'What was agreed with buyers about the four-point score of a roll.', atStart),
  simulated: field(
    z.boolean().default(false),
    'What the camera shows is drawn and not knitted; every finding says so.',
    atStart,
  ),
});

export const webEyeSchema = z.strictObject({
  camera: eyeSchema.shape.camera.meta({
    ...eyeSchema.shape.camera.meta(),
    description: 'Where the pictures of the web come from. It hangs still over the web, its rows across.',
  }),
  mask: eyeSchema.shape.mask,
  fabric: eyeSchema.shape.fabric,
  mmPerPx: eyeSchema.shape.mmPerPx,
  widthMm: field(z.number().positive().max(20_000), 'Usable width of the web; points per 100 m² go by it.', {
    ...atStart,
    unit: 'mm',
  }),
  leftMm: field(
    z.number().min(-20_000).max(20_000).default(0),
    'Where the left edge of the picture lies, from the left edge of the web.',
    { ...atStart, unit: 'mm' },
  ),
  newest: field(
    z.enum(['top', 'bottom']).default('top'),
    'Where in the picture the web comes in: what is there was not seen before.',
    atStart,
  ),
  knit: field(
    z.boolean().default(false),
    'The cloth is knitted, its wales along the web. false: what a line hints at is warp or weft.',
    atStart,
  ),
  position: field(
    z.enum(['encoder', 'speed']),
    'What tells how far the web has run: an encoder whose count comes with each picture, or a speed that the machine tells.',
    atStart,
  ),
  mmPerCount: field(z.number().positive().max(1_000).optional(), 'encoder: web for one count.', {
    ...atStart,
    unit: 'mm',
  }),
  speedSignal: field(
    z
      .string()
      .regex(/^[a-z][a-z0-9.]{0,99}$/)
      .optional(),
    'speed: the signal of the profile that is the speed of the web, in metres a minute.',
    { ...atStart, expects: 'the name of a signal', examples: ['web.speed'] },
  ),
  behind: eyeSchema.shape.behind,
  score: eyeSchema.shape.score,
  simulated: eyeSchema.shape.simulated,
});
