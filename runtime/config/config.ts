/**
 * Reads a configuration: file → overrides → defaults → every problem at once, or a frozen Config.
 * A bad file is refused whole, with field, value, expectation and remedy for each fault (ConfigError, exit 78): an
 * installer fixes seven mistakes in one go, not in seven.
 */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { Settings } from 'typebox/system';
import { Value } from 'typebox/value';
import { ConfigError } from '../errors.ts';
import { boardModel } from './board.ts';
import { brokerProblems, isCredential } from './broker.ts';
import { hoursProblems } from './hours.ts';
import { layoutProblems } from './layout.ts';
import { type Config, type ConfigFile, ConfigSchema } from './schema.ts';
import { show, suggest } from './words.ts';

/** TypeBox stops after 8 errors by default; a file has a few dozen fields, each may be wrong. */
Settings.Set({ maxErrors: 1000 });

const DEFAULTS = Value.Default(ConfigSchema, {}) as ConfigFile;

/** Lists of things with several fields: one with a fault is taken out whole to look at the others. */
const LISTS = ['lines', 'entrances', 'zones'] as const;

type SchemaNode = {
  readonly type?: string;
  readonly properties?: Record<string, SchemaNode>;
  readonly items?: SchemaNode | readonly SchemaNode[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly unit?: string;
  readonly shape?: string;
  readonly default?: unknown;
};

function nodeAt(path: readonly string[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = ConfigSchema as unknown as SchemaNode;
  for (const key of path) {
    if (node?.properties !== undefined) node = node.properties[key];
    else if (Array.isArray(node?.items)) node = node.items[Number(key)];
    else node = node?.items as SchemaNode | undefined;
  }
  return node;
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const key of path) value = (value as Record<string, unknown> | undefined)?.[key];
  return value;
}

/** What a field should hold, in words. Also used for the README's table. */
export function expectation(node: SchemaNode): string {
  if (node.shape !== undefined) return node.shape;
  if (node.minimum !== undefined && node.maximum !== undefined) {
    const kind = node.type === 'integer' ? 'a whole number ' : 'a number ';
    return `${kind}${node.minimum}..${node.maximum}${node.unit ? ` ${node.unit}` : ''}`;
  }
  if (node.type === 'boolean') return 'true or false';
  if (node.type === 'object') return 'an object { … }';
  if (node.type === 'array') return 'a list [ … ]';
  return `a ${node.type ?? 'value'}`;
}

function remedy(node: SchemaNode): string {
  const isScalar = typeof node.default !== 'object' && node.default !== undefined && node.default !== '';
  return isScalar
    ? `Remove the line to use ${show(node.default)}.`
    : 'Correct it, or take the field from the README’s example.';
}

/** Field → sentence. The map keeps one sentence a field however many rules it breaks. */
function schemaProblems(file: unknown): Map<string, string> {
  const problems = new Map<string, string>();
  for (const error of Value.Errors(ConfigSchema, file)) {
    const path = error.instancePath.split('/').slice(1);
    if (error.keyword === 'additionalProperties') {
      const known = Object.keys(nodeAt(path)?.properties ?? {});
      for (const name of error.params.additionalProperties) {
        const field = [...path, name].join('.');
        const meant = suggest(name, known);
        problems.set(
          field,
          `${field} is not a field; ${meant ? `did you mean ${meant}?` : `known here: ${known.join(', ')}.`} Remove or rename it.`,
        );
      }
    } else if (error.keyword === 'required') {
      for (const name of error.params.requiredProperties) {
        const field = [...path, name].join('.');
        problems.set(field, `${field} is missing; expected ${expectation(nodeAt([...path, name]) ?? {})}. Add it.`);
      }
    } else if (error.keyword !== 'boolean') {
      // A fault inside a point is told of the whole point: `lines.0.from`, not `lines.0.from.1`.
      const parent = path.slice(0, -1);
      const field = parent.length > 0 && Array.isArray(nodeAt(parent)?.items) ? parent : path;
      const node = nodeAt(field);
      if (node === undefined || problems.has(field.join('.'))) continue;
      const name = field.join('.') || 'the file';
      problems.set(
        field.join('.'),
        `${name} is ${show(valueAt(file, field))}; expected ${expectation(node)}. ${remedy(node)}`,
      );
    }
  }
  return problems;
}

/**
 * The file without its faulty fields (of a list the entry goes whole), defaults in their place: what is left can still be
 * checked for faults between fields, so that these are told in the same run.
 */
function withoutFaults(file: unknown, faults: Iterable<string>): ConfigFile | undefined {
  const rest = Value.Clone(file) as Record<string, unknown>;
  for (const field of faults) {
    const path = field.split('.');
    const isEntry = (LISTS as readonly string[]).includes(path[0]!) && path.length > 1;
    const parent = valueAt(rest, isEntry ? [path[0]!] : path.slice(0, -1)) as Record<string, unknown> | undefined;
    const key = isEntry ? path[1]! : path.at(-1)!;
    if (parent !== null && typeof parent === 'object') delete parent[key];
  }
  if (rest === null || typeof rest !== 'object') return undefined;
  const filled = Value.Default(ConfigSchema, rest) as ConfigFile;
  const whole: Record<string, unknown> = { ...filled };
  for (const name of LISTS) {
    const left = Array.isArray(filled[name]) ? (filled[name] as unknown[]).filter((entry) => entry !== undefined) : [];
    whole[name] = left.length > 0 ? left : DEFAULTS[name];
  }
  return Value.Check(ConfigSchema, whole)
    ? { ...filled, lines: Array.isArray(filled.lines) ? filled.lines : [] }
    : undefined;
}

/** Faults that only several fields together show. Runs on a file that is right field by field. */
function crossFieldProblems(file: ConfigFile, board: string): string[] {
  const problems: string[] = [];
  const { camera, model } = file;
  try {
    new Intl.DateTimeFormat('en', { timeZone: file.time_zone });
  } catch {
    problems.push(
      `time_zone is ${show(file.time_zone)}; expected an IANA name such as Europe/Stockholm. Remove the line to use "UTC".`,
    );
  }
  if (camera.height_px % 2 !== 0 || camera.width_px % 2 !== 0) {
    problems.push(
      `camera.width_px × height_px is ${camera.width_px} × ${camera.height_px}; expected even numbers. Remove both lines to use 256 × 192.`,
    );
  }
  if (camera.driver === 'rpicam' && camera.width_px % 128 !== 0) {
    problems.push(
      `camera.width_px is ${camera.width_px}; expected a multiple of 128 px with driver rpicam (rows are unpadded on every board then). Use 256.`,
    );
  }
  if (camera.driver === 'video' && (camera.video.source === '' || camera.video.source.startsWith('-'))) {
    problems.push(
      `camera.video.source is ${show(camera.video.source)}; expected a file or stream address that does not begin with "-" when camera.driver is video. Set it, or use camera.driver scene.`,
    );
  }
  if (model.engine === 'tfjs' && !model.accept_residue && /^raspberry pi/i.test(board)) {
    problems.push(
      `model.engine is "tfjs" on a ${board}; expected wasm on a device, because TensorFlow.js leaves pictures in memory that nobody can erase. Remove the line to use "wasm", or set model.accept_residue to true.`,
    );
  }
  problems.push(...brokerProblems(file.mqtt), ...layoutProblems(file), ...hoursProblems(file.opening_hours));
  return problems;
}

function camelKeys(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(camelKeys));
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([key, inner]) => [
    key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    camelKeys(inner),
  ]);
  return Object.freeze(Object.fromEntries(entries));
}

/** Checks a parsed file and fills in defaults. board: as boardModel says. Throws ConfigError with every problem. */
export function parseConfig(file: unknown, op = 'check configuration', board = ''): Config {
  const filled = Value.Default(ConfigSchema, Value.Clone(file));
  const faults = schemaProblems(filled);
  const checkable = faults.size === 0 ? (filled as ConfigFile) : withoutFaults(filled, faults.keys());
  const problems = [...faults.values(), ...(checkable === undefined ? [] : crossFieldProblems(checkable, board))];
  if (problems.length > 0) throw new ConfigError(problems, { op });
  return camelKeys(filled) as Config;
}

/** `camera.driver=video` → sets that field; the value is JSON if it parses as JSON, else a word. */
function applyOverride(file: Record<string, unknown>, override: string): void {
  const at = override.indexOf('=');
  if (at < 1) {
    throw new ConfigError([`--set ${override} has no "="; expected field=value, such as camera.driver=video.`], {
      op: 'read --set',
    });
  }
  const path = override.slice(0, at).split('.');
  // Assigned to, these would reach the prototype of every object instead of a field.
  if (path.some((key) => key === '__proto__' || key === 'constructor' || key === 'prototype')) {
    throw new ConfigError([`${path.join('.')} is not a field; see the table of fields in the README.`], {
      op: 'read --set',
    });
  }
  const text = override.slice(at + 1);
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: a plain word, as people type it.
  }
  let node = file;
  for (const key of path.slice(0, -1)) {
    if (!Object.hasOwn(node, key) || typeof node[key] !== 'object' || node[key] === null) node[key] = {};
    node = node[key] as Record<string, unknown>;
  }
  node[path.at(-1)!] = value;
}

export type ConfigSource = {
  /** Path of a JSON file; undefined: defaults only. */
  readonly path?: string | undefined;
  /** `field=value` words, applied over the file. */
  readonly overrides?: readonly string[] | undefined;
  /** For tests; otherwise what this machine says it is. */
  readonly board?: string;
};

/** Reads, overrides, checks. Paths inside the file are relative to the file. Throws ConfigError. */
export function loadConfig(source: ConfigSource): Config {
  let file: unknown = {};
  if (source.path !== undefined) {
    const op = `read ${source.path}`;
    let text: string;
    try {
      text = readFileSync(source.path, 'utf8');
    } catch (cause) {
      throw new ConfigError(
        [`configuration file ${show(source.path)} cannot be read (${(cause as NodeJS.ErrnoException).code}).`],
        {
          op,
          cause,
          hint: 'Check the path given with --config, or leave it out to run with defaults.',
        },
      );
    }
    try {
      file = JSON.parse(text);
    } catch (cause) {
      throw new ConfigError([`${source.path} is not JSON: ${(cause as Error).message}`], {
        op,
        cause,
        hint: 'Correct it at the place named.',
      });
    }
  }
  if (file === null || typeof file !== 'object' || Array.isArray(file)) {
    throw new ConfigError([`the configuration is ${show(file)}; expected an object { … }.`], {
      op: 'check configuration',
    });
  }
  for (const override of source.overrides ?? []) applyOverride(file as Record<string, unknown>, override);
  const op = source.path ? `check ${source.path}` : 'check configuration';
  const config = parseConfig(file, op, source.board ?? boardModel());
  const base = source.path === undefined ? process.cwd() : dirname(resolve(source.path));
  const fromBase = (path: string) => (path === '' || isAbsolute(path) ? path : resolve(base, path));
  const secret = (path: string) => (isCredential(path) ? path : fromBase(path));
  const isAddress = /^[a-z0-9+]+:\/\//i.test(config.camera.video.source);
  return Object.freeze({
    ...config,
    stateDir: fromBase(config.stateDir),
    model: Object.freeze({ ...config.model, manifest: fromBase(config.model.manifest) }),
    mqtt: Object.freeze({
      ...config.mqtt,
      passwordFile: secret(config.mqtt.passwordFile),
      caFile: secret(config.mqtt.caFile),
      certFile: secret(config.mqtt.certFile),
      keyFile: secret(config.mqtt.keyFile),
    }),
    camera: Object.freeze({
      ...config.camera,
      video: Object.freeze({
        ...config.camera.video,
        source: isAddress ? config.camera.video.source : fromBase(config.camera.video.source),
      }),
    }),
  });
}
