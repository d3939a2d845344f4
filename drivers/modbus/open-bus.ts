/** Opens the bus of an endpoint, whichever framing its address asks for. */
import { DriverError } from '../errors.ts';
import type { Bus, BusHandlers, BusOptions } from './bus.ts';
import type { ModbusEndpoint } from './endpoint.ts';
import { openRtuTcpBus } from './rtu-bus.ts';
import { openTcpBus } from './tcp-bus.ts';
import { openTtyBus } from './tty-bus.ts';

export function openBus(endpoint: ModbusEndpoint, handlers: BusHandlers, options: BusOptions): Bus {
  switch (endpoint.kind) {
    case 'tcp':
      return openTcpBus(endpoint.host, endpoint.port, handlers, options);
    case 'rtu-tcp':
      return openRtuTcpBus(endpoint.host, endpoint.port, handlers, options);
    case 'rtu-tty':
      return openTtyBus(endpoint.path, endpoint.settings, handlers, options);
  }
}

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
  return endpoint.kind === 'rtu-tty' ? endpoint.path : `${endpoint.host} port ${endpoint.port}`;
}
