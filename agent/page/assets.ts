/**
 * The files of the web application, read once into memory (about 200 kB): no path of a request ever reaches the disk.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

export interface Asset {
  /** URL path, such as /assets/app-1234.js; index.html is "/". */
  readonly path: string;
  readonly type: string;
  readonly etag: string;
  /** true: the name holds a hash of the content, so it never changes. */
  readonly immutable: boolean;
  readonly plain: Buffer;
  readonly br: Buffer;
  readonly gzip: Buffer;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};
const toBrotli = promisify(brotliCompress);
const toGzip = promisify(gzip);

/** Every file below `dir` whose type is known. */
export async function loadAssets(dir: string): Promise<readonly Asset[]> {
  const assets: Asset[] = [];
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const type = types[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const file = join(entry.parentPath, entry.name);
    const plain = await readFile(file);
    const name = relative(dir, file).split(sep).join('/');
    assets.push({
      path: name === 'index.html' ? '/' : `/${name}`,
      type,
      etag: `"${createHash('sha256').update(plain).digest('hex').slice(0, 16)}"`,
      immutable: name.startsWith('assets/'),
      plain,
      br: await toBrotli(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
      gzip: await toGzip(plain),
    });
  }
  return assets;
}

/** The smallest form that the client takes. */
export function encodingFor(
  asset: Asset,
  acceptEncoding: string | undefined,
): { body: Buffer; encoding: string | null } {
  const accepted = new Set((acceptEncoding ?? '').split(',').map((part) => part.split(';')[0]?.trim()));
  if (accepted.has('br')) return { body: asset.br, encoding: 'br' };
  if (accepted.has('gzip')) return { body: asset.gzip, encoding: 'gzip' };
  return { body: asset.plain, encoding: null };
}
