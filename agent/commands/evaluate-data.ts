/** The folder `selvedge evaluate vision` reads: `good/`, `defect/` and `mask/`, and what of it belongs together. */
import { readdirSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { isImageName, readImageFile, type GreyImage } from '../../drivers/camera/image-file.ts';
import { AgentError } from '../errors.ts';

/** A strip of the folder, decoded. */
export interface Strip {
  /** Name of its file without the ending. */
  readonly stem: string;
  readonly image: GreyImage;
  /** Of a defect strip: 1 where the fault is, a byte a pixel; null of a good one. */
  readonly mask: Uint8Array | null;
}

/** Names of the strips of one fabric. */
export interface FabricFiles {
  readonly fabric: string;
  readonly good: readonly string[];
  readonly defect: readonly { readonly file: string; readonly masks: readonly string[] }[];
}

/** The text after the last `_` of a stem; null where there is none. */
export function fabricOf(stem: string): string | null {
  const at = stem.lastIndexOf('_');
  return at < 0 || at === stem.length - 1 ? null : stem.slice(at + 1);
}

const stemOf = (file: string) => basename(file, extname(file));

/**
 * @param wanted fabrics to take; null: all there are
 * @throws AgentError `fileUnreadable`, `usage`
 */
export function fabricsIn(dir: string, wanted: readonly string[] | null): FabricFiles[] {
  const good = imagesIn(join(dir, 'good'));
  const defect = imagesIn(join(dir, 'defect'));
  const masks = imagesIn(join(dir, 'mask'));
  const found = new Set([...good, ...defect].flatMap((file) => fabricOf(stemOf(file)) ?? []));
  for (const fabric of wanted ?? []) {
    if (!found.has(fabric)) throw new AgentError('usage', `--fabrics: ${dir} has no fabric ${fabric}`);
  }
  if (found.size === 0) throw new AgentError('usage', `${dir}: no image has a fabric after the last _ of its name`);
  return [...found]
    .filter((fabric) => wanted === null || wanted.includes(fabric))
    .toSorted()
    .map((fabric) => ({
      fabric,
      good: good.filter((file) => fabricOf(stemOf(file)) === fabric),
      defect: defect
        .filter((file) => fabricOf(stemOf(file)) === fabric)
        .map((file) => ({ file, masks: masks.filter((mask) => isMaskOf(stemOf(mask), stemOf(file))) })),
    }));
}

/** `<stem>_mask`, `<stem>_mask1`, `<stem>_mask2`, … */
function isMaskOf(mask: string, stem: string): boolean {
  return mask.startsWith(`${stem}_mask`);
}

function imagesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter(isImageName)
      .toSorted()
      .map((name) => join(folder, name));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError('fileUnreadable', `${folder}: ${why}`, { cause: error });
  }
}

/** @throws DriverError as `readImageFile` */
export async function loadGood(files: FabricFiles): Promise<Strip[]> {
  const strips: Strip[] = [];
  for (const file of files.good) strips.push({ stem: stemOf(file), image: await readImageFile(file), mask: null });
  return strips;
}

/** @throws DriverError as `readImageFile`; AgentError `usage` where a mask has another size than its strip */
export async function loadDefect(files: FabricFiles): Promise<Strip[]> {
  const strips: Strip[] = [];
  for (const { file, masks } of files.defect) {
    const image = await readImageFile(file);
    const mask = new Uint8Array(image.pixels.length);
    for (const path of masks) {
      const { width, height, pixels } = await readImageFile(path);
      if (width !== image.width || height !== image.height) {
        throw new AgentError('usage', `${path} is ${width} × ${height}, its strip ${image.width} × ${image.height}`);
      }
      for (let at = 0; at < pixels.length; at += 1) if ((pixels[at] ?? 0) > 127) mask[at] = 1;
    }
    strips.push({ stem: stemOf(file), image, mask });
  }
  return strips;
}
