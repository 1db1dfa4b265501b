/**
 * Markdown → blocks that can be set on a page. Papers are filled in by hand afterwards, so this reads Markdown as people
 * write it, not only as our templates have it.
 * Why `marked`: reads CommonMark and GitHub's tables, no dependencies, released this month; we use its lexer only, never its
 * HTML. Only this file imports it. What is not known here (HTML, pictures) is set as the text that it is.
 */
import { marked, type Token, type Tokens } from 'marked';

export type Style = { readonly bold: boolean; readonly italic: boolean; readonly code: boolean; readonly link: string };
export type Span = { readonly text: string; readonly style: Style };
export type Block =
  | { readonly kind: 'heading'; readonly level: 1 | 2 | 3; readonly spans: readonly Span[] }
  | { readonly kind: 'paragraph'; readonly spans: readonly Span[] }
  | { readonly kind: 'list'; readonly start: number | undefined; readonly items: readonly (readonly Block[])[] }
  | {
      readonly kind: 'table';
      readonly head: readonly (readonly Span[])[];
      readonly rows: readonly (readonly (readonly Span[])[])[];
    }
  | { readonly kind: 'quote'; readonly blocks: readonly Block[] }
  | { readonly kind: 'rule' };

const PLAIN: Style = { bold: false, italic: false, code: false, link: '' };

const STYLE_KEYS = ['bold', 'italic', 'code', 'link'] as const;

export function readMarkdown(text: string): Block[] {
  return blocksOf(marked.lexer(text, { gfm: true }));
}

function blocksOf(tokens: readonly Token[]): Block[] {
  return tokens.flatMap((token): Block[] => {
    switch (token.type) {
      case 'heading': {
        const { depth, tokens: inner } = token as Tokens.Heading;
        return [{ kind: 'heading', level: Math.min(depth, 3) as 1 | 2 | 3, spans: spansOf(inner, PLAIN) }];
      }
      case 'list': {
        const { ordered, start, items } = token as Tokens.List;
        return [
          {
            kind: 'list',
            start: ordered ? Number(start) : undefined,
            items: items.map((item) => blocksOf(item.tokens)),
          },
        ];
      }
      case 'table': {
        const { header, rows } = token as Tokens.Table;
        const cells = (row: readonly Tokens.TableCell[]) => row.map((cell) => spansOf(cell.tokens, PLAIN));
        return [{ kind: 'table', head: cells(header), rows: rows.map(cells) }];
      }
      case 'blockquote':
        return [{ kind: 'quote', blocks: blocksOf((token as Tokens.Blockquote).tokens) }];
      case 'hr':
        return [{ kind: 'rule' }];
      case 'space':
      case 'def':
        return [];
      default: {
        const inner = (token as { tokens?: readonly Token[] }).tokens;
        return [
          { kind: 'paragraph', spans: inner ? spansOf(inner, PLAIN) : [{ text: token.raw.trim(), style: PLAIN }] },
        ];
      }
    }
  });
}

/** Neighbours of one style in one piece: an escaped letter comes as a token of its own, and must not end a word. */
function spansOf(tokens: readonly Token[], style: Style): Span[] {
  const spans: Span[] = [];
  for (const span of piecesOf(tokens, style)) {
    const last = spans.at(-1);
    const isSame = last !== undefined && STYLE_KEYS.every((key) => last.style[key] === span.style[key]);
    // Bold pieces are marks, each of its own.
    if (isSame && !span.style.bold) spans[spans.length - 1] = { text: last.text + span.text, style: span.style };
    else spans.push(span);
  }
  return spans;
}

function piecesOf(tokens: readonly Token[], style: Style): Span[] {
  return tokens.flatMap((token): Span[] => {
    const inner = (token as { tokens?: readonly Token[] }).tokens;
    switch (token.type) {
      case 'strong':
        return piecesOf(inner ?? [], { ...style, bold: true });
      case 'em':
        return piecesOf(inner ?? [], { ...style, italic: true });
      case 'codespan':
        return [{ text: (token as Tokens.Codespan).text, style: { ...style, code: true } }];
      case 'link': {
        const { href } = token as Tokens.Link;
        // Anything but a web or mail address is text: a paper opens no files and runs no scripts.
        return piecesOf(inner ?? [], { ...style, link: /^(https?:|mailto:)/i.test(href) ? href : '' });
      }
      case 'br':
        return [{ text: ' ', style }];
      case 'escape':
      case 'text':
        return inner === undefined ? [{ text: oneLine(plain(token)), style }] : piecesOf(inner, style);
      default:
        return inner === undefined ? [{ text: oneLine(token.raw), style }] : piecesOf(inner, style);
    }
  });
}

function plain(token: Token): string {
  return (token as { text?: string }).text ?? token.raw;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}
