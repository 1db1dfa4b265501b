/** What each command does, in terms of the voice's parts. Each answers at once; none of them can leave a thing half done. */

import { effectiveFile } from '../../config/effective.ts';
import type { Config } from '../../config/schema.ts';
import { RESEND_RECORDS_MAX, type Request } from '../../contract/commands.ts';
import { ControlWord } from '../../corridor/control.ts';
import { explain, LetheError } from '../../errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { rfc3339, US_PER_S } from '../../units.ts';
import type { Bookkeeper } from '../bookkeeper.ts';
import type { ResendAnswer } from '../delivery.ts';
import type { Setup } from '../setup.ts';
import type { CommandActions, Outcome } from './commands.ts';
import { refusal } from './refusal.ts';

/** runtime/eye/indicator.ts flickers for so long; the voice may not import it. */
const IDENTIFY_S = 10;

export type ActionParts = {
  readonly config: Config;
  readonly version: string;
  readonly clock: Clock;
  readonly startedUs: number;
  readonly control: (word: ControlWord) => void;
  readonly books: Bookkeeper;
  readonly setup: Setup;
  /** Records that wait for the broker. */
  readonly pendingCount: () => number;
  /** Sends kept records again. */
  readonly resend: (epochId: string, fromSeq: number, toSeq: number) => ResendAnswer;
  /** Reads the configuration as a new start would. Throws LetheError. */
  readonly readConfig: () => Config;
  /** A newer release. */
  readonly offer: (request: Request<'update'>) => Outcome;
  /** Ends voice and eye, to be started with the configuration that is there now. */
  readonly startAgain: () => void;
};

export function commandActions(parts: ActionParts): CommandActions {
  const { version, clock, startedUs, control, books, setup, resend } = parts;
  return {
    ping: () => ({
      result: { version, uptime_s: Math.floor((clock.monotonicUs() - startedUs) / US_PER_S) },
    }),
    identify: () => {
      control(ControlWord.identify);
      return { result: { seconds: IDENTIFY_S } };
    },
    setup: ({ minutes }) => {
      if (minutes === 0) setup.end();
      else setup.begin(minutes);
      return { result: { until: setup.untilMs === null ? null : rfc3339(setup.untilMs) } };
    },
    'reset-occupancy': ({ people }) => {
      books.setPeople(people, clock.wallMs());
      return { result: { people } };
    },
    reload: () => reload(parts),
    update: (request) => parts.offer(request),
    resend: (request) => resendRecords(request, resend),
  };
}

function resendRecords({ epoch_id, from_seq, to_seq }: Request<'resend'>, resend: ActionParts['resend']): Outcome {
  const count = to_seq - from_seq + 1;
  if (count < 1 || count > RESEND_RECORDS_MAX)
    return {
      refused: refusal('invalid', `from_seq to to_seq are ${count} numbers; expected 1..${RESEND_RECORDS_MAX}.`),
    };
  switch (resend(epoch_id, from_seq, to_seq)) {
    case 'queued':
      return { result: { from_seq, to_seq } };
    case 'none':
      return {
        refused: refusal(
          'not_kept',
          `Of ${from_seq} to ${to_seq} of epoch ${epoch_id} nothing is kept. See kept_from in health, and epoch_id in info.`,
        ),
      };
    case 'busy':
      return {
        refused: refusal('too_many', 'As many requests as can wait do so already. Ask again when these have come.'),
      };
  }
}

function reload({ config, readConfig, pendingCount, startAgain }: ActionParts): Outcome {
  let next: Config;
  try {
    next = readConfig();
  } catch (error) {
    if (!(error instanceof LetheError)) throw error;
    const code = error.code === CONFIG_REPLACED ? 'config_replaced' : 'config_invalid';
    return { refused: refusal(code, withoutAddresses(explain(error))) };
  }
  const changed = changedParts(config, next);
  const pending = pendingCount();
  if (pending > 0 && (changed.includes('site') || changed.includes('device')))
    return {
      refused: refusal(
        'not_delivered',
        `${pending} records of ${config.site}/${config.device} still wait for the broker and would go out under another name. Try again when pending in health is 0.`,
      ),
    };
  return { result: { changed }, afterReply: startAgain };
}

/** Of the error that readConfig throws where the file cannot be seen any more. */
export const CONFIG_REPLACED = 'CONFIG_REPLACED';

/** An address may hold a password, and a reply is read by many: nothing behind `://` is told. */
function withoutAddresses(text: string): string {
  return text.replaceAll(/:\/\/[^\s"]*/g, '://…');
}

/** First-level names whose values differ, defaults filled in, in order of the alphabet; what is printed on papers is none of it. */
function changedParts(before: Config, after: Config): string[] {
  const [old, young] = [effectiveFile(before), effectiveFile(after)];
  return Object.keys(young)
    .filter((name) => JSON.stringify(old[name]) !== JSON.stringify(young[name]))
    .sort();
}
