/**
 * Foreign models: Keras applications quantised by TFLite's own converter (foreign.py), run by TFLite and by the engine on
 * the same noise and pictures. Prints which operators each needs and how many bytes differ; nothing is kept.
 * Usage: node scripts/bootstrap.mjs --script golden/foreign [PICTURES]; PICTURES is any folder with .jpg or .png below it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shapeOfMachine } from '../../runtime/eye/infer/engine.ts';
import { ROUNDINGS } from '../../runtime/eye/infer/quantize.ts';
import { operatorName } from '../../runtime/eye/infer/schema.ts';
import { readTflite, type TfliteModel } from '../../runtime/eye/infer/tflite.ts';
import { prepareRun } from './engine.ts';
import { InterpreterError, repositoryRoot, runPython } from './interpreter.ts';

type Net = { readonly name: string; readonly noise: number; readonly pictures: number };

function compare(folder: string, { name, noise, pictures }: Net): void {
  const model = readTflite(readFileSync(join(folder, `${name}.tflite`)));
  process.stdout.write(`\n${name}: ${operatorsOf(model)}\n`);
  const inputs = readFileSync(join(folder, `${name}.inputs.bin`));
  const [input = '', inputIndex = 0] = [...model.inputs][0] ?? [];
  const inputBytes = model.tensors[inputIndex]!.shape.reduce((total, size) => total * size, 1);
  const files = readdirSync(folder);
  const bytesOf = (way: string, output: string): Buffer => {
    const file = files.find((one) => one === `${name}.${way}.${output}.bin`);
    if (file === undefined) throw new InterpreterError(`${name} has no output ${output} from ${way}`);
    return readFileSync(join(folder, file));
  };
  const expected = ['reference', 'xnnpack'].map((way) => {
    return { way, outputs: new Map([...model.outputs.keys()].map((output) => [output, bytesOf(way, output)])) };
  });
  for (const rounding of ROUNDINGS) {
    let run: ReturnType<typeof prepareRun>;
    try {
      run = prepareRun(model, { shape: shapeOfMachine(), rounding });
    } catch (error) {
      process.stdout.write(
        `  not run: ${error instanceof Error ? error.message.replaceAll('\n', '\n           ') : error}\n`,
      );
      return;
    }
    const found = Array.from({ length: noise + pictures }, (_, i) =>
      run(new Map([[input, inputs.subarray(i * inputBytes, (i + 1) * inputBytes)]])),
    );
    for (const { way, outputs } of expected) {
      const counts = [...outputs].map(([output, bytes]) => {
        const each = bytes.length / found.length;
        const differing = found.map(({ outputs: ours }, i) => {
          const wanted = bytes.subarray(i * each, (i + 1) * each);
          return ours.get(output)!.reduce((sum, byte, at) => sum + Number(byte !== wanted[at]), 0);
        });
        const sum = (some: readonly number[]): number => some.reduce((total, count) => total + count, 0);
        const values = new Set(bytes).size;
        return `${output}: ${sum(differing.slice(0, noise))} of ${each * noise} bytes differ on noise, ${sum(differing.slice(noise))} of ${each * pictures} on pictures (${values} different values)`;
      });
      process.stdout.write(`  ${rounding} - ${way}: ${counts.join('; ')}\n`);
    }
  }
}

/** Names and counts, those that the engine does not know by their number. */
function operatorsOf({ operators }: TfliteModel): string {
  const counts = new Map<string, number>();
  for (const { code } of operators) counts.set(operatorName(code), (counts.get(operatorName(code)) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
}

const folder = mkdtempSync(join(tmpdir(), 'lethe-foreign-'));
try {
  runPython(join(repositoryRoot(), 'scripts/golden/foreign.py'), [folder, ...process.argv.slice(2, 3)]);
  const nets = JSON.parse(readFileSync(join(folder, 'foreign.json'), 'utf8')) as readonly Net[];
  for (const net of nets) compare(folder, net);
} catch (error) {
  if (!(error instanceof InterpreterError)) throw error;
  process.stderr.write(`foreign: ${error.message}\n`);
  process.exitCode = 69;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
