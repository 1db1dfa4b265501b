/**
 * The narrow view: a file system that holds nothing but the paths a program needs, made by the kernel's mount namespace.
 * Why besides Node's permission model: that one lives in the process that it guards, is not meant to hold against code
 * that attacks it (nodejs.org, Permission Model, "Constraints and known issues"), and does not look at sockets of the
 * file system. What is not in the view cannot be named, and what is shown read-only cannot be written, by nobody in it.
 * How: a small tmpfs becomes the root, the paths are bound into it, read-only unless they must be written, the old root
 * is let go (pivot_root(2)), and every capability that this took is given back before the program begins. Nothing forks
 * for good: the process id stays that of the program that was asked for. Works for an ordinary user in a user namespace.
 * Data reach the script as its arguments only, never as a part of its text.
 */

/** read: shown read-only; write: shown as it is. */
export type Shown = { readonly path: string; readonly mode: 'read' | 'write' };

/**
 * Arguments: a folder to mount on, then pairs of mode and path, then `--`, then the program with its words.
 * A link is copied as a link. A path that is not there is left out, so that what comes and goes with the machine (udev,
 * a resolver's socket) may stand in the list. Mount points are made only where the view has none: without that test the
 * empty file for a mount point would be the end of a file that a folder before it shows. SIGUSR1 is ignored until Node
 * blocks it itself, so that nobody ends us with it in between.
 */
const SCRIPT = `set -eu
trap '' USR1
root=$1
shift
mount -t tmpfs -o mode=0755,size=256k,nr_inodes=1024 lethe "$root"
while [ "$1" != -- ]; do
  mode=$1 path=$2
  shift 2
  [ -e "$path" ] || continue
  if [ -L "$path" ]; then
    mkdir -p "$root\${path%/*}"
    [ -e "$root$path" ] || [ -L "$root$path" ] || ln -s "$(readlink "$path")" "$root$path"
    continue
  fi
  if [ ! -e "$root$path" ]; then
    if [ -d "$path" ]; then mkdir -p "$root$path"; else mkdir -p "$root\${path%/*}"; : >"$root$path"; fi
  fi
  mount --rbind "$path" "$root$path"
  [ "$mode" = write ] || mount -o remount,bind,ro "$root$path"
done
shift
here=$PWD
mkdir -p "$root$here"
mount -o remount,ro "$root"
cd "$root"
pivot_root . .
umount -l .
cd "$here"
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$@"
`;

/** Options of unshare(1) that give the script the right to mount, inside its own namespaces only. */
export const VIEW_NAMESPACES: readonly string[] = ['--mount', '--keep-caps'];

/** The words that start a program, whose own words follow, in a view of `shown`. mountPoint: an empty folder. */
export function viewWords(mountPoint: string, shown: readonly Shown[]): string[] {
  // A folder hides what was shown below it before; the other way round both are seen.
  const ordered = [...shown].sort((a, b) => a.path.length - b.path.length);
  return ['sh', '-c', SCRIPT, 'lethe-view', mountPoint, ...ordered.flatMap(({ mode, path }) => [mode, path]), '--'];
}
