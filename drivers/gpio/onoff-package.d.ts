/**
 * The part of the npm package `onoff` that we use. Declared here because the package is optional: where its native part
 * could not be built npm leaves it out, and the program must still compile.
 */
declare module 'onoff' {
  export const Gpio: import('./onoff.ts').OnoffConstructor;
}
