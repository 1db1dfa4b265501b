/**
 * A NetworkManager and its `nmcli`, as a program: `node nmcli.js FOLDER WORDS…`. What it answers, with which exit code, was
 * taken from nmcli 1.42.4 beside a NetworkManager that really ran (not running, load, insecure file, show, delete, up without a
 * device, radio); the four ends of `connection up` on a radio are its sentences for device state reasons 53, 7, 11 and 5, which
 * it prints after "Error: Connection activation failed: ". FOLDER has world.json, and collects the words of each call.
 */
import { appendFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type World = {
  readonly isRunning: boolean;
  readonly hardware: 'enabled' | 'disabled' | 'missing';
  /** The radio, as it is and whether it can be switched on. */
  radio: 'enabled' | 'disabled';
  readonly isStuck: boolean;
  /** Hexadecimal SSID → access point. */
  readonly reachable: Readonly<Record<string, { readonly passphrase: string; readonly hasAddresses: boolean }>>;
  /** What the supplicant makes of a wrong passphrase. */
  readonly wrongPassphrase: 'no-secrets' | 'timeout';
  /** `connection up` says that the network was not found so many times before it looks. */
  deafTries: number;
  /** UUID → file. */
  readonly connections: Record<string, { readonly name: string; readonly file: string }>;
};

export const WORLD: World = {
  isRunning: true,
  hardware: 'enabled',
  radio: 'disabled',
  isStuck: false,
  reachable: {},
  wrongPassphrase: 'no-secrets',
  deafTries: 0,
  connections: {},
};

type Keyfile = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** GKeyFile's syntax as far as NetworkManager's files use it, with its escapes of strings. */
export function readKeyfile(text: string): Keyfile {
  const groups: Record<string, Record<string, string>> = {};
  let group = '';
  for (const line of text.split('\n')) {
    const heading = /^\[(.+)\]$/.exec(line)?.[1];
    if (heading !== undefined) group = heading;
    const at = line.indexOf('=');
    if (heading !== undefined || at < 1 || line.startsWith('#')) continue;
    groups[group] = {
      ...groups[group],
      [line.slice(0, at).trim()]: unescaped(line.slice(at + 1).replace(/^ +| +$/g, '')),
    };
  }
  return groups;
}

const ESCAPES: Readonly<Record<string, string>> = { s: ' ', n: '\n', t: '\t', r: '\r', '\\': '\\' };

function unescaped(value: string): string {
  return value.replace(/\\(.)/g, (whole, letter: string) => ESCAPES[letter] ?? whole);
}

function main([folder = '', ...all]: readonly string[]): number {
  const path = join(folder, 'world.json');
  const world = JSON.parse(readFileSync(path, 'utf8')) as World;
  appendFileSync(join(folder, 'calls.txt'), `${JSON.stringify(all)}\n`);
  const words = withoutOptions(all);
  const code = world.isRunning ? answer(world, words) : say(8, 'Error: NetworkManager is not running.');
  writeFileSync(path, JSON.stringify(world));
  return code;
}

function withoutOptions(words: readonly string[]): string[] {
  const rest = [...words];
  while (rest[0]?.startsWith('--')) rest.splice(0, rest[0] === '--terse' ? 1 : 2);
  return rest;
}

function answer(world: World, [object, ...words]: readonly string[]): number {
  if (object === 'radio') return radio(world, words);
  const [verb, ...rest] = words;
  const uuid = rest.at(-1) ?? '';
  if (verb === 'load') return load(world, uuid);
  const known = world.connections[uuid];
  if (verb === 'show')
    return known === undefined ? say(10, `Error: ${uuid} - no such connection profile.`) : print(known.name);
  if (verb === 'delete') {
    if (known === undefined)
      return say(
        10,
        `Error: unknown connection '${uuid}'.`,
        `Error: cannot delete unknown connection(s): uuid '${uuid}'.`,
      );
    rmSync(known.file, { force: true });
    delete world.connections[uuid];
    return print(`Connection '${known.name}' (${uuid}) successfully deleted.`);
  }
  if (known === undefined) return say(10, `Error: unknown connection '${uuid}'.`);
  return up(world, known.file);
}

function radio(world: World, words: readonly string[]): number {
  if (words.length === 0) return print(`${world.hardware}:${world.radio}`);
  if (!world.isStuck) world.radio = 'enabled';
  return 0;
}

function load(world: World, file: string): number {
  if (!existsSync(file)) return 0;
  // "File permissions are insecure", says its log; nmcli ends with 0 all the same.
  if ((statSync(file).mode & 0o077) !== 0) return say(0, `Could not load file '${file}'`);
  const { connection = {} } = readKeyfile(readFileSync(file, 'utf8'));
  world.connections[connection['uuid'] ?? ''] = { name: connection['id'] ?? '', file };
  return 0;
}

function up(world: World, file: string): number {
  const failed = (reason: string) => say(4, `Error: Connection activation failed: ${reason}`);
  if (world.hardware !== 'enabled' || world.radio !== 'enabled')
    return failed(
      'No suitable device found for this connection (device lo not available because device is strictly unmanaged).',
    );
  const { wifi = {}, 'wifi-security': security = {} } = readKeyfile(readFileSync(file, 'utf8'));
  const ssid = Buffer.from(
    (wifi['ssid'] ?? '')
      .split(';')
      .filter((byte) => byte !== '')
      .map(Number),
  ).toString('hex');
  const there = world.reachable[ssid];
  if (there === undefined || world.deafTries > 0) {
    world.deafTries -= 1;
    return failed('The Wi-Fi network could not be found');
  }
  if (there.passphrase !== (security['psk'] ?? ''))
    return failed(
      world.wrongPassphrase === 'timeout'
        ? '802.1X supplicant took too long to authenticate'
        : 'Secrets were required, but not provided',
    );
  if (!there.hasAddresses)
    return failed('IP configuration could not be reserved (no available address, timeout, etc.)');
  return print(
    'Connection successfully activated (D-Bus active path: /org/freedesktop/NetworkManager/ActiveConnection/1)',
  );
}

function print(line: string): number {
  process.stdout.write(`${line}\n`);
  return 0;
}

function say(code: number, ...lines: readonly string[]): number {
  process.stderr.write(lines.map((line) => `${line}\n`).join(''));
  return code;
}

if (process.argv[1]?.endsWith('nmcli.js')) process.exitCode = main(process.argv.slice(2));
