// Goal: what the section `mqtt` says fits together, and a secret is found where systemd puts it.
// Method: literal sections; real configuration files; an environment with and without credentials.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { brokerAccess, brokerFiles, embeddedBrokerWords } from '../../../runtime/config/broker.ts';
import { loadConfig, parseConfig } from '../../../runtime/config/config.ts';
import type { ConfigError } from '../../../runtime/errors.ts';

function problemsOf(mqtt: object): readonly string[] {
  try {
    parseConfig({ mqtt });
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

const TLS = { url: 'mqtts://gateway.store:8883' };

test('what fits together is taken: passwords, mutual TLS, websockets, versions', () => {
  for (const mqtt of [
    {},
    { username: 'door1', password_file: 'password' },
    { ...TLS, ca_file: 'ca.crt', cert_file: 'a.crt', key_file: 'a.key', server_name: 'gateway.store', protocol: 5 },
    { url: 'wss://store.example:443/mqtt', ca_file: 'ca.crt', protocol: '3.1.1' },
    { url: 'ws://[fd00::1]:8080/mqtt' },
    {
      ...TLS,
      username: 'door1',
      password_file: 'credential:mqtt-password',
      key_file: 'credential:k',
      cert_file: 'credential:c',
    },
  ])
    assert.equal(problemsOf(mqtt), [], JSON.stringify(mqtt));
});

test('all that does not fit together is told at once, each with its remedy', () => {
  const problems = problemsOf({
    url: 'mqtt://gateway:1883/path?clientId=x',
    ca_file: 'ca.crt',
    cert_file: 'credential:../../etc/shadow',
    server_name: 'gateway',
    protocol: '3.1.1',
    password_file: 'password',
  });
  const expected = [
    /mqtt\.url .*without \? and #/,
    /mqtt\.url .*no path.*Remove "\/path"/,
    /mqtt\.cert_file .*expected a name of 1 to 64 letters/,
    /mqtt\.ca_file .*has no TLS\. Use mqtts:\/\//,
    /mqtt\.cert_file .*has no TLS/,
    /mqtt\.server_name .*has no TLS/,
    /mqtt\.cert_file is set without mqtt\.key_file/,
    /mqtt\.password_file is set without mqtt\.username/,
  ];
  assert.is(problems.length, expected.length, problems.join('\n'));
  for (const [index, pattern] of expected.entries()) assert.match(problems[index]!, pattern);
  assert.match(problemsOf({ ...TLS, key_file: 'a.key' })[0]!, /mqtt\.key_file is set without mqtt\.cert_file/);
  assert.match(problemsOf({ url: 'ws://gateway', ca_file: 'a' })[0]!, /Use wss:\/\/.*443/);
});

test('an address that is none, and versions that are none, are refused', () => {
  for (const url of [
    'mqtts://gateway:0',
    'mqtts://gateway:99999',
    'mqtts://:8883',
    'http://gateway',
    'mqtts://me@gateway',
  ])
    assert.match(problemsOf({ url })[0] ?? '', /^mqtt\.url is /, url);
  for (const protocol of ['5', 4, '3.1', 'mqtt5'])
    assert.match(problemsOf({ protocol })[0] ?? '', /one of "auto", 5, "3\.1\.1"/);
  assert.equal(loadConfig({ overrides: ['mqtt.protocol=5'] }).mqtt.protocol, 5);
});

test('paths count from the file, credentials from the folder that systemd gives', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-broker-config-'));
  try {
    const path = join(folder, 'lethe.json');
    const mqtt = { ...TLS, ca_file: 'ca.crt', cert_file: '/etc/a.crt', key_file: 'credential:a.key' };
    writeFileSync(path, JSON.stringify({ mqtt }));
    const config = loadConfig({ path });
    const environment = { CREDENTIALS_DIRECTORY: '/run/credentials/lethe-voice.service' };
    const { caFile, certFile, keyFile, passwordFile } = brokerAccess(config.mqtt, environment);
    const files = [join(folder, 'ca.crt'), '/etc/a.crt', '/run/credentials/lethe-voice.service/a.key'];
    assert.equal([caFile, certFile, keyFile, passwordFile], [...files, '']);
    assert.equal(brokerFiles(config.mqtt, environment), files);
    assert.is(brokerAccess(config.mqtt, {}).keyFile, 'credential:a.key');
    assert.equal(brokerFiles(config.mqtt, {}), files.slice(0, 2));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a broker inside the program needs nothing of what the file says about another one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-broker-config-'));
  try {
    const path = join(folder, 'lethe.json');
    const mqtt = {
      ...TLS,
      ca_file: 'ca.crt',
      cert_file: 'a',
      key_file: 'b',
      server_name: 'x',
      username: 'u',
      protocol: 5,
    };
    writeFileSync(path, JSON.stringify({ mqtt }));
    const config = loadConfig({ path, overrides: embeddedBrokerWords(1884) });
    assert.is(config.mqtt.url, 'mqtt://127.0.0.1:1884');
    assert.equal(brokerFiles(config.mqtt, {}), []);
    assert.is(config.mqtt.protocol, 'auto');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
