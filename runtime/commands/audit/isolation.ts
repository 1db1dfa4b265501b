/**
 * `lethe audit --isolation`: tries, from inside the very sandboxes that `lethe run` makes, what must not be possible.
 * Each attempt runs four times: outside (the control: it must succeed there, or its failure inside proves nothing), as eye
 * or voice with the kernel's part of the isolation alone, and with all of it. What holds is what the last one shows; the
 * one before it shows what would still hold if Node's own model did not.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { counterNames } from '../../config/counters.ts';
import type { Config } from '../../config/schema.ts';
import { capacityOf } from '../../corridor/capacity.ts';
import { ExitCode, LetheError } from '../../errors.ts';
import { type Abilities, probeAbilities } from '../../isolation/abilities.ts';
import { type ChildPlan, type Guard, planChild, type Role } from '../../isolation/isolation.ts';
import { type Attempted, type IsolationResult, isolationText } from './isolation-report.ts';
import { LISTENING, type ProbeResult } from './probe.ts';
import { knock, Range } from './range.ts';

export type IsolationAuditOptions = {
  readonly config: Config;
  readonly json: boolean;
  readonly out: (text: string) => void;
};

const PROBE = fileURLToPath(new URL('./probe.js', import.meta.url));
/** Twenty attempts of at most 1.5 s each, two of them always waiting most of one. */
const PROBE_MS_MAX = 40_000;

/** What a program is there for: not tried, as it must succeed. */
const ITS_WORK: Readonly<Record<Role, readonly RegExp[]>> = {
  eye: [/^read the memory of the eye$/, /^read (\/dev|another device)/],
  voice: [/TCP$|UDP$/, /^look up/, /the state folder$/, /the device key$/],
};

const GUARD_OF: readonly (readonly [RegExp, Guard])[] = [
  [/TCP$|UDP$|^look up/, 'network'],
  [/socket in the file system$/, 'sockets'],
  [/^read the memory/, 'memory'],
  [/^(write|read)/, 'files'],
  [/program$/, 'programs'],
  [/worker$/, 'workers'],
  [/library$/, 'addons'],
  [/WASI$/, 'wasi'],
  [/inspector/, 'inspector'],
];

/** Exit 0 only if everything that must fail did. */
export async function isolationAudit({ config, json, out }: IsolationAuditOptions): Promise<ExitCode> {
  const result = await auditIsolation(config, probeAbilities());
  out(json ? `${JSON.stringify(result, null, 2)}\n` : isolationText(result));
  return result.ok ? ExitCode.ok : ExitCode.failed;
}

export async function auditIsolation(config: Config, abilities: Abilities): Promise<IsolationResult> {
  const range = new Range();
  const children: ChildProcess[] = [];
  try {
    await range.open();
    const kernelOnly: Abilities = { ...abilities, nodeFlags: { has: () => false } };
    // Its state folder is ours: no attempt touches what the device keeps.
    const ranged = { ...config, stateDir: range.stateDir };
    let planCount = 0;
    const plan = (role: Role, args: readonly string[], able: Abilities): ChildPlan => {
      const mountPoint = join(range.runtimeDir, `view-${planCount++}`);
      mkdirSync(mountPoint, { mode: 0o700 });
      return planChild(
        {
          role,
          config: ranged,
          configPath: undefined,
          runtimeDir: range.runtimeDir,
          mountPoint,
          entry: PROBE,
          args,
          environment: process.env,
        },
        able,
      );
    };
    const eyePid = await startIdle(plan('eye', ['idle'], abilities), children);
    const targets = (mark: string) => [JSON.stringify(range.targets(eyePid, mark))];
    const outside: ChildPlan = {
      program: abilities.node,
      words: [PROBE, ...targets('outside')],
      environment: process.env as Record<string, string>,
      enforced: [],
      allowed: [],
      missing: [],
    };
    const control = await probe(outside, children);
    const roles = await Promise.all(
      (['eye', 'voice'] as const).map(async (role) => {
        const kernel = await probe(plan(role, targets(`${role}-kernel`), kernelOnly), children);
        const whole = plan(role, targets(role), abilities);
        const inside = await probe(whole, children);
        return { role, plan: whole, attempts: judge(role, whole, { control, kernel, inside }) };
      }),
    );
    const layout = { counters: counterNames(config).length, zones: config.zones.length };
    const ok = roles.every(({ attempts }) => attempts.every(({ verdict }) => verdict !== 'SUCCEEDED'));
    return {
      ok,
      node: process.versions.node,
      uid: process.getuid?.() ?? -1,
      camera: config.camera.driver,
      roles: roles.map(({ role, plan: { allowed, missing }, attempts }) => ({ role, allowed, missing, attempts })),
      capacity: capacityOf(layout),
      capacitySetup: capacityOf(layout, 'setup'),
    };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await range.close();
  }
}

type Runs = { readonly control: ProbeResult; readonly kernel: ProbeResult; readonly inside: ProbeResult };

function judge(role: Role, { allowed }: ChildPlan, { control, kernel, inside }: Runs): Attempted[] {
  return Object.keys(inside)
    .filter((name) => !ITS_WORK[role].some((pattern) => pattern.test(name)))
    .map((name) => {
      const guard = GUARD_OF.find(([pattern]) => pattern.test(name))![1];
      const result = inside[name]!;
      const why = allowed.find((one) => one.guard === guard)?.why;
      const verdict =
        result === 'ok'
          ? why === undefined
            ? 'SUCCEEDED'
            : 'needed'
          : control[name] === 'ok'
            ? 'refused'
            : 'not provable here';
      const by = verdict === 'refused' ? layersOf(kernel[name]!, result) : [];
      return {
        name,
        guard,
        control: control[name]!,
        kernel: kernel[name]!,
        inside: result,
        verdict,
        by,
        why: why ?? '',
      };
    });
}

/** Whether the kernel alone refuses it, and whether Node did before the kernel was asked. */
function layersOf(kernel: string, inside: string): Attempted['by'] {
  const isNode = /^ERR_(ACCESS_DENIED|DLOPEN_DISABLED)$|^SHUT$/.test(inside);
  return [...(kernel === 'ok' ? [] : (['kernel'] as const)), ...(isNode ? (['node'] as const) : [])];
}

function startIn({ program, words, environment }: ChildPlan, children: ChildProcess[]): ChildProcess {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
  children.push(child);
  return child;
}

/** The process that stands for the eye; resolves with its id when it is Node, no more what led to it. */
function startIdle(plan: ChildPlan, children: ChildProcess[]): Promise<number> {
  const child = startIn(plan, children);
  return new Promise((resolve, reject) => {
    let complaint = '';
    child.stderr!.on('data', (text: Buffer) => (complaint += text.toString()));
    child.stdout!.once('data', () => resolve(child.pid!));
    child.once('error', (cause) => reject(failed(cause.message)));
    child.once('exit', (code, signal) => reject(failed(complaint || `it ended with ${code ?? signal}`)));
  });
}

function probe(plan: ChildPlan, children: ChildProcess[]): Promise<ProbeResult> {
  const child = startIn(plan, children);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(failed(`it did not end within ${PROBE_MS_MAX} ms`)), PROBE_MS_MAX);
    let complaint = '';
    let results: ProbeResult | undefined;
    child.stderr!.on('data', (text: Buffer) => (complaint += text.toString()));
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (line.startsWith(LISTENING)) knock(Number(line.slice(LISTENING.length)));
      else if (line.startsWith('{')) results = JSON.parse(line) as ProbeResult;
    });
    child.once('error', (cause) => reject(failed(cause.message)));
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (results === undefined) reject(failed(complaint || `it ended with ${code ?? signal}`));
      else resolve(results);
    });
  });
}

function failed(why: string): LetheError {
  return new LetheError('AUDIT_PROBE', `The probe could not be run (${why.trim()}).`, ExitCode.failed, {
    op: 'audit isolation',
    hint: 'Without it nothing is proved. Run `lethe doctor`, and the audit as the user that the counter runs as.',
  });
}
