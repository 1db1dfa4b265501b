/**
 * The store in the text format of Prometheus (prometheus.io, "Exposition formats"): counters that never fall end in _total,
 * units stand in the name. Written here and not by the package prom-client (15.1.3): it brings the API of OpenTelemetry
 * (620 kB) along, and what it is good at (histograms, the process' own metrics) is not needed.
 */
import type { ClaimCounts } from './claim/claims.ts';
import type { Gateway } from './gateway.ts';

type Sample = { readonly labels?: Readonly<Record<string, string>>; readonly value: number };

/** claims: undefined where nobody can claim. */
export function metricsText(gateway: Gateway, nowMs: number, isLinkUp: boolean, claims?: ClaimCounts): string {
  const { counts, hearing, outbox, doors, gaps } = gateway;
  const totals = gateway.shown.all(doors.doors);
  const occupancy = gateway.occupancy.facts();
  const devices = gateway.devices.states(nowMs);
  const byDoor = (way: 'in' | 'out') =>
    totals.map(({ name, totals: of }) => ({ labels: { door: name }, value: of[way] }));
  const one = (value: number) => [{ value }];
  return [
    counter('lethe_people_in_total', 'People who came in; door="store" is all doors.', byDoor('in')),
    counter('lethe_people_out_total', 'People who went out; door="store" is all doors.', byDoor('out')),
    gauge('lethe_occupancy_people', 'Best estimate of who is in the store.', one(occupancy.people)),
    gauge(
      'lethe_device_up',
      'Whether an expected device is connected and reports.',
      devices.map(({ device, isThere }) => ({ labels: { device }, value: Number(isThere) })),
    ),
    gauge(
      'lethe_device_last_record_timestamp_seconds',
      'End of the newest record of a device.',
      devices.flatMap(({ device, newestToS }) => (newestToS === 0 ? [] : [{ labels: { device }, value: newestToS }])),
    ),
    gauge(
      'lethe_device_version_info',
      'Version that a device says it is of.',
      gateway.updating.versions().map((labels) => ({ labels, value: 1 })),
    ),
    ...updateFamilies(gateway),
    ...(claims === undefined ? [] : [claimFamily(claims)]),
    counter('lethe_gateway_records_total', 'Records taken since the start.', one(counts.taken)),
    counter('lethe_gateway_doubled_records_total', 'Records that were here already.', one(counts.doubled)),
    counter('lethe_gateway_late_records_total', 'Records of intervals that were closed.', one(counts.late)),
    counter('lethe_gateway_refused_messages_total', 'Messages that break the contract.', one(hearing.refusedCount)),
    counter(
      'lethe_gateway_unknown_records_total',
      'Records of devices that nobody expects.',
      one(hearing.unknownCount),
    ),
    counter('lethe_gateway_closed_intervals_total', 'Intervals of the store that were closed.', [
      { labels: { complete: 'true' }, value: counts.closedWhole },
      { labels: { complete: 'false' }, value: counts.closed - counts.closedWhole },
    ]),
    counter('lethe_gateway_revised_intervals_total', 'Intervals that were told again.', one(counts.revised)),
    gauge('lethe_gateway_late_intervals', 'Closed intervals that are to be told again.', one(doors.late.size)),
    gauge(
      'lethe_gateway_missing_records',
      'Records that are missing by their numbers.',
      one(gateway.records.missingCount),
    ),
    gauge('lethe_gateway_given_up_records', 'Of these, asked for in vain.', one(gaps.givenUpCount)),
    gauge('lethe_gateway_outbox_records', 'Records that wait for the broker.', one(outbox.count)),
    counter('lethe_gateway_dropped_records_total', 'Records that waited too long for it.', one(outbox.droppedCount)),
    gauge('lethe_gateway_database_bytes', 'Size of the database.', one(gateway.databaseBytes)),
    gauge('lethe_gateway_database_writable', 'Whether it can be written.', one(Number(gateway.databaseReason === ''))),
    gauge('lethe_gateway_link_up', 'Whether the broker is connected.', one(Number(isLinkUp))),
    gauge('process_resident_memory_bytes', 'Memory of the gateway.', one(process.memoryUsage.rss())),
    gauge('process_start_time_seconds', 'When it started.', one(Math.round(nowMs / 1000 - process.uptime()))),
  ].join('');
}

function updateFamilies(gateway: Gateway): string[] {
  const facts = gateway.updating.facts();
  if (facts === undefined) return [];
  const { version, current, older, busy, failures, isHalted } = facts;
  const by = (state: string, value: number) => ({ labels: { version, state }, value });
  return [
    gauge('lethe_gateway_update_devices', 'Devices by what they make of the version that is offered.', [
      by('current', current),
      by('older', older.length),
      by('busy', busy.length),
      by('failed', failures.length),
    ]),
    gauge('lethe_gateway_update_halted', 'Whether it is offered to nobody any more, as it failed too often.', [
      { labels: { version }, value: Number(isHalted) },
    ]),
  ];
}

function claimFamily({ issued, repeated, refused }: ClaimCounts): string {
  const by = (result: string, value: number) => ({ labels: { result }, value });
  return counter('lethe_gateway_claims_total', 'Claims of devices since the start, by their answer.', [
    by('issued', issued),
    by('repeated', repeated),
    ...Object.entries(refused).map(([word, value]) => by(word, value)),
  ]);
}

const counter = (name: string, help: string, samples: readonly Sample[]) => family(name, 'counter', help, samples);
const gauge = (name: string, help: string, samples: readonly Sample[]) => family(name, 'gauge', help, samples);

function family(name: string, type: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(({ labels, value }) => `${name}${labelsText(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function labelsText(labels: Sample['labels']): string {
  if (labels === undefined) return '';
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`,
  );
  return `{${pairs.join(',')}}`;
}
