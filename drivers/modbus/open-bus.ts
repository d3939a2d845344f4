/** A bus for one command, where the driver's own opens again and again: it is there, or there is one error that says why not. */
import { DriverError } from '../errors.ts';
import type { Bus, BusOptions } from './bus.ts';
import { openBus } from './driver.ts';
import type { ModbusEndpoint } from './endpoint.ts';

/** An open bus that belongs to one command. What a connection lost means is told by the reads, which then fail. */
export interface OpenedBus {
  readonly bus: Bus;
  /** False once the connection has ended by itself. */
  isUp(): boolean;
}

/**
 * Opens the bus and waits until it can be asked. Aborting `signal` gives it up.
 * @throws DriverError DRV-405 for a port another process has locked, else DRV-402 with the reason; it is closed then
 */
export async function connectBus(
  endpoint: ModbusEndpoint,
  options: BusOptions,
  signal: AbortSignal,
): Promise<OpenedBus> {
  let isUp = false;
  const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
  const fail = (reason: string): void =>
    reject(new DriverError(reason === 'device-busy' ? 'portInUse' : 'busNotOpened', `${textOf(endpoint)}: ${reason}`));
  const stop = (): void => fail('stopped');
  const bus = openBus(
    endpoint,
    {
      onUp: () => {
        isUp = true;
        resolve();
      },
      onDown: (reason) => {
        isUp = false;
        fail(reason);
      },
      onDiscard: () => {},
    },
    options,
  );
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  try {
    await opened;
    return { bus, isUp: () => isUp };
  } catch (error) {
    await bus.close();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function textOf(endpoint: ModbusEndpoint): string {
  return 'path' in endpoint ? endpoint.path : `${endpoint.host} port ${endpoint.port}`;
}
