/**
 * The files of the fleet page, read once: no path of a request ever reaches the disk. They are plain, with no build: of a
 * script only its types are taken out, which leaves every line where it was.
 */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';

export interface FleetFile {
  /** Path of its URL. */
  readonly path: string;
  readonly type: string;
  readonly body: string;
}

const folder = join(import.meta.dirname, '../fleet-page');
const scripts = ['main', 'client', 'fleet-words'] as const;

/** All of them, from the disk. */
export function fleetFiles(): readonly FleetFile[] {
  const text = (name: string) => readFileSync(join(folder, name), 'utf8');
  return [
    { path: '/', type: 'text/html; charset=utf-8', body: text('index.html') },
    { path: '/fleet/style.css', type: 'text/css; charset=utf-8', body: text('style.css') },
    { path: '/fleet/icon.svg', type: 'image/svg+xml', body: text('icon.svg') },
    ...scripts.map((name) => ({
      path: `/fleet/${name}.js`,
      type: 'text/javascript; charset=utf-8',
      body: stripTypeScriptTypes(text(`${name}.ts`)).replaceAll(/( from '\.\/[\w-]+)\.ts'/g, "$1.js'"),
    })),
  ];
}

/** No script, style or connection but our own files; nobody may frame the page, nothing is sent by a form, and no text becomes markup. */
export const fleetHeaders = (secure: boolean): Readonly<Record<string, string>> => ({
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=(), payment=()',
  ...(secure ? { 'strict-transport-security': 'max-age=31536000' } : {}),
});
