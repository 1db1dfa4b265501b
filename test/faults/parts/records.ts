/** What makes a record of the voice one and the same, and the fields that the judge looks at. */

/** `epoch_id/seq`: a device makes its epochs by chance, so that no two have the same. */
export type Identity = string;

export type RecordPayload = {
  readonly seq: number;
  readonly epoch_id: string;
  readonly from: string;
  readonly in?: number;
  readonly out?: number;
  readonly total_in?: number;
  readonly total_out?: number;
  readonly historical?: boolean;
};

export type TotalPayload = { readonly in: number; readonly out: number; readonly epoch_id: string };

/** Level behind the device: interval, zone, receipt, total … */
export function kindOf(topic: string): string {
  return topic.split('/')[4] ?? '';
}

/** `device/line`, or `device/zone`. */
export function placeOf(topic: string): string {
  const levels = topic.split('/');
  return `${levels[3]}/${levels[5]}`;
}

export function isRecord(topic: string): boolean {
  return ['interval', 'zone', 'receipt'].includes(kindOf(topic));
}

/** Undefined for what has no number. */
export function identityOf(topic: string, payload: string): Identity | undefined {
  if (!isRecord(topic)) return undefined;
  const { epoch_id: epochId, seq } = JSON.parse(payload) as RecordPayload;
  return `${epochId}/${seq}`;
}
