/**
 * A device without a configuration, whose programs run one after the other as their units start them: settle and join at the
 * start of the machine, join for a code, claim after join, settle after claim. The gateway is the real one, without a network.
 */
import { X509Certificate } from 'node:crypto';
import { pino } from 'pino';
import { MemoryWifi } from '../../../drivers/wifi/memory.ts';
import type { Board } from '../../../provisioning/device/card.ts';
import type { Fault } from '../../../provisioning/device/claim/authority.ts';
import { claim, type Gateway } from '../../../provisioning/device/claim/claim.ts';
import { type ClaimRequest, type Exchanged, exchangedIn } from '../../../provisioning/device/claim/exchange.ts';
import { join } from '../../../provisioning/device/join/join.ts';
import { placesBelow } from '../../../provisioning/device/places.ts';
import { reset } from '../../../provisioning/device/reset/reset.ts';
import { settle } from '../../../provisioning/device/settle/settle.ts';
import { SetupState } from '../../../provisioning/device/state.ts';
import type { CodeMoment } from '../../../provisioning/payload/code.ts';
import { caPinOf } from '../../../provisioning/payload/keys.ts';
import type { SetupPayload } from '../../../provisioning/payload/payload.ts';
import { isRefusal } from '../../../provisioning/payload/refusals.ts';
import type { ClaimBench } from '../../fakes/claim-gateway.ts';
import { PowerDisk } from '../../fakes/power.ts';

export const WIFI: NonNullable<SetupPayload['wifi']> = {
  ssid: 'Laden',
  passphrase: 'secret of the shop',
  security: 'wpa',
  isHidden: false,
};

export class Device {
  readonly places = placesBelow('/');
  readonly disk = new PowerDisk();
  readonly wifi = new MemoryWifi();
  readonly logLines: string[] = [];
  readonly state = new SetupState(this.disk, this.places);
  /** Every word that the lamp was given. */
  readonly words: string[] = [];
  /** Public keys that the gateway was shown. */
  readonly keysSent = new Set<string>();
  board: Board = {};
  deviceName: string | undefined;
  isTimeKnown = true;
  hasAddress = true;
  brokerFault: Fault | undefined;
  /** Instead of the gateway's answers, one each. */
  readonly gatewayFaults: Fault[] = [];
  makeKey: (() => string) | undefined;
  hardwareId = 'abcdef0123456789';
  readonly #bench: ClaimBench;
  readonly #log = pino({ base: null }, { write: (line) => this.logLines.push(line) });

  constructor(bench: ClaimBench) {
    this.#bench = bench;
    this.wifi.putUp(WIFI.ssid, WIFI.passphrase);
    const replace = this.disk.replace.bind(this.disk);
    this.disk.replace = (path, text, mode) => {
      if (path === this.places.refusal) this.words.push(text);
      replace(path, text, mode);
    };
  }

  get word(): string | undefined {
    return this.disk.read(this.places.refusal);
  }

  get isConfigured(): boolean {
    return this.disk.read(this.places.config) !== undefined;
  }

  show(code: string): void {
    this.disk.put(this.places.code, code);
  }

  /** From the start of the machine until everything waits. */
  async run(): Promise<'counting' | 'scanning' | 'trying'> {
    if (this.disk.read(this.places.resetMark) !== undefined) await this.reset();
    if (this.disk.read(this.places.attempt) !== undefined) await this.settle();
    if (this.isConfigured) return 'counting';
    if (this.disk.read(this.places.code) === undefined && this.disk.read(this.places.setup) === undefined)
      return 'scanning';
    const joined = await this.join();
    if (joined === 'again') return 'trying';
    if (joined !== 'joined') return 'scanning';
    const claimed = await this.claim();
    if (claimed === 'again') return 'trying';
    await this.settle();
    return this.isConfigured ? 'counting' : 'scanning';
  }

  join() {
    const { disk, places, wifi, deviceName } = this;
    return join({
      disk,
      places,
      wifi,
      deviceName,
      log: this.#log,
      keys: this.keys,
      moment: () => this.moment,
      waitForAddress: () => Promise.resolve(this.hasAddress),
    });
  }

  claim() {
    const { disk, places, board } = this;
    return claim({
      disk,
      places,
      board,
      log: this.#log,
      keys: this.keys,
      gateway: this.gateway,
      pending: this.state.readPending(),
      hardware: { model: 'Raspberry Pi 4 Model B Rev 1.5', id: this.hardwareId },
      version: '0.1.0',
      moment: () => this.moment,
      waitForTime: () => Promise.resolve(this.isTimeKnown),
      pause: () => Promise.resolve(),
      ...(this.makeKey && { makeKey: this.makeKey }),
    });
  }

  settle() {
    const { disk, places, board, wifi } = this;
    return settle({ disk, places, board, wifi, log: this.#log, keys: this.keys });
  }

  async reset(): Promise<void> {
    const { disk, places, wifi } = this;
    await reset({ disk, places, wifi, log: this.#log });
    // Of the unit.
    disk.remove(places.resetMark);
  }

  get moment(): CodeMoment {
    return { nowMs: this.#bench.clock.wallMs(), isTimeKnown: this.isTimeKnown };
  }

  get keys() {
    return new Map([[this.#bench.fleet.keyId, this.#bench.fleet.publicKey]]);
  }

  get gateway(): Gateway {
    return {
      findAuthority: (_host, _port, caPin) => {
        this.disk.step();
        const ca = new X509Certificate(this.#bench.authorityPem);
        const isIt = caPinOf(ca) === caPin;
        return Promise.resolve(isIt ? ca.toString() : { refusal: 'gateway_other_certificate', reason: 'Another.' });
      },
      exchange: (_address, body) => {
        this.disk.step();
        const answer = this.gatewayFaults.shift() ?? this.#exchange(body);
        // The gateway has it in its books; whether the answer arrives is another matter.
        this.disk.step();
        return Promise.resolve(answer);
      },
      tryBroker: () => {
        this.disk.step();
        return Promise.resolve(this.brokerFault);
      },
    };
  }

  #exchange(body: ClaimRequest): Exchanged | Fault {
    this.keysSent.add(body.public_key);
    const { status, body: answer } = this.#bench.claim(JSON.stringify(body), this.hardwareId);
    if (status === 200) return exchangedIn(answer as Record<string, unknown>);
    const word = answer.error?.code ?? '';
    return { refusal: isRefusal(word) ? word : 'claim_refused', reason: `status ${status}` };
  }
}
