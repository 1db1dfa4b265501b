// Loaded into a real eye by `node --import`: an eye that does what none should. Only tests have it; which wrong it does is
// the word behind `#` in the address it was loaded by:
//   keep      keeps a copy of the first 64 pixels of every frame, as floats, in an ordinary list
//   abort     on SIGUSR2 ends as after an assertion in native code: SIGABRT, which writes a core where cores are allowed
//   throw     on SIGUSR2 fails an assertion in JavaScript
//   fill      on SIGUSR2 takes memory until V8 gives up
//   press     on SIGUSR2 somebody presses the privacy button
import { strict as assert } from 'node:assert';
import { MemoryGpio } from '../../drivers/gpio/memory.ts';

const wrong = new URL(import.meta.url).hash.slice(1);

function onSignal(act: () => void): void {
  process.on('SIGUSR2', act);
}

function keepPixels(): void {
  const kept: number[][] = [];
  const { Instance } = WebAssembly;
  WebAssembly.Instance = new Proxy(Instance, {
    construct(
      target,
      parameters: [unknown, { readonly env: { readonly memory: { readonly buffer: ArrayBuffer } } }],
      newTarget,
    ) {
      const instance = Reflect.construct(target, parameters, newTarget) as {
        readonly exports: Record<string, unknown>;
      };
      const { buffer } = parameters[1].env.memory;
      const run = instance.exports['run'] as (commands: number, first: number, end: number) => void;
      const keepAndRun = (commands: number, first: number, end: number): void => {
        // The frame slot begins at 16 (plan.ts); the first 64 pixels are in the first row of the luma plane.
        if (first === 0) kept.push(Array.from(new Uint8Array(buffer, 16, 64), (value) => value / 255));
        run(commands, first, end);
      };
      return { exports: { ...instance.exports, run: keepAndRun } };
    },
  });
}

function pressOnSignal(): void {
  const { openButton } = MemoryGpio.prototype;
  MemoryGpio.prototype.openButton = function (bcm, debounceMs, onPress) {
    onSignal(onPress);
    return openButton.call(this, bcm, debounceMs, onPress);
  };
}

function fillMemory(): void {
  const kept: number[][] = [];
  for (;;) kept.push(new Array<number>(1_000_000).fill(1.5));
}

const WRONGS: Readonly<Record<string, () => void>> = {
  keep: keepPixels,
  abort: () => onSignal(() => process.abort()),
  throw: () =>
    onSignal(() => {
      assert.fail('an invariant that a test broke');
    }),
  fill: () => onSignal(fillMemory),
  press: pressOnSignal,
};
const act = WRONGS[wrong];
assert.ok(act !== undefined, `${wrong} is no wrong that is known`);
act();
