/** Every tree of topics below lethe/v1, for whoever publishes documents about all of them. */
import { TOPIC_ROOT } from './contract.ts';
import { TOPICS, type Topic } from './topics.ts';

export type Tree = {
  /** In front of the keys of its topics, so that no two trees have the same. */
  readonly prefix: string;
  /** Levels in front of its paths; those in braces are names. */
  readonly base: string;
  readonly topics: Readonly<Record<string, Topic>>;
};

export const TREES: readonly Tree[] = [{ prefix: '', base: `${TOPIC_ROOT}/{site}/{device}`, topics: TOPICS }];

export type TreeTopic = Topic & {
  /** One of its own among all trees: total, storeTotal. */
  readonly key: string;
  /** The whole topic, with names in braces. */
  readonly address: string;
};

export const TREE_TOPICS: readonly TreeTopic[] = TREES.flatMap(({ prefix, base, topics }) =>
  Object.entries(topics).map(([key, topic]) => ({
    ...topic,
    key: prefix === '' ? key : `${prefix}${key.charAt(0).toUpperCase()}${key.slice(1)}`,
    address: `${base}/${topic.path}`,
  })),
);
