/** What the bridge needs of an MQTT broker: its own embedded one, or one it connects to. */
export interface Incoming {
  readonly topic: string;
  readonly payload: Buffer;
}

export interface LinkState {
  readonly connected: boolean;
  readonly detail: string;
}

export interface BrokerLink {
  /** Resolves when gateways' messages arrive at `onMessage`. Rejects with a BridgeError where trying again is no use. */
  start(onMessage: (message: Incoming) => void): Promise<void>;
  /** QoS 1, not retained. Rejects when the broker did not take it; nothing is queued for later. */
  publish(topic: string, payload: Buffer): Promise<void>;
  state(): LinkState;
  stop(): Promise<void>;
}

const topicsOf = (channels: readonly string[], prefix = '') =>
  channels.map((channel) => `${prefix}selvedge/v1/+/+/${channel}`);

/** What the bridge listens to. */
export const gatewayTopics = topicsOf(['up', 'res', 'status', 'blob']);

/**
 * What one of several workers listens to: of what is answered each message goes to one of them; a birth or death is for all,
 * as whoever has it may store it and the newest stays.
 */
export const workerTopics = [...topicsOf(['up', 'res', 'blob'], '$share/selvedge-workers/'), ...topicsOf(['status'])];
