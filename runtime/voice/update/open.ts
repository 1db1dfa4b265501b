/** What the voice has of updates, put together; loaded on a device only. */
import { join } from 'node:path';
import { RELEASE_KEYS_FOLDER, STATE_FILE } from '../../../provisioning/device/layout.ts';
import type { Log } from '../../log.ts';
import type { Downloader } from '../../ports/download.ts';
import type { VoiceUpdates } from '../voice.ts';
import { updateFiles } from './files.ts';
import { HealthNote } from './health.ts';
import { Updates } from './updates.ts';

export type UpdatesSetting = {
  /** Of the voice alone. */
  readonly folder: string;
  readonly version: string;
  /** mqtt.url */
  readonly brokerUrl: string;
  /** Of this start of the machine. */
  readonly bootId: string;
  readonly downloader: Downloader;
  readonly log: Log;
};

export function openUpdates({ folder, version, brokerUrl, bootId, downloader, log }: UpdatesSetting): VoiceUpdates {
  const files = updateFiles(folder, STATE_FILE, RELEASE_KEYS_FOLDER);
  const updates = new Updates({ version, host: new URL(brokerUrl).hostname, files, downloader, log });
  return {
    offer: (request) => updates.offer(request),
    tick: () => updates.tick(),
    facts: () => updates.facts(),
    stop: () => updates.stop(),
    health: new HealthNote(join(folder, 'healthy'), version, bootId),
  };
}
