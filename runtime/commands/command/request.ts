/** From the words of the command line to a command as it goes over the wire. Everything that is wrong is said at once. */
import { randomBytes } from 'node:crypto';
import { Value } from 'typebox/value';
import type { Config } from '../../config/schema.ts';
import { COMMANDS, type CommandName, isCommandName } from '../../contract/commands.ts';
import { CONTRACT_VERSION } from '../../contract/contract.ts';
import { ExitCode, LetheError } from '../../errors.ts';
import { signedCommand } from '../../privacy/command-signature.ts';
import type { DeviceKey } from '../../privacy/receipts.ts';

/** Clocks that differ by less do no harm, and somebody who copies it has no longer. */
const VALID_MS = 300_000;
const ID_BYTES = 12;

export type ArgumentWords = {
  readonly minutes?: number | undefined;
  readonly people?: number | undefined;
  readonly epochId?: string | undefined;
  readonly fromSeq?: number | undefined;
  readonly toSeq?: number | undefined;
};

/** Field of the command → option of the command line. */
const OPTIONS = {
  minutes: '--minutes',
  people: '--people',
  epoch_id: '--epoch-id',
  from_seq: '--from-seq',
  to_seq: '--to-seq',
} as const;
type Argument = keyof typeof OPTIONS;

export type Plan = { readonly name: CommandName; readonly arguments: Readonly<Partial<Record<Argument, unknown>>> };

/** Throws LetheError (usage) with everything that does not go together. */
export function planOf(name: string, words: ArgumentWords, hasKey: boolean): Plan {
  if (!isCommandName(name))
    throw usage(`There is no command ${name}; expected one of ${Object.keys(COMMANDS).join(', ')}.`);
  if (name === 'update')
    throw usage('update bears a signed release. Let the gateway offer it: updates.bundle_file of its configuration.');
  const { schema, isSigned } = COMMANDS[name];
  const properties = schema.properties as Readonly<Record<string, object>>;
  const given: Partial<Record<Argument, unknown>> = {
    minutes: words.minutes,
    people: words.people,
    epoch_id: words.epochId,
    from_seq: words.fromSeq,
    to_seq: words.toSeq,
  };
  const faults: string[] = [];
  for (const [field, option] of Object.entries(OPTIONS) as [Argument, string][]) {
    const value = given[field];
    const schemaOf = properties[field];
    if (schemaOf === undefined && value !== undefined)
      faults.push(`${option} does not belong to ${name}. Leave it out.`);
    if (schemaOf === undefined || Value.Check(schemaOf, value)) continue;
    const { description, minimum, maximum } = schemaOf as { description: string; minimum?: number; maximum?: number };
    const range = minimum === undefined ? '' : ` (${minimum}..${maximum})`;
    faults.push(`${option} ${value === undefined ? 'is missing' : `is ${value}`}; expected: ${description}${range}.`);
  }
  if (isSigned && !hasKey)
    faults.push(
      `${name} changes something and must be signed: --key FILE. Make a key with lethe command --new-key FILE.`,
    );
  if (faults.length > 0) throw usage(faults.join('\n'));
  return { name, arguments: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

/** A command with an id of its own, signed if it must be. key: of planOf's `hasKey`. */
export function requestOf(
  { name, arguments: given }: Plan,
  { site, device }: Pick<Config, 'site' | 'device'>,
  key: DeviceKey | undefined,
  nowMs: number,
): { readonly id: string; readonly payload: string } {
  const id = randomBytes(ID_BYTES).toString('hex');
  const request = { v: CONTRACT_VERSION, id, ...given };
  if (!COMMANDS[name].isSigned || key === undefined) return { id, payload: JSON.stringify(request) };
  const times = { issued_at: new Date(nowMs).toISOString(), expires_at: new Date(nowMs + VALID_MS).toISOString() };
  return { id, payload: JSON.stringify(signedCommand({ ...request, command: name, site, device, ...times }, key)) };
}

function usage(message: string): LetheError {
  return new LetheError('USAGE', message, ExitCode.usage, {
    op: 'read options',
    hint: 'Run `lethe command --help` for its options.',
  });
}
