// Goal: a gateway's configuration is whole and right, or refused with every fault at once, exit 78; the example is one.
// Method: literal sentences; the file of the example.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError, ExitCode } from '../../../runtime/errors.ts';
import { loadGatewayConfig, parseGatewayConfig } from '../../../runtime/gateway/config.ts';
import { sourceRoot } from '../../fakes/root.ts';

function problemsOf(file: unknown): readonly string[] {
  try {
    parseGatewayConfig(file);
  } catch (error) {
    assert.instance(error, ConfigError);
    assert.is((error as ConfigError).exitCode, ExitCode.config);
    return (error as ConfigError).problems;
  }
  return [];
}

test('an empty file is a store with the counter of an empty file', () => {
  const config = parseGatewayConfig({});
  assert.equal(config.doors, [{ name: 'door', of: [{ device: 'door1', line: 'door' }], overlap: 'sum' }]);
  assert.equal([config.site, config.intervalS, config.deadlineS, config.prometheus.port], ['demo', 60, 90, 0]);
});

test('the example is right, and its paths count from its folder', () => {
  const path = join(sourceRoot(), 'provisioning/gateway/gateway.example.json');
  const config = loadGatewayConfig({ path });
  assert.equal(config.devices.length, 4);
  assert.is(config.mqtt.keyFile, JSON.parse(readFileSync(path, 'utf8')).mqtt.key_file);
  assert.is(loadGatewayConfig({ path, overrides: ['sinks.sql.file=x.sql'] }).sinks.sql.file, join(path, '..', 'x.sql'));
});

test('faults of fields and faults between fields are told in one run', () => {
  const problems = problemsOf({
    site: 'Main Street',
    time_zone: 'Europe/Stokholm',
    mqtt: { url: 'mqtt://broker', ca_file: 'ca.pem' },
    deadline_s: 0,
    devices: ['left', 'store'],
    doors: [
      { name: 'a', of: [{ device: 'lefft', line: 'door' }] },
      { name: 'a', of: [{ device: 'left', line: 'door' }], overlap: 'avg' },
      { name: 'store', of: [{ device: 'left', line: 'door' }] },
      { name: 'b', of: [{ device: 'left', line: 'door' }] },
    ],
    occupancy: { doors: ['c'] },
    opening_hours: ['Mo 9-8'],
    sinks: { influx: { url: 'http://host:8086/api/v2/write?precision=ns' } },
    prometeus: {},
  });
  const has = (words: string) =>
    assert.ok(
      problems.some((line) => line.includes(words)),
      `${words} in\n${problems.join('\n')}`,
    );
  has('site is "Main Street"');
  has('time_zone is "Europe/Stokholm"');
  has('deadline_s is 0; expected a whole number 5..3600 s. Remove the line to use 90.');
  has('devices.1 is "store", which stands for the store itself');
  has('doors.0.of.0.device is "lefft", which is not in devices; did you mean left?');
  has('doors.1.overlap is "avg"; expected sum or max');
  has('doors.2.name is "store", which the gateway uses itself');
  has('doors.3.of.0 is line "door" of "left", which doors.2.of.0 has already');
  has('occupancy.doors.0 is "c", which is no door');
  has('opening_hours.0 is');
  has('expected precision=s among its parameters');
  has('mqtt.ca_file is "ca.pem", but mqtt.url begins with mqtt://');
  has('prometeus is not a field; did you mean prometheus?');
  assert.is(problems.length, 13, problems.join('\n'));
});

test('user and password in an address are refused, so that they cannot reach a log', () => {
  assert.match(
    problemsOf({ sinks: { influx: { url: 'https://me:secret@host/?precision=s' } } })[0] ?? '',
    /^sinks\.influx\.url is/,
  );
});

const CLAIM = {
  cert_file: 'a.crt',
  key_file: 'credential:a',
  ca_file: 'ca.crt',
  ca_key_file: 'ca.key',
  fleet_keys: 'fleet',
};

test('nobody claims without a section for it, and with one the store may begin empty', () => {
  assert.is(parseGatewayConfig({}).claim.port, 0);
  const config = parseGatewayConfig({ claim: CLAIM });
  assert.equal([config.claim.port, config.claim.replace, config.devices, config.doors], [8885, 'offline', [], []]);
  assert.equal(parseGatewayConfig({ claim: { port: 0 } }).devices, ['door1']);
  const door = { name: 'a', of: [{ device: 'comes-later', line: 'door' }] };
  assert.equal(
    problemsOf({ claim: CLAIM, devices: ['door1'], doors: [door], occupancy: { doors: ['counter-1'] } }),
    [],
  );
});

test('what a section claim needs is told whole', () => {
  const problems = problemsOf({
    claim: { port: 8885, replace: 'sometimes', certificate_days: 0 },
    devices: ['facility'],
  });
  assert.is(problems.length, 2, problems.join('\n'));
  const needed = problemsOf({ claim: {}, devices: ['facility'] });
  assert.equal(
    needed.map((line) => line.split(' ')[0]),
    ['claim.cert_file', 'claim.key_file', 'claim.ca_file', 'claim.ca_key_file', 'claim.fleet_keys', 'claim.reserved'],
  );
});

test('without claims a store without devices or doors is refused', () => {
  assert.equal(
    problemsOf({ devices: [], doors: [] }).map((line) => line.split(' ')[0]),
    ['devices', 'doors'],
  );
});

test('paths of section claim count from the folder of the file, credentials are no paths', () => {
  const path = join(sourceRoot(), 'provisioning/gateway/gateway.example.json');
  const overrides = Object.entries(CLAIM).map(([field, value]) => `claim.${field}=${value}`);
  const { claim } = loadGatewayConfig({ path, overrides });
  const folder = join(path, '..');
  assert.equal(
    [claim.certFile, claim.keyFile, claim.fleetKeys, claim.templateFile],
    [join(folder, 'a.crt'), 'credential:a', join(folder, 'fleet'), ''],
  );
});

test('updates need keys and the server that gives them out; without a bundle there is nothing to need', () => {
  const bundle = { bundle_file: 'a.lethe' };
  assert.equal(
    problemsOf({ updates: bundle }).map((line) => line.split(' ')[0]),
    ['updates.release_keys', 'updates.bundle_file'],
  );
  assert.equal(problemsOf({ updates: { ...bundle, release_keys: 'keys' }, claim: CLAIM }), []);
  assert.equal(problemsOf({ updates: { release_keys: 'keys' } }), []);
  assert.match(problemsOf({ updates: { url: 'http://gateway:8885' } }).join(), /^updates\.url is/);
});

test.run();
