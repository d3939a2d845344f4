/**
 * Loads one package and its native part, and ends. A process of its own: a native package for another kind of computer can
 * end the process that loads it, and loading blocks it.
 */
const [name] = process.argv.slice(2);
try {
  if (name === 'better-sqlite3') {
    // The native part comes with the first database only.
    const { default: BetterSqlite } = await import('better-sqlite3');
    new BetterSqlite(':memory:').close();
  } else if (name === 'serialport') {
    await import('serialport');
  } else if (name === 'node-opcua-client') {
    await import('node-opcua-client');
  } else if (name === 'onnxruntime-node') {
    await import('onnxruntime-node');
  } else {
    process.exitCode = 2;
  }
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${text.split('\n')[0] ?? ''}\n`);
  process.exitCode = 1;
}
