/** The section `claim` of the gateway's configuration: fields, and faults that only several of them together show. */
import { Type } from 'typebox';
import { integer, section, topicLevel } from '../../config/schema.ts';
import { show } from '../../config/words.ts';

export const CLAIM_PORT_DEFAULT = 8885;
/** As provisioning/gateway/certificates.sh. */
const CERTIFICATE_DAYS_DEFAULT = 825;
/** Users of provisioning/gateway/access.acl that are no devices, beside those that no configuration may name. */
const RESERVED_DEFAULT = ['auditor', 'facility', 'head-office', 'homeassistant'];

/** never; offline: when the board before is not connected and the code is newer than its own; always: when it is newer. */
export const REPLACE_WORDS = ['never', 'offline', 'always'] as const;
export type ReplaceWord = (typeof REPLACE_WORDS)[number];

const credentialFile = (description: string) =>
  Type.String({
    default: '',
    maxLength: 1000,
    description: `${description}, or credential:NAME of systemd`,
    shape: 'a path, or credential:NAME',
  });

export const ClaimSettings = section(
  {
    port: integer(0, 65_535, CLAIM_PORT_DEFAULT, {
      description: 'Port on which devices claim their certificates, and fetch updates; 0, or no section claim: none',
    }),
    address: Type.String({
      pattern: '^[0-9a-fA-F.:]{2,45}$',
      default: '0.0.0.0',
      description: 'Address on which it is served; :: is IPv6 as well',
      shape: 'an IP address such as 0.0.0.0',
    }),
    cert_file: credentialFile("PEM file of the server's certificate, as the broker has it"),
    key_file: credentialFile('PEM file of its key, without a passphrase'),
    ca_file: credentialFile("PEM file of the store's authority"),
    ca_key_file: credentialFile('PEM file of the key of the authority, mode 0600'),
    fleet_keys: Type.String({
      default: '',
      maxLength: 1000,
      description: 'Folder with the public halves of the keys that sign codes (*.pem)',
      shape: 'a path',
    }),
    certificate_days: integer(1, 3660, CERTIFICATE_DAYS_DEFAULT, {
      description: 'How long the certificates of devices hold',
      unit: 'days',
    }),
    mqtt_url: Type.String({
      pattern: '^((mqtts|wss)://[^\\s@]+)?$',
      maxLength: 500,
      default: '',
      description: 'Broker that devices are told; empty: mqtts:// with the host and port of the code',
      shape: 'mqtts://host:port or wss://host:port/path without user or password, or empty',
    }),
    template_file: Type.String({
      default: '',
      maxLength: 1000,
      description:
        'JSON file with what new devices have in their configuration besides what code and gateway say: lines, gpio, commands …; empty: defaults',
      shape: 'a path, or empty',
    }),
    name_prefix: Type.String({
      pattern: '^[a-z0-9][a-z0-9_-]{0,25}$',
      default: 'counter',
      description: 'Devices with a code that names none are called this, a dash and the next free number',
      shape: '1 to 26 of a-z, 0-9, _ and -, beginning with a letter or digit',
    }),
    replace: Type.Enum([...REPLACE_WORDS], {
      default: 'offline',
      description:
        'Whether another board may have the name of a claimed device by a newer code for that name; offline: when that one is not connected',
      shape: 'one of never, offline, always',
    }),
    reserved: Type.Array(topicLevel('facility', 'A user of the broker'), {
      maxItems: 64,
      uniqueItems: true,
      default: RESERVED_DEFAULT,
      description: 'Users of the broker that are no devices: a certificate in their name would have their rights',
      shape: 'a list of at most 64 different names',
    }),
  },
  'Devices that claim their certificates',
);

export type ClaimFields = {
  readonly port: number;
  readonly cert_file: string;
  readonly key_file: string;
  readonly ca_file: string;
  readonly ca_key_file: string;
  readonly fleet_keys: string;
  readonly mqtt_url: string;
  readonly reserved: readonly string[];
};

const NEEDED = {
  cert_file: "the server's certificate, such as the broker's gateway.crt",
  key_file: 'the key of that certificate',
  ca_file: "the store's ca.crt",
  ca_key_file: "the authority's ca.key, readable by the gateway alone",
  fleet_keys: 'the folder with the public fleet keys',
} as const;

/** devices: of the file. */
export function claimProblems(claim: ClaimFields, devices: readonly string[]): string[] {
  if (claim.port === 0) return [];
  const problems = Object.entries(NEEDED)
    .filter(([field]) => claim[field as keyof typeof NEEDED] === '')
    .map(
      ([field, what]) =>
        `claim.${field} is empty; expected ${what} where devices claim certificates. Set it, or claim.port to 0.`,
    );
  for (const name of devices)
    if (claim.reserved.includes(name))
      problems.push(
        `claim.reserved has ${show(name)}, which is in devices as well; expected names of other clients. Remove it from one of them.`,
      );
  if (/[?#]/.test(claim.mqtt_url))
    problems.push(`claim.mqtt_url is ${show(claim.mqtt_url)}; expected an address without ? and #. Remove them.`);
  return problems;
}
