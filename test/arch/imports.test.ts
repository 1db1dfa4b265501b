// Goal: the arrows of the architecture stay true: who may import whom, pixels out of the voice's reach, one owner a package.
// Method: a scanner over the sources; imports here are always literal strings, which the scanner itself checks.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sourceRoot } from '../fakes/root.ts';

const root = sourceRoot();
const KERNELS = 'runtime/eye/infer/kernels/';

function sourcesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sourcesBelow(path);
    return path.endsWith('.ts') && !path.startsWith(KERNELS) ? [path] : [];
  });
}
const FOLDERS = ['runtime', 'drivers', 'models', 'provisioning', 'scripts', 'test'].filter((folder) =>
  existsSync(join(root, folder)),
);
const files = FOLDERS.flatMap(sourcesBelow);

/** Comments cannot import; what stands in them is removed before looking. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

type Import = { readonly specifier: string; readonly target: string; readonly isType: boolean };

function importsOf(file: string): Import[] {
  const text = withoutComments(readFileSync(join(root, file), 'utf8'));
  const found: Import[] = [];
  const add = (specifier: string, isType: boolean) => {
    const target = specifier.startsWith('.')
      ? relative(root, normalize(join(root, dirname(file), specifier)))
      : specifier;
    found.push({ specifier, target, isType });
  };
  for (const match of text.matchAll(/^\s*(?:import|export)\s+(type\s)?[^'"`;]*?from\s*['"]([^'"]+)['"]/gm))
    add(match[2]!, match[1] !== undefined);
  for (const match of text.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm)) add(match[1]!, false);
  for (const match of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) add(match[1]!, false);
  return found;
}
const graph = new Map(files.map((file) => [file, importsOf(file)] as const));

const COMMON = ['runtime/ports/', 'runtime/units.ts', 'runtime/errors.ts'];
/** Programs and commands: the places that choose drivers and start things. */
const isEntry = (file: string) =>
  /^runtime\/(eye|voice)\/main\.ts$|^runtime\/(main|supervisor)\.ts$|^runtime\/commands\/|^provisioning\/device\/.*main\.ts$/.test(
    file,
  );

/** First rule that fits a file says what it may import of our own. */
const RULES: readonly { readonly from: RegExp; readonly may: readonly string[] }[] = [
  { from: /^(scripts|test)\//, may: ['runtime/', 'drivers/', 'models/', 'provisioning/', 'scripts/', 'test/'] },
  {
    from: /^runtime\/command-line\/papers\.ts$|^runtime\/commands\/papers\//,
    may: ['runtime/', 'drivers/', 'provisioning/site/'],
  },
  {
    from: /^runtime\/commands\/bundle\//,
    may: ['runtime/', 'provisioning/bundle/'],
  },
  { from: /^runtime\/(main|supervisor)\.ts$|^runtime\/command(s|-line)\//, may: ['runtime/', 'drivers/'] },
  { from: /^runtime\/(ports\/|units\.ts|errors\.ts)/, may: COMMON },
  // What the eye and the program that looks for a setup code have in common: how a camera is kept running, how a lamp speaks.
  { from: /^runtime\/(camera-keeper|lamp)\.ts$/, may: COMMON },
  { from: /^runtime\/(log|process|package|durable|no-inspector)\.ts$/, may: [...COMMON, 'runtime/log.ts'] },
  {
    from: /^runtime\/isolation\//,
    may: [...COMMON, 'runtime/isolation/', 'runtime/config/', 'runtime/corridor/control.ts', 'runtime/package.ts'],
  },
  { from: /^runtime\/contract\//, may: [...COMMON, 'runtime/contract/'] },
  // What voice and gateway both do with a link.
  { from: /^runtime\/link\//, may: [...COMMON, 'runtime/link/'] },
  // What voice and gateway both know of a site.
  { from: /^runtime\/site\//, may: [...COMMON, 'runtime/site/', 'runtime/config/', 'runtime/contract/'] },
  { from: /^runtime\/config\//, may: [...COMMON, 'runtime/config/'] },
  { from: /^runtime\/corridor\//, may: [...COMMON, 'runtime/corridor/'] },
  {
    from: /^runtime\/privacy\//,
    may: [...COMMON, 'runtime/privacy/', 'runtime/contract/', 'runtime/corridor/', 'runtime/durable.ts'],
  },
  {
    from: /^runtime\/eye\//,
    may: [
      ...COMMON,
      'runtime/eye/',
      'runtime/corridor/',
      'runtime/config/',
      'runtime/log.ts',
      'runtime/process.ts',
      'runtime/package.ts',
      'runtime/no-inspector.ts',
      'runtime/camera-keeper.ts',
      'runtime/lamp.ts',
      'runtime/privacy/residency.ts',
    ],
  },
  {
    from: /^runtime\/voice\//,
    may: [
      ...COMMON,
      'runtime/voice/',
      'runtime/link/',
      'runtime/site/',
      'runtime/contract/',
      'runtime/corridor/',
      'runtime/config/',
      'runtime/log.ts',
      'runtime/process.ts',
      'runtime/package.ts',
      'runtime/no-inspector.ts',
      'runtime/durable.ts',
      'runtime/privacy/receipts.ts',
      // Whether a command is signed by somebody who may command.
      'runtime/privacy/command-signature.ts',
      // What a release says of itself and who signed it, and what root has made of it.
      'provisioning/bundle/manifest.ts',
      'provisioning/bundle/read.ts',
      'provisioning/device/layout.ts',
      'provisioning/device/update/state.ts',
    ],
  },
  {
    // Reads and refuses setup codes by the rules that devices have.
    from: /^runtime\/gateway\/claim\//,
    may: [
      ...COMMON,
      'runtime/gateway/claim/',
      'runtime/gateway/config.ts',
      'runtime/config/',
      'runtime/log.ts',
      'provisioning/payload/',
    ],
  },
  {
    // Carries bundles: reads what they say of themselves.
    from: /^runtime\/gateway\/updates\//,
    may: [...COMMON, 'runtime/gateway/updates/', 'runtime/config/', 'runtime/log.ts', 'provisioning/bundle/'],
  },
  {
    from: /^runtime\/gateway\//,
    may: [
      ...COMMON,
      'runtime/gateway/',
      'runtime/config/',
      'runtime/contract/',
      'runtime/link/',
      'runtime/site/',
      'runtime/log.ts',
    ],
  },
  { from: /^drivers\//, may: [...COMMON, 'drivers/', 'runtime/durable.ts'] },
  { from: /^models\//, may: [...COMMON, 'models/'] },
  {
    // Programs of the device before it has a configuration.
    from: /^provisioning\/device\//,
    may: [
      ...COMMON,
      'provisioning/device/',
      'provisioning/payload/',
      'provisioning/bundle/',
      'runtime/config/',
      'runtime/package.ts',
      'runtime/log.ts',
      'runtime/process.ts',
      'runtime/package.ts',
      'runtime/no-inspector.ts',
      'runtime/durable.ts',
      'runtime/camera-keeper.ts',
      'runtime/lamp.ts',
    ],
  },
  {
    // A card with Wi-Fi has the connection that the set-up would write, so that a reset finds it.
    from: /^provisioning\/image\/wifi\.ts$/,
    may: ['drivers/wifi/keyfile.ts'],
  },
  { from: /^provisioning\//, may: [...COMMON, 'provisioning/', 'runtime/config/', 'runtime/package.ts'] },
];

test('the scanner sees this project', () => {
  assert.ok(files.length > 40, `${files.length} files`);
  assert.ok(graph.get('runtime/eye/loop.ts')?.some(({ target }) => target === 'runtime/eye/track/tracker.ts'));
});

test('no arrow points where it must not', () => {
  const wrong: string[] = [];
  for (const [file, imports] of graph) {
    const rule = RULES.find(({ from }) => from.test(file));
    if (rule === undefined) wrong.push(`${file} has no rule`);
    for (const { specifier, target } of imports) {
      if (!specifier.startsWith('.')) continue;
      const may = [...(rule?.may ?? []), ...(isEntry(file) ? ['drivers/'] : [])];
      if (!may.some((prefix) => target.startsWith(prefix))) wrong.push(`${file} → ${specifier}`);
    }
  }
  assert.equal(wrong, []);
});

/** Everything reachable from `start` by imports that exist at run time. */
function closure(start: string): Set<string> {
  const seen = new Set<string>();
  const open = [start];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const { target, isType } of graph.get(file) ?? []) if (!isType) open.push(target);
  }
  return seen;
}

test('nothing the voice loads can read a pixel', () => {
  const reachable = [...closure('runtime/voice/main.ts')];
  assert.ok(reachable.includes('mqtt'), 'the scan found the link');
  assert.ok(reachable.length > 15, `the scan reached ${reachable.length} files`);
  const forbidden = /^runtime\/eye\/|^drivers\/(camera|gpio)\/|^drivers\/fifo\.ts|^models\/|tensorflow/;
  assert.equal(
    reachable.filter((file) => forbidden.test(file)),
    [],
  );
});

test('the demo broker is not in the voice either', () => {
  assert.not.ok(closure('runtime/voice/main.ts').has('aedes'));
});

test('eye, voice and supervisor load nothing of the papers, nor what sets them', () => {
  const papers =
    /^provisioning\/(?!bundle\/(manifest|read|tar)\.ts|device\/(layout|update\/state)\.ts)|^runtime\/commands\/papers\/|^(fontkit|marked|pdfkit|qr)$/;
  for (const program of ['runtime/eye/main.ts', 'runtime/voice/main.ts', 'runtime/supervisor.ts'])
    assert.equal(
      [...closure(program)].filter((file) => papers.test(file)),
      [],
    );
  assert.ok([...closure('runtime/commands/papers/papers.ts')].includes('pdfkit'), 'the scan finds it where it is');
});

test('nothing that runs on a device reaches what makes bundles', () => {
  const programs = files.filter((file) => /^provisioning\/device\/.*\/main\.ts$/.test(file));
  assert.ok(programs.length >= 2, `${programs.length} programs`);
  for (const program of [...programs, 'runtime/voice/main.ts', 'runtime/eye/main.ts'])
    assert.equal(
      [...closure(program)].filter((file) => file.startsWith('provisioning/bundle/build/')),
      [],
      program,
    );
});

test('what installs releases speaks to no network', () => {
  const reachable = ['install', 'trial'].flatMap((name) => [...closure(`provisioning/device/update/${name}/main.ts`)]);
  assert.ok(reachable.includes('modern-tar'), 'the scan found what unpacks');
  assert.equal(
    reachable.filter((file) => /^(node:)?(net|https?|http2|tls|dgram|dns)$|^mqtt$|^drivers\//.test(file)),
    [],
  );
});

test('nothing the eye loads can speak to a network', () => {
  const reachable = [...closure('runtime/eye/main.ts')];
  const network =
    /^(node:)?(https?|http2|tls|dgram|dns|dns\/promises|inspector|undici)$|^(mqtt|aedes|ws)$|^drivers\/link\//;
  assert.equal(
    reachable.filter((file) => network.test(file)),
    [],
  );
  // node:net is how Node reads a pipe without threads; only the two modules that do so may have it.
  const withNet = reachable.filter((file) => graph.get(file)?.some(({ target }) => /^(node:)?net$/.test(target)));
  assert.equal(
    withNet.filter((file) => !['drivers/fifo.ts', 'drivers/inlet.ts'].includes(file)),
    [],
  );
});

test('scan reaches no network module', () => {
  const reachable = [...closure('provisioning/device/scan/main.ts'), ...closure('provisioning/device/scan/worker.ts')];
  assert.ok(reachable.includes('zxing-wasm/reader') && reachable.includes('drivers/fifo.ts'), 'the scan found its way');
  const network =
    /^(node:)?(https?|http2|tls|dgram|dns|dns\/promises|inspector|undici)$|^(mqtt|aedes|ws)$|^drivers\/(link|wifi)\//;
  assert.equal(
    reachable.filter((file) => network.test(file)),
    [],
  );
  const withNet = reachable.filter((file) => graph.get(file)?.some(({ target }) => /^(node:)?net$/.test(target)));
  assert.equal([...new Set(withNet)], ['drivers/fifo.ts']);
});

const SETUP_PROGRAMS = ['join', 'claim', 'settle', 'reset'].map((name) => `provisioning/device/${name}/main.ts`);

test('nothing of the setup after the scan reaches a camera, a pixel or a pin', () => {
  const forbidden =
    /^runtime\/eye\/|^drivers\/(camera|gpio)\/|^drivers\/(fifo|inlet)\.ts|^models\/|tensorflow|onoff|libcamera/;
  for (const program of SETUP_PROGRAMS) {
    const reachable = [...closure(program)];
    assert.ok(reachable.length > 10, `${program}: the scan reached ${reachable.length} files`);
    assert.equal(
      reachable.filter((file) => forbidden.test(file)),
      [],
    );
  }
});

test('of the setup only the claim speaks to a network, and only root’s parts start programs', () => {
  const network = /^(node:)?(https?|http2|tls|net|dgram|dns)$|^mqtt$/;
  for (const program of SETUP_PROGRAMS) {
    const reachable = [...closure(program)];
    const isClaim = program.includes('/claim/');
    assert.is(
      reachable.some((file) => network.test(file)),
      isClaim,
      program,
    );
    assert.is(reachable.includes('node:child_process'), !isClaim, program);
  }
});

test('those two modules open pipes and nothing else', () => {
  for (const file of ['drivers/fifo.ts', 'drivers/inlet.ts']) {
    const text = withoutComments(readFileSync(join(root, file), 'utf8'));
    assert.not.match(text, /\.(connect|listen)\(|createConnection|createServer/, file);
    assert.match(text, /isFIFO\(\)/, file);
  }
});

/** Packages and the one file that may import each at run time. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  '@peculiar/asn1-schema': ['drivers/certificates/authority.ts'],
  '@peculiar/asn1-x509': ['drivers/certificates/authority.ts'],
  mqtt: ['drivers/link/mqtt.ts'],
  aedes: ['drivers/link/embedded-broker.ts'],
  onoff: ['drivers/gpio/onoff.ts'],
  'node-libcamera': ['drivers/camera/rpicam/child.ts', 'drivers/camera/rpicam/rpicam.ts'],
  '@sqlite.org/sqlite-wasm': ['drivers/database/sqlite.ts'],
  pino: ['runtime/log.ts'],
  'temporal-polyfill': ['runtime/site/zone.ts'],
  'modern-tar': ['provisioning/bundle/tar.ts'],
  commander: ['runtime/command-line/words.ts'],
  fontkit: ['provisioning/site/print/fonts.ts'],
  marked: ['provisioning/site/print/markdown.ts'],
  pdfkit: ['provisioning/site/print/pdf.ts'],
  qr: ['provisioning/qr/matrix.ts'],
  'zxing-wasm/reader': ['provisioning/device/scan/decoder.ts'],
  cborg: ['provisioning/payload/cbor.ts'],
  '@tensorflow/tfjs': ['runtime/eye/infer/tfjs.ts'],
  '@tensorflow/tfjs-node': ['runtime/eye/infer/tfjs.ts'],
};

test('each package has one owner', () => {
  const wrong: string[] = [];
  for (const [file, imports] of graph) {
    if (file.startsWith('test/')) continue;
    for (const { specifier, isType } of imports) {
      const owners = OWNERS[specifier];
      if (owners !== undefined && !isType && !owners.includes(file)) wrong.push(`${file} → ${specifier}`);
    }
  }
  assert.equal(wrong, []);
});

test('imports are literal, and no shell string is made from data', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const text = withoutComments(readFileSync(join(root, file), 'utf8'));
    if (!file.startsWith('scripts/bootstrap') && /\bimport\(\s*[^'"\s]/.test(text) && !file.startsWith('test/'))
      wrong.push(`${file}: import(…)`);
    if (/\brequire\(/.test(text) && !file.startsWith('scripts/')) wrong.push(`${file}: require(…)`);
    // A regular expression's, and a database's.
    const withoutOthers = text.replace(/\.exec\(|^ {2}exec\(sql: string\): void/gm, '');
    if (/\bexec(Sync)?\(\s*[`'"a-z]/.test(withoutOthers) || /shell:\s*true/.test(text)) wrong.push(`${file}: shell`);
  }
  assert.equal(
    wrong.filter((line) => !line.startsWith('test/arch/')),
    [],
  );
});

test.run();
