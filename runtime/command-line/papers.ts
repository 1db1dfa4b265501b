/** The command that writes papers for a site. */
import { LANGUAGES, type Language } from '../../provisioning/site/languages.ts';
import { ExitCode, LetheError } from '../errors.ts';
import { type CommandLine, type ConfigOptions, configOf, InvalidArgumentError, withConfig } from './words.ts';

type PapersWords = {
  readonly out?: string;
  readonly language?: Language[];
  readonly date?: string;
  readonly force?: boolean;
  readonly pdf?: string;
};

export function addPapers({ program, finish, out }: CommandLine): void {
  withConfig(program.command('papers'))
    .description(
      'papers for the site from its configuration: door sign, privacy notice, impact assessment, record, answers',
    )
    .option('--out <dir>', 'folder to write them to')
    .option('--language <list>', 'languages, such as sv,en; without it: papers.languages', languageList)
    .option('--date <day>', 'day of the papers, YYYY-MM-DD; without it: today', calendarDay)
    .option('--force', 'overwrite papers that somebody changed')
    .option('--pdf <file>', 'in place of --out: set a Markdown paper that was filled in again as PDF')
    .action(async (options: ConfigOptions & PapersWords) => {
      const { languageOfPath, papersCommand, pdfAgain } = await import('../commands/papers/papers.ts');
      const { out: folder, pdf: file, language: languages, force = false, date } = options;
      const config = configOf(options);
      const day = date ?? new Date().toISOString().slice(0, 10);
      if ((folder === undefined) === (file === undefined))
        throw new LetheError('USAGE', '--out DIR or --pdf FILE is needed, and only one of them.', ExitCode.usage, {
          op: 'read options',
          hint: 'Run `lethe papers --help` for its options.',
        });
      if (file !== undefined) {
        const language = languages?.[0] ?? languageOfPath(file) ?? config.papers.languages[0] ?? 'en';
        finish(await pdfAgain({ file, language, config, day, out }));
      } else if (folder !== undefined)
        finish(await papersCommand({ config, languages, folder, isForced: force, day, out }));
    });
}

function languageList(text: string): Language[] {
  const words = text.split(',').map((word) => word.trim());
  const isKnown = (word: string): word is Language => LANGUAGES.some((language) => language === word);
  if (!words.every(isKnown)) throw new InvalidArgumentError(`expected some of ${LANGUAGES.join(',')}, with commas.`);
  return words;
}

function calendarDay(text: string): string {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
  if (!isDay || new Date(text).toISOString().slice(0, 10) !== text)
    throw new InvalidArgumentError('expected a day such as 2026-11-27.');
  return text;
}
