/** The section `updates` of the gateway's configuration: fields, and faults that only several of them together show. */
import { Type } from 'typebox';
import { integer, section } from '../../config/schema.ts';
import { show } from '../../config/words.ts';

export const UpdateSettings = section(
  {
    bundle_file: Type.String({
      default: '',
      maxLength: 1000,
      description:
        'Bundle of a newer version, as `lethe bundle` makes it; looked at every ten seconds, so it may be replaced while the gateway runs; empty: nothing is offered',
      shape: 'a path, or empty',
    }),
    release_keys: Type.String({
      default: '',
      maxLength: 1000,
      description: 'Folder with the public keys of releases (*.pem); others are not offered',
      shape: 'a path',
    }),
    url: Type.String({
      pattern: '^(https://[^\\s@?#]+[^\\s@?#/])?$',
      maxLength: 200,
      default: '',
      description:
        'Address of this server for devices that did not claim here; empty: the first name in claim.cert_file, with claim.port',
      shape: 'https://host:port without user, password and a slash at the end, or empty',
    }),
    at_once: integer(1, 100, 1, {
      description: 'How many devices may be busy with an update at the same time: their doors do not count meanwhile',
      unit: 'devices',
    }),
    failures_max: integer(1, 100, 2, {
      description: 'After so many devices went back, or were not heard of again, a version is offered to no more',
      unit: 'devices',
    }),
    when: Type.Enum(['always', 'closed'], {
      default: 'always',
      description: 'closed: only outside of opening_hours, where there are any',
      shape: 'always or closed',
    }),
  },
  'Newer versions for devices',
);

type UpdateFields = { readonly bundle_file: string; readonly release_keys: string };

export function updateProblems({ bundle_file, release_keys }: UpdateFields, isClaiming: boolean): string[] {
  if (bundle_file === '') return [];
  return [
    ...(release_keys === ''
      ? [
          'updates.release_keys is empty; expected the folder with the public keys of releases where updates.bundle_file is set. Set it.',
        ]
      : []),
    ...(isClaiming
      ? []
      : [
          `updates.bundle_file is ${show(bundle_file)}, but there is no section claim, whose server gives it to devices. Add that, or remove updates.bundle_file.`,
        ]),
  ];
}
