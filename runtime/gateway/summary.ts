/** The line of the log that tells each minute how the store and the gateway are. */
import type { Gateway } from './gateway.ts';

export function summaryOf(gateway: Gateway, nowMs: number): Readonly<Record<string, number>> {
  const { totals } = gateway.shown.store(gateway.doors.doors);
  const { onlineCount, offline, silent } = gateway.devices.presence(nowMs);
  return {
    in: totals.in,
    out: totals.out,
    people: gateway.occupancy.facts().people,
    online: onlineCount,
    offline: offline.length,
    silent: silent.length,
    ...gateway.counts,
    refused: gateway.hearing.refusedCount,
    late_intervals: gateway.doors.late.size,
    outbox: gateway.outbox.count,
    database_bytes: gateway.databaseBytes,
  };
}
