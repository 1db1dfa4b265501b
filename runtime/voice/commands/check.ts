/**
 * Is a message a command that may be carried out? A pure function of the message, the configuration, the memory and the time, with
 * one question after the other: cheap ones first, and nothing of a stranger's is kept before the signature was found good.
 * The answer is a request of the contract's type, or the first refusal; a request with several wrong fields names them all.
 */
import { Value } from 'typebox/value';
import { show } from '../../config/words.ts';
import {
  COMMAND_VALID_S_MAX,
  COMMANDS,
  type CommandName,
  isCommandName,
  type Request,
  type SignedCommand,
} from '../../contract/commands.ts';
import type { LinkMessage } from '../../ports/link.ts';
import { isCommandSigned, keyFingerprint } from '../../privacy/command-signature.ts';
import { MS_PER_S } from '../../units.ts';
import { type CommandMemory, IDS_MAX, standingOf } from './memory.ts';
import { type Refusal, refusal } from './refusal.ts';

/** A command has a few hundred bytes. */
export const COMMAND_BYTES_MAX = 2048;
/** Clocks of a sender and of a device that both ask a time server differ by less. */
const AHEAD_S_MAX = 60;
/** This program was not there before: a clock that says so has not asked the network yet. */
const CLOCK_MS_MIN = Date.UTC(2026, 0, 1);

export type CheckFacts = {
  readonly site: string;
  readonly device: string;
  /** commands.public_keys */
  readonly publicKeys: readonly string[];
  readonly memory: CommandMemory;
  readonly nowMs: number;
};

export type Checked<Name extends CommandName = CommandName> =
  | { readonly name: Name; readonly id: string; readonly request: Request<Name> }
  | { readonly name: CommandName | undefined; readonly id: string | null; readonly refused: Refusal };

/** name: the level behind `cmd/`, as the stranger wrote it. */
export function checkCommand(name: string, message: LinkMessage, facts: CheckFacts): Checked {
  const known = isCommandName(name) ? name : undefined;
  const refused = (code: Refusal['code'], sentence: string, id: string | null = null): Checked => ({
    name: known,
    id,
    refused: refusal(code, sentence),
  });
  if (message.retained)
    return refused(
      'retained',
      'A retained command is never carried out. Publish it without retain, and clear the topic.',
    );
  const bytes = Buffer.byteLength(message.payload);
  if (bytes > COMMAND_BYTES_MAX)
    return refused('too_large', `The command has ${bytes} bytes; expected at most ${COMMAND_BYTES_MAX}.`);
  const json = parsed(message.payload);
  if (json === undefined)
    return refused('malformed', 'The command is not JSON; expected an object { "v": 1, "id": … }.');
  const id = idOf(json);
  if (known === undefined) {
    const names = Object.keys(COMMANDS).join(', ');
    return refused('unknown_command', `There is no such command; known here: ${names}.`, id);
  }
  const { isSigned, schema } = COMMANDS[known];
  if (isSigned && !('signature' in json))
    return refused(
      'unsigned',
      `${known} changes something and must be signed. Send it with lethe command --key FILE.`,
      id,
    );
  if (!Value.Check(schema, json)) return refused('invalid', faultsOf(schema, json), id);
  const request = json as Request;
  const why = isSigned ? signedRefusal(request as SignedCommand, known, facts) : undefined;
  if (why !== undefined) return { name: known, id, refused: why };
  return { name: known, id: request.id, request };
}

/** Of a signed command of the right form: who, for whom, until when, and was it done before. */
function signedRefusal(command: SignedCommand, name: CommandName, facts: CheckFacts): Refusal | undefined {
  const { publicKeys, site, device, memory } = facts;
  if (publicKeys.length === 0)
    return refusal(
      'no_keys',
      'This device takes no signed commands: commands.public_keys of its configuration is empty. Make a key with lethe command --new-key FILE and put its public half there.',
    );
  if (command.command !== name)
    return refusal('wrong_device', `command is ${command.command}; it was sent as ${name}. Sign it for its own topic.`);
  if (command.site !== site || command.device !== device)
    return refusal(
      'wrong_device',
      `The command is for ${command.site}/${command.device}; this is ${site}/${device}. Sign it for this device.`,
    );
  if (!publicKeys.includes(command.public_key))
    return refusal(
      'unknown_key',
      `Key ${keyFingerprint(command.public_key)} is not one of commands.public_keys of this device. Use one that is, or add it there.`,
    );
  if (!isCommandSigned(command))
    return refusal(
      'bad_signature',
      'The signature does not fit the command. Sign it again, and change nothing behind.',
    );
  return timeRefusal(command, facts) ?? replayRefusal(command, memory);
}

function timeRefusal({ issued_at, expires_at }: SignedCommand, { nowMs }: CheckFacts): Refusal | undefined {
  const issuedMs = Date.parse(issued_at);
  const expiresMs = Date.parse(expires_at);
  const clock = `this device’s clock says ${new Date(nowMs).toISOString()}`;
  if (nowMs < CLOCK_MS_MIN)
    return refusal('clock_wrong', `The clock of this device is not right yet: ${clock}. Let it reach a time server.`);
  if (!(expiresMs > issuedMs && expiresMs - issuedMs <= COMMAND_VALID_S_MAX * MS_PER_S))
    return refusal(
      'validity',
      `The command is valid from ${issued_at} to ${expires_at}; expected more than 0 and at most ${COMMAND_VALID_S_MAX} s.`,
    );
  if (issuedMs > nowMs + AHEAD_S_MAX * MS_PER_S)
    return refusal(
      'not_yet_valid',
      `issued_at is ${issued_at}; ${clock}. Correct the clock that is wrong: the sender’s or this one.`,
    );
  if (expiresMs <= nowMs)
    return refusal(
      'expired',
      `expires_at is ${expires_at}; ${clock}. Sign it again, or correct the clock that is wrong.`,
    );
  return undefined;
}

function replayRefusal({ id, expires_at }: SignedCommand, memory: CommandMemory): Refusal | undefined {
  switch (standingOf(memory, id, Date.parse(expires_at))) {
    case 'new':
      return undefined;
    case 'replayed':
      return refusal(
        'replayed',
        `Command ${id} was carried out already, or may have been. Sign a new one with another id.`,
      );
    case 'full':
      return refusal('too_many', `${IDS_MAX} commands of the last minutes are remembered, more are not taken. Wait.`);
  }
}

/** An object, or undefined for everything else. */
function parsed(payload: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(payload);
    return json !== null && typeof json === 'object' && !Array.isArray(json)
      ? (json as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Told back even where the rest is wrong, if it is one. */
function idOf(json: Record<string, unknown>): string | null {
  const { id } = json;
  return typeof id === 'string' && Value.Check(COMMANDS.ping.schema.properties.id, id) ? id : null;
}

type Field = { readonly description?: string; readonly minimum?: number; readonly maximum?: number };

/** A sentence a field, in the order of the schema, then what it does not know. */
function faultsOf(schema: (typeof COMMANDS)[CommandName]['schema'], json: Record<string, unknown>): string {
  const properties = schema.properties as Readonly<Record<string, Field>>;
  const wrong = Object.entries(properties)
    .filter(([name, field]) => !Object.hasOwn(json, name) || !Value.Check(field as object, json[name]))
    .map(([name, field]) => `${name} is ${show(json[name])}; expected ${expectationOf(field)}.`);
  const unknown = Object.keys(json)
    .filter((name) => !Object.hasOwn(properties, name))
    .map((name) => `${show(name)} is not a field of this command; known here: ${Object.keys(properties).join(', ')}.`);
  return [...wrong, ...unknown].join('\n');
}

function expectationOf({ minimum, maximum, description = 'a value' }: Field): string {
  if (minimum === undefined || maximum === undefined) return description;
  return `a whole number ${minimum}..${maximum} (${description})`;
}
