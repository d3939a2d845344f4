/** Addresses of microphones. Pure. */
import { isIP } from 'node:net';
import { fileURLToPath } from 'node:url';
import { DriverError } from '../errors.ts';
import { refusalOfFormat, type PcmEncoding, type PcmFormat } from './sound.ts';

export type MicrophoneEndpoint =
  /** A sound card of this computer. */
  | { readonly kind: 'alsa'; readonly device: string; readonly format: PcmFormat }
  /** A WAV header, then samples for ever. */
  | { readonly kind: 'wav'; readonly url: string }
  /** Bare samples. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly format: PcmFormat }
  /** L16 that is sent to this computer (RFC 3551). `payloadType`, `from`: null takes the first that comes. */
  | {
      readonly kind: 'rtp';
      readonly bind: string;
      readonly port: number;
      readonly format: PcmFormat;
      readonly payloadType: number | null;
      readonly from: string | null;
    }
  | { readonly kind: 'file'; readonly path: string; readonly isLooped: boolean }
  /** What ffmpeg reads. */
  | { readonly kind: 'stream'; readonly url: string }
  | { readonly kind: 'pulse'; readonly device: string };

/**
 * `alsa:hw:1,0`, `wav+http://host/path` (and `wav+https`), `tcp://host:port?format=s16le&rate=48000&channels=2`,
 * `rtp://0.0.0.0:5004?rate=48000&channels=1`, `file:///path.wav`, `ffmpeg:rtsp://host/path` (and `rtsps`, `http`),
 * `ffmpeg:pulse:NAME`. User and password are no part of an address: addresses are shown and logged.
 * @throws DriverError DRV-530
 */
export function parseMicrophoneEndpoint(endpoint: string): MicrophoneEndpoint {
  if (/^ffmpeg:/i.test(endpoint)) return ffmpegEndpoint(endpoint.slice('ffmpeg:'.length));
  const url = urlOf(endpoint);
  switch (url.protocol) {
    case 'alsa:': {
      const query = queryOf(url, ['format', 'rate', 'channels']);
      // Other plug-ins of ALSA write files and start programs; a name with arguments is one of these alone.
      if (!/^((hw|plughw|sysdefault|dsnoop|front|default)(:[A-Za-z0-9_=,.-]+)?|[A-Za-z0-9_]+)$/.test(url.pathname)) {
        throw invalid(
          'the name of a sound card is needed, such as alsa:hw:1,0 or alsa:default; `arecord -L` lists them',
        );
      }
      return { kind: 'alsa', device: url.pathname, format: formatOf(query, 1) };
    }
    case 'wav+http:':
    case 'wav+https:':
      if (url.hostname === '') throw invalid('it has no host');
      return { kind: 'wav', url: new URL(endpoint.replace(/^wav\+/i, '')).href };
    case 'tcp:': {
      const query = queryOf(url, ['format', 'rate', 'channels']);
      for (const name of ['format', 'rate', 'channels']) {
        // Bare samples do not say what they are, and a wrong guess is noise that sounds like a machine.
        if (!query.has(name)) throw invalid(`it does not say its ${name}: ?format=s16le&rate=48000&channels=1`);
      }
      return { kind: 'tcp', ...placeOf(url), format: formatOf(query, 1) };
    }
    case 'rtp:':
      return rtpEndpoint(url);
    case 'file:': {
      if (url.host !== '' || !/^file:\//i.test(endpoint) || url.pathname === '/') {
        throw invalid('three slashes and an absolute path are needed');
      }
      const loop = queryOf(url, ['loop']).get('loop') ?? '0';
      if (loop !== '0' && loop !== '1') throw invalid('loop is 0 or 1');
      return { kind: 'file', path: pathOf(url), isLooped: loop === '1' };
    }
    default:
      throw invalid(`it begins with ${url.protocol}`);
  }
}

function ffmpegEndpoint(rest: string): MicrophoneEndpoint {
  const url = urlOf(rest);
  switch (url.protocol) {
    case 'rtsp:':
    case 'rtsps:':
    case 'http:':
      if (url.hostname === '') throw invalid('it has no host');
      return { kind: 'stream', url: url.href };
    case 'pulse:':
      if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(url.pathname) || url.search !== '') {
        throw invalid('the name of a PulseAudio source is needed, such as ffmpeg:pulse:default');
      }
      return { kind: 'pulse', device: url.pathname };
    case 'https:':
      throw invalid('ffmpeg does not check certificates; use wav+https://');
    default:
      throw invalid(`behind ffmpeg: it begins with ${url.protocol}`);
  }
}

function rtpEndpoint(url: URL): MicrophoneEndpoint {
  const query = queryOf(url, ['rate', 'channels', 'pt', 'from']);
  const { host, port } = placeOf(url);
  const isMulticast = /^(22[4-9]|23\d)\./.test(host) || /^ff/i.test(host);
  if (isIP(host) === 0 || isMulticast) {
    throw invalid(
      'the address of this computer to listen on is needed, such as rtp://192.0.2.5:5004, or 0.0.0.0 for all',
    );
  }
  if (!query.has('rate')) throw invalid('it does not say its rate: ?rate=48000&channels=1');
  const format: PcmFormat = { ...formatOf(query, 1), encoding: 's16be' };
  const from = query.get('from') ?? null;
  if (from !== null && isIP(from) === 0) throw invalid('from is the address of the microphone, such as from=192.0.2.7');
  const said = query.get('pt');
  const payloadType = said === undefined ? null : wholeOf('pt', said);
  if (payloadType !== null && ![10, 11].includes(payloadType) && (payloadType < 96 || payloadType > 127)) {
    throw invalid('pt is 10, 11 or 96 to 127');
  }
  return { kind: 'rtp', bind: host, port, format, payloadType, from };
}

function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  // Never repeated: it may hold a password.
  if (url === null) throw invalid('it is no URL');
  if (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/]*@/.test(text)) {
    throw invalid('it holds a user or a password');
  }
  if (url.hash !== '') throw invalid('it ends in #…');
  return url;
}

function placeOf(url: URL): { readonly host: string; readonly port: number } {
  if (url.hostname === '' || url.port === '' || url.port === '0') throw invalid('host and port are needed');
  if (url.pathname !== '' && url.pathname !== '/') throw invalid('it has a path behind its port');
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port) };
}

/** Each name once, and no others: a misspelt one would be a default that nobody chose. */
function queryOf(url: URL, names: readonly string[]): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (!names.includes(name)) throw invalid(`behind ? it knows ${names.join(', ')} alone`);
    if (query.has(name)) throw invalid(`it says ${name} twice`);
    query.set(name, value);
  }
  return query;
}

const wireEncodings = { s16le: 's16le', s24le: 's24le', s32le: 's32le', f32le: 'f32le' } as const;
const isWireEncoding = (text: string): text is keyof typeof wireEncodings => Object.hasOwn(wireEncodings, text);

function formatOf(query: ReadonlyMap<string, string>, channelsElse: number): PcmFormat {
  const said = query.get('format') ?? 's16le';
  if (!isWireEncoding(said)) throw invalid(`format is one of ${Object.keys(wireEncodings).join(', ')}`);
  const encoding: PcmEncoding = wireEncodings[said];
  const rateHz = wholeOf('rate', query.get('rate') ?? '48000');
  const channels = wholeOf('channels', query.get('channels') ?? String(channelsElse));
  const refusal = refusalOfFormat({ rateHz, channels });
  if (refusal !== null) throw invalid(refusal);
  return { encoding, rateHz, channels };
}

function wholeOf(name: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw invalid(`${name} is a whole number`);
  return Number(text);
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(new URL(url.pathname, 'file:///'));
  } catch (error) {
    throw new DriverError('microphoneEndpointInvalid', 'its path cannot be read', { cause: error });
  }
}

const invalid = (why: string) =>
  new DriverError('microphoneEndpointInvalid', `the address of a microphone cannot be used: ${why}`);
