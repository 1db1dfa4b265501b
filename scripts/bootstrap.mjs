/**
 * First step of every npm script: makes a fresh clone runnable, then runs the compiled program in this process.
 * Why plain JavaScript: it must work before anything is installed or built, on Node 20, which does not run TypeScript.
 * Why in-process: one process to signal, so that Ctrl-C reaches the program and its exit code reaches the shell.
 * Usage: bootstrap.mjs [--script NAME] [arguments…]; without --script the `lethe` command line is run.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const NODE_MIN = [20, 19];

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  process.stderr.write(
    `Node ${process.versions.node} is too old; Lethe needs ${NODE_MIN.join('.')} or newer. Install Node 20, 22 or 24 from your distribution or nodejs.org.\n`,
  );
  process.exit(69);
}

/** npm writes node_modules/.package-lock.json last, so it is the honest mark of a finished install. */
function installIfNeeded() {
  const mark = join(root, 'node_modules', '.package-lock.json');
  const lock = join(root, 'package-lock.json');
  if (existsSync(mark) && statSync(mark).mtimeMs >= statSync(lock).mtimeMs) return;
  process.stderr.write('lethe: installing dependencies (npm ci), once\n');
  const npm = spawnSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (npm.status !== 0) {
    process.stderr.write(
      'lethe: npm ci failed; its message is above. Check the network or the proxy, then run the command again.\n',
    );
    process.exit(69);
  }
}

requireNode();
installIfNeeded();
const { buildIfNeeded } = await import('./build.mjs');
buildIfNeeded();

const args = process.argv.slice(2);
let entry = join(root, 'dist', 'runtime', 'main.js');
if (args[0] === '--script') {
  entry = join(root, 'dist', 'scripts', `${args[1]}.js`);
  args.splice(0, 2);
}
process.argv = [process.execPath, entry, ...args];
await import(pathToFileURL(entry).href);
