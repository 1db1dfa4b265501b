/**
 * Isolation: how eye and voice are started so that the one has no network and the other no camera, whatever becomes of
 * their code. A pure function from what is asked and what this machine can do to one command line, and to the list of what
 * is thereby enforced, what this configuration has to allow, and what cannot be had here.
 *
 *   unshare … │ sh (view.ts) │ prlimit │ node --permission … eye/main.js
 *   own user namespace, empty network · only the paths it needs · no core · files, programs, workers, add-ons, inspector
 *
 * Two layers on purpose: the kernel's cannot be reached from the code that they guard; Node's names what was refused and
 * is there on kernels without namespaces. Own user namespaces besides keep eye and voice from each other's memory, though
 * the same user runs both. Each of these programs becomes the next by exec, so the process id is that of Node itself.
 * On a device systemd units do the kernel's part (PrivateNetwork=yes, DeviceAllow=, ProtectSystem=strict).
 */
import { statSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import { ConfigError } from '../errors.ts';
import { type Abilities, type Ability, NO_CORE, USER_NAMESPACE } from './abilities.ts';
import { allowedEnvironment } from './environment.ts';
import { CAMERA_FOLDER, type Paths, pathsOf } from './paths.ts';
import { VIEW_NAMESPACES, viewWords } from './view.ts';

export type Role = 'eye' | 'voice';

/** What is kept from a program: the words of the log, the audit and the messages. */
export type Guard =
  | 'network'
  | 'memory'
  | 'sockets'
  | 'files'
  | 'programs'
  | 'workers'
  | 'addons'
  | 'wasi'
  | 'inspector'
  | 'core';

export type Layer = 'kernel' | 'node';

export type ChildRequest = {
  readonly role: Role;
  readonly config: Config;
  readonly configPath: string | undefined;
  readonly runtimeDir: string;
  /** Empty folder of this child's own to build its view on. */
  readonly mountPoint: string;
  /** File that Node runs, and its arguments. */
  readonly entry: string;
  readonly args: readonly string[];
  /** Words for Node before the entry, and what these need to read. */
  readonly nodeWords?: readonly string[];
  readonly extraReadPaths?: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
};

export type ChildPlan = {
  readonly program: string;
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly enforced: readonly { readonly guard: Guard; readonly by: readonly Layer[] }[];
  /** Not kept from it, because the configuration needs it. */
  readonly allowed: readonly { readonly guard: Guard; readonly why: string }[];
  /** Should be enforced and cannot be, here. */
  readonly missing: readonly { readonly guard: Guard; readonly why: string; readonly remedy: string }[];
};

const NAMESPACE_REMEDY =
  'Install util-linux and allow user namespaces to ordinary users (Debian: sysctl kernel.unprivileged_userns_clone=1; Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0), or let systemd start the two programs.';
const NODE_REMEDY = 'Use Node 20.19 or newer.';

export function planChild(request: ChildRequest, abilities: Abilities): ChildPlan {
  const needs = needsOf(request, abilities);
  const node = nodePart(request.role, abilities, needs);
  const kernel = kernelPart(request, abilities, needs);
  const [program, ...words] = [
    ...kernel.words,
    ...(abilities.coreLimit.works ? NO_CORE : []),
    abilities.node,
    ...node.words,
    ...(request.nodeWords ?? []),
    request.entry,
    ...request.args,
  ];
  const environment = allowedEnvironment(request.role, request.environment);
  // The camera makes its folder there: the one place that the eye may write to.
  if (request.role === 'eye') environment['RUNTIME_DIRECTORY'] = `${request.runtimeDir}/${CAMERA_FOLDER}`;
  return { program: program!, words, environment, ...sum(request.role, abilities, needs, node.works) };
}

/** Throws ConfigError with everything that is missing. */
export function requireAll(plans: Readonly<Record<Role, ChildPlan>>): void {
  const problems = (['eye', 'voice'] as const).flatMap((role) =>
    plans[role].missing.map(({ guard, why, remedy }) => `${role}: ${guard} cannot be kept from it (${why}). ${remedy}`),
  );
  if (problems.length === 0) return;
  throw new ConfigError([`privacy.isolation is required, and this is missing:`, ...problems], {
    op: 'isolate eye and voice',
    hint: 'With privacy.isolation auto Lethe runs all the same and warns.',
  });
}

type Needs = {
  readonly paths: Paths;
  readonly programs: string | undefined;
  readonly addons: string | undefined;
  /** Why the eye cannot be without a network. */
  readonly network: string | undefined;
};

function needsOf(request: ChildRequest, abilities: Abilities): Needs {
  const { role, config, environment } = request;
  const { driver, video } = config.camera;
  const isEye = role === 'eye';
  const programs = isEye && driver !== 'scene' ? `camera ${driver} is a program of its own` : undefined;
  const usesPins = isEye && config.gpio.driver !== 'memory' && abilities.hasPins;
  const isAddress = driver === 'video' && /^[a-z0-9+.-]+:\/\//i.test(video.source) && !/^file:/i.test(video.source);
  return {
    paths: pathsOf(role, {
      ...request,
      extraReadPaths: [request.entry, ...(request.extraReadPaths ?? [])],
      node: abilities.node,
      startsProgram: programs !== undefined,
      usesPins,
      environment,
    }),
    programs,
    addons: addonsOf(isEye, config, usesPins),
    network: isEye && isAddress ? 'camera.video.source is an address' : undefined,
  };
}

function addonsOf(isEye: boolean, config: Config, usesPins: boolean): string | undefined {
  if (isEye && config.model.engine === 'tfjs') return 'model.engine tfjs is a native library';
  return usesPins ? 'the pins are reached through one' : undefined;
}

function nodePart(
  role: Role,
  { nodeFlags }: Abilities,
  { paths, programs, addons }: Needs,
): { works: boolean; words: string[] } {
  const known = (words: readonly string[]) => words.filter((word) => nodeFlags.has(word.split('=')[0]!));
  const deaf = known(['--disable-sigusr1']);
  const permission = known(['--permission', '--experimental-permission'])[0];
  if (permission === undefined) return { works: false, words: deaf };
  // A folder is granted with everything in it, its own name too, by a stroke at its end. (Both forms at once, with and without
  // a star, end Node 20 in an assertion: `!path_prefix.empty()`.)
  const grants = (flag: string, list: readonly string[]) =>
    list.map((path) => `--allow-fs-${flag}=${isFolder(path) ? `${path}/` : path}`);
  return {
    works: true,
    words: [
      ...deaf,
      permission,
      // Node 20 calls the model experimental on each start, and each warns of programs that are allowed: our log says so once.
      '--disable-warning=ExperimentalWarning',
      '--disable-warning=SecurityWarning',
      ...grants('read', paths.read),
      ...grants('write', paths.write),
      ...(programs === undefined ? [] : ['--allow-child-process']),
      ...(addons === undefined ? [] : known(['--allow-addons'])),
      ...(role === 'voice' ? known(['--allow-net']) : []),
    ],
  };
}

function kernelPart(request: ChildRequest, abilities: Abilities, needs: Needs): { words: readonly string[] } {
  if (!abilities.namespaces.works) return { words: [] };
  const network = request.role === 'eye' && needs.network === undefined ? ['--net'] : [];
  const unshare = ['unshare', ...USER_NAMESPACE, ...network];
  if (!abilities.view.works) return { words: unshare };
  const { read, write, system } = needs.paths;
  const shown = [
    ...system,
    ...read.filter((path) => !path.startsWith('/proc')).map((path) => ({ path, mode: 'read' }) as const),
    ...write.map((path) => ({ path, mode: 'write' }) as const),
  ];
  return { words: [...unshare, ...VIEW_NAMESPACES, ...viewWords(request.mountPoint, shown)] };
}

function sum(
  role: Role,
  abilities: Abilities,
  needs: Needs,
  hasPermissions: boolean,
): Pick<ChildPlan, 'enforced' | 'allowed' | 'missing'> {
  const enforced: { guard: Guard; by: Layer[] }[] = [];
  const allowed: { guard: Guard; why: string }[] = [];
  const missing: { guard: Guard; why: string; remedy: string }[] = [];
  const { namespaces, view, coreLimit } = abilities;
  const kernel = (guard: Guard, ability: Ability, remedy = NAMESPACE_REMEDY) => {
    if (ability.works) enforced.push({ guard, by: ['kernel'] });
    else missing.push({ guard, why: ability.why, remedy });
  };
  const node = (guard: Guard, why?: string) => {
    if (why !== undefined) allowed.push({ guard, why });
    else if (hasPermissions) enforced.push({ guard, by: ['node'] });
    else missing.push({ guard, why: 'this Node has no permission model', remedy: NODE_REMEDY });
  };
  if (role === 'eye') {
    if (needs.network === undefined) kernel('network', namespaces);
    else missing.push({ guard: 'network', why: needs.network, remedy: 'Use a camera module or a file.' });
  }
  kernel('memory', namespaces);
  kernel('sockets', both(namespaces, view));
  const filesBy: Layer[] = [
    ...(namespaces.works && view.works ? (['kernel'] as const) : []),
    ...(hasPermissions ? (['node'] as const) : []),
  ];
  if (filesBy.length > 0) enforced.push({ guard: 'files', by: filesBy });
  else node('files');
  node('programs', needs.programs);
  node('workers');
  node('addons', needs.addons);
  node('wasi');
  node('inspector');
  kernel('core', coreLimit, 'Install util-linux, which has prlimit.');
  return { enforced, allowed, missing };
}

function both(a: Ability, b: Ability): Ability {
  return a.works ? b : a;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
