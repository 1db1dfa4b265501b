/**
 * State: what is small and changes, as JSON with its SHA-256: SQLite keeps no check sums of its pages, and a total that a
 * worn card has changed must not pass for one.
 */
import { createHash, randomUUID } from 'node:crypto';
import { emptyOccupancy, type OccupancyState } from '../../site/occupancy.ts';
import { type CommandMemory, emptyMemory } from '../commands/memory.ts';
import { type DiscoveryMemory, nothingAnnounced } from '../discovery/discovery.ts';
import type { EyeFrames } from '../intervals/frames.ts';
import { emptyIntervals, type IntervalState } from '../intervals/intervals.ts';
import type { LineTotals } from '../intervals/totals.ts';

/** The last receipt of the chain; 0 and null: none yet. */
export type ReceiptHead = { number: number; hash: string | null };

/** What is known of the eye; a restarted voice goes on from here. */
export type EyeSeen = { boot: number; state: number; reason: number };

export type LedgerState = {
  /** Names this series of totals; a new one says: the meter began again, or its numbers were in danger of being given twice. */
  epochId: string;
  /** Starts of the voice since the ledger was begun. */
  boot: number;
  /** Last sequence number given; survives restarts. */
  seq: number;
  /** The broker has every record up to this number, or it was given up. */
  acknowledgedSeq: number;
  /** By counter name, so that renaming or sorting lines never mixes their totals. */
  lines: Record<string, LineTotals>;
  /** Net totals, the same way. */
  net: Record<string, LineTotals>;
  /** By zone name: visits (as in) and bounces (as out); passers-by (as in). */
  visits: Record<string, LineTotals>;
  passers: Record<string, LineTotals>;
  occupancy: OccupancyState;
  eye: EyeSeen | null;
  /** Frames and model of the last boots of the eye, newest first. */
  eyes: EyeFrames[];
  intervals: IntervalState;
  receiptHead: ReceiptHead;
  /** So that no command is carried out twice. */
  commands: CommandMemory;
  /** What Home Assistant was told of. */
  discovery: DiscoveryMemory;
  /** Records given up before the broker had them. */
  droppedCount: number;
};

export function emptyState(lines: readonly string[], zones: readonly string[]): LedgerState {
  return {
    epochId: randomUUID(),
    boot: 0,
    seq: 0,
    acknowledgedSeq: 0,
    lines: {},
    net: {},
    visits: {},
    passers: {},
    occupancy: emptyOccupancy(),
    eye: null,
    eyes: [],
    intervals: emptyIntervals(lines, zones),
    receiptHead: { number: 0, hash: null },
    commands: emptyMemory(),
    discovery: nothingAnnounced(),
    droppedCount: 0,
  };
}

export function encodeState(state: LedgerState): { readonly text: string; readonly check: string } {
  const text = JSON.stringify(state);
  return { text, check: sha256(text) };
}

/** The state, or in a few words why there is none. With a right check sum its shape is as we wrote it. */
export function decodeState(text: string, check: string): LedgerState | string {
  return sha256(text) === check ? (JSON.parse(text) as LedgerState) : 'its check sum is wrong';
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
