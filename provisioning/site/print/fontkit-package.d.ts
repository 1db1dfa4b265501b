/** What is used of fontkit, which comes without types. */
declare module 'fontkit' {
  type Path = {
    scale(x: number, y: number): Path;
    translate(x: number, y: number): Path;
    toSVG(): string;
  };
  type Position = { readonly xAdvance: number; readonly xOffset: number; readonly yOffset: number };
  export type Font = {
    readonly unitsPerEm: number;
    readonly capHeight: number;
    readonly ascent: number;
    readonly descent: number;
    hasGlyphForCodePoint(codePoint: number): boolean;
    layout(text: string): {
      readonly glyphs: readonly { readonly path: Path }[];
      readonly positions: readonly Position[];
      readonly advanceWidth: number;
    };
  };
  export function create(bytes: Uint8Array): Font;
}
