/**
 * The environment of eye and voice: a list of what may pass. NODE_OPTIONS could open an inspector or load a module,
 * NODE_V8_COVERAGE and heap options write files, LD_PRELOAD puts code in; a list of what may not would never be complete.
 */
import type { Role } from './isolation.ts';

const BOTH = ['PATH', 'HOME', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'XDG_RUNTIME_DIR'];
/** For the broker: certificates of a company's own authority, and the folder of secrets that systemd hands over. */
const VOICE = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'CREDENTIALS_DIRECTORY'];
/** Ours, and the camera library's: tuning files, log levels. */
const EYE_PREFIXES = ['LETHE_', 'LIBCAMERA_'];

export function allowedEnvironment(role: Role, environment: NodeJS.ProcessEnv): Record<string, string> {
  const names = role === 'eye' ? BOTH : [...BOTH, ...VOICE];
  const prefixes = role === 'eye' ? ['LC_', ...EYE_PREFIXES] : ['LC_'];
  const isAllowed = (name: string) => names.includes(name) || prefixes.some((prefix) => name.startsWith(prefix));
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value !== undefined && isAllowed(name) ? [[name, value]] : [],
    ),
  );
}
