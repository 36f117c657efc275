export const LINE_HEIGHT = 1.35;

interface Laid { label: string; width: number; font: string; lines: string[] }

/** Wraps labels for the canvas; remembers each until its text, width or font changes. */
export class TextLayout {
  readonly #cache = new Map<string, Laid>();

  lines(context: CanvasRenderingContext2D, id: string, label: string, width: number, font: string): string[] {
    const known = this.#cache.get(id);
    if (known && known.label === label && known.width === width && known.font === font) return known.lines;
    if (this.#cache.size > 5000) this.#cache.clear();
    const lines = wrap(label, width, text => context.measureText(text).width);
    this.#cache.set(id, { label, width, font, lines });
    return lines;
  }
}

/** Breaks at spaces, inside a word only when the word alone is wider than the line. */
export function wrap(label: string, width: number, measure: (text: string) => number): string[] {
  const lines: string[] = [];
  for (const paragraph of label.split('\n')) {
    let line = '';
    for (const word of paragraph.split(/(?<=\s)/)) {
      if (line !== '' && measure((line + word).trimEnd()) > width) { lines.push(line.trimEnd()); line = ''; }
      if (line === '' && measure(word.trimEnd()) > width) {
        let rest = word;
        while (rest.length > 1 && measure(rest.trimEnd()) > width) {
          let fits = 1;
          while (fits < rest.length && measure(rest.slice(0, fits + 1)) <= width) fits++;
          lines.push(rest.slice(0, fits));
          rest = rest.slice(fits);
        }
        line = rest;
      } else line += word;
    }
    lines.push(line.trimEnd());
  }
  return lines;
}
