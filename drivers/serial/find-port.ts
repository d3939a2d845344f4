/**
 * A serial port by what it is instead of by the name it happens to have: USB adapters change their names with the order in which they
 * are plugged in. Found anew at every opening.
 *
 * A port is named by a path (`/dev/ttyUSB0`, `/dev/serial/by-id/…`, `COM3`), or as `usb/VID:PID` or `usb/VID:PID/SERIAL`.
 *
 * Invariant: where two ports fit, none is taken. The wrong machine read under the right name would be a lie nobody sees.
 */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DriverError } from '../errors.ts';

/** Where Linux shows its devices; other folders in tests. */
export interface DeviceFolders {
  /** `/sys` */
  readonly sys: string;
  /** `/dev` */
  readonly dev: string;
}

export interface UsbPort {
  /** `/dev/ttyUSB0` */
  readonly path: string;
  readonly vendorId: string;
  readonly productId: string;
  readonly serial: string | null;
}

export interface UsbIdentity {
  readonly vendorId: string;
  readonly productId: string;
  readonly serial: string | null;
}

const system: DeviceFolders = { sys: '/sys', dev: '/dev' };

/** The identity in `usb/1a86:7523` or `usb/1a86:7523/SERIAL`, hex in lower case; null for a path. */
export function usbIdentity(port: string): UsbIdentity | null {
  const match = /^usb\/([0-9a-f]{4}):([0-9a-f]{4})(?:\/([^/]{1,126}))?$/i.exec(port);
  if (match === null) return null;
  const [, vendorId = '', productId = '', serial = null] = match;
  return { vendorId: vendorId.toLowerCase(), productId: productId.toLowerCase(), serial };
}

/**
 * The port part of an address: of `serial:///dev/ttyUSB0` the path, of `serial://usb/1a86:7523` `usb/1a86:7523`.
 * @returns null when there is none
 */
export function portOfUrl(url: URL): string | null {
  const pathname = decoded(url.pathname);
  if (pathname === null) return null;
  if (url.hostname === '') {
    const path = /^\/COM\d+$/i.test(pathname) ? pathname.slice(1) : pathname;
    return path.length < 2 ? null : path;
  }
  const identity = url.port === '' ? usbIdentity(`${url.hostname}${pathname}`) : null;
  if (identity === null) return null;
  // One spelling, so that machines on one port are seen to share it.
  const { vendorId, productId, serial } = identity;
  return `usb/${vendorId}:${productId}${serial === null ? '' : `/${serial}`}`;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/**
 * The path of a named port. Looked up only where the name is an identity.
 * @throws DriverError DRV-310 when several ports fit, with all of them, DRV-313 when none does
 */
export async function findPort(port: string, folders: DeviceFolders = system): Promise<string> {
  const identity = usbIdentity(port);
  if (identity === null) return port;
  const usbPorts = process.platform === 'linux' || folders !== system ? listUsbPorts(folders) : await listByBinding();
  return choosePort(port, identity, usbPorts);
}

/** As `findPort`, at once, where Linux is the system; on others a name that is an identity stays as it is. */
export function findPortNow(port: string, folders: DeviceFolders = system): string {
  const identity = usbIdentity(port);
  if (identity === null || (process.platform !== 'linux' && folders === system)) return port;
  return choosePort(port, identity, listUsbPorts(folders));
}

/** The one port of `ports` with this identity. Pure; throws as `findPort`. */
export function choosePort(name: string, identity: UsbIdentity, ports: readonly UsbPort[]): string {
  const fitting = ports.filter(
    (port) =>
      port.vendorId === identity.vendorId &&
      port.productId === identity.productId &&
      (identity.serial === null || port.serial === identity.serial),
  );
  const [only, ...others] = fitting;
  if (only === undefined) throw new DriverError('serialPortAbsent', `${name}: no such adapter is plugged in`);
  if (others.length === 0) return only.path;
  const all = fitting.map(({ path, serial }) => (serial === null ? path : `${path} (serial ${serial})`));
  throw new DriverError('serialPortAmbiguous', `${name}: ${all.toSorted().join(' and ')}`);
}

/** The serial ports of USB adapters, as sysfs shows them: the tty's device lies below the USB device that has the ids. */
export function listUsbPorts({ sys, dev }: DeviceFolders): UsbPort[] {
  const ttys = join(sys, 'class/tty');
  return quietly(() => readdirSync(ttys), []).flatMap((name) => {
    // Of the many consoles none has a device; of pseudo-terminals neither.
    const device = quietly(() => realpathSync(join(ttys, name, 'device')), null);
    const usb = device === null ? null : usbAbove(device, sys);
    return usb === null ? [] : [{ path: join(dev, name), ...usb }];
  });
}

function usbAbove(device: string, sys: string): UsbIdentity | null {
  const top = quietly(() => realpathSync(sys), sys);
  for (let folder = device; folder.startsWith(top) && folder !== top; folder = dirname(folder)) {
    const vendorId = textOf(join(folder, 'idVendor'));
    const productId = textOf(join(folder, 'idProduct'));
    if (vendorId !== null && productId !== null) {
      return {
        vendorId: vendorId.toLowerCase(),
        productId: productId.toLowerCase(),
        serial: textOf(join(folder, 'serial')),
      };
    }
  }
  return null;
}

/** Windows and macOS: as the binding lists them. */
async function listByBinding(): Promise<UsbPort[]> {
  const { SerialPort } = await import('serialport');
  return (await SerialPort.list()).flatMap(({ path, vendorId, productId, serialNumber }) =>
    vendorId === undefined || productId === undefined
      ? []
      : [
          {
            path,
            vendorId: vendorId.toLowerCase(),
            productId: productId.toLowerCase(),
            serial: serialNumber ?? null,
          },
        ],
  );
}

// Devices come and go while they are looked at.
function textOf(file: string): string | null {
  const text = quietly(() => readFileSync(file, 'utf8').trim(), '');
  return text === '' ? null : text;
}

function quietly<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
