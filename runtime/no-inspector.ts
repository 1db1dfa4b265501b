/**
 * Keeps Node's inspector shut when somebody sends SIGUSR1: a listener of ours takes the place of Node's own, which would
 * open a debugger that reads every picture. Imported first by eye and voice. Node's permission model and
 * --disable-sigusr1 (22.14) shut it too; this holds wherever they were not given.
 */
process.on('SIGUSR1', () => {});
