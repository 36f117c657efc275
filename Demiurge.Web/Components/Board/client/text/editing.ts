import type { Camera } from '../camera';
import type { Outbox } from '../outbox';
import { cssColour } from '../palette';
import type { Scene } from '../scene';
import type { BoardServer } from '../server';
import { traitsOf } from '../shapes';
import { TextField, type FieldStyle } from './editor';
import type { Delta } from './ot';
import { TextSession, type TextReset } from './session';

/** How long a left field waits for its text to show up underneath, in milliseconds. */
const LINGER = 2500;

interface Open { id: string; field: TextField; session: TextSession | null; height: number; left: number }

/** Opens the text of nodes (shared, character by character) and the labels of edges (one value) for typing, one at a time. */
export class TextEditing {
  #open: Open | null = null;
  #leaving: Open[] = [];
  #lifted: string | null = null;

  constructor(
    private readonly host: HTMLElement,
    private readonly scene: Scene, private readonly camera: Camera, private readonly outbox: Outbox, private readonly server: BoardServer,
    private readonly hooks: {
      /** The text shown under a field has to be hidden or shown. */
      changed(): void;
      /** The text that the page shows for a node, to know when a left field can go. */
      rendered(id: string): string | null;
      failed(error: string): void;
      /** {@link TextEditing.unsynced} may have changed. */
      progress(): void;
      /** Editing ended and the keyboard belongs to the board again. */
      ended(): void;
    },
  ) {}

  get id(): string | null { return this.#open?.id ?? null; }

  /** Something typed isn't on the server yet. */
  get unsynced(): boolean { return [this.#open, ...this.#leaving].some(open => open?.session && !open.session.synced && !open.session.untouched); }

  /** Everything that a field is shown for. */
  get covered(): Set<string> {
    const ids = new Set(this.#leaving.map(open => open.id));
    if (this.#open) ids.add(this.#open.id);
    return ids;
  }

  open(id: string): void {
    if (this.#open?.id === id) return;
    this.close();
    const left = this.#leaving.find(open => open.id === id)?.session;
    if (left && !left.synced) { void left.whenSynced().then(() => { if (!this.#open) this.open(id); }); return; }
    this.#dropLeaving(id);
    if (this.scene.edges.has(id)) this.#openLabel(id);
    else if (this.scene.nodes.has(id)) this.#openText(id);
    this.place();
    this.hooks.changed();
  }

  /** Ends typing; what was typed is sent and stays in sight until it has arrived. */
  close(): void {
    const open = this.#open;
    if (!open) return;
    this.#open = null;
    const edge = this.scene.edges.get(open.id);
    if (!open.session) {
      const label = open.field.text.trim();
      if (edge && label !== edge.label) void this.outbox.push({ type: 'updateEdge', id: open.id, label });
      open.field.remove();
    } else {
      void this.#leave(open, open.session);
    }
    this.hooks.ended();
    this.hooks.changed();
  }

  receive(id: string, version: number, delta: Delta | TextReset): void {
    let known = false;
    for (const open of [this.#open, ...this.#leaving]) if (open?.session && open.id === id) { known = true; open.session.receive(version, delta); }
    // The server still has it open: word of its end was lost with the circuit.
    if (!known && 'reset' in delta) this.server.closeText(id).catch(() => undefined);
  }

  /** The circuit is back. */
  resume(): void { for (const open of [this.#open, ...this.#leaving]) void this.outbox.settled.then(() => open?.session?.resume()); }

  /** Follows camera and boxes; call once a frame. */
  place(): void {
    for (const open of [this.#open, ...this.#leaving]) {
      if (!open) continue;
      const node = this.scene.nodes.get(open.id), box = this.scene.box(open.id);
      if (open.session) {
        if (!node || !box) { this.#abandon(open); continue; }
        if (node.kind === 'frame') {
          const at = this.camera.toScreen(box);
          open.field.place({ x: 0, y: 0, w: Math.max(160, box.w * this.camera.zoom), h: 20 }, { x: at.x - 4, y: at.y - 24 }, 1);
        } else open.field.place(box, this.camera.toScreen(box), this.camera.zoom);
      } else {
        const edge = this.scene.edges.get(open.id), way = edge && this.scene.way(edge);
        if (!way) { this.#abandon(open); continue; }
        const at = this.camera.toScreen(way.middle), zoom = Math.max(this.camera.zoom, 0.6);
        open.field.place({ x: 0, y: 0, w: 200, h: 28 }, { x: at.x - 100 * zoom, y: at.y - 14 * zoom }, zoom);
      }
    }
    const now = performance.now();
    for (const open of [...this.#leaving]) {
      const shown = this.hooks.rendered(open.id);
      if (!open.session?.synced) { open.left = now; continue; }
      const arrived = shown !== null && normal(shown) === normal(open.session.text);
      if (arrived || now - open.left > LINGER) this.#dropLeaving(open.id);
    }
  }

  /** True while a left field waits, so that the frame loop goes on. */
  get waiting(): boolean { return this.#leaving.length > 0; }

  dispose(): void {
    for (const open of [this.#open, ...this.#leaving]) { open?.session?.close(); open?.field.remove(); }
    this.#open = null;
    this.#leaving = [];
  }

  #openText(id: string): void {
    const node = this.scene.nodes.get(id)!;
    const initial = node.label.length < 80 ? node.label : '';
    const session = new TextSession(id, this.server, delta => open.field.merge(delta), error => {
      this.hooks.failed(error);
      this.#abandon(open);
    }, initial, () => this.hooks.progress());
    const field = new TextField(this.host, initial, this.#styleOf(id), node.kind === 'frame' ? 'Frame title' : 'Text', {
      typed: delta => session.edit(delta),
      done: () => this.close(),
      undo: () => { void session.whenSynced().then(() => this.server.undo()); },
      redo: () => { void session.whenSynced().then(() => this.server.redo()); },
      sized: height => this.#grow(id, height),
    });
    const open: Open = this.#open = { id, field, session, height: 0, left: 0 };
    // A node that was created a moment ago has to reach the server first.
    void this.outbox.settled.then(() => session.open()).catch(() => undefined);
    field.focus(node.kind === 'frame');
  }

  #openLabel(id: string): void {
    const edge = this.scene.edges.get(id)!;
    const field = new TextField(this.host, edge.label, { fontSize: 13, align: 'center', middle: true, padding: 4, headroom: 0, ink: 'var(--board-ink)', singleLine: true, background: 'var(--board-bg)' }, 'Label', {
      typed: () => undefined, done: () => this.close(), undo: () => undefined, redo: () => undefined, sized: () => undefined,
    });
    this.#open = { id, field, session: null, height: 0, left: 0 };
    field.focus(true);
  }

  #styleOf(id: string): FieldStyle {
    const node = this.scene.nodes.get(id)!, traits = traitsOf(node.kind);
    if (node.kind === 'frame') return { fontSize: 12, align: 'left', middle: false, padding: 2, headroom: 0, ink: 'var(--board-ink)', singleLine: true, background: 'var(--board-bg)' };
    return {
      fontSize: node.fontSize || traits.fontSize, align: node.align || traits.align, middle: traits.middle, padding: traits.padding, headroom: traits.headroom,
      ink: node.color ? cssColour('text', node.color) : 'var(--board-ink)', singleLine: false,
    };
  }

  /** A text that outgrows its node makes it taller, at once here and for all when typing ends. */
  #grow(id: string, height: number): void {
    const open = this.#open, node = this.scene.nodes.get(id);
    if (!open || open.id !== id || !node || node.kind === 'frame') return;
    const wanted = node.kind === 'text' ? Math.max(height, 24) : Math.max(node.h, height);
    open.height = Math.ceil(wanted);
    const grown = Math.abs(open.height - node.h) > 1;
    if (!grown && this.#lifted !== id) return;
    this.scene.lift([[id, grown ? { x: node.x, y: node.y, w: node.w, h: open.height } : null]]);
    this.#lifted = grown ? id : null;
    this.hooks.changed();
  }

  async #leave(open: Open, session: TextSession): Promise<void> {
    const node = this.scene.nodes.get(open.id);
    if (this.#lifted === open.id) {
      this.#lifted = null;
      this.scene.lift([[open.id, null]]);
      if (node && open.height > 0) void this.outbox.push({ type: 'resize', items: [{ id: open.id, x: node.x, y: node.y, w: node.w, h: open.height }] });
    }
    open.left = performance.now();
    open.field.linger();
    this.#leaving.push(open);
    await session.whenSynced();
    const empty = session.text.trim() === '' && session.synced;
    session.close();
    this.server.closeText(open.id).catch(() => undefined);
    // An empty text node would be invisible: like every board, drop it.
    if (empty && this.scene.nodes.get(open.id)?.kind === 'text' && this.#open?.id !== open.id) {
      void this.outbox.push({ type: 'delete', ids: [open.id] });
    }
    this.hooks.changed();
  }

  #dropLeaving(id: string): void {
    for (const open of this.#leaving) if (open.id === id) { open.session?.close(); open.field.remove(); }
    const before = this.#leaving.length;
    this.#leaving = this.#leaving.filter(open => open.id !== id);
    if (before !== this.#leaving.length) this.hooks.changed();
  }

  /** Its node is gone or its text was refused. */
  #abandon(open: Open): void {
    open.session?.close();
    open.field.remove();
    if (this.#lifted === open.id) { this.#lifted = null; this.scene.lift([[open.id, null]]); }
    this.#leaving = this.#leaving.filter(o => o !== open);
    if (this.#open === open) { this.#open = null; this.hooks.ended(); }
    this.hooks.changed();
  }
}

function normal(text: string): string { return text.replace(/\s+$/, ''); }
