/**
 * Writes the generated parts of README.md (topics, configuration fields, lamp patterns) between their markers.
 * `npm run -s readme` writes, `npm run -s readme -- --check` only compares and exits 1 when they differ.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configTable } from '../runtime/config/table.ts';
import { LED_PATTERNS } from '../runtime/eye/indicator.ts';
import { topicTable } from './topics.ts';

const file = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'README.md');

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
  if (from === -1 || to < from) throw new Error(`README.md has no ${begin} … ${end}`);
  return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
}

const before = readFileSync(file, 'utf8');
const parts = { topics: topicTable(), config: configTable(), lamp: lampTable() };
const after = Object.entries(parts).reduce((text, [name, content]) => insert(text, name, content), before);
if (process.argv.includes('--check')) {
  if (before !== after) {
    process.stderr.write('README.md is not what the schema says; run: npm run -s readme\n');
    process.exitCode = 1;
  }
} else {
  writeFileSync(file, after);
}
