/**
 * Colour of one material as full-range BT.601: y 0..255, u and v as distances from 128. Shading multiplies all three,
 * which keeps the hue. Source: ITU-R BT.601-7 section 2.5.1, scaled to 0..255 without head room (JFIF 1.02).
 */
export type Colour = { y: number; u: number; v: number };

export function rgb(red: number, green: number, blue: number): Colour {
  return {
    y: 0.299 * red + 0.587 * green + 0.114 * blue,
    u: -0.168736 * red - 0.331264 * green + 0.5 * blue,
    v: 0.5 * red - 0.418688 * green - 0.081312 * blue,
  };
}

/** From the web's six digits: `hex('c0ffee')`. */
export function hex(digits: string): Colour {
  const value = Number.parseInt(digits, 16);
  return rgb(value >> 16, (value >> 8) & 255, value & 255);
}

export function setColour(target: Colour, source: Colour, gain = 1): void {
  target.y = source.y * gain;
  target.u = source.u * gain;
  target.v = source.v * gain;
}
