/** Tries a broker once, as the voice would, and hangs up: for `lethe doctor`. */
import { MqttLink, type MqttLinkOptions } from './mqtt.ts';

export type BrokerAnswer = {
  /** Empty when the broker let us in, else why not, with a remedy. */
  readonly fault: string;
  /** What ought to be changed although it works. */
  readonly notices: readonly string[];
};

/** One attempt; a broker that says nothing within timeoutMs has not answered. */
export async function tryBroker(options: MqttLinkOptions, timeoutMs: number): Promise<BrokerAnswer> {
  const link = new MqttLink({
    ...options,
    timing: { ...options.timing, connectTimeoutMs: timeoutMs },
  });
  const notices: string[] = [];
  const fault = await new Promise<string>((resolve) => {
    link.start(
      {},
      {
        onUp: () => resolve(''),
        onDown: (reason) => resolve(reason),
        onNotice: (sentence) => notices.push(sentence),
      },
    );
  });
  await link.stop();
  return { fault, notices };
}
