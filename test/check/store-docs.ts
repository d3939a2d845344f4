import { schemaSql, schemaVersion } from '../../cloud-bridge/store/schema.ts';
import type { Generated } from './generate.ts';

/** `docs/bridge-store.md`, from the store's own SQL. */
export function storeDocument(): Generated {
  const text = `<!-- Generated from cloud-bridge/store/schema.ts by \`npm run generate\`. -->
# The bridge's store

\`bridge.db\` in the bridge's data folder is SQLite in WAL mode, schema version ${schemaVersion} (\`PRAGMA user_version\`). Any program
may read it while the bridge runs; only the bridge writes. Times are UTC milliseconds.

Record identity is (gateway, boot, n). Start reading at the views: \`machine\`, \`alert_current\`, \`counter_totals\`, \`fork\`,
\`ledger_watermark\`.

\`\`\`sql
${schemaSql.trim()}
\`\`\`
`;
  return { path: 'docs/bridge-store.md', text };
}
