/**
 * What a device gets: the programs that run there and what they reach, and nothing else. Code is found by following imports
 * (closure.ts), so the lists here are short: where to begin, what no import names, and what is not followed.
 */

/** Programs of a device, relative to the package; every `main.js` below provisioning/device comes on top. */
export const PROGRAMS: readonly string[] = [
  'dist/runtime/main.js',
  'dist/runtime/eye/main.js',
  'dist/runtime/voice/main.js',
];
export const DEVICE_FOLDER = 'dist/provisioning/device';

/**
 * Commands of `lethe` that make sense on a device: checking it, and asking it. The others (papers, gateway, evaluate, demo,
 * bundles, codes, images) are for other machines and bring big packages.
 */
export const DEVICE_COMMANDS: readonly string[] = [
  'dist/runtime/commands/audit/',
  'dist/runtime/commands/command/',
  'dist/runtime/commands/contract.js',
  'dist/runtime/commands/doctor.js',
  'dist/runtime/commands/model.js',
  'dist/runtime/commands/privacy-doctor/',
  'dist/runtime/commands/tally/',
  'dist/runtime/commands/verify/',
];

/** Reached by no literal import: started by name, or read as a file. Folders end in a slash. */
export const ASSETS: readonly string[] = [
  // `lethe audit` starts its helpers by name.
  'dist/runtime/commands/audit/',
  'dist/runtime/eye/infer/kernels/',
  'drivers/camera/rpicam/shim/',
  'models/person/manifest.json',
  'models/person/manifest.sig',
  'models/person/person.tflite',
  // The decoder of setup codes is found by its path (provisioning/device/scan/decoder.ts).
  'node_modules/zxing-wasm/dist/reader/zxing_reader.wasm',
  'provisioning/units/',
  'LICENSE',
];

/** Not followed although it is imported: other engines, which nobody has on a device. */
export const OPTIONAL_PACKAGES: readonly string[] = ['@tensorflow/tfjs', '@tensorflow/tfjs-node'];

/** Lamp and button; left out on demand. */
export const PINS_PACKAGE = 'onoff';

/** Packages with native code; built for the device instead of copied. */
export const NATIVE_MODULE = 'node_modules/epoll/build/Release/epoll.node';

/** Programs that need the right to be executed. */
export function isExecutable(path: string): boolean {
  return path === 'bin/node' || path.startsWith('drivers/camera/rpicam/shim/');
}

/** Licences go along with what they license. */
export const LICENCE_NAMES = /^(licen[cs]e|copying|notice)(\.(md|txt))?$/i;
