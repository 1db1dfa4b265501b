/**
 * Users and groups of the image, as text. Ours are added here and not left to systemd-sysusers: then the key of the device
 * can belong to lethe-voice from the first moment, and nothing depends on the order of the first start. sysusers finds
 * them there and does nothing. Nobody gets a password, and who has one loses it.
 */
const SYSTEM_ID_MAX = 999;
const SYSTEM_ID_MIN = 100;
const MS_PER_DAY = 86_400_000;

export type Accounts = {
  readonly passwd: string;
  readonly group: string;
  readonly shadow: string;
  readonly gshadow: string;
};
export type Identity = { readonly name: string; readonly id: number; readonly isUser: boolean };
export type AddedAccounts = {
  readonly accounts: Accounts;
  /** Every user and group of sysusers.conf, those that were there too. */
  readonly identities: readonly Identity[];
};

/** Lines `u name …` and `g name …` of sysusers.d(5); our file has no others. Ids are taken from 999 downwards, as systemd does. */
export function withAccounts(before: Accounts, sysusers: string, nowMs: number): AddedAccounts {
  const lines = { passwd: [] as string[], group: [] as string[], shadow: [] as string[], gshadow: [] as string[] };
  const users = idsOf(before.passwd);
  const groups = idsOf(before.group);
  const taken = new Set([...users.values(), ...groups.values()]);
  const identities: Identity[] = [];
  for (const line of sysusers.split('\n')) {
    const match = /^([ug])\s+([a-z][a-z0-9-]{0,30})\s+\S+\s*(?:"([^":]*)")?/.exec(line);
    if (match === null) continue;
    const [, kind, name = '', title = ''] = match;
    const isUser = kind === 'u';
    const id = (isUser ? users.get(name) : undefined) ?? groups.get(name) ?? freeId(taken);
    taken.add(id);
    if (!groups.has(name)) {
      lines.group.push(`${name}:x:${id}:`);
      lines.gshadow.push(`${name}:!*::`);
      groups.set(name, id);
    }
    if (isUser && !users.has(name)) {
      lines.passwd.push(`${name}:x:${id}:${groups.get(name)}:${title}:/:/usr/sbin/nologin`);
      lines.shadow.push(`${name}:!*:${Math.floor(nowMs / MS_PER_DAY)}::::::`);
      users.set(name, id);
    }
    identities.push({ name, id, isUser });
  }
  const add = (text: string, added: readonly string[]) =>
    added.length === 0 ? text : `${text.replace(/\n*$/, '\n')}${added.join('\n')}\n`;
  return {
    accounts: {
      passwd: add(before.passwd, lines.passwd),
      group: add(before.group, lines.group),
      shadow: add(before.shadow, lines.shadow),
      gshadow: add(before.gshadow, lines.gshadow),
    },
    identities,
  };
}

/** Every password that could be used becomes unusable (`!` in front, passwd -l); who had none at all too. */
export function withoutPasswords(shadow: string): { readonly shadow: string; readonly locked: readonly string[] } {
  const locked: string[] = [];
  const lines = shadow.split('\n').map((line) => {
    const [name = '', hash, ...rest] = line.split(':');
    if (hash === undefined || /^[!*]/.test(hash)) return line;
    locked.push(name);
    return [name, hash === '' ? '*' : `!${hash}`, ...rest].join(':');
  });
  return { shadow: lines.join('\n'), locked };
}

/** The first ordinary user (uid 1000), to whom a key for SSH can be given. */
export function firstUser(
  passwd: string,
): { readonly name: string; readonly uid: number; readonly gid: number; readonly home: string } | undefined {
  for (const line of passwd.split('\n')) {
    const [name = '', , uid = '', gid = '', , home = ''] = line.split(':');
    if (uid === '1000') return { name, uid: 1000, gid: Number(gid), home };
  }
  return undefined;
}

function idsOf(text: string): Map<string, number> {
  const rows = text.split('\n').map((line) => line.split(':'));
  return new Map(
    rows.filter(([name, , id]) => name !== '' && id !== undefined).map(([name, , id]) => [name!, Number(id)]),
  );
}

function freeId(taken: ReadonlySet<number>): number {
  for (let id = SYSTEM_ID_MAX; id >= SYSTEM_ID_MIN; id -= 1) if (!taken.has(id)) return id;
  throw new Error('no id of a system account is free');
}
