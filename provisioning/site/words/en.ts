/** English, as in Britain and Ireland. */
import type { Words } from './words.ts';

export const en: Words = {
  marks: { proved: 'Proved', measured: 'Measured', believed: 'Believed', judgement: 'Legal judgement' },
  markMeanings: {
    proved: 'follows from how the program is built, and a test in its source code fails if it stops being true.',
    measured:
      'can be measured on this device; the command or message that does so is named. It says how things were when it was measured, and guarantees nothing for later.',
    believed: 'is neither proved nor measured by this program. It rests on hardware, on other software or on people.',
    judgement: 'is a decision for the controller. The text makes a proposal and gives reasons; it is not legal advice.',
  },
  legendIntro: 'Statements about the device carry one of these marks:',
  fill: 'Fill in:',
  levels: { low: 'low', medium: 'medium', high: 'high' },
  fields: {
    controller_name: 'name of the controller',
    controller_address: 'postal address of the controller',
    contact_email: 'e-mail address for questions',
    contact_phone: 'telephone number, or strike this out',
    place: 'name and address of the site',
    dpo: 'name and contact of the data protection officer, or “none appointed”',
    notice_url: 'web address of the privacy notice',
    authority: 'competent supervisory authority',
    recipients: 'who receives the numbers, or “nobody else”',
    counts_kept: 'how long the numbers are kept, and why',
  },
  none: 'none',
  days: 'days',
  topicHead: ['Topic', 'What it says', 'Fields'],
  checkHead: ['Command', 'What it shows'],
  topics: {
    status: 'whether the counter is connected',
    info: 'what stays the same until the next start: versions, time zone, names of lines and zones, opening hours',
    schema: 'describes itself: which topics there are and what their fields mean',
    health: 'whether counting works, and if not, why',
    privacy: 'how many pictures were read, erased and dropped, and how long pictures existed in memory',
    receipt:
      'for each interval a signed receipt: pictures read and erased, longest time in memory, by which model, configuration and version',
    total: 'running totals of people in and out for a line or entrance',
    interval: 'people in and out in one interval for a line or entrance, with an estimate of parties',
    zone: 'visits, time spent and people passing by in one interval for a zone, all as totals, means or quantiles',
    occupancy: 'how many people are in a zone now',
    occupancyStore: 'an estimate of how many people are in the store now',
    tally:
      'result of a check by hand: times and directions of crossings, pressed by a person and counted by the device',
    simulation: 'only with a simulated camera: the true number of drawn people',
    discovery: 'only where Home Assistant is used: names, units and topics of these numbers, for its display',
    setup:
      'only in set-up mode, for the minutes that somebody with a key asked for: where people are in the picture now, as points without identity',
    update: 'which version runs, and what becomes of a newer one: fetched, on trial, kept or taken back',
    reply: 'answers of the device to commands: done, or why not',
  },
  checks: {
    audit:
      'searches the whole memory of both programs for pictures that the device was shown; first makes sure that it would find one',
    isolation:
      'tries from inside to reach a network from the camera’s part, write a file, start a program, or open the camera from the network’s part',
    system: 'checks what lies outside the program: swap, memory dumps, clearing of freed memory, debugging',
    receipts:
      'checks the signed chain of receipts that come with the numbers: pictures read and erased, version, gaps and changes',
    tally: 'holds the counter against a person who counts at the same door, without recording anybody',
    papers: 'makes these papers anew from the configuration',
  },
  sign: {
    headline: 'People are counted here',
    sentence: 'A camera counts how many people come in and go out.',
    promises: ['Nobody is recognised.', 'No picture is kept.', 'Only numbers leave the counter.'],
    promisesShort: 'Nobody is recognised. No picture is kept.',
    purpose: 'Purpose: visitor statistics',
    responsible: 'Responsible',
    officer: 'Data protection officer',
    rights: 'Questions, objections and your other data protection rights: please contact us.',
    scan: 'Full privacy notice',
    ask: 'Ask our staff for the full privacy notice.',
  },
};
