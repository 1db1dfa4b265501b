/** A site for tests of papers: a bookshop that does not exist, with every field of the section filled in. */
import type { SiteFacts } from '../../provisioning/site/facts.ts';
import { codeFacts } from '../../runtime/commands/papers/papers.ts';
import { parseConfig } from '../../runtime/config/config.ts';
import type { Config } from '../../runtime/config/schema.ts';

export const PAPERS = {
  languages: ['sv', 'en'],
  country: 'se',
  place: 'Norra Bokhandeln, Storgatan 12, Stockholm',
  controller: {
    name: 'Norra Bokhandeln AB',
    address: 'Storgatan 12, 111 22 Stockholm',
    email: 'integritet@norrabok.example',
    phone: '+46 8 123 45 67',
  },
  data_protection_officer: 'Åsa Öberg, dso@norrabok.example',
  notice_url: 'https://norrabok.example/integritet',
  recipients: 'Norra Fastigheter AB',
  counts_kept_days: 730,
};

/** `papers` replaces fields of the section; `rest` fields of the configuration. */
export function siteConfig(papers: object = {}, rest: object = {}): Config {
  return parseConfig({ camera: { driver: 'rpicam' }, ...rest, papers: { ...PAPERS, ...papers } });
}

export function siteFacts(papers: object = {}, rest: object = {}, day = '2026-11-27'): SiteFacts {
  const config = siteConfig(papers, rest);
  return { config, code: codeFacts(config), day };
}
