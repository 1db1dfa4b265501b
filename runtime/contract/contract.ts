/**
 * The contract: what a counter says on the wire, and what stays true of it. Everything else about messages is made of this
 * folder: static types (tsc refuses a payload with a wrong or missing field), the checks of the tests, the JSON Schema that
 * every device publishes on `schema`, the AsyncAPI document beside this file, and the table in the README.
 *
 *   fields.ts  units, ranges and patterns that many payloads share
 *   device.ts  counts.ts  receipt.ts  tally.ts   the payloads
 *   topics.ts  the table: which payload on which topic, retained or not, when it is sent
 *   schema-document.ts  asyncapi.ts   what is published of it
 *
 * Whoever adds a topic or a field: the schema with description and unit, the table, an example; then `npm run -s contract`,
 * which refuses what version 1 forbids (test/golden/contract-v1.json is what was promised so far).
 * It imports nothing but typebox, so that voice, gateway, commands and receipts can all stand on it.
 */

/** Version of the contract: `v` in every payload and `v1` in every topic. */
export const CONTRACT_VERSION = 1;

/** Topics of version 2 would begin with lethe/v2, and both can live side by side. */
export const TOPIC_ROOT = `lethe/v${CONTRACT_VERSION}`;

/**
 * How long a device goes on with version 1 beside version 2. Stores change the systems behind a counter less often than
 * counters are updated.
 */
export const BOTH_VERSIONS_MONTHS = 24;

/** The rule of versions, sentence by sentence; published in the JSON Schema and in the AsyncAPI document. */
export const VERSION_RULE: readonly string[] = [
  'Version 1 only grows: topics, fields and words may be added at any time.',
  'Ignore topics and fields that you do not know.',
  'Treat a word that you do not know (such as a new quality or state) like the most careful one that you know.',
  'A field never changes its type, unit, range or meaning, and never goes; one that is always there stays so; a topic keeps its quality of service and whether it is retained.',
  `Whatever does not fit into this becomes version 2 under lethe/v2, and devices speak both for at least ${BOTH_VERSIONS_MONTHS} months.`,
];
