/**
 * Claims: a device that read a setup code changes it for a certificate, a name and a configuration. Nothing is prepared here for a
 * code: the fleet's key says that it is ours, and the books that its token was not spent. In one transaction the token is spent
 * for one key and the answer written down; only then it is given. So whoever asks again with the same code and key, after a cut
 * of power or network at any moment, gets the same answer, and with another key nobody gets one.
 * Everything happens in one turn, so two claims never meet. The code and what is in it are never logged.
 */
import { randomInt } from 'node:crypto';
import { readCode } from '../../../provisioning/payload/code.ts';
import type { CodeKeys } from '../../../provisioning/payload/keys.ts';
import type { SetupPayload } from '../../../provisioning/payload/payload.ts';
import { ConfigError, DatabaseError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Database } from '../../ports/database.ts';
import { MS_PER_S, US_PER_MS } from '../../units.ts';
import { type ClaimBooks, type ClaimedDevice, digest } from './books.ts';
import { deviceConfig, type StoreFacts } from './device-config.ts';
import { ClaimLimits } from './limits.ts';
import { type NamingFacts, nameFor } from './naming.ts';
import { answerOf, CLAIM_REFUSALS, type ClaimRefusal, codeRefusal, refuse } from './refusals.ts';
import { type ClaimRequest, readRequest } from './request.ts';

/** A device whose clock is behind takes its certificate all the same. */
const BACKDATED_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Devices that are told to come again shall not all come at once. */
const RETRY_S = [5, 15] as const;

/** Makes a certificate for a device; see drivers/certificates. */
export type IssueCertificate = (request: {
  readonly name: string;
  readonly publicKey: Uint8Array;
  readonly fromMs: number;
  readonly toMs: number;
}) => { readonly pem: string; readonly serial: string };

export type ClaimsOptions = {
  readonly store: StoreFacts;
  readonly keys: CodeKeys;
  readonly certificateDays: number;
  readonly authorityPem: string;
  readonly issue: IssueCertificate;
  readonly clock: Clock;
  readonly database: Database;
  readonly books: ClaimBooks;
  readonly log: Log;
  /** As it is at this moment. */
  readonly naming: () => Omit<NamingFacts, 'deviceNamed' | 'deviceOfHardware'>;
  /** It is in the books now and belongs to the store; whoever fails here makes the claim fail later, not now. */
  readonly onClaimed: (device: ClaimedDevice) => void;
};

export type ClaimCounts = {
  /** Certificates made, and answers that were given again, since the start. */
  issued: number;
  repeated: number;
  readonly refused: Record<ClaimRefusal['word'], number>;
};

export type ClaimAnswer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
};

type Given = { readonly answer: string; readonly device: string; readonly isRepeated: boolean };

export class Claims {
  readonly counts: ClaimCounts = {
    issued: 0,
    repeated: 0,
    refused: Object.fromEntries(Object.keys(CLAIM_REFUSALS).map((word) => [word, 0])) as ClaimCounts['refused'],
  };
  readonly #options: ClaimsOptions;
  readonly #limits = new ClaimLimits();

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** Never throws. body: undefined when it was too long; address: whose failures are counted together. */
  answer(body: string | undefined, address: string): ClaimAnswer {
    const { log, clock } = this.#options;
    const waitS = this.#limits.waitS(address, this.#monotonicMs());
    if (waitS > 0)
      return this.#refused(
        { ...refuse('too_many', 'Too many claims were refused here. Wait, then try once more.'), retryAfterS: waitS },
        address,
        '',
      );
    const request =
      body === undefined ? 'The request is longer than 4096 bytes. Update the device.' : readRequest(body);
    if (typeof request === 'string') return this.#refused(refuse('bad_request', request), address, '');
    const given = this.#claim(request);
    if ('word' in given) return this.#refused(given, address, request.hardware.model);
    this.counts[given.isRepeated ? 'repeated' : 'issued'] += 1;
    log.info(
      { device: given.device, hardware: request.hardware.model, version: request.version, address },
      given.isRepeated ? 'claim answered again' : 'device claimed',
    );
    // The time is of now, also in an answer of yesterday: a device without a clock may look at it.
    const time = new Date(clock.wallMs()).toISOString();
    return { status: 200, body: JSON.stringify({ ...(JSON.parse(given.answer) as object), time }) };
  }

  #refused(refusal: ClaimRefusal, address: string, hardware: string): ClaimAnswer {
    const { word, message, retryAfterS } = refusal;
    this.counts.refused[word] += 1;
    // What is refused for being too much is not logged: that is the point.
    if (word !== 'too_many') {
      this.#options.log.warn(
        { reason: word, address, ...(hardware !== '' && { hardware }) },
        `claim refused: ${message}`,
      );
      if (word !== 'unavailable') this.#limits.failed(address, this.#monotonicMs());
    }
    return {
      status: CLAIM_REFUSALS[word],
      ...(retryAfterS !== undefined && { headers: { 'retry-after': String(retryAfterS) } }),
      body: answerOf(refusal),
    };
  }

  #claim(request: ClaimRequest): Given | ClaimRefusal {
    try {
      return this.#known(request) ?? this.#fresh(request);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      this.#options.log.error(error.message);
      return {
        ...refuse('unavailable', 'The gateway cannot write to its disk. Try again later.'),
        retryAfterS: randomInt(...RETRY_S),
      };
    }
  }

  /** A code that was here before, whether it has expired since or not. */
  #known({ code, publicKey }: ClaimRequest): Given | ClaimRefusal | undefined {
    const known = this.#options.books.claimOfCode(digest(code));
    return known && answerAgain(known, publicKey);
  }

  #fresh(request: ClaimRequest): Given | ClaimRefusal {
    const { store, keys, clock, books } = this.#options;
    const moment = { nowMs: clock.wallMs(), isTimeKnown: true };
    const reading = readCode(request.code, keys, moment, { spent: () => false });
    if (!reading.ok) return codeRefusal(reading.refusal);
    const { payload } = reading;
    if (payload.site !== store.site)
      return refuse(
        'wrong_site',
        `The code is for site ${payload.site}; this is the gateway of ${store.site}. Make a code for this site, or with the address of the other gateway.`,
      );
    const known = books.claimOfToken(digest(payload.token));
    if (known !== undefined) return answerAgain(known, request.publicKey);
    const name = nameFor(payload, request.hardware.id, {
      ...this.#options.naming(),
      deviceNamed: (device) => books.device(device),
      deviceOfHardware: (id) => books.deviceOfHardware(id),
    });
    return typeof name === 'string' ? this.#issue(name, payload, request) : name;
  }

  #issue(device: string, payload: SetupPayload, request: ClaimRequest): Given | ClaimRefusal {
    const { store, certificateDays, authorityPem, issue, clock, database, books, onClaimed } = this.#options;
    let config: ReturnType<typeof deviceConfig>;
    try {
      config = deviceConfig(device, payload, store);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return refuse('bad_request', `A device would refuse what the code says: ${error.problems.join(' ')}`);
    }
    const atMs = clock.wallMs();
    const endsMs = atMs + certificateDays * DAY_MS;
    const { pem, serial } = issue({
      name: device,
      publicKey: request.publicKey,
      fromMs: atMs - BACKDATED_MS,
      toMs: endsMs,
    });
    const answer = JSON.stringify({ v: 1, device, certificate: pem, ca: authorityPem, config: config.file });
    const claimed: ClaimedDevice = {
      device,
      hardwareId: request.hardware.id,
      hardwareModel: request.hardware.model,
      version: request.version,
      serial,
      endsMs,
      counters: config.counters,
      // A device fetches updates from its broker's host only.
      host: `${store.mqttUrl === '' ? payload.host : new URL(store.mqttUrl).hostname}:${payload.claimPort}`,
      codeIssuedS: payload.issuedAtS,
      atMs,
    };
    database.transaction(() =>
      books.write(claimed, {
        token: digest(payload.token),
        code: digest(request.code),
        publicKey: digest(request.publicKey),
        device,
        answer,
        endsMs: payload.expiresAtS * MS_PER_S,
      }),
    );
    onClaimed(claimed);
    return { answer, device, isRepeated: false };
  }

  #monotonicMs(): number {
    return this.#options.clock.monotonicUs() / US_PER_MS;
  }
}

function answerAgain(
  claim: { readonly publicKey: string; readonly device: string; readonly answer: string },
  publicKey: Buffer,
): Given | ClaimRefusal {
  if (claim.publicKey === digest(publicKey)) return { answer: claim.answer, device: claim.device, isRepeated: true };
  return refuse('token_used', 'Another device has used this code. Make one code for each device.');
}
