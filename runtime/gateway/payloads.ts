/**
 * What the gateway says, field by field, in the forms of the contract (runtime/contract/store.ts). As for a device, each
 * builder writes its keys in a fixed order, so that equal facts give equal bytes.
 */
import type { Total } from '../contract/counts.ts';
import type { Status } from '../contract/device.ts';
import {
  DEVICES_TOLD_MAX,
  type StoreHealth,
  type StoreInfo,
  type StoreInterval,
  type StoreOccupancy,
} from '../contract/store.ts';
import { type OccupancyNow, occupancyFields } from '../site/occupancy.ts';
import { MS_PER_S, rfc3339 } from '../units.ts';
import type { StoreRecord } from './books/closed.ts';
import { type Counts, QUALITIES } from './counts.ts';

/** What all records of one life of the gateway have in common. */
export type Life = { readonly epochId: string; readonly boot: number; readonly tz: string };

export function statusPayload(state: 'online' | 'offline' | 'stopped', boot: number, version: string): string {
  return JSON.stringify({ v: 1, state, boot, version } satisfies Status);
}

export function infoPayload(facts: Omit<StoreInfo, 'v'>): string {
  return JSON.stringify({ v: 1, ...facts } satisfies StoreInfo);
}

export function totalPayload(totals: Counts, epochId: string, atMs: number): string {
  const { in: countIn, out, netIn, netOut } = totals;
  const total: Total = {
    v: 1,
    in: countIn,
    out,
    net_in: netIn,
    net_out: netOut,
    epoch_id: epochId,
    at: rfc3339(atMs),
  };
  return JSON.stringify(total);
}

/** As it waits in the outbox: without `historical`, which is settled when it is sent. */
export type WaitingInterval = Omit<StoreInterval, 'historical'>;

export function waitingInterval(record: StoreRecord, life: Life, isOpen: boolean): WaitingInterval {
  return {
    v: 1,
    seq: record.seq,
    boot: life.boot,
    epoch_id: life.epochId,
    from: rfc3339(record.fromS * MS_PER_S),
    to: rfc3339(record.toS * MS_PER_S),
    tz: life.tz,
    open: isOpen,
    in: record.counts.in,
    out: record.counts.out,
    net_in: record.counts.netIn,
    net_out: record.counts.netOut,
    total_in: record.totals.in,
    total_out: record.totals.out,
    devices: record.deviceCount,
    missing_count: record.missing.length,
    missing: record.missing.slice(0, DEVICES_TOLD_MAX),
    complete: record.missing.length === 0,
    revision: record.revision,
    samples: record.samples,
    expected: record.expected,
    quality: QUALITIES[record.quality] ?? 'degraded',
  };
}

export function sentInterval(waiting: WaitingInterval, historical: boolean): string {
  return JSON.stringify({ ...waiting, historical } satisfies StoreInterval);
}

export type StoreNow = OccupancyNow & { readonly missing: readonly string[] };

export function occupancyPayload(facts: StoreNow): string {
  const occupancy: StoreOccupancy = {
    ...occupancyFields(facts),
    missing_count: facts.missing.length,
    missing: facts.missing.slice(0, DEVICES_TOLD_MAX),
  };
  return JSON.stringify(occupancy);
}

export function healthPayload(facts: Omit<StoreHealth, 'v' | 'at'>, atMs: number): string {
  return JSON.stringify({ v: 1, at: rfc3339(atMs), ...facts } satisfies StoreHealth);
}
