/**
 * Bench: what the counter (scripts/bench/counter.ts), its engine (engine.ts) and its tracker (tracker.ts) cost on the machine
 * it runs on, how long pictures live there (residency.ts), what the ledger costs (ledger.ts), and how well setup codes are
 * read (qr.ts). Usage: bench [engine | tracker | residency | ledger | qr] [options]; `--help` says more.
 */
import { ExitCode, explain } from '../runtime/errors.ts';

async function main(): Promise<number> {
  const [word, ...words] = process.argv.slice(2);
  if (word === 'engine') return (await import('./bench/engine.ts')).benchEngine(words);
  if (word === 'tracker') return (await import('./bench/tracker.ts')).benchTracker(words);
  if (word === 'qr') return (await import('./bench/qr.ts')).benchQr(words);
  if (word === 'ledger') return (await import('./bench/ledger.ts')).benchLedger(words);
  if (word === 'residency') return (await import('./bench/residency.ts')).benchResidency(words);
  return (await import('./bench/counter.ts')).benchCounter(process.argv.slice(2));
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`bench: ${explain(error)}\n`);
  const isUsage = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
  process.exitCode = isUsage ? ExitCode.usage : ExitCode.failed;
}
