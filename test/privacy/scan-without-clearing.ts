// Loaded into a scan by `node --import`, in both of its threads: large arrays are no more cleared, and what puts the
// decoder's memory back does nothing. The program has no such switch; what is taken away here is taken from outside.
/** Slot and plate are larger than this, and nothing else that is filled is. */
const LARGE_BYTES = 300_000;

const { fill, set } = Uint8Array.prototype;
Uint8Array.prototype.fill = function (value, start, end) {
  return this.length >= LARGE_BYTES && value === 0 ? this : fill.call(this, value, start, end);
};
/** Putting back is the only copy that begins at 0 of a memory of many megabytes. */
const MEMORY_BYTES_MIN = 16_000_000;
Uint8Array.prototype.set = function (source, offset) {
  if (this.length < MEMORY_BYTES_MIN) set.call(this, source, offset);
};
