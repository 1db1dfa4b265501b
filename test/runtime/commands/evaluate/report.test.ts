// Goal: the report says what the figures mean, and the plot is a file that any viewer opens.
// Method: a small result, with its text as a literal; a reader of tags that refuses what is not well-formed.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { drawPlot } from '../../../../runtime/commands/evaluate/plot.ts';
import { scoreJson, scoreText, verdictSentence } from '../../../../runtime/commands/evaluate/report.ts';
import { type Sequence, score } from '../../../../runtime/commands/evaluate/score.ts';
import { escapeXml } from '../../../../runtime/commands/evaluate/svg.ts';
import { equivalence } from '../../../../runtime/commands/statistics.ts';

/** Somebody comes in every two seconds; the last is missed. */
function entrance(name: string): Sequence {
  const truth = Array.from({ length: 10 }, (_, i) => ({ atS: 1 + 2 * i, direction: 'in' as const, peopleInView: i }));
  return {
    name,
    durationS: 20,
    truth,
    counted: truth.slice(0, 9).map((event) => ({ ...event, atS: event.atS + 0.2 })),
  };
}

/** Bounds by hand: 0.05^(1/9) is 71.7 %; bias -1 / 10, spread sqrt(1 + 3) / 10. */
const EXPECTED = `direction  true  counted  matched  precision  at least  recall  at least      F1     bias  within ±2 %
in           10        9        9    100.0 %    71.7 %  90.0 %    60.6 %  94.7 %  -10.0 %    undecided
out           0        0        0          -         -       -         -       -        -    undecided

in: undecided: the count is off by -42.9 % to +22.9 % (90 % interval), neither inside ±2 % nor beyond; about 10801 more true crossings would decide it at the error rate seen.
out: undecided, because nobody passed.
Equivalent means: a bias beyond the margin is excluded with 95 % confidence; undecided is no fault, only too few people.

error per interval  intervals  true on average  off by  share
in, 15 s                    1             7.00    0.00  0.0 %
out, 15 s                   1             0.00    0.00      -

people in view  true  counted  matched  precision  at least   recall  at least
0 to 1             2        2        2    100.0 %    22.4 %  100.0 %    22.4 %
2 to 3             2        2        2    100.0 %    22.4 %  100.0 %    22.4 %
4 to 6             3        3        3    100.0 %    36.8 %  100.0 %    36.8 %
7 to 10            3        2        2    100.0 %    22.4 %   66.7 %    13.5 %

at least: exact lower bound, 95 % confidence. Off by: mean of |counted - true|, so that errors do not cancel.`;

test('text over all entrances', () => {
  assert.is(scoreText(score([entrance('door')]), 'people'), EXPECTED);
});

test('each verdict is a sentence of its own', () => {
  assert.is(
    verdictSentence('in', equivalence(2000, 1998, 1990)),
    'in: equivalent: the count is off by -0.5 % to +0.3 % (90 % interval), inside ±2 %.',
  );
  assert.is(
    verdictSentence('out', equivalence(500, 450, 450)),
    'out: not equivalent: the count is off by -12.4 % to -7.6 % (90 % interval), wholly beyond ±2 %.',
  );
  assert.is(verdictSentence('out', equivalence(0, 0, 0)), 'out: undecided, because nobody passed.');
  assert.match(verdictSentence('in', equivalence(10_000, 9_800, 9_800)), 'the bias lies at the margin itself');
});

test('JSON has no number that JSON cannot hold', () => {
  const json = scoreJson(score([entrance('door'), { ...entrance('empty'), truth: [], counted: [] }]));
  assert.equal(JSON.parse(JSON.stringify(json)), json);
});

/** Throws unless every element is closed, in order, and every attribute and reference is whole. */
function checkXml(xml: string): void {
  const open: string[] = [];
  let end = 0;
  for (const match of xml.matchAll(/<(\/?)([a-z]+)((?: [a-zA-Z0-9-]+="[^"<&]*(?:&#\d+;[^"<&]*)*")*)(\/?)>/g)) {
    const between = xml.slice(end, match.index);
    assert.not.match(between.replace(/&#\d+;/g, ''), /[<>&]/, `stray character in "${between}"`);
    end = match.index + match[0].length;
    const [, closing, name, , empty] = match;
    if (closing === '/') assert.is(open.pop(), name);
    else if (empty === '') open.push(name!);
  }
  assert.equal([open, xml.slice(end).trim()], [[], '']);
}

test('the plot is well-formed and holds every name', () => {
  const names = ['door & <window>', 'Ingång "norr"', "o'clock"];
  const svg = drawPlot(names.map(entrance), {
    title: 'Counted < true & more',
    entranceWord: 'clip',
    densityWord: 'tracks',
  });
  checkXml(svg);
  for (const name of names) assert.ok(svg.includes(`>${escapeXml(name)}<`), name);
  assert.not.match(svg, /NaN|Infinity|undefined/);
});

test('the plot stands any result: nobody, no entrance at all, names of any characters', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary', maxLength: 12 }), { maxLength: 4 }),
      fc.boolean(),
      (names, isEmpty) => {
        const sequences = names.map((name) =>
          isEmpty ? { name, durationS: 0, truth: [], counted: [] } : entrance(name),
        );
        const svg = drawPlot(sequences, { title: 'any', entranceWord: 'clip', densityWord: 'tracks' });
        checkXml(svg);
        assert.not.match(svg.replace(/<text[^>]*>[^<]*|<title>[^<]*/g, ''), /NaN|Infinity|undefined/);
      },
    ),
  );
});

test.run();
