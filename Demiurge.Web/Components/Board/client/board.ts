/**
 * The board's browser module: the picture, every pointer and keyboard gesture, and what makes them feel immediate. What is
 * on the board is the server's: it arrives as the scene feed (codec.ts) and is changed by commands (commands.ts). The page
 * around it is Blazor's (chrome.ts says how the two meet).
 */
import { runAction, type ActionHost } from './actions';
import { keepClocks } from '../../Containers/client/clocks';
import { Camera } from './camera';
import { Chrome } from './chrome';
import { envelopeOf, placed, readEnvelope } from './clipboard';
import { decodeFrame } from './codec';
import type { NodeStyle } from './commands';
import type { Point } from './geometry';
import { createNode } from './gestures/create';
import { TOOLS } from './gestures/begin';
import { Input } from './input';
import { actionFor, typesText } from './keyboard';
import { Picker, placeInside } from './menu';
import { Minimap } from './minimap';
import { Outbox } from './outbox';
import { Presence, PresenceSender, type PersonState } from './presence';
import { Renderer } from './renderer';
import { Scene } from './scene';
import { Selection } from './selection';
import { overCircuit, type BoardServer, type DotNetObject, type LeftContainer } from './server';
import { traitsOf } from './shapes';
import { TextEditing } from './text/editing';
import type { Delta } from './text/ot';
import type { TextReset } from './text/session';
import { TemplateDrop } from './templateDrop';
import { Toasts } from './toasts';
import { ViewportMemory } from './viewportMemory';
import { noFeedback } from './workspace';

export interface MountOptions {
  viewer: boolean;
  projectId: string;
  me: { id: string; name: string; color: string };
  /** A node to show first, from a link. */
  node?: string | null;
}

export interface BoardHandle {
  scene(bytes: Uint8Array): void;
  presence(people: string | PersonState[]): void;
  textDelta(id: string, version: number, delta: string | Delta | TextReset): void;
  setViewer(viewer: boolean): void;
  command(name: string, arg?: unknown): void;
  status(status: string | { state?: string; viewer?: boolean }): void;
  dispose(): void;
}

const VIEWPORT_EVERY = 250;
/** How long a node that is to be shown may take to come. */
const AWAIT = 3000;
const MOST_SHARED = 300;

const mounted = new WeakMap<HTMLElement, Board>();

/** Mounts a board on its elements; asked again for the same, returns the one that is there. */
export function mount(root: HTMLElement, dotnet: DotNetObject, options: MountOptions): BoardHandle {
  let board = mounted.get(root);
  if (!board) mounted.set(root, board = new Board(root, overCircuit(dotnet), options));
  return board;
}

class Board implements BoardHandle {
  readonly #scene = new Scene();
  readonly #camera = new Camera();
  readonly #selection = new Selection(() => this.#selected());
  readonly #feedback = noFeedback();
  readonly #presence = new Presence(this.#scene, id => this.#mine.has(id));
  readonly #outbox: Outbox;
  readonly #sender: PresenceSender;
  readonly #renderer: Renderer;
  readonly #input: Input;
  readonly #editing: TextEditing;
  readonly #chrome: Chrome;
  readonly #toasts: Toasts;
  readonly #picker: Picker;
  readonly #minimap: Minimap | null;
  readonly #memory: ViewportMemory;
  readonly #templates: TemplateDrop;
  readonly #host: ActionHost;
  readonly #stage: HTMLElement;
  readonly #stop = new AbortController();
  /** Nodes that this person is moving: others' drags don't pull at them. */
  #mine: ReadonlySet<string> = new Set();
  #viewer: boolean;
  #placedOnce = false;
  #unsentTimer: ReturnType<typeof setTimeout> | undefined;
  #viewportTimer: ReturnType<typeof setTimeout> | undefined;
  #viewportSent = '';
  #cameraSeen = -1;
  #pastes = { text: '', times: 0 };
  #menuAt: Point | null = null;
  #place: Point | null = null;
  /** The node in whose content the person works: the pointer and the wheel are its own there. */
  #interacting: string | null = null;
  #awaited: { id: string; timer: ReturnType<typeof setTimeout> } | null = null;
  #stopClocks: () => void;

  constructor(private readonly root: HTMLElement, private readonly server: BoardServer, private readonly options: MountOptions) {
    const stage = root.querySelector<HTMLElement>('[data-board="stage"]'), nodes = root.querySelector<HTMLElement>('[data-board="nodes"]');
    if (!stage || !nodes) throw new Error('board: [data-board="stage"] and [data-board="nodes"] are missing');
    this.#stage = stage;
    this.#viewer = options.viewer;
    this.#memory = new ViewportMemory(options.projectId);
    stage.classList.add('board-stage');
    if (!stage.hasAttribute('tabindex')) stage.tabIndex = 0;
    stage.setAttribute('aria-label', 'Board');

    this.#toasts = new Toasts(root);
    this.#outbox = new Outbox(this.#scene, (batch, commands) => this.server.apply(batch, commands), (error, ids) => {
      this.#toasts.show(error, 'error');
      this.#flash(ids);
    }, () => this.#unsent());
    this.#sender = new PresenceSender(server);
    this.#renderer = new Renderer(stage, nodes, this.#scene, this.#camera, this.#selection, this.#presence, this.#feedback);
    this.#renderer.viewer = this.#viewer;
    this.#picker = new Picker(stage);
    this.#chrome = new Chrome(root, { tool: name => this.#setTool(name), command: (name, arg, fromMenu) => { this.#place = fromMenu ? this.#menuAt : null; this.command(name, arg); this.#place = null; } });
    this.#editing = new TextEditing(stage, this.#scene, this.#camera, this.#outbox, server, {
      changed: () => this.#editingChanged(),
      rendered: id => this.#rendered(id),
      failed: error => this.#toasts.show(error, 'error'),
      progress: () => this.#unsent(),
      ended: () => this.#stage.focus({ preventScroll: true }),
    });
    this.#host = this.#workspace();
    this.#input = new Input(stage, this.#host, this.#camera, {
      pressed: event => this.#pressed(event),
      menu: (_, screen) => this.#openMenu(screen),
      moved: pointer => this.#sender.update({ cursor: pointer ? [pointer.board.x, pointer.board.y] : null }),
    });
    const minimap = this.#chrome.part('minimap');
    this.#minimap = minimap && new Minimap(minimap, this.#scene, this.#camera, this.#presence, this.#renderer.palette, () => this.#renderer.redraw());

    this.#templates = new TemplateDrop(root, stage, this.#camera, {
      allowed: () => !this.#viewer,
      dropped: (template, at) => { this.#closePopovers(); this.server.placeContainer(template, at.x, at.y); },
    });
    this.#reduceMotion();
    this.#renderer.animations.push(now => this.#input.tick(now), () => { this.#editing.place(); return this.#editing.waiting; });
    this.#renderer.drawn.push(() => this.#afterFrame());
    this.#scene.onChange(() => {
      this.#selection.keep(id => this.#scene.nodes.has(id) || this.#scene.edges.has(id));
      if (this.#awaited && this.#scene.nodes.has(this.#awaited.id)) {
        clearTimeout(this.#awaited.timer);
        runAction(this.#host, 'focusNode', this.#awaited.id);
        this.#awaited = null;
      }
      if (this.#interacting && !this.#scene.nodes.has(this.#interacting)) this.#leave();
      this.#placeFirst();
      this.#chrome.flag('empty', this.#scene.loaded && this.#scene.nodes.size === 0);
    });
    this.#stopClocks = keepClocks(root);
    this.#listen();
    const recalled = this.#memory.recall();
    if (recalled && !options.node) { this.#camera.set(recalled); this.#placedOnce = true; }
    this.#setTool('select');
    this.#selected();
  }

  // ---- calls of the server

  scene(bytes: Uint8Array): void {
    try {
      const frame = decodeFrame(bytes);
      const back = frame.reset && this.#scene.loaded;
      this.#scene.applyFrame(frame);
      if (back) this.#resume();
    } catch (error) {
      console.error(error);
      this.#toasts.show('The board could not read an update. Reload the page to see its latest state.', 'error');
    }
  }

  presence(people: string | PersonState[]): void {
    const list = typeof people === 'string' ? JSON.parse(people) as PersonState[] : people;
    this.#presence.receive(list, performance.now());
    const audience = list.length > 0;
    if (audience !== this.#sender.audience) { this.#sender.audience = audience; this.#sender.update({}); }
    this.#renderer.redraw();
  }

  textDelta(id: string, version: number, delta: string | Delta | TextReset): void {
    this.#editing.receive(id, version, typeof delta === 'string' ? JSON.parse(delta) as Delta | TextReset : delta);
  }

  setViewer(viewer: boolean): void {
    if (viewer === this.#viewer) return;
    this.#viewer = viewer;
    this.#renderer.viewer = viewer;
    if (viewer) { this.#input.cancel(); this.#editing.close(); this.#setTool('select'); }
    this.#selected();
    this.#renderer.redraw();
  }

  command(name: string, arg?: unknown): void {
    // What the server has just put there may come a moment later than its word to show it.
    if (name === 'focusNode' && typeof arg === 'string' && !this.#scene.nodes.has(arg)) this.#await(arg);
    else runAction(this.#host, name, arg);
  }

  status(status: string | { state?: string; viewer?: boolean }): void {
    const value = typeof status === 'string' ? JSON.parse(status) as { state?: string; viewer?: boolean } : status;
    if (typeof value.viewer === 'boolean') this.setViewer(value.viewer);
  }

  dispose(): void {
    mounted.delete(this.root);
    this.#memory.now(this.#camera);
    this.#memory.dispose();
    clearTimeout(this.#viewportTimer);
    clearTimeout(this.#unsentTimer);
    clearTimeout(this.#awaited?.timer);
    this.#stop.abort();
    this.#stopClocks();
    this.#outbox.dispose();
    this.#editing.dispose();
    this.#input.dispose();
    this.#sender.dispose();
    this.#picker.close();
    this.#minimap?.dispose();
    this.#templates.dispose();
    this.#chrome.dispose();
    this.#toasts.dispose();
    this.#renderer.dispose();
  }

  #await(id: string): void {
    clearTimeout(this.#awaited?.timer);
    this.#awaited = { id, timer: setTimeout(() => { this.#awaited = null; runAction(this.#host, 'focusNode', id); }, AWAIT) };
  }

  /** A second snapshot says that the circuit was lost and is back: what was on its way may not have arrived. */
  #resume(): void {
    this.#outbox.resend();
    this.#editing.resume();
    this.#sender.resend();
    if (this.#viewportSent !== '') { this.#viewportSent = ''; this.#sendViewport(); }
  }

  // ---- what gestures and actions see

  #workspace(): ActionHost {
    const board = this;
    const nextStyle: NodeStyle = {};
    return {
      scene: this.#scene, camera: this.#camera, selection: this.#selection, outbox: this.#outbox, feedback: this.#feedback,
      server: this.server, presence: this.#presence, nextStyle,
      snap: { objects: true, grid: false },
      get viewer() { return board.#viewer; },
      share: drag => {
        this.#mine = new Set(this.#feedback.busy ? this.#scene.lifted.keys() : []);
        // A drag of very many would be a heavy message twenty times a second: the others see it when it is done.
        this.#sender.update({ drag: drag && Object.keys(drag).length <= MOST_SHARED ? drag : null });
      },
      redraw: () => this.#renderer.redraw(),
      edit: id => { if (!this.#viewer) this.#editing.open(id); },
      interact: id => this.#interact(id),
      place: () => this.#place ?? this.#input.pointer?.board ?? this.#middle(),
      setTool: tool => this.#setTool(tool),
      left: containers => this.#left(containers),
      offer: (at, choose) => this.#picker.show(this.#camera.toScreen(at), 'Add a connected node', OFFERED, choose),
      now: () => performance.now(),
      toast: text => this.#toasts.show(text),
      copy: cut => { void this.#copyAsync(cut); },
      paste: () => { void this.#pasteAsync(); },
      dialog: name => this.#openDialog(name),
      toggleMinimap: () => this.#minimap?.toggle(),
      cancel: () => this.#cancel(),
    };
  }

  #setTool(tool: string): void {
    if (!TOOLS.includes(tool)) return;
    const allowed = this.#viewer && tool !== 'hand' ? 'select' : tool;
    if (allowed !== 'select' && allowed !== 'hand') { this.#editing.close(); this.#selection.clear(); }
    if (this.#input) this.#input.tool = allowed;
    this.#chrome.tool(allowed);
    this.#renderer.redraw();
  }

  /** Escape, outermost last: gesture, menu, panel, editor, tool, selection. */
  #cancel(): void {
    if (this.#input.cancel()) return;
    if (this.#picker.open) { this.#picker.close(); return; }
    for (const name of ['menu', 'search']) {
      const part = this.#chrome.part(name);
      if (part && !part.hidden) { part.hidden = true; this.#stage.focus({ preventScroll: true }); return; }
    }
    if (this.#closePopovers()) return;
    if (this.#editing.id) { this.#editing.close(); return; }
    if (this.#interacting) { this.#leave(); return; }
    if (this.#input.tool !== 'select') { this.#setTool('select'); return; }
    this.#selection.clear();
  }

  #pressed(event: PointerEvent): boolean {
    const target = event.target as Element | null;
    // Blazor's own controls inside a node (a link, a button, a field) keep their clicks.
    if (target?.closest?.('a[href], button, input, select, textarea, [data-board-interactive], [data-interacting] [data-board-live]')) return true;
    if (this.#interacting && !this.#renderer.near.element(this.#interacting)?.contains(target)) this.#leave();
    this.#picker.close();
    const menu = this.#chrome.part('menu');
    if (menu) menu.hidden = true;
    this.#closePopovers();
    this.#editing.close();
    this.#stage.focus({ preventScroll: true });
    return false;
  }

  #closePopovers(): boolean {
    const open = [...this.root.querySelectorAll<HTMLDetailsElement>('details[open]')];
    for (const details of open) details.open = false;
    return open.length > 0;
  }

  #openMenu(screen: { x: number; y: number }): void {
    const menu = this.#chrome.part('menu');
    if (!menu) return;
    this.#selected();
    this.#menuAt = this.#camera.toBoard(screen);
    menu.hidden = false;
    const stage = this.#stage.getBoundingClientRect(), parent = (menu.offsetParent ?? this.root).getBoundingClientRect();
    menu.style.left = '0'; menu.style.top = '0';
    placeInside(menu, { x: screen.x + stage.left - parent.left, y: screen.y + stage.top - parent.top }, (menu.offsetParent as HTMLElement | null) ?? this.root);
    menu.querySelector<HTMLElement>('[role="menuitem"]:not([hidden]), button:not([hidden])')?.focus({ preventScroll: true });
  }

  #openDialog(name: 'shortcuts' | 'search'): void {
    const part = this.#chrome.part(name);
    if (part instanceof HTMLDialogElement) { if (!part.open) part.showModal(); return; }
    if (!part) return;
    part.hidden = false;
    part.querySelector<HTMLInputElement>('input')?.select();
    part.querySelector<HTMLInputElement>('input')?.focus();
  }

  #middle(): Point { const { x, y, w, h } = this.#camera.visible(); return { x: x + w / 2, y: y + h / 2 }; }

  // ---- working in a node

  #interact(id: string): void {
    const element = this.#renderer.near.element(id), live = element?.querySelector<HTMLElement>('[data-board-live]');
    if (!element || !live) return;
    if (this.#interacting !== id) this.#leave();
    this.#interacting = id;
    this.#selection.set([id]);
    element.setAttribute('data-interacting', '');
    (live.querySelector<HTMLElement>('textarea, iframe') ?? live).focus({ preventScroll: true });
    this.#chrome.flag('interacting', true);
  }

  #leave(): void {
    if (!this.#interacting) return;
    this.#renderer.near.element(this.#interacting)?.removeAttribute('data-interacting');
    this.#interacting = null;
    this.#chrome.flag('interacting', false);
    this.#stage.focus({ preventScroll: true });
  }

  /** What was placed is taken back, what was started runs on: said, and one press from being deleted too. */
  #left(containers: readonly LeftContainer[]): void {
    if (containers.length === 0) return;
    const one = containers.length === 1, mine = containers.filter(container => container.mayDelete).map(container => container.id);
    const text = one ? `${containers[0]!.name} is off the board and goes on.` : `${containers.length} containers are off the board and go on.`;
    if (mine.length === 0) this.#toasts.show(text);
    else this.#toasts.offer(text, one ? 'Delete it' : 'Delete them', () => this.server.deleteLeftContainers(mine));
  }

  // ---- after changes

  #selected(): void {
    if (!this.#chrome) return;
    this.#chrome.selection(this.#scene, this.#selection, this.#viewer);
    this.#sender.update({ selection: [...this.#selection.ids].slice(0, 500) });
    this.#renderer.redraw();
  }

  #editingChanged(): void {
    const covered = this.#editing.covered;
    this.#renderer.painter.hidden = covered;
    this.#renderer.near.editing(covered);
    this.#renderer.editing = this.#editing.id;
    for (const id of covered) {
      const edge = this.#scene.edges.get(id), way = edge && this.#scene.way(edge);
      this.#renderer.base.invalidate(way?.bounds ?? this.#scene.nodes.get(id) ?? null);
    }
    if (covered.size === 0) this.#renderer.base.invalidate(null);
    this.#chrome.flag('editing', this.#editing.id !== null);
    this.#sender.update({ editing: this.#editing.id });
    this.#renderer.redraw();
  }

  /** What the page shows as a node's text: Blazor's element, or else the label that the canvas draws. */
  #rendered(id: string): string | null {
    const element = this.#renderer.near.element(id)?.querySelector('.node-text');
    if (element && this.#scene.nodes.get(id)?.kind !== 'frame') return element.textContent;
    const node = this.#scene.nodes.get(id);
    return node ? node.label : this.#scene.edges.get(id)?.label ?? null;
  }

  #placeFirst(): void {
    if (this.#placedOnce || !this.#scene.loaded) return;
    this.#placedOnce = true;
    const wanted = this.options.node ? this.#scene.nodes.get(this.options.node) : undefined;
    const all = wanted ?? this.#scene.bounds();
    if (all) this.#camera.set(this.#camera.viewOf(all, 80, 1));
    else this.#camera.centreOn({ x: 0, y: 0 }, undefined, 1);
    if (wanted) this.#selection.set([wanted.id]);
  }

  #afterFrame(): void {
    const now = performance.now();
    this.#minimap?.update(now);
    const moving = this.#renderer.moving;
    this.#chrome.flag('panning', moving);
    this.#chrome.flag('dragging', this.#feedback.busy);
    this.#placeStylebar(moving);
    if (this.#cameraSeen === this.#camera.version) return;
    this.#cameraSeen = this.#camera.version;
    this.#chrome.zoom(this.#camera.zoom);
    if (this.#placedOnce) this.#memory.keep(this.#camera);
    this.#viewportTimer ??= setTimeout(() => { this.#viewportTimer = undefined; this.#sendViewport(); }, this.#viewportSent === '' ? 0 : VIEWPORT_EVERY);
  }

  /** What hasn't left this browser isn't saved; a moment is not worth saying so. */
  #unsent(): void {
    if (!this.#outbox.waiting && !this.#editing.unsynced) {
      clearTimeout(this.#unsentTimer);
      this.#unsentTimer = undefined;
      this.#chrome.flag('unsent', false);
    } else this.#unsentTimer ??= setTimeout(() => this.#chrome.flag('unsent', true), 150);
  }

  #sendViewport(): void {
    const { x, y, w, h } = this.#camera.visible(), view = { x, y, w, h, zoom: this.#camera.zoom };
    const text = JSON.stringify(view);
    if (text === this.#viewportSent) return;
    this.#viewportSent = text;
    this.server.setViewport(view);
  }

  /** Above the selection, below it where there is no room, never outside. */
  #placeStylebar(moving: boolean): void {
    const bar = this.#chrome.part('stylebar');
    if (!bar) return;
    const box = this.#selection.size > 0 && !this.#feedback.busy && !this.#feedback.connection ? this.#scene.bounds(this.#selection.ids) : null;
    const visibility = box && !moving ? '' : 'hidden';
    if (bar.style.visibility !== visibility) bar.style.visibility = visibility;
    if (!box || moving) return;
    const at = this.#camera.toScreen(box), w = box.w * this.#camera.zoom, h = box.h * this.#camera.zoom;
    const gap = 34, above = at.y - bar.offsetHeight - gap, { clientWidth, clientHeight } = this.#stage;
    const y = above > 64 ? above : Math.min(at.y + h + gap, clientHeight - bar.offsetHeight - 72);
    const x = Math.max(8, Math.min(at.x + w / 2 - bar.offsetWidth / 2, clientWidth - bar.offsetWidth - 8));
    const transform = `translate(${Math.round(x)}px, ${Math.round(Math.max(8, y))}px)`;
    if (bar.style.transform !== transform) { bar.style.left = '0'; bar.style.top = '0'; bar.style.transform = transform; }
  }

  /** A refused change is seen to fall back, not just gone. */
  #flash(ids: readonly string[]): void {
    for (const id of ids) {
      const element = this.#renderer.near.element(id);
      if (!element) continue;
      element.setAttribute('data-refused', '');
      setTimeout(() => element.removeAttribute('data-refused'), 600);
    }
  }

  #reduceMotion(): void {
    const query = matchMedia('(prefers-reduced-motion: reduce)');
    const apply = (): void => { this.#camera.reducedMotion = query.matches; this.#presence.reducedMotion = query.matches; };
    apply();
    query.addEventListener('change', apply, { signal: this.#stop.signal });
  }

  // ---- keyboard and clipboard

  #listen(): void {
    const { signal } = this.#stop;
    // The page says so when the circuit is lost (App.razor.js).
    const connection = new MutationObserver(() => { if (document.documentElement.dataset['connection'] === 'lost') this.#outbox.hold(); });
    connection.observe(document.documentElement, { attributeFilter: ['data-connection'] });
    signal.addEventListener('abort', () => connection.disconnect());
    window.addEventListener('keydown', event => this.#key(event), { signal });
    window.addEventListener('keyup', event => { if (event.code === 'Space') this.#space(false); }, { signal });
    window.addEventListener('blur', () => { this.#space(false); this.#sender.update({ cursor: null }); }, { signal });
    window.addEventListener('pagehide', () => this.#memory.now(this.#camera), { signal });
    // A phone's keyboard covers the lower half: what is being typed moves above it.
    window.visualViewport?.addEventListener('resize', () => this.#revealEditing(), { signal });
    this.#stage.addEventListener('board-leave', () => this.#leave(), { signal });
    document.addEventListener('copy', event => this.#copy(event, false), { signal });
    document.addEventListener('cut', event => this.#copy(event, true), { signal });
    document.addEventListener('paste', event => this.#paste(event), { signal });
  }

  #revealEditing(): void {
    const box = this.#editing.id === null ? undefined : this.#scene.box(this.#editing.id), seen = window.visualViewport;
    if (!box || !seen) return;
    const bottom = this.#camera.toScreen({ x: box.x, y: box.y + box.h }).y, top = this.#camera.toScreen(box).y;
    const hidden = Math.min(bottom - (seen.offsetTop + seen.height) + 16, top - 72);
    if (hidden > 0) { this.#camera.panBy(0, -hidden); this.#renderer.redraw(); }
  }

  #ours(): boolean {
    const focused = document.activeElement;
    return !typesText(focused) && (focused === null || focused === document.body || this.root.contains(focused)) && !document.querySelector('dialog[open]');
  }

  #key(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === 'Escape' && this.#chrome.part('search')?.contains(document.activeElement)) { this.#cancel(); return; }
    if (!this.#ours()) return;
    const onButton = document.activeElement instanceof HTMLElement && document.activeElement.closest('button, a[href], [role="menuitem"]') !== null;
    if (event.code === 'Space' && !onButton) { event.preventDefault(); this.#space(true); return; }
    const action = actionFor({ key: event.key, code: event.code, mod: event.ctrlKey || event.metaKey, shift: event.shiftKey, alt: event.altKey });
    if (!action) return;
    // On a button of the toolbar Enter and Tab are the browser's; elsewhere Tab walks the nodes while there is a selection.
    if (onButton && ['edit', 'next', 'previous', 'nudge'].includes(action.name)) return;
    if ((action.name === 'next' || action.name === 'previous') && (this.#selection.size === 0 || this.#scene.nodes.size === 0)) return;
    if (this.#input.active && action.name !== 'cancel') return;
    event.preventDefault();
    this.command(action.name, action.arg);
  }

  #space(down: boolean): void {
    if (this.#input.panning === down) return;
    this.#input.panning = down;
    this.#stage.style.cursor = down ? 'grab' : '';
  }

  #copy(event: ClipboardEvent, cut: boolean): void {
    if (!this.#ours() || this.#selection.size === 0 || String(getSelection()) !== '') return;
    const { envelope, whole } = envelopeOf(this.#scene, this.#selection.ids);
    if (envelope.nodes.length === 0) return;
    event.preventDefault();
    event.clipboardData?.setData('text/plain', JSON.stringify(envelope));
    if (whole) this.#copied(cut, envelope.nodes.length);
    else void this.#copyAsync(cut);
  }

  /** Long texts and module content are only whole on the server. */
  async #copyAsync(cut: boolean): Promise<void> {
    const ids = [...this.#selection.ids];
    if (ids.length === 0) return;
    try {
      const { envelope, whole } = envelopeOf(this.#scene, this.#selection.ids);
      const text = whole ? JSON.stringify(envelope) : await this.server.copy(ids);
      if (text === null) throw new Error('nothing to copy');
      await navigator.clipboard.writeText(text);
      this.#copied(cut, envelope.nodes.length);
    } catch {
      this.#toasts.show('This browser does not let the page write to the clipboard. Use Ctrl+C on the board.', 'error');
    }
  }

  #copied(cut: boolean, count: number): void {
    if (cut) this.command('delete');
    this.#toasts.show(`${cut ? 'Cut' : 'Copied'} ${count} ${count === 1 ? 'item' : 'items'}`);
  }

  #paste(event: ClipboardEvent): void {
    if (!this.#ours() || this.#viewer) return;
    const text = event.clipboardData?.getData('text/plain');
    if (!text) return;
    event.preventDefault();
    this.#pasteText(text);
  }

  async #pasteAsync(): Promise<void> {
    try { this.#pasteText(await navigator.clipboard.readText()); } catch { this.#toasts.show('Press Ctrl+V to paste here.'); }
  }

  #pasteText(text: string): void {
    let envelope;
    try { envelope = readEnvelope(text); } catch (error) { this.#toasts.show((error as Error).message, 'error'); return; }
    const visible = this.#camera.visible();
    if (!envelope) {
      const plain = text.replace(/\r\n?/g, '\n').trim().slice(0, 20_000);
      if (plain === '') return;
      const kind = plain.length > 60 || plain.includes('\n') ? 'note' : 'text', { w, h } = traitsOf(kind);
      const at = this.#input.pointer?.board ?? { x: visible.x + visible.w / 2, y: visible.y + visible.h / 2 };
      createNode(this.#host, kind, { x: at.x - w / 2, y: at.y - h / 2, w, h }, plain);
      return;
    }
    if (envelope.nodes.length === 0) return;
    this.#pastes = { text, times: this.#pastes.text === text ? this.#pastes.times + 1 : 1 };
    const { nodes, edges } = placed(envelope, visible, this.#pastes.times);
    const pasted = this.#outbox.push({ type: 'paste', nodes, edges });
    const containers = nodes.filter(node => node.kind === 'container').map(node => node.id);
    if (containers.length > 0) {
      const one = containers.length === 1;
      this.#toasts.offer(one ? 'The same container, shown here too.' : 'The same containers, shown here too.', one ? 'Make a new one like it' : 'Make new ones like them',
        () => { void pasted.then(() => this.server.duplicateContainers(containers)); });
    }
    const inside = new Set(nodes.map(node => node.id));
    this.#selection.set(nodes.filter(node => !node.parent || !inside.has(node.parent)).map(node => node.id));
    this.#renderer.redraw();
  }
}

const OFFERED = [
  { value: 'note', label: 'Note' }, { value: 'rectangle', label: 'Rectangle' }, { value: 'rounded', label: 'Rounded' },
  { value: 'ellipse', label: 'Ellipse' }, { value: 'diamond', label: 'Diamond' }, { value: 'text', label: 'Text' },
];
