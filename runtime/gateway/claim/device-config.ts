/**
 * The configuration that a device gets with its certificate: what the code says of its place, what the gateway knows of the
 * store, and for the rest the template of the operator. A whole lethe.json without paths, which are the device's own matter.
 */
import { readFileSync } from 'node:fs';
import type { SetupPayload } from '../../../provisioning/payload/payload.ts';
import { parseConfig } from '../../config/config.ts';
import { outerCounters } from '../../config/counters.ts';
import { show } from '../../config/words.ts';
import { ConfigError } from '../../errors.ts';

/** A part of a lethe.json, as in the file. */
export type Template = Readonly<Record<string, unknown>>;

/** What is the same for all devices of the store. */
export type StoreFacts = {
  readonly site: string;
  readonly timeZone: string;
  readonly openingHours: readonly string[];
  readonly intervalS: number;
  /** Empty: as the code says. */
  readonly mqttUrl: string;
  readonly template: Template;
};

export type DeviceConfig = {
  /** As it is sent. */
  readonly file: Readonly<Record<string, unknown>>;
  /** Lines and entrances that are ways into the store. */
  readonly counters: readonly string[];
};

/** What a template may not say: it is different for each device, or a path on a machine that the gateway does not know. */
const NOT_IN_TEMPLATE = ['site', 'device', 'mqtt', 'state_dir'] as const;
const TEMPLATE_BYTES_MAX = 65_536;

type Place = Pick<SetupPayload, 'host' | 'mqttPort' | 'lines'>;

/** Throws ConfigError with everything that a device would refuse. */
export function deviceConfig(name: string, place: Place, store: StoreFacts): DeviceConfig {
  const { template, site, timeZone, openingHours, intervalS, mqttUrl } = store;
  const file = {
    // Without a word about it a device would count the simulated people of the default.
    camera: { driver: 'rpicam' },
    interval_s: intervalS,
    ...template,
    site,
    device: name,
    time_zone: timeZone,
    opening_hours: [...openingHours],
    mqtt: { url: mqttUrl === '' ? `mqtts://${place.host}:${place.mqttPort}` : mqttUrl },
    ...(place.lines !== undefined && { lines: place.lines }),
  };
  // The board's name matters: some settings are refused on a Raspberry Pi only.
  const config = parseConfig(file, `make configuration of ${name}`, 'Raspberry Pi');
  return { file, counters: outerCounters(config) };
}

/** path: empty is an empty template. Throws ConfigError with every fault, also such as only a device would find. */
export function readTemplate(path: string, store: Omit<StoreFacts, 'template'>): Template {
  if (path === '') return {};
  const op = 'read claim.template_file';
  let template: unknown;
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > TEMPLATE_BYTES_MAX) throw new RangeError(`it is longer than ${TEMPLATE_BYTES_MAX} characters`);
    template = JSON.parse(text);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new ConfigError(
      [
        `claim.template_file is ${show(path)}, which cannot be used (${reason}); expected a part of a lethe.json. Correct it, or leave it out.`,
      ],
      { op, cause },
    );
  }
  if (template === null || typeof template !== 'object' || Array.isArray(template))
    throw new ConfigError([`claim.template_file holds ${show(template)}; expected an object { … }.`], { op });
  const problems = templateProblems(template as Template, store);
  if (problems.length > 0) throw new ConfigError(problems, { op });
  return template as Template;
}

function templateProblems(template: Template, store: Omit<StoreFacts, 'template'>): string[] {
  const problems: string[] = NOT_IN_TEMPLATE.filter((field) => Object.hasOwn(template, field)).map(
    (field) => `claim.template_file has ${field}, which code, gateway and device say. Remove it there.`,
  );
  const interval = template['interval_s'];
  if (typeof interval === 'number' && store.intervalS % interval !== 0)
    problems.push(
      `interval_s in claim.template_file is ${interval}; expected a part of the gateway's ${store.intervalS} s. Remove it there.`,
    );
  try {
    const place = { host: 'gateway.example', mqttPort: 8883 };
    deviceConfig('example', place, { ...store, template });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems.map((problem) => `In claim.template_file: ${problem}`));
  }
  return problems;
}
