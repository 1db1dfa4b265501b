// Goal: a device gets what its programs reach and what they read, and nothing that belongs to other machines.
// Method: the lists as they are computed for a bundle, from the built program of this repository; small worlds for the scanner.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { closureOf } from '../../../provisioning/bundle/build/closure.ts';
import { deviceClosure, deviceFiles } from '../../../provisioning/bundle/build/tree.ts';
import { isPlainName } from '../../../provisioning/bundle/tar.ts';
import { sourceRoot } from '../../fakes/root.ts';

const root = sourceRoot();
/** A word that test/arch would take for one of our own. */
const REQUIRE = 'require';
const files = deviceFiles(root);
const has = (path: string) => files.includes(path);

test('every program of a device is there, with what it reads', () => {
  for (const path of [
    'dist/runtime/main.js',
    'dist/runtime/eye/main.js',
    'dist/runtime/voice/main.js',
    'dist/provisioning/device/update/install/main.js',
    'dist/provisioning/device/update/trial/main.js',
    'dist/runtime/eye/infer/kernels/double.wasm',
    'dist/runtime/eye/infer/kernels/probe.wasm',
    'dist/runtime/commands/audit/decoy.js',
    'drivers/camera/rpicam/shim/libcamera-vid',
    'models/person/person.tflite',
    'models/person/manifest.sig',
    'provisioning/units/lethe-eye.service',
    'node_modules/@sqlite.org/sqlite-wasm/dist/sqlite3.wasm',
    'node_modules/mqtt/package.json',
    'node_modules/epoll/epoll.js',
    'LICENSE',
  ])
    assert.ok(has(path), path);
});

test('papers, gateway, demo, image and code making, training, tests and sources are not', () => {
  const foreign =
    /^dist\/(test|scripts)\/|^dist\/runtime\/commands\/(papers|gateway|evaluate|bundle)\/|^dist\/runtime\/commands\/(run|demo|replay)\.js$|^dist\/provisioning\/bundle\/build\/|^models\/training\/|person\.pt$/;
  assert.equal(
    files.filter((path) => foreign.test(path)),
    [],
  );
  const packages = new Set(files.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []));
  for (const name of ['pdfkit', 'fontkit', 'marked', 'typescript', 'fast-check', '@biomejs/biome', '@types/node'])
    assert.not.ok(packages.has(name), name);
  const kinds = new Set(files.filter((path) => path.startsWith('node_modules/')).map((path) => extname(path)));
  for (const kind of ['.map', '.ts', '.mts', '.cts', '.node', '.cc']) assert.not.ok(kinds.has(kind), kind);
});

test('every file has a name that a card takes, and each package its licence', () => {
  assert.equal(
    files.filter((path) => !isPlainName(path)),
    [],
  );
  const { packages } = deviceClosure(root);
  const without = packages.filter((folder) => {
    const { license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { license?: string };
    return license === undefined && !files.some((path) => path.startsWith(`${folder}/`) && /licen/i.test(path));
  });
  assert.equal(without, []);
});

test('what packages name and nobody has here are optional parts of theirs, each known', () => {
  // interface.js of cborg is a type in a comment.
  const known =
    /→ (\.\.?\/interface\.js|v2|supports-color|qlobber-native|SonicBoom|properties|bufferutil|utf-8-validate)$/;
  assert.equal(
    deviceClosure(root).absent.filter((line) => !known.test(line)),
    [],
  );
});

/** A small world of files; what is reached from a.js. */
function reached(
  world: Readonly<Record<string, string>>,
  isFollowed = (_from: string, _file: string) => true,
): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-closure-'));
  try {
    for (const [path, text] of Object.entries(world)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return [...closureOf({ root: folder, entries: ['a.js'], isFollowed, optionalPackages: ['absent-engine'] }).files];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('imports of every form are followed: static, dynamic, required, of files beside, of packages with conditions', () => {
  const world = {
    'a.js': `import './b.js'; export { x } from "./c.js"; await import('./d.js'); new URL('e.wasm', import.meta.url);
      import fs from 'node:fs'; import('absent-engine'); import one from 'one'; import two from '@scope/two/part';
      createRequire(import.meta.url).resolve('four/data.bin'); import.meta.resolve('@scope/two/part');`,
    'b.js': `${REQUIRE}("./f")`,
    'c.js': '',
    'd.js': '',
    'e.wasm': '',
    'f.js': '',
    'unreached.js': '',
    'node_modules/one/package.json':
      '{"exports":{".":{"types":"./i.d.ts","node":{"import":"./i.mjs","require":"./r.cjs"},"default":"./browser.js"}}}',
    'node_modules/one/i.mjs': '',
    'node_modules/one/r.cjs': `${REQUIRE}("three")`,
    'node_modules/one/browser.js': '',
    'node_modules/one/node_modules/three/package.json': '{}',
    'node_modules/one/node_modules/three/index.js': '',
    'node_modules/four/package.json':
      '{"exports":{"./data.bin":{"import":{"types":"./d.ts","default":"./out/data.bin"}}}}',
    'node_modules/four/out/data.bin': '',
    'node_modules/@scope/two/package.json': '{"exports":{"./*":"./lib/*.js"}}',
    'node_modules/@scope/two/lib/part.js': '',
  };
  assert.equal(reached(world), [
    'a.js',
    'b.js',
    'c.js',
    'd.js',
    'e.wasm',
    'f.js',
    'node_modules/@scope/two/lib/part.js',
    'node_modules/four/out/data.bin',
    'node_modules/one/i.mjs',
    'node_modules/one/node_modules/three/index.js',
    'node_modules/one/r.cjs',
  ]);
});

test('an import of ours that leads nowhere is an error with both names', () => {
  assert.throws(() => reached({ 'a.js': "import './gone.js'" }), /a\.js → \.\/gone\.js/);
});

test('what is not followed is not part of it', () => {
  assert.equal(
    reached({ 'a.js': "import('./b.js')", 'b.js': '' }, (_from, file) => file !== 'b.js'),
    ['a.js'],
  );
});

test('the tree stays of a size that starts quickly from a card', () => {
  assert.ok(files.length < 2000, `${files.length} files`);
});

test.run();
