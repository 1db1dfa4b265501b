/** Report: what was checked, what the receipts say in sum, and what is wrong with them, for people and as JSON. */
import type { Device } from './device.ts';
import type { Finding, Note } from './findings.ts';
import type { Recording } from './recording.ts';

const LABEL_CHARS = 12;
const US_PER_MS = 1000;

export function reportText(recording: Recording, trustedKey: string): string {
  const { devices, findings } = recording;
  const { notes, notesLeftOut, findingsLeftOut, place } = findings;
  const sections = [
    ...devices.map((device) => deviceText(device, trustedKey)),
    messagesText(recording),
    listText('Notes', place, notes, notesLeftOut, () => ''),
    listText('Findings', place, findings.findings, findingsLeftOut, ({ kind }) => kind.padEnd(8)),
    verdictText(recording, trustedKey),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function deviceText(device: Device, trustedKey: string): string {
  const { name, sums, chains, models, configs, versions, keys, unbelievedCount } = device;
  const redelivered = [...chains.values()].reduce((sum, chain) => sum + chain.redeliveredCount, 0);
  const again = redelivered === 0 ? '' : `, and ${redelivered} of them came again`;
  const unbelieved = unbelievedCount === 0 ? '' : `; ${unbelievedCount} more are not to be believed`;
  const rows = [
    ...[...chains.values()].map(({ epochId, first, newest }): [string, string] => [
      'chain',
      `${first.number} to ${newest.number}, ${first.from} to ${newest.to} (epoch ${epochId})`,
    ]),
    ['pictures', `${sums.read} read, ${sums.erased} erased, ${sums.dropped} dropped (erased without being looked at)`],
    ['longest', `pixels ${longestText(sums.pixelsUsMax, sums.pixelsAt)}`],
    ['', `anything made of them ${longestText(sums.derivedUsMax, sums.derivedAt)}`],
    ['quality', qualityText(device)],
    ...listed('model', models, 'not told'),
    ...listed('config', configs),
    ...listed('version', versions),
    ...listed('key', keys),
  ] as [string, string][];
  if (keys.has(trustedKey)) rows.push(['', 'the key that was asked for']);
  const table = rows.map(([label, text]) => `  ${label.padEnd(LABEL_CHARS)}${text}`).join('\n');
  return `${name}: ${sums.receipts} receipt${sums.receipts === 1 ? '' : 's'}${again}${unbelieved}\n${table}`;
}

function listed(label: string, values: ReadonlySet<string>, none = ''): [string, string][] {
  if (values.size === 0) return none === '' ? [] : [[label, none]];
  return [...values].map((value, index) => [index === 0 ? label : '', value]);
}

function longestText(us: number | null, at: string): string {
  return us === null ? 'not told' : `${(us / US_PER_MS).toFixed(3)} ms (interval of ${at})`;
}

function qualityText({ sums: { quality, eyeStarts } }: Device): string {
  const words = Object.entries(quality).flatMap(([word, count]) => (count === 0 ? [] : [`${count} ${word}`]));
  return `${words.join(', ')}; the eye began ${eyeStarts} time${eyeStarts === 1 ? '' : 's'}`;
}

function messageCounts({ coverages }: Recording) {
  const sum = (field: 'matchedCount' | 'uncoveredCount' | 'unheardCount') =>
    coverages.reduce((total, coverage) => total + coverage[field], 0);
  return { as_signed: sum('matchedCount'), without_receipt: sum('uncoveredCount'), not_recorded: sum('unheardCount') };
}

function messagesText(recording: Recording): string {
  const { as_signed, without_receipt, not_recorded } = messageCounts(recording);
  return `Interval and zone messages: ${as_signed} are what their receipts say, ${without_receipt} have no receipt here, ${not_recorded} are covered but not in the recording.`;
}

function listText<T extends Note | Finding>(
  title: string,
  place: string,
  entries: readonly T[],
  leftOut: number,
  prefixOf: (entry: T) => string,
): string {
  if (entries.length === 0) return '';
  const rows = entries.map(
    (entry) =>
      `  ${prefixOf(entry)}${place} ${entry.line}${entry.device === '' ? '' : ` (${entry.device})`}: ${entry.text}`,
  );
  if (leftOut > 0) rows.push(`  … and ${leftOut} more`);
  return `${title}\n${rows.join('\n')}`;
}

function verdictText({ findings }: Recording, trustedKey: string): string {
  if (!findings.isSound) {
    const count = findings.findings.length + findings.findingsLeftOut;
    return `NOT SOUND: ${count} finding${count === 1 ? '' : 's'}.`;
  }
  const sound =
    'SOUND: every receipt is signed and follows the one before, and nothing of what they cover was changed. What is missing before the first and after the last receipt, nobody can see.';
  if (trustedKey !== '') return sound;
  return `${sound}\nNobody vouched for the key: compare it with one that you have from the device itself (--public-key).`;
}

export function reportJson(recording: Recording, trustedKey: string): string {
  const { devices, findings, placeCount, otherCount } = recording;
  const report = {
    v: 1,
    sound: findings.isSound,
    /** Whether a key was asked for; if not, nobody vouched for those that signed. */
    key_trusted: trustedKey !== '',
    counted_in: findings.place,
    count: placeCount,
    skipped: otherCount,
    devices: devices.map(deviceJson),
    messages: messageCounts(recording),
    findings: findings.findings,
    findings_left_out: findings.findingsLeftOut,
    notes: findings.notes,
    notes_left_out: findings.notesLeftOut,
  };
  return `${JSON.stringify(report)}\n`;
}

function deviceJson({ name, sums, chains, models, configs, versions, keys, unbelievedCount }: Device): object {
  return {
    device: name,
    receipts: sums.receipts,
    not_believed: unbelievedCount,
    chains: [...chains.values()].map(({ epochId, first, newest, redeliveredCount }) => ({
      epoch_id: epochId,
      first: first.number,
      last: newest.number,
      from: first.from,
      to: newest.to,
      redelivered: redeliveredCount,
    })),
    frames: { read: sums.read, erased: sums.erased, dropped: sums.dropped },
    longest_us: { pixels: sums.pixelsUsMax, derived: sums.derivedUsMax },
    quality: sums.quality,
    eye_starts: sums.eyeStarts,
    models: [...models],
    configs: [...configs],
    versions: [...versions],
    public_keys: [...keys],
  };
}
