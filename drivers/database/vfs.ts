/**
 * SQLite's way to a disk (its VFS, sqlite.org/vfs.html): the WebAssembly build has none that reaches a real file from
 * Node. Ours stands on the small interface of disk.ts. A database bears its disk's number before its path, `3:/var/…`, so
 * that one VFS serves every disk, as its functions can never be given back to WebAssembly.
 *
 * What it tells SQLite about the disk: nothing good. A sector is 4096 bytes, and a write that is cut off may spoil the
 * whole sector (no SQLITE_IOCAP_POWERSAFE_OVERWRITE), because that is what cards do: SQLite then never writes into a
 * sector that it relies on.
 * Locks are not SQLite's here: one process has the file (claim.ts) and no two connections share one.
 */
import type { Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import type { Disk } from './disk.ts';
import { DurableFile } from './durable-file.ts';

const VFS_NAME = 'lethe';
const SECTOR_BYTES = 4096;
/** SQLite's own for Unix is 512. */
const PATH_BYTES_MAX = 1024;
/** sqlite.org/c3ref/c_iocap_atomic.html */
const IOCAP_UNDELETABLE_WHEN_OPEN = 0x800;

type Pointer = number;
type StructType = { readonly structInfo: { readonly sizeof: number } };
/** A structure in SQLite's memory; its fields bear a dollar. */
type Struct = {
  readonly pointer: Pointer;
  dispose(): void;
  $iVersion: number;
  $szOsFile: number;
  $mxPathname: number;
  $xRandomness: Pointer;
  $xSleep: Pointer;
  $xCurrentTime: Pointer;
  $xCurrentTimeInt64: Pointer;
};
type Place = { readonly disk: Disk; readonly path: string };

export class Vfs {
  readonly name = VFS_NAME;
  /** The last refusal of a disk: SQLite itself passes on only which operation failed. */
  lastFault: NodeJS.ErrnoException | undefined;
  readonly #sqlite: Sqlite3Static;
  readonly #disks = new Map<number, Disk>();
  readonly #files = new Map<Pointer, DurableFile>();
  #diskCount = 0;

  constructor(sqlite: Sqlite3Static) {
    this.#sqlite = sqlite;
    this.#install();
  }

  /** The name under which SQLite opens `path` on this disk; `forget` it when it is closed. */
  nameOn(disk: Disk, path: string): string {
    this.#diskCount += 1;
    this.#disks.set(this.#diskCount, disk);
    return `${this.#diskCount}:${path}`;
  }

  forget(name: string): void {
    this.#disks.delete(Number.parseInt(name, 10));
  }

  #place(pointer: Pointer): Place {
    const name = this.#sqlite.wasm.cstrToJs(pointer) ?? '';
    const colon = name.indexOf(':');
    const disk = this.#disks.get(Number(name.slice(0, colon)));
    if (disk === undefined) throw new Error(`no disk for ${name}`);
    return { disk, path: name.slice(colon + 1) };
  }

  /** What the operation returns; `failure` when the disk refuses. */
  #guard(failure: number, operation: () => number): number {
    try {
      return operation();
    } catch (error) {
      this.lastFault = error as NodeJS.ErrnoException;
      return failure;
    }
  }

  #install(): void {
    const { capi, vfs } = this.#sqlite;
    // The package's types know these structures without their fields.
    const ioStruct = new capi.sqlite3_io_methods() as unknown as Struct;
    const vfsStruct = new capi.sqlite3_vfs() as unknown as Struct;
    const ofBuild = new capi.sqlite3_vfs(capi.sqlite3_vfs_find(null as never)) as unknown as Struct;
    ioStruct.$iVersion = 1;
    vfsStruct.$iVersion = 2;
    vfsStruct.$szOsFile = (capi.sqlite3_file as unknown as StructType).structInfo.sizeof;
    vfsStruct.$mxPathname = PATH_BYTES_MAX;
    // Chance, sleep and time are those of the build's own VFS.
    for (const method of ['$xRandomness', '$xSleep', '$xCurrentTime', '$xCurrentTimeInt64'] as const)
      vfsStruct[method] = ofBuild[method];
    ofBuild.dispose();
    vfs.installVfs({
      io: { struct: ioStruct as never, methods: this.#ioMethods() as never },
      vfs: { struct: vfsStruct as never, methods: this.#vfsMethods(ioStruct.pointer) as never, name: VFS_NAME },
    });
  }

  #vfsMethods(ioPointer: Pointer) {
    const { capi, wasm } = this.#sqlite;
    return {
      xOpen: (_vfs: Pointer, name: Pointer, file: Pointer, flags: number, outFlags: Pointer): number =>
        this.#guard(capi.SQLITE_CANTOPEN, () => {
          // Until we say otherwise there is nothing to close.
          wasm.pokePtr(file, 0);
          // Without a name: a temporary file, which this build keeps in memory (SQLITE_TEMP_STORE=2).
          if (name === 0) return capi.SQLITE_CANTOPEN;
          const { disk, path } = this.#place(name);
          const how = (flags & capi.SQLITE_OPEN_CREATE) !== 0 ? 'create' : 'write';
          this.#files.set(file, new DurableFile(disk, path, (flags & capi.SQLITE_OPEN_READONLY) !== 0 ? 'read' : how));
          if (outFlags !== 0) wasm.poke32(outFlags, flags);
          wasm.pokePtr(file, ioPointer);
          return 0;
        }),
      xDelete: (_vfs: Pointer, name: Pointer, syncFolder: number): number =>
        this.#guard(capi.SQLITE_IOERR_DELETE, () => {
          const { disk, path } = this.#place(name);
          if (!disk.exists(path)) return capi.SQLITE_IOERR_DELETE_NOENT;
          disk.remove(path);
          if (syncFolder !== 0) disk.settle(path.slice(0, path.lastIndexOf('/')) || '/');
          return 0;
        }),
      xAccess: (_vfs: Pointer, name: Pointer, _flags: number, out: Pointer): number =>
        this.#guard(capi.SQLITE_IOERR_ACCESS, () => {
          const { disk, path } = this.#place(name);
          wasm.poke32(out, disk.exists(path) ? 1 : 0);
          return 0;
        }),
      xFullPathname: (_vfs: Pointer, name: Pointer, outBytes: number, out: Pointer): number => {
        const count = wasm.cstrncpy(out, name, outBytes);
        return count < outBytes ? 0 : capi.SQLITE_CANTOPEN;
      },
      xGetLastError: (): number => 0,
    };
  }

  #ioMethods() {
    const { capi, wasm } = this.#sqlite;
    const fileOf = (pointer: Pointer): DurableFile => this.#files.get(pointer)!;
    /** A view, not a copy; growing the memory makes it useless. */
    const bytesAt = (pointer: Pointer, count: number) => wasm.heap8u().subarray(pointer, pointer + count);
    return {
      xClose: (file: Pointer): number =>
        this.#guard(capi.SQLITE_IOERR_CLOSE, () => {
          const open = fileOf(file);
          this.#files.delete(file);
          open.close();
          return 0;
        }),
      xRead: (file: Pointer, target: Pointer, count: number, offset: bigint): number =>
        this.#guard(capi.SQLITE_IOERR_READ, () => {
          const bytes = bytesAt(target, count);
          const read = fileOf(file).read(bytes, Number(offset));
          if (read === count) return 0;
          bytes.fill(0, read);
          return capi.SQLITE_IOERR_SHORT_READ;
        }),
      xWrite: (file: Pointer, source: Pointer, count: number, offset: bigint): number =>
        this.#guard(capi.SQLITE_IOERR_WRITE, () => {
          fileOf(file).write(bytesAt(source, count), Number(offset));
          return 0;
        }),
      xTruncate: (file: Pointer, sizeBytes: bigint): number =>
        this.#guard(capi.SQLITE_IOERR_TRUNCATE, () => {
          fileOf(file).truncate(Number(sizeBytes));
          return 0;
        }),
      xSync: (file: Pointer, _flags: number): number =>
        this.#guard(capi.SQLITE_IOERR_FSYNC, () => {
          fileOf(file).sync();
          return 0;
        }),
      xFileSize: (file: Pointer, out: Pointer): number =>
        this.#guard(capi.SQLITE_IOERR_FSTAT, () => {
          wasm.poke64(out, BigInt(fileOf(file).sizeBytes()));
          return 0;
        }),
      xLock: (): number => 0,
      xUnlock: (): number => 0,
      xCheckReservedLock: (_file: Pointer, out: Pointer): number => {
        wasm.poke32(out, 0);
        return 0;
      },
      xFileControl: (): number => capi.SQLITE_NOTFOUND,
      xSectorSize: (): number => SECTOR_BYTES,
      xDeviceCharacteristics: (): number => IOCAP_UNDELETABLE_WHEN_OPEN,
    };
  }
}
