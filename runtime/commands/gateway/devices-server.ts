/** The server for devices, with what is behind it: claims, and the certificates of the store's authority. */
import { CertificateAuthority } from '../../../drivers/certificates/authority.ts';
import { type DeviceServer, startDeviceServer } from '../../../drivers/https/server.ts';
import { Claims } from '../../gateway/claim/claims.ts';
import { type ClaimFiles, storeFacts } from '../../gateway/claim/files.ts';
import type { GatewayConfig } from '../../gateway/config.ts';
import type { Gateway } from '../../gateway/gateway.ts';
import type { Log } from '../../log.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Database } from '../../ports/database.ts';

export type DevicesServerOptions = {
  readonly config: GatewayConfig;
  readonly files: ClaimFiles;
  readonly clock: Clock;
  readonly database: Database;
  readonly gateway: Gateway;
  readonly log: Log;
};

const NOT_FOUND = {
  status: 404,
  body: JSON.stringify({ v: 1, error: { code: 'not_found', message: 'Known here: POST /v1/claim.' } }),
};

/** Rejects with DriverError if the port cannot be had. */
export async function serveDevices(options: DevicesServerOptions): Promise<DeviceServer & { readonly claims: Claims }> {
  const { config, files, log } = options;
  const claims = claimsOf(options);
  for (const notice of files.notices) log.warn(notice);
  const server = await startDeviceServer(config.claim.address, config.claim.port, files, {
    claim: (body, address) => claims.answer(body, address),
    bundle: () => NOT_FOUND,
    missing: () => NOT_FOUND,
    onFault: (sentence) => log.error(sentence),
  });
  log.info({ port: server.port, fleet_keys: files.keys.size }, 'devices may claim certificates');
  return { ...server, claims };
}

function claimsOf({ config, files, clock, database, gateway, log }: DevicesServerOptions): Claims {
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
      isOnline: (device) => gateway.devices.isOnline(device),
    }),
    onClaimed: (device) => gateway.adopt(device),
  });
}
