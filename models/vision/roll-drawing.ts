/**
 * The roll map as a drawing: the roll cut into strips of some metres, one under the other, with its faults and what was not looked at.
 * Pure; gives an SVG text that has no script, no link and no font of its own. The same map gives the same bytes.
 */
import type { DefectClass } from './classify.ts';
import type { RollDefect, RollMap } from './roll-map.ts';

const pageWidthPx = 1200;
const marginPx = 48;
const headPx = 116;
const stripGapPx = 34;
/** What is smaller is drawn this large, so that a pinhole on a hundred metres is seen. */
const leastPx = 4;
/** Needles written beside their lines, at most: more would cover each other. */
const mostLabels = 40;
/** Strips at most; longer rolls have longer strips. */
const mostStrips = 12;

/** Told apart without colour by place and label; the colours are for the first look (Okabe and Ito, for colour-blind eyes). */
const colours: Readonly<Record<DefectClass, string>> = {
  needle_line: '#d55e00',
  oil_line: '#000000',
  ladder: '#cc79a7',
  barre: '#0072b2',
  missing_yarn: '#56b4e9',
  slub_thick_thin: '#009e73',
  hole: '#e00000',
  oil_spot: '#5a3a00',
  anomaly: '#8a6d00',
};

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Where it came from: a fault of the map, a gap, or a strip of cloth. */
  readonly kind: 'strip' | 'gap' | 'defect';
  readonly fill: string;
  readonly title: string;
}

export interface RollLayout {
  readonly width: number;
  readonly height: number;
  readonly stripMm: number;
  readonly strips: number;
  /** In the order they are drawn. */
  readonly rectangles: readonly Rectangle[];
}

/** The shortest of 1, 2, 5, 10, 20, 50 … m that needs no more than `mostStrips`. */
function stripLengthMm(lengthMm: number): number {
  for (let decade = 1000; ; decade *= 10) {
    for (const step of [1, 2, 5]) {
      if (lengthMm <= decade * step * mostStrips) return decade * step;
    }
  }
}

/** Where everything stands, in pixels. */
export function layoutOf(map: RollMap): RollLayout {
  const { lengthMm, widthMm } = map.roll;
  const stripMm = stripLengthMm(lengthMm);
  const strips = Math.max(1, Math.ceil(lengthMm / stripMm));
  const perMm = (pageWidthPx - 2 * marginPx) / stripMm;
  // Across the roll the scale is its own: true to scale a strip would be a thread.
  const stripPx = 64;
  const perMmAcross = stripPx / Math.max(widthMm, 1);
  const topOf = (strip: number) => headPx + strip * (stripPx + stripGapPx);

  const cut = (
    fromMm: number,
    toMm: number,
    top: number,
    height: number,
    least: number,
  ): readonly Omit<Rectangle, 'kind' | 'fill' | 'title'>[] => {
    const from = Math.min(Math.max(fromMm, 0), lengthMm);
    const to = Math.min(Math.max(toMm, from), lengthMm);
    const first = Math.min(Math.floor(from / stripMm), strips - 1);
    const last = Math.min(Math.max(Math.ceil(to / stripMm) - 1, first), strips - 1);
    return Array.from({ length: last - first + 1 }, (_, i) => {
      const strip = first + i;
      const start = Math.max(from, strip * stripMm);
      const end = Math.min(to, (strip + 1) * stripMm);
      const width = Math.max((end - start) * perMm, least);
      const x = Math.min(marginPx + (start - strip * stripMm) * perMm, pageWidthPx - marginPx - width);
      return { x, y: topOf(strip) + top, width, height };
    });
  };
  const box = (d: RollDefect) => {
    const from = Math.min(Math.max(d.acrossFromMm, 0), widthMm);
    const to = Math.min(Math.max(d.acrossToMm, from), widthMm);
    const height = Math.max((to - from) * perMmAcross, leastPx);
    return cut(d.fromMm, d.toMm, Math.min(from * perMmAcross, stripPx - height), height, leastPx);
  };
  const rectangles: Rectangle[] = [
    ...cut(0, lengthMm, 0, stripPx, 0).map((r) => ({ ...r, kind: 'strip' as const, fill: '#f2f0ea', title: '' })),
    ...map.gaps.flatMap((gap) =>
      cut(gap.fromMm, gap.toMm, 0, stripPx, 3).map((r) => ({
        ...r,
        kind: 'gap' as const,
        fill: gap.share > 0.95 ? 'url(#unseen)' : 'url(#partly)',
        title: `${Math.round(gap.share * 100)} % not looked at: ${gap.reason}`,
      })),
    ),
    ...map.defects.flatMap((d) =>
      box(d).map((r) => ({ ...r, kind: 'defect' as const, fill: colours[d.class], title: titleOf(d) })),
    ),
  ];
  const height = topOf(strips) + 8;
  return { width: pageWidthPx, height, stripMm, strips, rectangles };
}

function titleOf(d: RollDefect): string {
  const needle = d.needle === null ? 'needle unknown' : `needle ${d.needle} ± ${d.k}`;
  const place = `${(d.fromMm / 1000).toFixed(2)} m`;
  return `${d.class} at ${place}, ${needle}`;
}

/** The drawing. Text and titles are escaped; numbers have two decimals. */
export function rollMapSvg(map: RollMap): string {
  const layout = layoutOf(map);
  const { score, roll } = map;
  const points =
    score.pointsPer100M2 === null
      ? 'no score'
      : `${score.pointsPer100M2.toFixed(1)} points per 100 m² (${score.total} points)`;
  const facts = [
    `${(roll.lengthMm / 1000).toFixed(1)} m × ${(roll.widthMm / 1000).toFixed(2)} m`,
    points,
    ...(score.grade === null ? [] : [`grade ${score.grade}`]),
    ...(score.isComplete ? [] : [`not complete: ${score.inspectedM.toFixed(1)} m looked at`]),
    `${map.defects.length} faults`,
    ...(map.isSimulated ? ['simulated'] : []),
  ];
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${layout.width}" height="${layout.height}" viewBox="0 0 ${layout.width} ${layout.height}">`,
    '<defs><pattern id="unseen" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" fill="#ffffff"/><path d="M0 8 L8 0" stroke="#777777" stroke-width="1.5"/></pattern><pattern id="partly" width="16" height="16" patternUnits="userSpaceOnUse"><rect width="16" height="16" fill="#f2f0ea"/><path d="M0 16 L16 0" stroke="#bbbbbb" stroke-width="1"/></pattern></defs>',
    `<rect width="${layout.width}" height="${layout.height}" fill="#ffffff"/>`,
    label(marginPx, 32, 20, `${roll.machine} · ${roll.fabric} · roll ${roll.id}`),
    label(marginPx, 58, 15, facts.join(' · ')),
    ...legend(map),
    ...layout.rectangles.map(rectangle),
    ...Array.from({ length: layout.strips }, (_, i) => stripLabel(layout, i)),
    ...needleLabels(map, layout),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

/** The classes of this map with their colours and how many there are of each. */
function legend({ defects }: RollMap): readonly string[] {
  const present = Object.entries(colours).flatMap(([name, fill]) => {
    const count = defects.filter((d) => d.class === name).length;
    return count === 0 ? [] : [{ name: `${name} ${count}`, fill }];
  });
  return present.flatMap(({ name, fill }, i) => {
    const x = marginPx + i * 122;
    return [`<rect x="${x}" y="75" width="12" height="12" fill="${fill}"/>`, label(x + 17, 86, 12, name)];
  });
}

/** Lines of a needle have its number written where they begin. */
function needleLabels(map: RollMap, { rectangles }: RollLayout): readonly string[] {
  const labels: string[] = [];
  for (const d of map.defects) {
    if (labels.length === mostLabels) break;
    if (d.needle === null || d.cause !== 'needle_or_sinker') continue;
    const title = titleOf(d);
    const first = rectangles.find((r) => r.kind === 'defect' && r.title === title);
    if (first !== undefined) labels.push(label(first.x, first.y - 3, 11, `${d.needle} ± ${d.k}`));
  }
  return labels;
}

function stripLabel({ rectangles, stripMm }: RollLayout, strip: number): string {
  const own = rectangles.filter(({ kind }) => kind === 'strip')[strip];
  if (own === undefined) return '';
  return label(marginPx, own.y + own.height + 14, 11, `${(strip * stripMm) / 1000} m`);
}

function rectangle({ x, y, width, height, fill, kind, title }: Rectangle): string {
  const stroke = kind === 'strip' ? ' stroke="#999999" stroke-width="1"' : '';
  const shape = `x="${x.toFixed(2)}" y="${y.toFixed(2)}" width="${width.toFixed(2)}" height="${height.toFixed(2)}" fill="${fill}"${stroke}`;
  return title === '' ? `<rect ${shape}/>` : `<rect ${shape}><title>${escaped(title)}</title></rect>`;
}

const label = (x: number, y: number, size: number, text: string): string =>
  `<text x="${x}" y="${y.toFixed(2)}" font-family="sans-serif" font-size="${size}" fill="#222222">${escaped(text)}</text>`;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What XML 1.0 cannot hold at all (control characters, halves of surrogate pairs) becomes the replacement character. */
export function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"']/g, (sign) => entities[sign] ?? '');
}
