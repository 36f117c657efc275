/** A key chord without its event: `mod` is Ctrl, or Cmd on a Mac. */
export interface Chord { key: string; code: string; mod: boolean; shift: boolean; alt: boolean }

/** What a chord asks for, by the names of actions.ts; `tool` and others carry an argument. Null: not ours. */
export function actionFor(chord: Chord): { name: string; arg?: unknown } | null {
  const { mod, shift, alt } = chord, key = chord.key.toLowerCase();
  if (mod && !alt) {
    switch (key) {
      case 'a': return { name: 'selectAll' };
      case 'd': return { name: 'duplicate' };
      case 'z': return { name: shift ? 'redo' : 'undo' };
      case 'y': return { name: 'redo' };
      case 'f': return { name: 'search' };
      case ']': case '}': return { name: shift ? 'front' : 'forward' };
      case '[': case '{': return { name: shift ? 'back' : 'backward' };
      case '0': return { name: 'zoom100' };
      case '1': return { name: 'fit' };
      case '2': return { name: 'fitSelection' };
      case '+': case '=': return { name: 'zoomIn' };
      case '-': case '_': return { name: 'zoomOut' };
      case 'l': return shift ? { name: 'toggleLock' } : null;
      default: return null;
    }
  }
  if (alt) {
    const sides: Record<string, string> = { KeyA: 'left', KeyH: 'center', KeyD: 'right', KeyW: 'top', KeyV: 'middle', KeyS: 'bottom' };
    const side = sides[chord.code];
    if (side && !shift) return { name: 'align', arg: side };
    if (shift && chord.code === 'KeyH') return { name: 'distribute', arg: 'x' };
    if (shift && chord.code === 'KeyV') return { name: 'distribute', arg: 'y' };
    return null;
  }
  if (shift) {
    switch (chord.code) {
      case 'Digit0': return { name: 'zoom100' };
      case 'Digit1': return { name: 'fit' };
      case 'Digit2': return { name: 'fitSelection' };
    }
    if (key === 'g') return { name: 'gridSnap' };
    if (key === 'm') return { name: 'minimap' };
    if (key === 's') return { name: 'snap' };
  }
  const by = shift ? 10 : 1;
  switch (key) {
    case 'arrowleft': return { name: 'nudge', arg: { x: -by, y: 0 } };
    case 'arrowright': return { name: 'nudge', arg: { x: by, y: 0 } };
    case 'arrowup': return { name: 'nudge', arg: { x: 0, y: -by } };
    case 'arrowdown': return { name: 'nudge', arg: { x: 0, y: by } };
    case 'delete': case 'backspace': return { name: 'delete' };
    case 'enter': case 'f2': return { name: 'edit' };
    case 'tab': return { name: shift ? 'previous' : 'next' };
    case 'escape': return { name: 'cancel' };
    case '?': return { name: 'shortcuts' };
    case '/': return { name: 'search' };
    case ']': return { name: 'front' };
    case '[': return { name: 'back' };
    case '+': case '=': return { name: 'zoomIn' };
    case '-': return { name: 'zoomOut' };
  }
  if (shift) return null;
  if (key === 'k') return { name: 'newContainer' };
  const tool = TOOL_KEYS[key];
  return tool ? { name: 'tool', arg: tool } : null;
}

export const TOOL_KEYS: Readonly<Record<string, string>> = {
  v: 'select', '1': 'select', h: 'hand', n: 'note', t: 'text', f: 'frame', c: 'connector', l: 'connector', a: 'connector',
  r: 'rectangle', u: 'rounded', o: 'ellipse', d: 'diamond',
};

/** Does the element take keys for itself? */
export function typesText(element: Element | null): boolean {
  return element instanceof HTMLElement
    && (element.isContentEditable || element.matches('input, textarea, select, [role="textbox"], [role="menu"] *, dialog[open] *'));
}
