/** The AsyncAPI 3.0 document of the wire contract. */
import * as contract from '../../cloud-bridge/contract.ts';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** The schemas it refers to, each a file beside it. */
export type SchemaName = 'ack' | 'blob-ack' | 'status' | 'command' | 'result';

/** @param topic of a channel */
export function asyncApi(topic: (channel: contract.Channel) => string): JsonObject {
  const schemaFormat = 'application/schema+json;version=draft-07';
  const payload = (name: SchemaName): JsonObject => ({
    schemaFormat,
    schema: { $ref: `./${name}.schema.json` },
  });
  const channel = (name: contract.Channel, messages: readonly string[]): JsonObject => ({
    address: topic(name),
    parameters: {
      site: { description: 'Site id, [a-z0-9-]{1,40}' },
      gateway: { description: 'Gateway id, [a-z0-9-]{1,40}' },
    },
    messages: Object.fromEntries(messages.map((message) => [message, { $ref: `#/components/messages/${message}` }])),
    bindings: { mqtt: {} },
  });
  const operation = (action: 'send' | 'receive', name: contract.Channel, summary: string): JsonObject => ({
    action,
    summary,
    channel: { $ref: `#/channels/${name}` },
    bindings: { mqtt: { qos: 1, retain: name === 'status', bindingVersion: '0.2.0' } },
  });
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Selvedge bridge',
      version: `${contract.contractVersion}.0.0`,
      description: 'What gateways send to the bridge and what it answers. The operations are those of the bridge.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: {
      up: channel('up', ['batch']),
      ack: channel('ack', ['ack', 'blob-ack']),
      blob: channel('blob', ['chunk']),
      status: channel('status', ['status']),
      cmd: channel('cmd', ['command']),
      res: channel('res', ['result']),
    },
    operations: {
      receiveBatch: operation('receive', 'up', 'Store a batch'),
      answerBatch: operation('send', 'ack', 'Answer it, after the commit'),
      receiveChunk: operation('receive', 'blob', 'Keep a chunk of an evidence file'),
      receiveStatus: operation('receive', 'status', 'Keep the newest birth or death'),
      sendCommand: operation('send', 'cmd', 'Ask something of a gateway'),
      receiveResult: operation('receive', 'res', 'Take the result of a command'),
    },
    components: {
      messages: {
        batch: {
          contentType: 'application/octet-stream',
          summary: 'A line of JSON (up-header.schema.json), a newline, and zstd bytes of JSON (batch.schema.json)',
          payload: { type: 'string', format: 'binary', maxLength: contract.maxUpBytes },
          'x-header': { $ref: './up-header.schema.json' },
          'x-unpacked': { $ref: './batch.schema.json' },
        },
        chunk: {
          contentType: 'application/octet-stream',
          summary: 'A line of JSON (blob-header.schema.json), a newline, and the bytes of the chunk',
          payload: { type: 'string', format: 'binary', maxLength: contract.maxBlobBytes },
          'x-header': { $ref: './blob-header.schema.json' },
        },
        'blob-ack': { payload: payload('blob-ack') },
        ack: { payload: payload('ack') },
        status: { payload: payload('status') },
        command: { payload: payload('command') },
        result: { payload: payload('result') },
      },
    },
  };
}
