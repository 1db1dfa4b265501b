/** What is used of pdfkit, which comes without types. */
declare module 'pdfkit' {
  type Options = {
    readonly size: readonly [number, number];
    readonly margin: number;
    readonly bufferPages: boolean;
    readonly lang: string;
    readonly tagged: boolean;
    readonly displayTitle: boolean;
    readonly pdfVersion: '1.7';
    readonly info: Readonly<Record<string, string | Date>>;
  };
  export type StructureElement = { add(child: StructureElement | (() => void)): StructureElement; end(): void };
  export default class PDFDocument {
    constructor(options: Options);
    on(event: 'data', listener: (chunk: Uint8Array) => void): this;
    on(event: 'end', listener: () => void): this;
    on(event: 'error', listener: (error: Error) => void): this;
    registerFont(name: string, bytes: Uint8Array): this;
    font(name: string): this;
    fontSize(size: number): this;
    fillColor(colour: string, opacity?: number): this;
    text(text: string, x: number, y: number, options: { lineBreak: false; baseline: 'alphabetic' }): this;
    path(commands: string): this;
    rect(x: number, y: number, width: number, height: number): this;
    roundedRect(x: number, y: number, width: number, height: number, radius: number): this;
    fill(colour: string): this;
    fillOpacity(opacity: number): this;
    link(x: number, y: number, width: number, height: number, address: string): this;
    scale(factor: number): this;
    save(): this;
    restore(): this;
    continueOnNewPage(): this;
    bufferedPageRange(): { readonly start: number; readonly count: number };
    switchToPage(index: number): void;
    markContent(tag: 'Artifact', options?: { type: string }): this;
    endMarkedContent(): this;
    struct(type: string, options?: { alt?: string }, children?: (() => void) | StructureElement[]): StructureElement;
    addStructure(element: StructureElement): this;
    end(): void;
  }
}
