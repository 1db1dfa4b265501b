/** Makes everything that usually allocates tell who called it while `body` runs; returns the calls, each with its stack. */
type Patch = { readonly owner: object; readonly name: string; readonly original: unknown };

const CONSTRUCTORS = [
  'ArrayBuffer',
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'Array',
  'Map',
  'Set',
  'Promise',
  'Error',
  'Date',
] as const;

export function tripwire(body: () => void): string[] {
  const caught: string[] = [];
  const patches: Patch[] = [];
  let isArmed = false;
  const RealError = Error;
  const trap = (label: string): never => {
    // Disarmed first: making an error allocates, and so does whoever prints it.
    isArmed = false;
    const { stack } = new RealError(label);
    caught.push(stack ?? label);
    throw new RealError(`tripwire: ${label}`);
  };
  const patch = (owner: object, name: string, label: string): void => {
    const original = (owner as Record<string, unknown>)[name];
    if (typeof original !== 'function') return;
    patches.push({ owner, name, original });
    const replacement = new Proxy(original, {
      apply: (target, self, args) => (isArmed ? trap(label) : Reflect.apply(target, self, args)),
      construct: (target, args, newTarget) =>
        isArmed ? trap(`new ${label}`) : (Reflect.construct(target, args, newTarget) as object),
    });
    Object.defineProperty(owner, name, { value: replacement, configurable: true, writable: true });
  };
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
  for (const name of CONSTRUCTORS) patch(globalThis, name, name);
  for (const name of ['subarray', 'slice', 'map', 'filter', 'values', 'entries'])
    patch(typedArray, name, `typed array ${name}`);
  for (const name of ['slice', 'map', 'filter', 'concat', 'flat', 'flatMap', 'splice', 'push', 'values', 'entries'])
    patch(Array.prototype, name, `array ${name}`);
  for (const name of ['alloc', 'allocUnsafe', 'from', 'concat']) patch(Buffer, name, `Buffer.${name}`);
  try {
    isArmed = true;
    body();
  } catch (error) {
    if (caught.length === 0) throw error;
  } finally {
    isArmed = false;
    for (const { owner, name, original } of patches)
      Object.defineProperty(owner, name, { value: original, configurable: true, writable: true });
  }
  return caught;
}
