/** Reads of one word of a command; `word` for signed values, `address` for places and distances. */

// @ts-ignore: decorator
@inline
export function word(command: usize, index: i32): i32 {
  return load<i32>(command + (<usize>index << 2));
}

// @ts-ignore: decorator
@inline
export function address(command: usize, index: i32): usize {
  return <usize>load<u32>(command + (<usize>index << 2));
}
