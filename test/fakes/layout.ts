/** A layout in which everything that can be counted is there, as a configuration file holds it: for tests and the bench. */
export const FULL_LAYOUT = {
  lines: [
    { name: 'outer', from: [0.05, 0.4], to: [0.95, 0.4], in: 'down' },
    { name: 'inner', from: [0.05, 0.6], to: [0.95, 0.6], in: 'down' },
  ],
  entrances: [{ name: 'main', lines: ['outer', 'inner'] }],
  zones: [
    {
      name: 'hall',
      polygon: [
        [0, 0.6],
        [1, 0.6],
        [1, 1],
        [0, 1],
      ],
    },
    {
      name: 'street',
      polygon: [
        [0, 0],
        [1, 0],
        [1, 0.35],
        [0, 0.35],
      ],
      passes: 'main',
    },
  ],
};
