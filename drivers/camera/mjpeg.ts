/**
 * A camera that sends JPEG pictures over HTTP, one after another.
 *
 * Invariants (test/integration/camera-mjpeg.test.ts):
 *  - Nothing is kept that is longer than the limits; the connection ends instead.
 *  - Those of `http-stream.ts`.
 */
import type { IncomingMessage } from 'node:http';
import { openHttpStream, type HttpStreamOptions, type HttpStreamReader, type StreamEnd } from '../http-stream.ts';
import { cameraLimits, type FrameIndex } from './frame.ts';
import { boundaryOf, MultipartParser, type Part } from './multipart.ts';
import type { Source, SourceHandlers } from './source.ts';

export interface MjpegOptions extends HttpStreamOptions {
  readonly limits?: { readonly partBytes: number; readonly headerBytes: number };
}

/** Header lines of a part by which a camera says where the cloth was. */
export const encoderHeader = 'x-encoder-count';
export const markHeader = 'x-index-mark';
/** Of the exposure, in seconds or milliseconds of UTC. */
export const timeHeader = 'x-timestamp';

export function openMjpeg(url: string, handlers: SourceHandlers, options: MjpegOptions): Source {
  const { limits = cameraLimits } = options;
  const begin = (response: IncomingMessage): HttpStreamReader | StreamEnd => {
    const boundary = boundaryOf(response.headers['content-type']);
    if (boundary === null)
      return { reason: 'no-stream', detail: String(response.headers['content-type']).slice(0, 100) };
    const parser = new MultipartParser(boundary, limits, (part) => take(part, handlers));
    handlers.onOpen();
    return {
      data: (piece) => {
        const reason = parser.push(piece);
        return reason === null ? null : { reason };
      },
      end: () => ({ reason: 'connection-lost' }),
    };
  };
  return openHttpStream(url, 'multipart/x-mixed-replace', options, begin, (reason, detail) =>
    handlers.onClosed(reason, detail),
  );
}

function take({ headers, body }: Part, handlers: SourceHandlers): void {
  const type = headers.get('content-type');
  if (type !== undefined && !/^image\/(jpeg|jpg|pjpeg)\s*(;|$)/i.test(type)) return handlers.onRefused('no-jpeg');
  if (body.length === 0) return handlers.onRefused('empty');
  handlers.onFrame({
    image: { bytes: body, mustBe: 'jpeg' },
    capturedMs: timeOf(headers.get(timeHeader)),
    index: indexOf(headers),
  });
}

/** Seconds with a fraction, or milliseconds; null where it is no time after 2001, such as that of a camera without a clock. */
function timeOf(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,14}(\.\d{1,9})?$/.test(text)) return null;
  const number = Number(text);
  const ms = number < 1e11 ? number * 1000 : number;
  return ms > 1e12 && ms < 1e13 ? ms : null;
}

function indexOf(headers: ReadonlyMap<string, string>): FrameIndex | null {
  const count = headers.get(encoderHeader);
  if (count !== undefined && /^-?\d{1,15}$/.test(count)) return { kind: 'encoder', count: Number(count) };
  const mark = headers.get(markHeader);
  if (mark === '0' || mark === '1') return { kind: 'mark', isThere: mark === '1' };
  return null;
}
