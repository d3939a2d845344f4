/** Addresses of cameras. Pure. */
import { fileURLToPath } from 'node:url';
import { DriverError } from '../errors.ts';

export type CameraEndpoint =
  /** Read in process. */
  | { readonly kind: 'mjpeg'; readonly url: string }
  /** One image, or a folder of images in the order of their names. */
  | { readonly kind: 'files'; readonly path: string }
  /** Read through ffmpeg. */
  | { readonly kind: 'rtsp'; readonly url: string; readonly isEncrypted: boolean }
  | { readonly kind: 'v4l2'; readonly device: string }
  | { readonly kind: 'video'; readonly path: string };

/**
 * `mjpeg+http://host/path` (and `mjpeg+https`), `rtsp://host/path` (and `rtsps`), `v4l2:///dev/video0`, `file:///path`,
 * `video+file:///path`. User and password are no part of an address: addresses are shown and logged.
 * @throws DriverError DRV-500
 */
export function parseCameraEndpoint(endpoint: string): CameraEndpoint {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  // Never repeated: it may hold a password.
  if (url === null) throw invalid('it is no URL');
  if (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/]*@/.test(endpoint)) {
    throw invalid('it holds a user or a password');
  }
  if (url.hash !== '') throw invalid('it ends in #…');
  switch (url.protocol) {
    case 'mjpeg+http:':
    case 'mjpeg+https:': {
      // Asked here: of http:///path the next line would make a host of the path.
      if (url.hostname === '') throw invalid('it has no host');
      return { kind: 'mjpeg', url: new URL(endpoint.replace(/^mjpeg\+/i, '')).href };
    }
    case 'rtsp:':
    case 'rtsps:':
      if (url.hostname === '') throw invalid('it has no host');
      return { kind: 'rtsp', url: url.href, isEncrypted: url.protocol === 'rtsps:' };
    case 'v4l2:':
      if (url.host !== '' || !/^\/dev\/[A-Za-z0-9._/-]+$/.test(url.pathname) || url.search !== '') {
        throw invalid('three slashes and the path of a device below /dev are needed');
      }
      return { kind: 'v4l2', device: url.pathname };
    case 'file:':
      return { kind: 'files', path: pathOf(url, endpoint) };
    case 'video+file:':
      return { kind: 'video', path: pathOf(url, endpoint.replace(/^video\+/i, '')) };
    default:
      throw invalid(`it begins with ${url.protocol}`);
  }
}

function pathOf(url: URL, fileUrl: string): string {
  if (url.host !== '' || url.pathname === '/' || url.pathname === '' || url.search !== '') {
    throw invalid('three slashes and an absolute path are needed');
  }
  try {
    return fileURLToPath(fileUrl);
  } catch (error) {
    throw new DriverError('cameraEndpointInvalid', 'its path cannot be read', { cause: error });
  }
}

const invalid = (why: string) =>
  new DriverError('cameraEndpointInvalid', `the address of a camera cannot be used: ${why}`);
