/**
 * What the papers say about one site, gathered once and the same in every language. From three places only: the
 * configuration (who, where, which lines), the code (topics, sizes, version: handed in by the command, because
 * provisioning imports neither eye nor voice) and the day. A fact that is typed here has its source beside it.
 */
import type { Config } from '../../runtime/config/schema.ts';

/** What leaves the device on one topic; `fields` are the payload's own names, read from what builds it. */
export type LeavingTopic = {
  /** Which of the topics it is, as TopicNames has it: status, total, interval … Words are found by it. */
  readonly key: string;
  /** Address, with <line> and <zone> for names of lines and zones. */
  readonly topic: string;
  readonly fields: readonly string[];
};

/** Sizes and versions that the code knows. */
export type CodeFacts = {
  readonly version: string;
  readonly recordBytes: number;
  readonly recordsPerSecondMax: number;
  /** Size that the ledger's file may have. */
  readonly ledgerMb: number;
  /** Name of the ledger's file. */
  readonly stateFile: string;
  readonly topics: readonly LeavingTopic[];
};

export type SiteFacts = {
  readonly config: Config;
  readonly code: CodeFacts;
  /** Day of the papers, YYYY-MM-DD. */
  readonly day: string;
};

/**
 * DESIGN: erased within two milliseconds. The figure was measured on a server (README, table at the top), and what holds at a door is
 * what its device publishes: the papers say both.
 */
export const RESIDENCY_GOAL_MS = 2;

/** What anybody can run to check; the texts name them by these keys, so that they are typed once. */
export const CHECKS = {
  audit: 'lethe audit',
  isolation: 'lethe audit --isolation',
  system: 'lethe doctor --privacy',
  receipts: 'lethe verify FILE',
  tally: 'lethe tally',
  papers: 'lethe papers',
} as const;
export type Check = keyof typeof CHECKS;

type Authority = { readonly name: string; readonly url: string };

/** Names as the authorities write them, in their own language. Germany has one a Land: it is filled in. */
const AUTHORITIES: Readonly<Record<Config['papers']['country'], Authority>> = {
  '': { name: '', url: '' },
  se: { name: 'Integritetsskyddsmyndigheten (IMY)', url: 'https://www.imy.se' },
  de: { name: '', url: 'https://www.bfdi.bund.de/DE/Service/Anschriften/Laender/Laender-node.html' },
  fr: { name: 'Commission nationale de l’informatique et des libertés (CNIL)', url: 'https://www.cnil.fr' },
  es: { name: 'Agencia Española de Protección de Datos (AEPD)', url: 'https://www.aepd.es' },
  gb: { name: 'Information Commissioner’s Office (ICO)', url: 'https://ico.org.uk' },
  ie: { name: 'Data Protection Commission (DPC)', url: 'https://www.dataprotection.ie' },
};

export function authorityOf(config: Config): Authority {
  const { authority, country } = config.papers;
  if (authority.name !== '') return authority;
  const { name, url } = AUTHORITIES[country];
  return { name, url: authority.url || url };
}

/** A field that is empty and has to be filled in by a person. `optional`: a site may rightly have none. */
export type OpenField = { readonly field: string; readonly key: FieldKey; readonly optional: boolean };

export const FIELD_KEYS = [
  'controller_name',
  'controller_address',
  'contact_email',
  'contact_phone',
  'place',
  'dpo',
  'notice_url',
  'authority',
  'recipients',
  'counts_kept',
] as const;
export type FieldKey = (typeof FIELD_KEYS)[number];

/** Every field of the section with its value as text; empty: nobody has said. */
export function fieldValues(config: Config): Readonly<Record<FieldKey, string>> {
  const { papers } = config;
  return {
    controller_name: papers.controller.name,
    controller_address: papers.controller.address,
    contact_email: papers.controller.email,
    contact_phone: papers.controller.phone,
    place: papers.place,
    dpo: papers.dataProtectionOfficer,
    notice_url: papers.noticeUrl,
    authority: authorityOf(config).name,
    recipients: papers.recipients,
    counts_kept: papers.countsKeptDays === 0 ? '' : String(papers.countsKeptDays),
  };
}

const FIELD_PATHS: Readonly<Record<FieldKey, string>> = {
  controller_name: 'papers.controller.name',
  controller_address: 'papers.controller.address',
  contact_email: 'papers.controller.email',
  contact_phone: 'papers.controller.phone',
  place: 'papers.place',
  dpo: 'papers.data_protection_officer',
  notice_url: 'papers.notice_url',
  authority: 'papers.country or papers.authority.name',
  recipients: 'papers.recipients',
  counts_kept: 'papers.counts_kept_days',
};
const OPTIONAL: readonly FieldKey[] = ['contact_phone', 'dpo'];

export function openFields(config: Config): OpenField[] {
  const values = fieldValues(config);
  return FIELD_KEYS.filter((key) => values[key] === '').map((key) => ({
    key,
    field: FIELD_PATHS[key],
    optional: OPTIONAL.includes(key),
  }));
}

/** Where a value comes from, for a message about it. */
export function fieldPath(key: FieldKey): string {
  return FIELD_PATHS[key];
}
