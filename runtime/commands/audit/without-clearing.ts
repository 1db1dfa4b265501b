/**
 * The audit's positive control: loaded into an eye by `node --import`, it makes the engine's erasing do nothing. The eye
 * has no such switch; what is taken away here is taken away from outside, by putting an empty function in place of the
 * kernel `erase` at the moment at which the WebAssembly module is instantiated.
 * An audit that does not find the picture in this eye could not find it in any.
 */
const { Instance } = WebAssembly;

WebAssembly.Instance = new Proxy(Instance, {
  construct(target, parameters, newTarget) {
    const instance = Reflect.construct(target, parameters, newTarget) as { readonly exports: object };
    return { exports: { ...instance.exports, erase: () => {} } };
  },
});
