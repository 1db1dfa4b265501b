/**
 * The two npm packages that bring TensorFlow.js, as far as we use them. Declared here because both are optional peers:
 * the program must compile where neither is installed.
 */
declare module '@tensorflow/tfjs' {
  const tf: import('./tensorflow.ts').TensorFlow;
  export default tf;
}
declare module '@tensorflow/tfjs-node' {
  const tf: import('./tensorflow.ts').TensorFlow;
  export default tf;
}
