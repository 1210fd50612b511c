// Pictures for presentations and mails: what is shown, with its title, in the colours of the theme.

/** What is drawn below the title; sizes are CSS pixels. */
export interface Body {
  width: number;
  height: number;
  draw(pen: CanvasRenderingContext2D): void; // its origin is the body's top left corner
}

/** An entry of a legend; dash is as in setLineDash. */
export interface Key {
  label: string;
  colour: string;
  dash?: number[];
}

const MARGIN = 24;
const HEAD = 64;
/** Pictures are sharp on every screen, but no longer than what all browsers draw. */
const SCALE = 2;
const LONGEST = 16_384;

/** A colour or measure of the theme, such as "--ink". */
export const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export const fontOf = (size: number, weight = 400): string => `${weight} ${size}px ${token("--font")}`;

/** A picture: a title, a note below it, a legend at the right, and the body. */
export function picture(title: string, note: string, body: Body, keys: Key[] = []): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  const width = body.width + 2 * MARGIN;
  const height = body.height + HEAD + 2 * MARGIN;
  const scale = Math.min(SCALE, LONGEST / width, LONGEST / height);
  canvas.width = Math.floor(width * scale);
  canvas.height = Math.floor(height * scale);
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("This browser can't draw pictures.");
  pen.scale(scale, scale);
  pen.fillStyle = token("--surface");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.textBaseline = "alphabetic";
  write(pen, title, MARGIN, MARGIN + 16, fontOf(18, 600), token("--ink"), body.width);
  write(pen, note, MARGIN, MARGIN + 38, fontOf(13), token("--ink-3"), body.width);
  drawKeys(pen, keys, width - MARGIN, MARGIN + 16);
  pen.translate(MARGIN, MARGIN + HEAD);
  body.draw(pen);
  return canvas;
}

export function write(pen: CanvasRenderingContext2D, text: string, x: number, y: number, font: string, colour: string, most: number): void {
  pen.font = font;
  pen.fillStyle = colour;
  pen.fillText(fit(pen, text, most), x, y);
}

/** The text, shortened to a width. */
function fit(pen: CanvasRenderingContext2D, text: string, most: number): string {
  if (pen.measureText(text).width <= most) return text;
  const signs = [...text];
  while (signs.length > 0 && pen.measureText(`${signs.join("")}…`).width > most) signs.pop();
  return `${signs.join("")}…`;
}

function drawKeys(pen: CanvasRenderingContext2D, keys: Key[], right: number, y: number): void {
  pen.font = fontOf(13);
  for (const key of keys.toReversed()) {
    const wide = pen.measureText(key.label).width;
    pen.fillStyle = token("--ink-2");
    pen.fillText(key.label, right - wide, y);
    pen.strokeStyle = key.colour;
    pen.lineWidth = 2;
    pen.setLineDash(key.dash ?? []);
    pen.beginPath();
    pen.moveTo(right - wide - 30, y - 4);
    pen.lineTo(right - wide - 8, y - 4);
    pen.stroke();
    right -= wide + 48;
  }
  pen.setLineDash([]);
}

/** The file of a picture. */
export const pngOf = (canvas: HTMLCanvasElement): Promise<Blob> =>
  new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture is too large."))), "image/png"));
