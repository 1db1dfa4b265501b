/** Zones whose clocks do every odd thing there is, for the tests of hours and days. */
export const ZONES = [
  'UTC',
  'Europe/Stockholm',
  'America/New_York',
  /** Half an hour of summer. */
  'Australia/Lord_Howe',
  /** Half an hour from UTC, no summer time. */
  'Asia/Kolkata',
  /** Forward at 00:00, back at 01:00: a day that begins at 01:00, and one with two midnights. */
  'America/Havana',
  /** Forward at 00:00, back from 24:00 to 23:00. */
  'Asia/Beirut',
  /** Backward to UTC for the month of Ramadan. */
  'Africa/Casablanca',
  /** Two hours of summer. */
  'Antarctica/Troll',
  'Pacific/Chatham',
] as const;
