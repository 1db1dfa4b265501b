/**
 * Words of the papers that are not in a template: labels, the sign, what each topic and each check is for. One file a
 * language; tsc sees to it that none misses a word, and a test that every topic and check has its sentence.
 */
import type { Check, FieldKey } from '../facts.ts';
import type { Language } from '../languages.ts';
import { de } from './de.ts';
import { en } from './en.ts';
import { es } from './es.ts';
import { fr } from './fr.ts';
import { sv } from './sv.ts';

/** Four labels for three kinds: what cannot be shown is either believed or a legal judgement. */
export const MARKS = ['proved', 'measured', 'believed', 'judgement'] as const;
export type Mark = (typeof MARKS)[number];
export const LEVELS = ['low', 'medium', 'high'] as const;
export type Level = (typeof LEVELS)[number];

export type SignWords = {
  /** Read from 2 m: one short line or two. */
  readonly headline: string;
  /** What happens, in one sentence. */
  readonly sentence: string;
  /** What does not: nobody recognised, no picture kept, only numbers leave. */
  readonly promises: readonly [string, string, string];
  /** The first promise and the second in one line, for a sign in several languages. */
  readonly promisesShort: string;
  readonly purpose: string;
  readonly responsible: string;
  readonly officer: string;
  readonly rights: string;
  /** Beside the QR code. */
  readonly scan: string;
  /** In its place while there is no address. */
  readonly ask: string;
};

export type Words = {
  readonly marks: Readonly<Record<Mark, string>>;
  /** One sentence each, for the legend. */
  readonly markMeanings: Readonly<Record<Mark, string>>;
  readonly legendIntro: string;
  /** `Fill in`, with the colon as the language sets it. */
  readonly fill: string;
  readonly levels: Readonly<Record<Level, string>>;
  /** What is to be filled in where the configuration is silent. */
  readonly fields: Readonly<Record<FieldKey, string>>;
  readonly none: string;
  readonly days: string;
  readonly topicHead: readonly [topic: string, content: string, fields: string];
  readonly checkHead: readonly [command: string, shows: string];
  /** By the key of the topic (LeavingTopic). */
  readonly topics: Readonly<Record<string, string>>;
  readonly checks: Readonly<Record<Check, string>>;
  readonly sign: SignWords;
};

export const WORDS: Readonly<Record<Language, Words>> = { sv, en, de, fr, es };
