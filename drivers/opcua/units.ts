/** Units of OPC UA (10000-8, 5.6.4.3 EUInformation) to UN/CEFACT common codes, and what canonical signals need. Pure. */

/** What EUInformation says; null where the server says nothing. */
export interface UnitInformation {
  readonly unitId: number;
  readonly displayName: string;
}

/** What is printed on machines whose servers give no number. */
const byDisplay: Readonly<Record<string, string>> = {
  '%': 'P1',
  '°c': 'CEL',
  '°f': 'FAH',
  k: 'KEL',
  '1/min': 'RPM',
  'r/min': 'RPM',
  rpm: 'RPM',
  'min-1': 'RPM',
  hz: 'HTZ',
  v: 'VLT',
  a: 'AMP',
  ma: '4K',
  w: 'WTT',
  kw: 'KWT',
  wh: 'WHR',
  kwh: 'KWH',
  n: 'NEW',
  cn: 'C20',
  bar: 'BAR',
  mbar: 'MBR',
  pa: 'PAL',
  mm: 'MMT',
  m: 'MTR',
  'mm/s': 'C16',
  'm/s': 'MTS',
  'm/min': '2X',
  db: '2N',
  ms: 'C26',
  s: 'SEC',
  min: 'MIN',
  h: 'HUR',
  kg: 'KGM',
  g: 'GRM',
  l: 'LTR',
};

/** `C62`, which is "one", where nothing is said that can be understood. */
export function unitCode(unit: UnitInformation | null): string {
  if (unit === null) return 'C62';
  return codeOf(unit.unitId) ?? byDisplay[unit.displayName.trim().toLowerCase()] ?? 'C62';
}

/** The bytes of the number, from the highest, are the ASCII characters of the code. */
function codeOf(unitId: number): string | null {
  if (!Number.isInteger(unitId) || unitId <= 0 || unitId > 0xffff_ffff) return null;
  let code = '';
  for (let shift = 24; shift >= 0; shift -= 8) {
    const byte = Math.floor(unitId / 2 ** shift) % 256;
    if (byte !== 0) code += String.fromCharCode(byte);
  }
  return /^[A-Z0-9]{2,3}$/.test(code) ? code : null;
}

/** From → to → value × scale + offset. */
const conversions: Readonly<Record<string, Readonly<Record<string, readonly [scale: number, offset: number]>>>> = {
  KWT: { WTT: [1000, 0] },
  KWH: { WHR: [1000, 0] },
  FAH: { CEL: [5 / 9, -160 / 9] },
  KEL: { CEL: [1, -273.15] },
  HTZ: { RPM: [60, 0] },
  MTR: { MMT: [1000, 0] },
  CMT: { MMT: [10, 0] },
  '4K': { AMP: [0.001, 0] },
  MBR: { BAR: [0.001, 0] },
  PAL: { BAR: [0.00001, 0] },
  MTS: { C16: [1000, 0] },
  NEW: { C20: [100, 0] },
};

/** How to get from a unit to another; null where there is no way. A value without a unit is taken to be in the wanted one. */
export function conversion(from: string, to: string): readonly [scale: number, offset: number] | null {
  if (from === to || from === 'C62') return [1, 0];
  return conversions[from]?.[to] ?? null;
}
