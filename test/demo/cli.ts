/** `selvedge demo`: the main job on one machine, with a verdict. Exit 0 when every promise held (or a person stopped it before the end, which it says), 1 when not, 2 for usage. */
import { open, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { runDemo } from './launcher.ts';
import { DemoFailure } from './process.ts';
import type { Report } from './score/report.ts';

const usage = `Usage: selvedge demo [OPTIONS]

  --duration 90s        how long the floor runs before it halts (default 90s; the scenario needs 90s, --healthy any time)
  --seed N              another day on the same floor (default 1)
  --data-dir DIR        keep databases, logs and the truth in DIR (default: a temporary folder, removed afterwards)
  --port N              port of the page (default: a free one)
  --json FILE           write the verdict to FILE
  --without FAULT_ID    leave one fault out (control: the verdict must fail); may be repeated
  --healthy             no faults at all (control: no alert may come)
  --scenario NAME|FILE  another scenario (default: demo)
  --profile-dir DIR     read profiles from DIR first (control: a wrong profile must fail)`;

const say = (line: string) => void process.stdout.write(`${line}\n`);

/** Seconds from "90", "90s" or "2m"; NaN for anything else. */
export function parseDurationS(text: string): number {
  const match = /^(\d+)(s|m)?$/.exec(text);
  return match === null ? Number.NaN : Number(match[1]) * (match[2] === 'm' ? 60 : 1);
}

async function main(argv: readonly string[]): Promise<number> {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        duration: { type: 'string', default: '90s' },
        seed: { type: 'string', default: '1' },
        'data-dir': { type: 'string' },
        port: { type: 'string', default: '0' },
        json: { type: 'string' },
        without: { type: 'string', multiple: true, default: [] },
        healthy: { type: 'boolean', default: false },
        scenario: { type: 'string', default: 'demo' },
        'profile-dir': { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new DemoFailure(
      `${(error as Error).message.split(/\.[ \n]/)[0]}. selvedge demo --help lists the options.`,
      2,
    );
  }
  if (values.help) {
    say(usage);
    return 0;
  }
  const durationS = parseDurationS(values.duration);
  if (!(durationS >= 10 && durationS <= 86_400))
    throw new DemoFailure('--duration wants 10s to 1440m, such as 90s.', 2);
  if (durationS < 90 && !values.healthy)
    throw new DemoFailure('The scenario injects faults during 90 s: give --duration 90s or more, or --healthy.', 2);
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new DemoFailure('--seed wants a whole number from 0.', 2);
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new DemoFailure('--port wants a number from 0 to 65535.', 2);

  if (values.json !== undefined) await mustBeWritable(values.json);

  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort());
  const report = await runDemo(
    {
      scenario: values.scenario,
      durationS,
      seed,
      dataDir: values['data-dir'] ?? null,
      port,
      without: values.without,
      healthy: values.healthy,
      profileDir: values['profile-dir'] ?? null,
      print: say,
    },
    abort.signal,
  );
  if (report === null) {
    say('Stopped before the end; nothing was judged.');
    return 0;
  }
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  printReport(report);
  return report.ok ? 0 : 1;
}

/** A verdict that cannot be written is better known before the run than after it. */
async function mustBeWritable(file: string): Promise<void> {
  try {
    await (await open(file, 'a')).close();
  } catch (error) {
    throw new DemoFailure(`--json ${file}: ${(error as Error).message}. Name a file you may write.`, 2);
  }
}

function printReport(report: Report): void {
  say('');
  say('fault             machine  expected        found after   cleared');
  for (const f of report.faults) {
    const found =
      f.delayMs === null
        ? f.injectedAt === null
          ? 'not injected'
          : 'NOT FOUND'
        : `${(f.delayMs / 1000).toFixed(1)} s`;
    say(
      `${f.fault.padEnd(17)} ${f.machine.padEnd(8)} ${`${f.expect.as} ${f.expect.type}`.padEnd(22)} ${found.padEnd(13)} ${f.clearedAt === null ? '-' : 'yes'}`,
    );
  }
  const exact = report.conserved.filter((c) => c.uncertainty === 0 && c.truth === c.atBridge).length;
  const checked = report.values.reduce((sum, v) => sum + v.checked, 0);
  const wrong = report.values.reduce((sum, v) => sum + v.wrong, 0);
  say('');
  say(
    `counters    ${exact} of ${report.conserved.length} exact at the bridge, ${report.conserved.filter((c) => c.reset).length} with a stated uncertainty after a reset`,
  );
  say(`values      ${checked} stored readings held against the truth, ${wrong} wrong`);
  say(
    `sync        ${report.sync.sealed} batches sealed, ${report.sync.acked} acked, ${report.sync.redelivered} redelivered, ${report.sync.lost} records lost, ${report.sync.duplicated} doubled`,
  );
  for (const { machine, needle, k, trueNeedle, metre, trueM, cropBytes } of report.eye)
    say(
      `eye         needle ${needle ?? 'unknown'} ± ${k ?? '-'} on ${machine} (it is ${trueNeedle}), at ${metre ?? '-'} m of the roll (began at ${trueM}), picture of ${cropBytes ?? 0} bytes`,
    );
  for (const { machine, suspected, probability, degrees, k, trueFault, code, trueDegrees, pictureBytes } of report.ear)
    say(
      `ear         ${suspected ?? 'nothing'} ${probability ?? ''} suspected on ${machine} (it is ${trueFault}, ${code}), at ${degrees ?? '-'} ± ${k ?? '-'} degrees of the shaft (${trueDegrees}), picture of ${pictureBytes ?? 0} bytes`,
    );
  say(`alerts      ${report.falseAlerts} false`);
  say(
    `event loop  p99 ${report.eventLoopP99Ms.toFixed(1)} ms (bare Node beside it ${report.eventLoopIdleP99Ms.toFixed(1)} ms), memory ${report.rssMB.toFixed(0)} MB`,
  );
  say('');
  for (const problem of report.problems) say(`  ! ${problem}`);
  say(report.ok ? 'OK: every promise held.' : 'NOT OK.');
}

try {
  process.exitCode = await main(process.argv.slice(3));
} catch (error) {
  if (!(error instanceof DemoFailure)) throw error;
  process.stderr.write(`demo: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
