/**
 * Writes the generated parts of README.md and of those below provisioning (topics, configuration fields, lamp patterns)
 * between their markers, and the installer's card of lamp patterns as a whole.
 * `npm run -s readme` writes, `npm run -s readme -- --check` only compares and exits 1 when they differ.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lampCard, lampTableOfScan } from '../provisioning/device/scan/lamp-card.ts';
import { configTable, fieldTable } from '../runtime/config/table.ts';
import { LED_PATTERNS } from '../runtime/eye/indicator.ts';
import { DoorSchema, GatewaySchema, SourceSchema } from '../runtime/gateway/config.ts';
import { topicTable } from './topics.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

const PARTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'README.md': {
    topics: topicTable('device'),
    'store-topics': topicTable('store'),
    config: configTable(),
    lamp: lampTable(),
  },
  'provisioning/gateway/README.md': {
    config: fieldTable({ '': GatewaySchema, 'doors[]': DoorSchema, 'doors[].of[]': SourceSchema }),
  },
  'provisioning/device/scan/README.md': { lamp: lampTableOfScan() },
};
const WHOLE: Readonly<Record<string, string>> = { 'provisioning/device/scan/lamp-card.txt': lampCard() };

function lampTable(): string {
  const rows = Object.values(LED_PATTERNS).map(({ looks, meaning }) => `| ${looks} | ${meaning} |`);
  return ['| the lamp is | the counter is |', '|---|---|', ...rows].join('\n');
}

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->`. */
function insert(text: string, name: string, content: string): string {
  const begin = `<!-- ${name} -->`;
  const end = `<!-- /${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`there is no ${begin} … ${end}`);
  return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
}

/** Writes, or with --check only says, that a file is not what it should be. */
function settle(file: string, before: string, after: string): void {
  if (before === after) return;
  if (process.argv.includes('--check')) {
    process.stderr.write(`${file} is not what the code says; run: npm run -s readme\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(join(root, file), after);
  }
}

for (const [file, parts] of Object.entries(PARTS)) {
  const before = readFileSync(join(root, file), 'utf8');
  const after = Object.entries(parts).reduce((text, [name, content]) => insert(text, name, content), before);
  settle(file, before, after);
}
for (const [file, text] of Object.entries(WHOLE))
  settle(file, existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '', text);
