/**
 * Topic names: `lethe/v1/<site>/<device>/…`. An entrance has the topics of a line. Site, device, line and zone names are single safe levels (the schema sees to it).
 */
export type TopicNames = {
  readonly status: string;
  readonly info: string;
  readonly health: string;
  readonly privacy: string;
  readonly total: (line: string) => string;
  readonly interval: (line: string) => string;
  readonly zone: (zone: string) => string;
  /** One for each interval, about all its messages. */
  readonly receipt: string;
  readonly occupancy: (zone: string) => string;
  /** Audits by hand: published by `lethe tally`, not by the voice. */
  readonly tally: (line: string) => string;
  readonly simulation: (line: string) => string;
};

/** The version is part of the tree: a payload that changes its meaning moves to `v2`, and both can live side by side. */
export const TOPIC_ROOT = 'lethe/v1';

export function topicNames(site: string, device: string): TopicNames {
  const base = `${TOPIC_ROOT}/${site}/${device}`;
  return {
    status: `${base}/status`,
    info: `${base}/info`,
    health: `${base}/health`,
    privacy: `${base}/privacy`,
    total: (line) => `${base}/total/${line}`,
    interval: (line) => `${base}/interval/${line}`,
    zone: (zone) => `${base}/zone/${zone}`,
    receipt: `${base}/receipt`,
    occupancy: (zone) => `${base}/occupancy/${zone}`,
    tally: (line) => `${base}/tally/${line}`,
    simulation: (line) => `${base}/simulation/${line}`,
  };
}
