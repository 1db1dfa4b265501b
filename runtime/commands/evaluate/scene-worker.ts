/** Scene worker: one thread of `lethe evaluate --scenes`; plays the cases that it is sent, one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import type { SceneCase } from '../../../drivers/camera/scene/suite.ts';
import { type PlayOptions, playScene } from './play-scene.ts';

parentPort!.on('message', (scene: SceneCase) => {
  parentPort!.postMessage(playScene(scene, workerData as PlayOptions));
});
