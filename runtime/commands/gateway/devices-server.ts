/** The server for devices, with what is behind it: claims, the store's authority, and the bundle of a newer version. */
import { CertificateAuthority } from '../../../drivers/certificates/authority.ts';
import { type DeviceServer, startDeviceServer } from '../../../drivers/https/server.ts';
import { Claims } from '../../gateway/claim/claims.ts';
import { type ClaimFiles, storeFacts } from '../../gateway/claim/files.ts';
import type { GatewayConfig } from '../../gateway/config.ts';
import type { Gateway } from '../../gateway/gateway.ts';
import { Giving } from '../../gateway/updates/giving.ts';
import { releaseKeysIn } from '../../gateway/updates/keys.ts';
import { ReleaseWatch } from '../../gateway/updates/release-watch.ts';
import type { Log } from '../../log.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Database } from '../../ports/database.ts';
import type { Link } from '../../ports/link.ts';

export type DevicesServerOptions = {
  readonly config: GatewayConfig;
  readonly files: ClaimFiles;
  readonly clock: Clock;
  readonly database: Database;
  readonly gateway: Gateway;
  readonly link: Link;
  /** Undefined: no bundle is given. */
  readonly releases: ReleaseWatch | undefined;
  readonly log: Log;
};

const NOT_FOUND = {
  status: 404,
  body: JSON.stringify({
    v: 1,
    error: { code: 'not_found', message: 'Known here: POST /v1/claim, GET /v1/bundle/….' },
  }),
};

/** Rejects with DriverError if the port cannot be had. */
export async function serveDevices(options: DevicesServerOptions): Promise<DeviceServer & { readonly claims: Claims }> {
  const { config, files, gateway, releases, log } = options;
  const claims = claimsOf(options);
  const giving = new Giving({
    release: () => releases?.release,
    atOnce: config.updates.atOnce,
    isKnown: (device) => gateway.roster.devices.includes(device),
    isRevoked: (serial) => gateway.claimed.isRevoked(serial),
  });
  for (const notice of files.notices) log.warn(notice);
  const server = await startDeviceServer(config.claim.address, config.claim.port, files, {
    claim: (body, address) => claims.answer(body, address),
    bundle: (sha256, caller) => giving.give(sha256, caller),
    missing: () => NOT_FOUND,
    onFault: (sentence) => log.error(sentence),
  });
  log.info({ port: server.port, fleet_keys: files.keys.size }, 'devices may claim certificates');
  return { ...server, claims };
}

function claimsOf({ config, files, clock, database, gateway, link, log }: DevicesServerOptions): Claims {
  const { claim } = config;
  const authority = new CertificateAuthority(files.authorityPem, files.authorityKeyPem);
  return new Claims({
    store: { ...storeFacts(config), template: files.template },
    keys: files.keys,
    certificateDays: claim.certificateDays,
    authorityPem: files.authorityPem,
    issue: (request) => authority.issue(request),
    clock,
    database,
    books: gateway.claimed,
    log,
    naming: () => ({
      expected: gateway.roster.devices,
      strangers: gateway.hearing.strangers,
      reserved: claim.reserved,
      prefix: claim.namePrefix,
      replace: claim.replace,
      // Without the broker nobody knows, and nobody is pushed aside.
      isOnline: (device) => !link.up || gateway.devices.isOnline(device),
    }),
    onClaimed: (device) => gateway.adopt(device),
  });
}

/** Undefined: nothing is offered. Throws ConfigError for keys that cannot be used. */
export function releaseWatchOf({ updates }: GatewayConfig, log: Log): ReleaseWatch | undefined {
  if (updates.bundleFile === '') return undefined;
  return new ReleaseWatch({
    path: updates.bundleFile,
    keys: releaseKeysIn(updates.releaseKeys),
    onNotice: (sentence) => log.warn(sentence),
    onRelease: ({ manifest: { version, bytes } }) => log.info({ version, bytes }, 'a version is there to be offered'),
  });
}
