/**
 * What a newcomer sees of `npm start`: each crossing as it is published, and counted against true.
 * Everything comes from the broker: it is what a facility system would see. "True" is what the simulated entrance knows of
 * its own people; a real camera has nobody to ask.
 */
import type { Config } from '../config/schema.ts';
import { MS_PER_S } from '../units.ts';

type Counts = { in: number; out: number };

/** How often the small table is printed while it runs. */
const TABLE_EVERY_MS = 20 * MS_PER_S;

export class DemoReport {
  readonly #config: Config;
  readonly #out: (text: string) => void;
  readonly #counted = new Map<string, Counts>();
  readonly #true = new Map<string, Counts>();
  readonly #startedAtMs = Date.now();
  #tableAtMs = Date.now();
  #isFirst = true;

  constructor(config: Config, out: (text: string) => void) {
    this.#config = config;
    this.#out = out;
    for (const line of config.lines) {
      this.#counted.set(line.name, { in: 0, out: 0 });
      this.#true.set(line.name, { in: 0, out: 0 });
    }
  }

  welcome(port: number): void {
    const { camera } = this.#config;
    const source = camera.driver === 'scene' ? `the simulated entrance (seed ${camera.scene.seed})` : camera.driver;
    this.#out(
      `Lethe counts people in ${source}, ${camera.widthPx} × ${camera.heightPx} at ${camera.frameRateHz} Hz.\n` +
        `Numbers are on mqtt://127.0.0.1:${port} (try: mosquitto_sub -p ${port} -v -t 'lethe/#'); pictures are nowhere. Ctrl-C stops.\n\n`,
    );
  }

  /** One message from the broker. Payloads are ours, but a demo must not die of a stranger's. */
  onMessage(topic: string, payload: string): void {
    const [, , site, device, kind, line] = topic.split('/');
    if (site !== this.#config.site || device !== this.#config.device || line === undefined) return;
    let json: Record<string, unknown>;
    try {
      json = JSON.parse(payload) as Record<string, unknown>;
    } catch {
      return;
    }
    if (kind === 'total') this.#onTotal(line, Number(json['in']), Number(json['out']));
    if (kind === 'simulation') this.#true.set(line, { in: Number(json['true_in']), out: Number(json['true_out']) });
    if (Date.now() - this.#tableAtMs >= TABLE_EVERY_MS) {
      this.#tableAtMs = Date.now();
      this.#out(this.#table());
    }
  }

  summarise(): void {
    this.#out(this.#table());
  }

  #onTotal(line: string, inCount: number, outCount: number): void {
    const before = this.#counted.get(line);
    if (before === undefined) return;
    const time = new Date().toISOString().slice(11, 19);
    if (this.#isFirst && inCount + outCount > 0) {
      this.#isFirst = false;
      this.#out(`first crossing after ${((Date.now() - this.#startedAtMs) / 1000).toFixed(1)} s\n`);
    }
    // Totals are published once a second: two people in one second are two lines all the same.
    for (let n = before.in + 1; n <= inCount; n++)
      this.#out(`${time}  ${line}  → in     (in ${n}, out ${before.out})\n`);
    for (let n = before.out + 1; n <= outCount; n++)
      this.#out(`${time}  ${line}  ← out    (in ${inCount}, out ${n})\n`);
    this.#counted.set(line, { in: inCount, out: outCount });
  }

  #table(): string {
    const rows = [...this.#counted].flatMap(([line, counted]) => {
      const truth = this.#true.get(line)!;
      return [
        `${line.padEnd(12)} in   ${String(counted.in).padStart(7)} ${String(truth.in).padStart(6)}`,
        `${line.padEnd(12)} out  ${String(counted.out).padStart(7)} ${String(truth.out).padStart(6)}`,
      ];
    });
    const seconds = ((Date.now() - this.#startedAtMs) / 1000).toFixed(0);
    return `\n${`after ${seconds} s`.padEnd(17)} counted   true (simulated people)\n${rows.join('\n')}\n\n`;
  }
}
