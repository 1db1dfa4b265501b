/**
 * The page that is shown on a telephone or printed: the code as large as it goes, for whom it is, until when it is good, and that
 * it is a secret. SVG in millimetres, A5, so that a printer and a browser know its size.
 * All words are ours or names of a small alphabet; they are escaped all the same.
 */
import { darkRuns, type QrMatrix } from './matrix.ts';

export type CodePage = {
  readonly matrix: QrMatrix;
  readonly site: string;
  /** undefined: any device of the site. */
  readonly device: string | undefined;
  readonly expiresAtMs: number;
  /** IANA name of the zone in which the person reads the time. */
  readonly timeZone: string;
};

const WIDTH_MM = 148;
const HEIGHT_MM = 210;
/** With the quiet zone; leaves 9 mm of paper at each side for printers that do not reach the edge. */
const CODE_MM = 130;
const CODE_LEFT_MM = (WIDTH_MM - CODE_MM) / 2;
const CODE_TOP_MM = 34;

export function codePage({ matrix, site, device, expiresAtMs, timeZone }: CodePage): string {
  const title = device === undefined ? `${site}: any device` : `${site} / ${device}`;
  const until = momentInZone(expiresAtMs, timeZone);
  const below = CODE_TOP_MM + CODE_MM;
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH_MM}mm" height="${HEIGHT_MM}mm" viewBox="0 0 ${WIDTH_MM} ${HEIGHT_MM}" role="img">
<title>${escapeXml(`Lethe setup code, ${title}`)}</title>
<rect width="${WIDTH_MM}" height="${HEIGHT_MM}" fill="#fff"/>
<g font-family="'Atkinson Hyperlegible Next', Verdana, 'DejaVu Sans', sans-serif" fill="#000" text-anchor="middle">
${line('Lethe setup code', 14, 5)}
${line(title, 23, title.length > 34 ? 5 : 8, 'bold')}
${line(`good until ${until}`, 30, 5)}
${line('Hold it flat and still before the camera: on paper or a laptop', below + 6, 3.8)}
${line('15 to 40 cm away, on a telephone 10 to 20 cm. When the lamp is lit,', below + 11.5, 3.8)}
${line('with a short dark every second, the code was taken. It works once.', below + 17, 3.8)}
${line('This picture is a secret.', below + 25.5, 4.2, 'bold')}
${line('Whoever has a copy has the Wi-Fi passphrase and could set up a device.', below + 31, 3.4)}
${line('Do not post it, and destroy it when it was used.', below + 36, 3.4)}
</g>
<path transform="translate(${CODE_LEFT_MM} ${CODE_TOP_MM}) scale(${CODE_MM / matrix.length})" shape-rendering="crispEdges" d="${darkPath(matrix)}"/>
</svg>
`;
}

/** `2026-01-31 09:15 Europe/Stockholm`: without names of months, which differ from land to land. */
export function momentInZone(moment: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(moment);
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value;
  return `${of('year')}-${of('month')}-${of('day')} ${of('hour')}:${of('minute')} ${timeZone}`;
}

function line(text: string, y: number, size: number, weight = 'normal'): string {
  return `<text x="${WIDTH_MM / 2}" y="${y}" font-size="${size}" font-weight="${weight}">${escapeXml(text)}</text>`;
}

/** In modules; the quiet zone is part of the matrix. */
function darkPath(matrix: QrMatrix): string {
  return matrix
    .flatMap((row, y) => darkRuns(row).map(([start, end]) => `M${start} ${y}H${end}V${y + 1}H${start}Z`))
    .join('');
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
