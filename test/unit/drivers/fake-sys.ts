import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { DeviceFolders } from '../../../drivers/serial/find-port.ts';

/** A `/sys` as Linux lays it out: class/tty/NAME/device leads to an interface below the USB device. */
export class FakeSys {
  readonly folders: DeviceFolders;
  readonly #root: string;

  constructor(t: TestContext, dev = '/dev') {
    this.#root = mkdtempSync(join(tmpdir(), 'selvedge-sys-'));
    t.after(() => rmSync(this.#root, { recursive: true }));
    this.folders = { sys: join(this.#root, 'sys'), dev };
    mkdirSync(join(this.folders.sys, 'class/tty/tty0'), { recursive: true });
    mkdirSync(join(this.folders.sys, 'class/tty/ptmx'), { recursive: true });
  }

  /** Plugs an adapter into a socket such as `1-2`; more ttys than one where it has several ports. */
  plug(socket: string, ids: string, serial: string | null, ...ttys: string[]): void {
    const usb = join(this.folders.sys, 'devices/pci0000:00/usb1', socket);
    mkdirSync(usb, { recursive: true });
    const [vendor = '', product = ''] = ids.split(':');
    writeFileSync(join(usb, 'idVendor'), `${vendor}\n`);
    writeFileSync(join(usb, 'idProduct'), `${product}\n`);
    if (serial !== null) writeFileSync(join(usb, 'serial'), `${serial}\n`);
    ttys.forEach((tty, i) => {
      const device = join(usb, `${socket}:1.${i}`, tty);
      mkdirSync(join(device, 'tty', tty), { recursive: true });
      mkdirSync(join(this.folders.sys, 'class/tty', tty), { recursive: true });
      symlinkSync(device, join(this.folders.sys, 'class/tty', tty, 'device'));
    });
  }

  unplug(tty: string, socket: string): void {
    rmSync(join(this.folders.sys, 'class/tty', tty), { recursive: true });
    rmSync(join(this.folders.sys, 'devices/pci0000:00/usb1', socket), { recursive: true });
  }
}
