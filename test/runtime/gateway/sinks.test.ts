// Goal: every closed interval and each revision of it flows on to a sink, in order, over failures and restarts.
// Method: a gateway with a real database; a sink that fails when told to.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadSqlite } from '../../../drivers/database/sqlite.ts';
import { influxLine } from '../../../runtime/gateway/export/influx.ts';
import { Sinks } from '../../../runtime/gateway/sinks.ts';
import type { Sink } from '../../../runtime/ports/sink.ts';
import { eventually } from '../../fakes/within.ts';
import { GatewayBench } from './bench.ts';

const openDatabase = await loadSqlite();

class ScriptedSink implements Sink {
  readonly name = 'scripted';
  readonly lines: string[] = [];
  failures = 0;

  send(text: string): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1;
      return Promise.reject(new Error('away'));
    }
    this.lines.push(...text.trimEnd().split('\n'));
    return Promise.resolve();
  }
}

test('intervals and revisions come once each, also after a failure and a restart', async () => {
  const bench = await new GatewayBench({ deadline_s: 5 }).start();
  await bench.seconds(70);
  bench.interval({ seq: 1, minute: 0, in: 3 });
  await bench.seconds(8);
  await bench.gateway.stop();
  const database = openDatabase(bench.databasePath);
  const sink = new ScriptedSink();
  sink.failures = 1;
  const told: string[] = [];
  const options = { database, intervalS: 60, onFailure: (sentence: string) => told.push(sentence) };
  const plan = {
    sink,
    head: 'head\n',
    lineOf: (row: Parameters<typeof influxLine>[0]) => influxLine(row, 'shop', 'minute'),
  };
  const sinks = new Sinks([plan], options);
  sinks.pump();
  await eventually(5000, 'the lines come after the failure', () => sink.lines.length === 3);
  assert.equal(told, ['away']);
  assert.is(sink.lines[0], 'head');
  assert.match(sink.lines[1]!, 'door=door in=3i');
  assert.match(sink.lines[2]!, 'revision=1i');
  sinks.stop();
  const later = new Sinks([plan], options);
  later.pump();
  await bench.turns();
  assert.is(sink.lines.length, 3, 'nothing is sent again after a restart');
  later.stop();
  database.close();
});

test.run();
