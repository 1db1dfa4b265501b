/**
 * The languages of the papers. One list: the schema, the words and the folders of templates all follow it, and a test
 * sees to it that they do.
 */
export const LANGUAGES = ['sv', 'en', 'de', 'fr', 'es'] as const;
export type Language = (typeof LANGUAGES)[number];

/** In their own words, as on a list of languages. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  sv: 'Svenska',
  en: 'English',
  de: 'Deutsch',
  fr: 'Français',
  es: 'Español',
};

/** The four papers that are text; the sign is drawn. File name and folder entry at once. */
export const TEXTS = ['notice', 'dpia', 'record', 'access'] as const;
export type TextName = (typeof TEXTS)[number];

/** 2026-11-27 → 27 November 2026. The day is a label, not a moment: reckoned in UTC on both sides. */
export function longDate(language: Language, day: string): string {
  const locale = language === 'en' ? 'en-GB' : language;
  return new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(`${day}T00:00:00Z`));
}
