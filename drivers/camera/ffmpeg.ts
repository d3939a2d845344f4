/**
 * Cameras that ffmpeg reads: RTSP, V4L2 devices, video files. A process of its own gives grey pictures on its standard output.
 *
 * Invariants (test/integration/camera-ffmpeg.test.ts):
 *  - User and password are never in the arguments, which every user of the computer can read: the address that holds them goes in
 *    through standard input. They stand in no message either.
 *  - ffmpeg may use the protocols of this kind of address and no others, whatever a stream tells it to open.
 *  - The process ends with this one, within 2 s and however this one ends: a shell waits on a pipe that nobody writes to.
 */
import { endGuarded, isMissing, lastLine, spawnGuarded } from '../ffmpeg-guard.ts';
import { cameraLimits } from './frame.ts';
import type { CameraEndpoint } from './endpoint.ts';
import { PgmStream } from './pgm.ts';
import type { Credentials, Source, SourceHandlers } from './source.ts';

export type FfmpegEndpoint = Extract<CameraEndpoint, { readonly kind: 'rtsp' | 'v4l2' | 'video' }>;

export interface FfmpegOptions {
  readonly credentials: Credentials | null;
  /** Default: `ffmpeg` of the PATH. */
  readonly program?: string;
}

export interface FfmpegCall {
  readonly args: readonly string[];
  /** What goes into its standard input; null: nothing. */
  readonly input: string | null;
}

/** How ffmpeg is called. Pure. */
export function ffmpegCall(endpoint: FfmpegEndpoint, credentials: Credentials | null): FfmpegCall {
  const quiet = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-max_pixels', String(cameraLimits.pixels)];
  // Every picture as it comes, none twice and none left out.
  const grey = ['-map', '0:v:0', '-an', '-sn', '-dn', '-vsync', 'passthrough'];
  const out = [...grey, '-f', 'image2pipe', '-c:v', 'pgm', '-pix_fmt', 'gray', 'pipe:1'];
  switch (endpoint.kind) {
    case 'v4l2':
      return { args: [...quiet, '-f', 'v4l2', '-i', endpoint.device, ...out], input: null };
    case 'video':
      // At the speed it was recorded, as a camera would.
      return {
        args: [...quiet, '-re', '-protocol_whitelist', 'file', '-i', `file:${endpoint.path}`, ...out],
        input: null,
      };
    case 'rtsp': {
      const protocols = `rtsp,rtp,tcp${endpoint.isEncrypted ? ',tls,crypto' : ''}`;
      if (credentials === null) {
        const input = ['-protocol_whitelist', protocols, '-rtsp_transport', 'tcp', '-i', endpoint.url];
        return { args: [...quiet, ...input, ...out], input: null };
      }
      const url = new URL(endpoint.url);
      url.username = encodeURIComponent(credentials.user);
      url.password = encodeURIComponent(credentials.password);
      const script = `ffconcat version 1.0\nfile '${url.href.replaceAll("'", '%27')}'\noption rtsp_transport tcp\n`;
      const input = ['-f', 'concat', '-safe', '0', '-protocol_whitelist', `pipe,${protocols}`, '-i', 'pipe:0'];
      return { args: [...quiet, ...input, ...out], input: script };
    }
  }
}

const maxSaid = 2_000;

export function openFfmpeg(endpoint: FfmpegEndpoint, handlers: SourceHandlers, options: FfmpegOptions): Source {
  const { args, input } = ffmpegCall(endpoint, options.credentials);
  const child = spawnGuarded('selvedge-camera', options.program ?? 'ffmpeg', args);
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  let over = false;
  let isOpen = false;
  let said = '';
  const end = (): void => endGuarded(child);
  const finish = (reason: string, detail?: string): void => {
    if (over) return;
    over = true;
    end();
    handlers.onClosed(reason, detail);
  };
  const frames = new PgmStream(cameraLimits.pixels, (image) => {
    if (over) return;
    if (!isOpen) handlers.onOpen();
    isOpen = true;
    handlers.onFrame({ image, capturedMs: null, index: null });
  });
  child.stdout.on('data', (piece: Buffer) => {
    if (!over && !frames.push(piece)) finish('no-picture', 'ffmpeg wrote something else than pictures');
  });
  child.stderr.on('data', (piece: Buffer) => {
    said = (said + piece.toString('utf8')).slice(-maxSaid);
  });
  // It may end before it has read what it is told; the end is told by `exit`.
  for (const pipe of child.stdio) pipe?.on('error', () => undefined);
  child.once('error', (error) => {
    finish('ffmpeg-missing', error.message);
    if (child.pid === undefined) setClosed();
  });
  child.once('exit', (code) => {
    end();
    const detail = lastLine(said);
    if (isMissing(code)) finish('ffmpeg-missing', detail);
    else if (code === 0) finish('ended');
    else finish(reasonOf(said), detail);
  });
  child.once('close', () => setClosed());
  child.stdin.end(input ?? '');
  return {
    close: () => {
      over = true;
      end();
      return closed;
    },
  };
}

function reasonOf(said: string): string {
  if (/401|403|unauthorized|forbidden/i.test(said)) return 'access-denied';
  if (/connection refused/i.test(said)) return 'connection-refused';
  if (/not on whitelist/i.test(said)) return 'protocol-refused';
  if (/no such (file|device)|not found/i.test(said)) return 'not-there';
  return 'ffmpeg-ended';
}
