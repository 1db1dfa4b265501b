/** Health of the gateway: what of it is news, and all of it. */
import { DEVICES_TOLD_MAX, type StoreHealth } from '../contract/store.ts';
import { rfc3339 } from '../units.ts';
import type { Absent } from './devices.ts';
import type { Gateway } from './gateway.ts';
import type { UpdateFacts } from './updates/updates.ts';

export type HealthFacts = {
  /** Changes with every word and list that somebody should hear of at once; numbers that always grow are not in it. */
  readonly words: string;
  readonly facts: Omit<StoreHealth, 'v' | 'at'>;
};

export function healthFacts(gateway: Gateway, nowMs: number): HealthFacts {
  const { onlineCount, offline, silent } = gateway.devices.presence(nowMs);
  const open = gateway.records.openNumbers();
  const facts: Omit<StoreHealth, 'v' | 'at'> = {
    devices: {
      online: onlineCount,
      offline: offline.slice(0, DEVICES_TOLD_MAX).map(toldAbsent),
      silent: silent.slice(0, DEVICES_TOLD_MAX).map(toldAbsent),
      unknown: [...gateway.hearing.strangers].slice(0, DEVICES_TOLD_MAX),
    },
    gaps: {
      numbers: gateway.records.missingCount,
      given_up: gateway.gaps.givenUpCount,
      devices: [...new Set(open.map(({ device }) => device))].slice(0, DEVICES_TOLD_MAX),
    },
    records: {
      taken: gateway.counts.taken,
      doubled: gateway.counts.doubled,
      late: gateway.counts.late,
      refused: gateway.hearing.refusedCount,
      unknown: gateway.hearing.unknownCount,
    },
    database: {
      state: gateway.databaseReason === '' ? 'ok' : 'unwritable',
      reason: gateway.databaseReason,
      bytes: gateway.databaseBytes,
    },
    ...toldUpdates(gateway.updating.facts()),
    outbox: gateway.outbox.count,
    outbox_dropped: gateway.outbox.droppedCount,
    waiting: gateway.doors.late.size,
  };
  const names = (list: readonly Absent[]) => list.map(({ device }) => device);
  const words = JSON.stringify([
    names(offline),
    names(silent),
    facts.devices.unknown,
    facts.gaps.devices,
    facts.gaps.given_up > 0,
    facts.database.reason,
    facts.updates,
    facts.outbox_dropped > 0,
    facts.records.refused > 0,
  ]);
  return { words, facts };
}

function toldUpdates(facts: UpdateFacts | undefined): Pick<StoreHealth, 'updates'> {
  if (facts === undefined) return {};
  const { version, current, older, busy, failures, isHalted } = facts;
  return {
    updates: {
      version,
      current,
      older: older.slice(0, DEVICES_TOLD_MAX),
      busy: busy.slice(0, DEVICES_TOLD_MAX),
      failed: failures.slice(0, DEVICES_TOLD_MAX).map(({ device, kind, reason }) => ({ device, kind, reason })),
      halted: isHalted,
    },
  };
}

function toldAbsent({ device, sinceMs }: Absent) {
  return { device, since: sinceMs === null ? null : rfc3339(sinceMs) };
}
