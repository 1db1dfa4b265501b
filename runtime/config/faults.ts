/** What a schema says against a value, in short: for files that programs write, where one line is enough. */
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';

/** The first few faults are enough to see what kind of file it is not. */
const FAULTS_SHOWN = 5;

export function faultsOf(schema: TSchema, value: unknown): string {
  return Value.Errors(schema, value)
    .slice(0, FAULTS_SHOWN)
    .map((fault) => `${fault.instancePath || '/'} ${fault.message}`)
    .join('; ');
}
