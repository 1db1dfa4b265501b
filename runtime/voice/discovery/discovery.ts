/**
 * Home Assistant: announces the counter to it, when that is asked for, on each connection and when Home Assistant says that
 * it has started; takes back what is not true any more: entities of a line that was renamed, a device that was, the whole
 * when it is switched off.
 *
 * What stands at the broker outlives this process and its configuration, so it is kept in the ledger's state and saved
 * before anything is published: a crash may leave too much on the list, never too little. Nothing is sent where nothing was
 * ever announced: an empty message without need makes Home Assistant complain, and stores without it need not know of it.
 * Memory: one name for each entity of now and of before, at most REMOVED_MAX of the latter.
 */
import type { Config } from '../../config/schema.ts';
import type { TopicNames } from '../../contract/topics.ts';
import type { Link, LinkMessage } from '../../ports/link.ts';
import { US_PER_S } from '../../units.ts';
import { componentsOf, type DiscoveryFacts, discoveryPayload, discoveryTopic } from './components.ts';

/** What may stand at the broker; an empty topic: nothing. */
export type DiscoveryMemory = {
  topic: string;
  /** Component → platform, those that were removed as well. */
  components: Record<string, string>;
};

export function nothingAnnounced(): DiscoveryMemory {
  return { topic: '', components: {} };
}

/** All counters of a store hear Home Assistant start at the same moment; it asks that they do not all answer then. */
const BIRTH_DELAY_US_MIN = US_PER_S;
const BIRTH_DELAY_US_MAX = 10 * US_PER_S;
const BIRTH_PAYLOAD = 'online';
/** Several times all entities of a device: whoever renames lines more often clears the topic by hand. */
const REMOVED_MAX = 100;

export type DiscoveryOptions = {
  readonly config: Config;
  readonly version: string;
  readonly topics: TopicNames;
  readonly counters: readonly string[];
  readonly link: Link;
  /** Changed in place. */
  readonly memory: DiscoveryMemory;
  /** Puts the memory on disk. */
  readonly save: () => void;
  readonly monotonicUs: () => number;
  /** 0..1, as Math.random. */
  readonly random: () => number;
  /** A sentence; the connection stands, and still it was not published. */
  readonly onFailure: (sentence: string) => void;
};

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #facts: DiscoveryFacts;
  readonly #topic: string;
  readonly #birthTopic: string;
  #birthDueUs: number | undefined;
  #isBusy = false;
  /** Asked for again while one was on its way. */
  #isWanted = false;

  constructor(options: DiscoveryOptions) {
    const { config, version, topics, counters } = options;
    const { site, device, zones, homeAssistant } = config;
    this.#options = options;
    this.#facts = { site, device, version, topics, counters, zones: zones.map(({ name }) => name) };
    this.#topic = homeAssistant.enabled ? discoveryTopic(homeAssistant.prefix, this.#facts) : '';
    this.#birthTopic = `${homeAssistant.prefix}/status`;
  }

  /** What is to be heard. */
  get filters(): readonly string[] {
    return this.#topic === '' ? [] : [this.#birthTopic];
  }

  /** The link came up: whatever the broker has may be old, or gone. */
  connected(): void {
    this.#birthDueUs = undefined;
    this.#announce();
  }

  /** True: it was for us. A retained word says how things are; what it needs was published on connecting. */
  hear({ topic, payload, retained }: LinkMessage): boolean {
    if (this.#topic === '' || topic !== this.#birthTopic) return false;
    if (!retained && payload.trim() === BIRTH_PAYLOAD)
      this.#birthDueUs ??= this.#options.monotonicUs() + this.#delayUs();
    return true;
  }

  /** Call once a second. */
  tick(): void {
    if (this.#birthDueUs === undefined || this.#options.monotonicUs() < this.#birthDueUs) return;
    this.#birthDueUs = undefined;
    this.#announce();
  }

  #delayUs(): number {
    return BIRTH_DELAY_US_MIN + this.#options.random() * (BIRTH_DELAY_US_MAX - BIRTH_DELAY_US_MIN);
  }

  #announce(): void {
    this.#isWanted = true;
    if (this.#isBusy) return;
    this.#isBusy = true;
    void this.#work().finally(() => {
      this.#isBusy = false;
    });
  }

  async #work(): Promise<void> {
    const { link, onFailure } = this.#options;
    while (this.#isWanted) {
      this.#isWanted = false;
      try {
        await this.#takeBackFormerTopic();
        if (this.#topic !== '') await this.#publish();
      } catch (error) {
        // The next connection tries again, and says why this one went.
        if (link.up) onFailure(`Home Assistant does not learn of this counter: ${(error as Error).message}`);
      }
    }
  }

  /**
   * Of another name or prefix, or of a time when it was switched on. A broker may not let us write there any more (a device
   * that was renamed has another password): then it stays, and that is no reason not to announce what is true now.
   */
  async #takeBackFormerTopic(): Promise<void> {
    const { link, memory, save, onFailure } = this.#options;
    const former = memory.topic;
    if (former === '' || former === this.#topic) return;
    try {
      await link.publish(former, '', { retain: true, qos: 1 });
    } catch (error) {
      if (!link.up) throw error;
      onFailure(
        `Home Assistant still shows what this counter was called before: ${(error as Error).message} Clear it by hand: mosquitto_pub -r -n -t ${former}`,
      );
    }
    Object.assign(memory, nothingAnnounced());
    save();
  }

  async #publish(): Promise<void> {
    const { link, memory, save } = this.#options;
    const components = componentsOf(this.#facts);
    const former = Object.entries(memory.components).filter(([key]) => !(key in components));
    const removed = Object.fromEntries(former.slice(-REMOVED_MAX));
    const present = Object.fromEntries(Object.entries(components).map(([key, { p }]) => [key, p]));
    const next = { topic: this.#topic, components: { ...removed, ...present } };
    if (JSON.stringify(next) !== JSON.stringify({ topic: memory.topic, components: memory.components })) {
      Object.assign(memory, next);
      save();
    }
    await link.publish(this.#topic, discoveryPayload(this.#facts, removed), { retain: true, qos: 1 });
  }
}
