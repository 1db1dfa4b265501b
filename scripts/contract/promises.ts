/**
 * What version 1 of the contract has promised, as a list that can be read and compared: per topic how it is sent, and per
 * field its type, unit, range, words and whether it is always there. Descriptions are no promise; they may become better.
 * The rule is in runtime/contract/contract.ts: the list may grow and nothing on it may change, neither narrower (a reader
 * would miss something) nor wider (it would be surprised).
 */
import type { TreeTopic } from '../../runtime/contract/trees.ts';

export type FieldPromise = {
  /** `integer`, `string|null`, `object` … */
  readonly type: string;
  /** True: there in every payload in which what it lies in is there. */
  readonly always: boolean;
  /** Words that it may be; `grows`: others may come. */
  readonly words?: readonly unknown[];
  readonly grows?: true;
  readonly unit?: string;
  /** minimum, pattern, maxItems … with their values. */
  readonly range?: Readonly<Record<string, unknown>>;
};

export type TopicPromise = {
  readonly from: string;
  readonly retained: boolean;
  readonly qos: number;
  /** By path: `dwell_s.mean`, `covers[].seq`; a place of a fixed list is `presses[][0]`, any name `topics{}`. */
  readonly fields: Readonly<Record<string, FieldPromise>>;
};

/** By the whole topic, with names in braces. */
export type Promises = Readonly<Record<string, TopicPromise>>;

type Node = { readonly [keyword: string]: unknown };

const RANGE_KEYWORDS = [
  'const',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'pattern',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
] as const;

export function promisesOf(topics: readonly TreeTopic[]): Promises {
  return Object.fromEntries(
    topics.map(({ address, from, retained, qos, schema }) => [
      address,
      { from, retained, qos, fields: Object.fromEntries(fieldsIn(schema as unknown as Node, '')) },
    ]),
  );
}

type NamedPromise = readonly [path: string, promise: FieldPromise];

function fieldsIn(node: Node, path: string): NamedPromise[] {
  const { plain } = withoutNull(node);
  const required = (plain['required'] ?? []) as readonly string[];
  const properties = Object.entries((plain['properties'] ?? {}) as Record<string, Node>);
  const inside = properties.flatMap(([name, inner]) =>
    field(inner, path === '' ? name : `${path}.${name}`, required.includes(name)),
  );
  for (const inner of Object.values((plain['patternProperties'] ?? {}) as Record<string, Node>))
    inside.push(...field(inner, `${path}{}`, false));
  const { items } = plain;
  if (items === undefined) return inside;
  const places = Array.isArray(items)
    ? items.map((item: Node, index) => [`[${index}]`, item] as const)
    : [['[]', items as Node] as const];
  return [...inside, ...places.flatMap(([place, item]) => field(item, `${path}${place}`, true))];
}

function field(node: Node, path: string, always: boolean): NamedPromise[] {
  return [[path, promiseOf(node, always)], ...fieldsIn(node, path)];
}

function promiseOf(node: Node, always: boolean): FieldPromise {
  const { plain, isNullable } = withoutNull(node);
  const words = plain['enum'] as readonly unknown[] | undefined;
  const type = (plain['type'] as string | undefined) ?? [...new Set(words?.map((word) => typeof word))].join('|');
  const range = Object.fromEntries(RANGE_KEYWORDS.flatMap((key) => (key in plain ? [[key, plain[key]]] : [])));
  const unit = plain['x-unit'];
  return {
    type: isNullable ? `${type}|null` : type,
    always,
    ...(words !== undefined && { words }),
    ...(plain['x-open'] === true && { grows: true as const }),
    ...(typeof unit === 'string' && { unit }),
    ...(Object.keys(range).length > 0 && { range }),
  };
}

/** Something or null is written as a choice of two. */
function withoutNull(node: Node): { plain: Node; isNullable: boolean } {
  const choices = node['anyOf'] as readonly Node[] | undefined;
  if (choices === undefined) return { plain: node, isNullable: false };
  const [inner, other, ...more] = choices;
  if (inner === undefined || other?.['type'] !== 'null' || more.length > 0)
    throw new Error(`a choice other than something or null: ${JSON.stringify(node)}`);
  return { plain: inner, isNullable: true };
}

/** Everything in `after` that breaks what `before` promised; a sentence each. */
export function brokenPromises(before: Promises, after: Promises): string[] {
  return Object.entries(before).flatMap(([topic, promised]) => {
    const now = after[topic];
    if (now === undefined) return [`${topic} is gone`];
    const faults = (['from', 'retained', 'qos'] as const).flatMap((key) =>
      now[key] === promised[key] ? [] : [`${topic}: ${key} was ${promised[key]}, is ${now[key]}`],
    );
    return [...faults, ...fieldFaults(promised, now).map((fault) => `${topic}: ${fault}`)];
  });
}

function fieldFaults(promised: TopicPromise, now: TopicPromise): string[] {
  const changed = Object.entries(promised.fields).flatMap(([path, field]) => {
    const found = now.fields[path];
    return found === undefined ? [`${path} is gone`] : changesOf(field, found).map((change) => `${path}: ${change}`);
  });
  return promised.from === 'others' ? [...changed, ...newDemands(promised, now)] : changed;
}

/** Who sends a command of yesterday must still be understood. */
function newDemands(promised: TopicPromise, now: TopicPromise): string[] {
  return Object.entries(now.fields)
    .filter(([path, { always }]) => always && promised.fields[path]?.always !== true && isOutermost(path, promised))
    .map(([path]) => `${path} is demanded of those who send, and was not`);
}

/** A field of something that is new itself is demanded only with it. */
function isOutermost(path: string, promised: TopicPromise): boolean {
  const parent = path.replace(/(\.[^.[{]+|\[\d*\]|\{\})$/, '');
  return parent === path || parent in promised.fields;
}

function changesOf(before: FieldPromise, after: FieldPromise): string[] {
  const faults: string[] = [];
  const compare = (what: string, was: unknown, is: unknown) => {
    if (JSON.stringify(was) !== JSON.stringify(is))
      faults.push(`${what} was ${JSON.stringify(was) ?? 'not said'}, is ${JSON.stringify(is) ?? 'not said'}`);
  };
  compare('type', before.type, after.type);
  if (before.always && !after.always) faults.push('was always there');
  compare('unit', before.unit, after.unit);
  for (const key of new Set([...Object.keys(before.range ?? {}), ...Object.keys(after.range ?? {})]))
    compare(key, before.range?.[key], after.range?.[key]);
  compare('open to other words', before.grows, after.grows);
  const gone = (before.words ?? []).filter((word) => !after.words?.includes(word));
  if (gone.length > 0) faults.push(`words are gone: ${gone.join(', ')}`);
  const added = (after.words ?? []).filter((word) => !before.words?.includes(word));
  if (added.length > 0 && before.grows !== true) faults.push(`words came to a closed list: ${added.join(', ')}`);
  return faults;
}
