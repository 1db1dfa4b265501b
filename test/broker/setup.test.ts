// Goal: before anything is installed a real broker has let the new certificate in; one that has another certificate, that
// trusts another authority, or that is not there, is told apart.
// Method: a real mosquitto with TLS that lets in only who shows a certificate of its authority.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { tryBroker } from '../../drivers/link/trial.ts';
import { proveBroker } from '../../provisioning/device/claim/broker.ts';
import type { Settings } from '../../provisioning/device/settings.ts';
import { parseConfig } from '../../runtime/config/config.ts';
import { skipBroker, TestBroker } from '../fakes/broker.ts';
import { type KeyPair, TestAuthority } from '../fakes/certificates.ts';
import { within } from '../fakes/within.ts';

const test = suite('setup and broker');
const WAIT_MS = 25_000;
const isSkipped = skipBroker();
let authority: TestAuthority;
let folder: string;
let broker: TestBroker | undefined;

test.before(() => {
  authority = TestAuthority.create();
  folder = mkdtempSync(join(tmpdir(), 'lethe-proof-'));
});
test.after.each(async () => {
  await broker?.stop();
  broker = undefined;
});
test.after(() => {
  authority.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function start(server: KeyPair, caFile = authority.caFile): Promise<TestBroker> {
  const started = await TestBroker.create({
    tls: server,
    lines: [`cafile ${caFile}`, 'require_certificate true', 'use_identity_as_username true'],
  });
  broker = started;
  return started;
}

function settings(port: number, { certFile, keyFile }: KeyPair): Settings {
  const config = parseConfig({ site: 'shop', device: 'door1', mqtt: { url: `mqtts://localhost:${port}` } });
  return {
    ca: readFileSync(authority.caFile, 'utf8'),
    certificate: readFileSync(certFile, 'utf8'),
    key: readFileSync(keyFile, 'utf8'),
    config,
    configText: '',
  };
}
const prove = (what: Settings) => within(WAIT_MS, 'an answer', proveBroker(what, folder, tryBroker));

(isSkipped ? test.skip : test)('each way it may end has its own word, and no key is left in the folder', async () => {
  const server = authority.broker('localhost');
  const device = authority.client('door1');
  const { port } = await start(server);
  assert.is(await prove(settings(port, device)), undefined, 'let in');

  const stranger = authority.selfSigned('door9');
  const refused = await prove(settings(port, stranger));
  assert.is(refused?.refusal, 'gateway_unreachable', 'a certificate that the broker does not know');
  await broker?.stop();
  const gone = await prove(settings(port, device));
  assert.is(gone?.refusal, 'gateway_unreachable');
  assert.match(gone?.reason ?? '', /cannot be reached \(ECONNREFUSED\)/);

  const other = TestAuthority.create();
  try {
    const another = await start(other.broker('localhost'), other.caFile);
    assert.is((await prove(settings(another.port, device)))?.refusal, 'gateway_other_certificate');
  } finally {
    other.remove();
  }
  assert.equal(readdirSync(folder), []);
});

test.run();
