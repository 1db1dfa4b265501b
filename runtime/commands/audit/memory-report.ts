/** What the memory audit found, for people and for programs. */
import type { PlaceResult } from './places.ts';

export type ControlFacts = {
  /** Where the eye that does not erase had pictures. */
  readonly eye: readonly PlaceResult[];
  readonly frameBytes: number;
  /** Of what the reference run made: not looked for, as there was no room. */
  readonly tensorBytesLeftOut: number;
  readonly forms: readonly string[];
  readonly formsMissed: readonly string[];
};

type ResidencyUs = { readonly p50: number; readonly p99: number; readonly max: number };

export type EyeFacts = {
  /** Frames that the camera sent. */
  readonly frameCount: number;
  readonly frameRateHz: number;
  readonly lookCount: number;
  /** What the eye itself said at its end; undefined: nothing. */
  readonly frames: { readonly read: number; readonly erased: number; readonly dropped: number } | undefined;
  /** Likewise: how long pictures and everything derived from them lived, since its start. */
  readonly residencyUs: { readonly pixels: ResidencyUs | null; readonly derived: ResidencyUs | null } | undefined;
  readonly isolation: readonly string[];
  readonly notIsolated: readonly string[];
  readonly places: readonly PlaceResult[];
};

export type Verdict = 'nothing found' | 'pictures found' | 'the audit failed';
export type AuditReport = { readonly control: ControlFacts; readonly eye: EyeFacts; readonly verdict: Verdict };

/** An eye without erasing keeps its last frame and that frame's tensors; runs may be cut where a value was overwritten. */
const CONTROL_SHARE_MIN = 0.99;

export function controlFaults({ eye, frameBytes, tensorBytesLeftOut, formsMissed }: ControlFacts): string[] {
  const faults: string[] = [];
  const pixels = bytesOf(eye, (form) => form === 'uint8');
  if (pixels < CONTROL_SHARE_MIN * frameBytes)
    faults.push(`in the eye that does not erase only ${pixels} of ${frameBytes} bytes of the last frame were found`);
  if (bytesOf(eye, (form) => form === 'tensor') === 0)
    faults.push('in the eye that does not erase no tensor was found');
  if (tensorBytesLeftOut > 0)
    faults.push(
      `${tensorBytesLeftOut} bytes of tensors had no room among what is looked for: this model makes too many`,
    );
  if (formsMissed.length > 0) faults.push(`in the decoy these forms were not found: ${formsMissed.join('; ')}`);
  return faults;
}

export function eyeFaults({ frames, frameCount }: EyeFacts): string[] {
  if (frames === undefined) return ['the eye did not say how many frames it read'];
  return frames.read === frameCount
    ? []
    : [`the camera sent ${frameCount} frames, the eye read ${frames.read}: what it did not read proves nothing`];
}

export function verdictOf(control: ControlFacts, eye: EyeFacts): Verdict {
  if (bytesOf(eye.places, () => true) > 0) return 'pictures found';
  return controlFaults(control).length + eyeFaults(eye).length > 0 ? 'the audit failed' : 'nothing found';
}

function bytesOf(places: readonly PlaceResult[], isMeant: (form: string) => boolean): number {
  return places.filter(({ forms }) => forms.some(isMeant)).reduce((sum, { foundBytes }) => sum + foundBytes, 0);
}

export function renderJson(report: AuditReport): string {
  const { control, eye, verdict } = report;
  const places = (results: readonly PlaceResult[]) =>
    results.map((result) => ({
      place: result.place,
      detail: result.detail,
      searched_bytes: result.searchedBytes,
      found_bytes: result.foundBytes,
      longest_run: result.longestRun,
      forms: result.forms,
    }));
  return `${JSON.stringify(
    {
      verdict,
      faults: [...controlFaults(control), ...eyeFaults(eye)],
      control: {
        frame_bytes: control.frameBytes,
        eye_without_erasing: places(control.eye),
        decoy: { forms: control.forms, missed: control.formsMissed },
      },
      eye: {
        frames_sent: eye.frameCount,
        frame_rate_hz: eye.frameRateHz,
        looks: eye.lookCount,
        frames: eye.frames ?? null,
        residency_us: eye.residencyUs ?? null,
        isolation: eye.isolation,
        not_isolated: eye.notIsolated,
        places: places(eye.places),
      },
    },
    null,
    2,
  )}\n`;
}

/** Mappings are many: those of one kind stand in one row, unless something was found. */
type Row = { name: string; count: number; searchedBytes: number; foundBytes: number; what: string };

function kindOf({ place, detail }: PlaceResult): string {
  const mapping = /^[0-9a-f]+-[0-9a-f]+ (\S+) ?(.*)$/.exec(detail);
  if (!place.startsWith('memory') || mapping === null) return place;
  const [, flags = '', name = ''] = mapping;
  const what = name === '' ? 'anonymous' : name.startsWith('[') ? name : 'of files';
  return `${place}, ${what} ${flags}`;
}

function rowsOf(places: readonly PlaceResult[]): Row[] {
  const rows = new Map<string, Row>();
  for (const place of places) {
    const isFind = place.foundBytes > 0;
    const name = isFind ? `${place.place}, ${place.detail}` : kindOf(place);
    const row = rows.get(name) ?? { name, count: 0, searchedBytes: 0, foundBytes: 0, what: '' };
    row.count += 1;
    row.searchedBytes += place.searchedBytes;
    row.foundBytes += place.foundBytes;
    if (isFind) row.what = `longest run ${place.longestRun}; ${place.forms.join('; ')}`;
    rows.set(name, row);
  }
  return [...rows.values()];
}

export function renderText(report: AuditReport): string {
  const { control, eye, verdict } = report;
  const pixels = bytesOf(control.eye, (form) => form === 'uint8');
  const faults = [...controlFaults(control), ...eyeFaults(eye)];
  return [
    `Control: in an eye that does not erase, ${control.frameBytes} bytes a frame, this was found:`,
    ...table(rowsOf(control.eye)),
    `  ${pixels >= CONTROL_SHARE_MIN * control.frameBytes ? 'The last frame is there, as it must be.' : 'THE LAST FRAME IS NOT THERE.'}`,
    `Decoy: of ${control.forms.length} forms of keeping a frame, ${control.forms.length - control.formsMissed.length} were found.`,
    '',
    `The eye: ${eye.frameCount} frames at ${eye.frameRateHz} Hz, searched ${eye.lookCount} times for the last 100 of them.`,
    ...(eye.frames === undefined
      ? []
      : [`  It says: ${eye.frames.read} read, ${eye.frames.erased} erased, ${eye.frames.dropped} dropped.`]),
    ...residencyLines(eye),
    ...(eye.notIsolated.length > 0 ? [`  Not isolated here: ${eye.notIsolated.join('; ')}`] : []),
    ...table(rowsOf(eye.places)),
    '',
    ...faults.map((fault) => `FAULT: ${fault}.`),
    {
      'nothing found': 'Nothing found.',
      'pictures found': 'PICTURES FOUND.',
      'the audit failed': 'THE AUDIT FAILED: it could not have found what it looked for.',
    }[verdict],
    '',
  ].join('\n');
}

function residencyLines({ residencyUs }: EyeFacts): string[] {
  const ms = (us: number): string => (us / 1000).toFixed(2);
  const line = (what: string, of: ResidencyUs | null | undefined): string[] =>
    of == null ? [] : [`  ${what} lived for ${ms(of.p50)} ms (p50), ${ms(of.p99)} (p99), ${ms(of.max)} (longest).`];
  return [...line('Pixels', residencyUs?.pixels), ...line('Everything derived', residencyUs?.derived)];
}

function table(rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map(({ name }) => name.length), 10);
  return [
    `  ${''.padEnd(width)} pieces   KiB searched  bytes found`,
    ...rows.map(({ name, count, searchedBytes, foundBytes, what }) =>
      `  ${name.padEnd(width)} ${String(count).padStart(6)} ${String(Math.round(searchedBytes / 1024)).padStart(14)} ${String(foundBytes).padStart(12)}  ${what}`.trimEnd(),
    ),
  ];
}
