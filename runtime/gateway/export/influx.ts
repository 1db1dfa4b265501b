/**
 * InfluxDB line protocol (docs.influxdata.com, "Line protocol"): one point a line, times in whole seconds (precision=s). A
 * revision is the same point again: measurement, tags and time are its identity, so it replaces what was there.
 */
import type { ExportRow, Grain } from './rows.ts';

export const MEASUREMENT = 'lethe_people';

export function influxLine(
  { door, fromS, counts, coveredS, revision, quality, missing }: ExportRow,
  site: string,
  grain: Grain,
): string {
  const tags = [`site=${tagValue(site)}`, `door=${tagValue(door)}`];
  const fields = [
    `in=${counts.in}i`,
    `out=${counts.out}i`,
    `net_in=${counts.netIn}i`,
    `net_out=${counts.netOut}i`,
    `covered_s=${coveredS}i`,
    ...(revision === null ? [] : [`revision=${revision}i`]),
    ...(quality === null ? [] : [`quality="${fieldText(quality)}"`]),
    ...(revision === null ? [] : [`missing=${missing.length}i`]),
  ];
  const name = grain === 'minute' ? MEASUREMENT : `${MEASUREMENT}_${grain}`;
  return `${name},${tags.join(',')} ${fields.join(',')} ${fromS}\n`;
}

/** Commas, equal signs, blanks and backslashes; a line break has no escape and cannot be in a name of ours. */
function tagValue(text: string): string {
  return text.replace(/[\r\n]/g, ' ').replace(/[\\,= ]/g, (mark) => `\\${mark}`);
}

function fieldText(text: string): string {
  return text.replace(/[\\"]/g, (mark) => `\\${mark}`);
}
