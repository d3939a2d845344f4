/** A roll map as people and programs take it: a picture, a table, or data. */
import { type FourPointOptions } from '../../models/vision/four-point.ts';
import { rollMapSvg } from '../../models/vision/roll-drawing.ts';
import { type RollMap, rollMapCsv, rollMapOf } from '../../models/vision/roll-map.ts';
import type { RollRead } from './read.ts';

export const rollFormats = ['png', 'csv', 'json', 'svg'] as const;
export type RollFormat = (typeof rollFormats)[number];

export const mediaTypes: Readonly<Record<RollFormat, string>> = {
  png: 'image/png',
  csv: 'text/csv; charset=utf-8',
  json: 'application/json; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
};

/** The map of a roll with its score by what buyer and mill agreed. */
export const mapOf = ({ contents }: RollRead, options: FourPointOptions): RollMap => rollMapOf(contents, options);

/** The bytes of a file of this format. */
export async function rendered(map: RollMap, format: RollFormat): Promise<Buffer> {
  switch (format) {
    case 'json':
      return Buffer.from(`${JSON.stringify(map, null, 2)}\n`);
    case 'csv':
      return Buffer.from(rollMapCsv(map));
    case 'svg':
      return Buffer.from(rollMapSvg(map));
    case 'png': {
      // Loaded when a picture is asked for: most agents never draw one.
      const { default: sharp } = await import('sharp');
      return sharp(Buffer.from(rollMapSvg(map)))
        .png({ compressionLevel: 9 })
        .toBuffer();
    }
  }
}
