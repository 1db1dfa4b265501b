/**
 * `lethe papers`: the papers of a site from its configuration, and what a person still has to do with them.
 * Refuses a configuration for which they would say what is not so: TensorFlow.js leaves pictures in memory, and ffmpeg
 * has the network. The rest it says aloud: empty fields, marks to fill in by hand, and what the papers take for granted.
 */
import { readFileSync } from 'node:fs';
import {
  type CodeFacts,
  FIELD_KEYS,
  fieldPath,
  fieldValues,
  type SiteFacts,
} from '../../../provisioning/site/facts.ts';
import { LANGUAGES, type Language } from '../../../provisioning/site/languages.ts';
import { makePapers, pdfOfMarkdown } from '../../../provisioning/site/papers.ts';
import { unprintable } from '../../../provisioning/site/print/fonts.ts';
import type { Config } from '../../config/schema.ts';
import { RECORD_BYTES, RECORDS_PER_SECOND_MAX } from '../../corridor/record.ts';
import { ConfigError, ExitCode, LetheError } from '../../errors.ts';
import { PACKAGE_VERSION } from '../../package.ts';
import { BYTES_MAX, LEDGER_FILE } from '../../voice/ledger/ledger.ts';
import { replaceFile, writePapers } from './folder.ts';
import { leavingTopics } from './leaving.ts';
import { papersReport } from './report.ts';

export type PapersOptions = {
  readonly config: Config;
  /** Undefined: those of the configuration. */
  readonly languages: readonly Language[] | undefined;
  readonly folder: string;
  readonly isForced: boolean;
  /** YYYY-MM-DD */
  readonly day: string;
  readonly out: (text: string) => void;
};

export async function papersCommand(options: PapersOptions): Promise<ExitCode> {
  const { config, folder, isForced, day, out } = options;
  refuseUntrue(config);
  const [first = 'en', ...others] = new Set(options.languages ?? config.papers.languages);
  const facts: SiteFacts = { config, code: codeFacts(config), day };
  const papers = await makePapers(facts, [first, ...others]);
  writePapers(folder, papers, isForced);
  const told = first === 'en' || others.includes('en') ? 'en' : first;
  out(papersReport({ config, papers, language: told, folder }));
  return ExitCode.ok;
}

export function codeFacts(config: Config): CodeFacts {
  return {
    version: PACKAGE_VERSION,
    recordBytes: RECORD_BYTES,
    recordsPerSecondMax: RECORDS_PER_SECOND_MAX,
    ledgerMb: BYTES_MAX / (1024 * 1024),
    stateFile: LEDGER_FILE,
    topics: leavingTopics(config),
  };
}

export type PdfAgainOptions = {
  /** A Markdown paper that was filled in; its PDF is written beside it. */
  readonly file: string;
  readonly language: Language;
  readonly config: Config;
  readonly day: string;
  readonly out: (text: string) => void;
};

/** Throws LetheError if the file cannot be read or is none of Markdown. */
export async function pdfAgain({ file, language, config, day, out }: PdfAgainOptions): Promise<ExitCode> {
  const fault = (problem: string, cause?: unknown) =>
    new LetheError(
      'PAPERS_INPUT',
      `${file} ${problem}; expected a Markdown paper, such as sv/dpia.md.`,
      ExitCode.noInput,
      {
        op: 'set paper',
        cause,
        hint: 'Name a .md file that `lethe papers --out DIR` wrote.',
      },
    );
  if (!/.\.md$/.test(file)) throw fault('does not end in .md');
  let markdown: string;
  try {
    markdown = readFileSync(file, 'utf8');
  } catch (cause) {
    throw fault(`cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
  const target = file.replace(/\.md$/, '.pdf');
  replaceFile(target, await pdfOfMarkdown(markdown, language, config.papers.controller.name, day));
  out(`${target}\n`);
  return ExitCode.ok;
}

/** `…/sv/dpia.md` → sv. */
export function languageOfPath(file: string): Language | undefined {
  return LANGUAGES.find((language) => file.split(/[\\/]/).at(-2) === language);
}

/** Throws ConfigError with everything for which the papers would not be true, or not be legible. */
function refuseUntrue(config: Config): void {
  const problems: string[] = [];
  if (config.model.engine !== 'wasm')
    problems.push(
      `model.engine is "${config.model.engine}"; expected wasm, because the papers say that pictures are erased, and TensorFlow.js leaves them in memory. Remove the line to use "wasm".`,
    );
  if (config.camera.driver === 'video')
    problems.push(
      'camera.driver is "video"; expected rpicam, because the papers say that the part with the camera has no network, and ffmpeg has it. Use the configuration of the counter at the door.',
    );
  const values = fieldValues(config);
  for (const key of FIELD_KEYS) {
    const letters = unprintable(values[key]);
    if (letters.length > 0)
      problems.push(
        `${fieldPath(key)} holds ${JSON.stringify(letters.join(''))}; expected Latin letters, which the typeface of the papers has. Write it in Latin letters.`,
      );
  }
  if (problems.length > 0) throw new ConfigError(problems, { op: 'check configuration for papers' });
}
