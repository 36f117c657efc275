import type { Camera } from './camera';
import { contains, distance, grow, type Point } from './geometry';
import { begin, doubleClick } from './gestures/begin';
import type { Gesture, Pointer } from './gestures/gesture';
import { Pan } from './gestures/pan';
import { hitTest, PORT_OFFSET, type Handle, type Hit } from './hit';
import type { Workspace } from './workspace';

/** A second press within this time and distance is a double click. */
const DOUBLE = 350;
/** Scrolling begins this near to the border and is this fast at it, in CSS pixels (a second). */
const SCROLL_BAND = 28;
const SCROLL_SPEED = 900;

/**
 * Turns pointer and wheel events of the stage into gestures: at most one at a time; two fingers end it and pinch instead.
 * Pointer moves are taken once a frame.
 */
export class Input {
  tool = 'select';
  /** While the space bar is held every press pans. */
  panning = false;
  /** Where the pointer is, null when it is not over the board. */
  pointer: Pointer | null = null;
  readonly #touches = new Map<number, Point>();
  readonly #stop = new AbortController();
  #gesture: Gesture | null = null;
  #gesturePointer = -1;
  #pinch: { distance: number; middle: Point } | null = null;
  #pending: Pointer | null = null;
  #lastPress: { at: number; screen: Point } | null = null;
  #lastFrame = 0;
  #box: DOMRect | null = null;
  #pressing: 'double' | null = null;

  constructor(
    private readonly stage: HTMLElement,
    private readonly workspace: Workspace,
    private readonly camera: Camera,
    private readonly hooks: {
      /** A press is about to begin: editors commit, menus close. True swallows it. */
      pressed(event: PointerEvent): boolean;
      menu(hit: Hit, screen: Point): void;
      moved(pointer: Pointer | null): void;
    },
  ) {
    const options = { signal: this.#stop.signal };
    stage.addEventListener('pointerdown', event => this.#down(event), options);
    stage.addEventListener('pointermove', event => this.#move(event), options);
    stage.addEventListener('pointerup', event => this.#up(event), options);
    stage.addEventListener('pointercancel', event => this.#cancelled(event), options);
    stage.addEventListener('pointerleave', event => { if (event.pointerType !== 'touch' && !this.#gesture) this.#left(); }, options);
    stage.addEventListener('wheel', event => this.#wheel(event), { passive: false, signal: this.#stop.signal });
    stage.addEventListener('contextmenu', event => this.#menu(event), options);
    stage.addEventListener('dragstart', event => event.preventDefault(), options);
    // Safari's own pinch events would zoom the page.
    for (const name of ['gesturestart', 'gesturechange']) stage.addEventListener(name, event => event.preventDefault(), options);
    for (const name of ['keydown', 'keyup'] as const) {
      window.addEventListener(name, event => { if (event.key === 'Shift' || event.key === 'Alt' || event.key === 'Control' || event.key === 'Meta') this.#modifiers(event); }, options);
    }
  }

  get active(): boolean { return this.#gesture !== null || this.#pinch !== null; }

  /** Abandons the gesture under way. False when there is none. */
  cancel(): boolean {
    if (!this.#gesture) return false;
    const gesture = this.#gesture;
    this.#finish();
    gesture.cancel();
    return true;
  }

  dispose(): void { this.cancel(); this.#stop.abort(); }

  /** Once a frame: the latest pointer position, and scrolling at the border. True while it has to go on. */
  tick(now: number): boolean {
    const elapsed = Math.min(50, now - this.#lastFrame);
    this.#lastFrame = now;
    this.#box = null;
    const pending = this.#pending;
    this.#pending = null;
    if (pending && this.#gesture) { this.#gesture.move(this.#reread(pending)); this.#cursor(); }
    else if (pending) this.#hover(pending);
    if (pending) this.hooks.moved(pending);
    if (!this.#gesture?.scrolls || !this.pointer) return false;
    const { x, y } = this.pointer.screen, { width, height } = this.camera;
    const push = (at: number, size: number): number => at < SCROLL_BAND ? at - SCROLL_BAND : at > size - SCROLL_BAND ? at - size + SCROLL_BAND : 0;
    const pace = (amount: number): number => Math.max(-1, Math.min(1, amount / SCROLL_BAND)) * SCROLL_SPEED * elapsed / 1000;
    const dx = pace(push(x, width)), dy = pace(push(y, height));
    if ((dx === 0 && dy === 0) || !this.#dragging()) return false;
    this.camera.panBy(-dx, -dy);
    this.#gesture.move(this.#reread(this.pointer));
    return true;
  }

  #dragging(): boolean { return this.workspace.feedback.busy; }

  #reread(pointer: Pointer): Pointer { return this.pointer = { ...pointer, board: this.camera.toBoard(pointer.screen) }; }

  #read(event: PointerEvent | MouseEvent): Pointer {
    // Once a frame: reading it after a style change makes the browser lay out the page.
    const box = this.#box ??= this.stage.getBoundingClientRect();
    const screen = { x: event.clientX - box.left, y: event.clientY - box.top };
    return {
      screen, board: this.camera.toBoard(screen), shift: event.shiftKey, alt: event.altKey, mod: event.ctrlKey || event.metaKey,
      touch: 'pointerType' in event && event.pointerType === 'touch',
    };
  }

  #hit(pointer: Pointer): Hit {
    const { scene, selection, viewer, feedback } = this.workspace;
    return hitTest(scene, this.camera, selection, pointer.screen, { touch: pointer.touch, viewer, hovered: feedback.hovered });
  }

  #down(event: PointerEvent): void {
    if (this.hooks.pressed(event)) return;
    const pointer = this.#read(event);
    this.pointer = pointer;
    if (event.pointerType === 'touch') {
      this.#touches.set(event.pointerId, pointer.screen);
      if (this.#touches.size === 2) { this.cancel(); this.#startPinch(); return; }
      if (this.#touches.size > 2) return;
    }
    if (this.#gesture) return;
    const pans = event.button === 1 || (event.button === 0 && this.panning);
    if (event.button !== 0 && !pans) return;
    event.preventDefault();
    try { this.stage.setPointerCapture(event.pointerId); } catch { /* the pointer is gone already */ }
    this.#gesturePointer = event.pointerId;
    const now = event.timeStamp;
    const double = !pans && this.tool === 'select' && this.#lastPress !== null
      && now - this.#lastPress.at < DOUBLE && distance(this.#lastPress.screen, pointer.screen) < (pointer.touch ? 24 : 6);
    this.#lastPress = double ? null : { at: now, screen: pointer.screen };
    this.#pressing = double ? 'double' : null;
    this.camera.set(this.camera);
    this.#gesture = pans ? new Pan(this.camera, pointer, () => this.workspace.redraw()) : begin(this.workspace, this.tool, this.#hit(pointer), pointer);
    this.#cursor();
    this.workspace.redraw();
  }

  #move(event: PointerEvent): void {
    const pointer = this.#read(event);
    if (event.pointerType === 'touch' && this.#touches.has(event.pointerId)) {
      this.#touches.set(event.pointerId, pointer.screen);
      if (this.#pinch) { this.#movePinch(); return; }
    }
    if (this.#gesture && event.pointerId !== this.#gesturePointer) return;
    this.pointer = pointer;
    this.#pending = pointer;
    this.workspace.redraw();
  }

  #up(event: PointerEvent): void {
    this.#touches.delete(event.pointerId);
    if (this.#pinch && this.#touches.size < 2) { this.#pinch = null; return; }
    if (!this.#gesture || event.pointerId !== this.#gesturePointer) return;
    const pointer = this.#read(event), gesture = this.#gesture, double = this.#pressing === 'double';
    this.pointer = pointer;
    gesture.move(pointer);
    this.#finish();
    gesture.end(pointer);
    if (double && this.#lastPress === null) doubleClick(this.workspace, this.#hit(pointer), pointer);
    this.#hover(pointer);
    this.workspace.redraw();
  }

  #cancelled(event: PointerEvent): void {
    this.#touches.delete(event.pointerId);
    if (this.#touches.size < 2) this.#pinch = null;
    if (event.pointerId === this.#gesturePointer) this.cancel();
  }

  #finish(): void {
    this.#gesture = null;
    this.#pending = null;
    try { if (this.stage.hasPointerCapture(this.#gesturePointer)) this.stage.releasePointerCapture(this.#gesturePointer); } catch { /* gone */ }
    this.#gesturePointer = -1;
    this.stage.style.cursor = '';
  }

  #left(): void {
    this.pointer = null;
    this.workspace.feedback.hovered = null;
    this.hooks.moved(null);
    this.workspace.redraw();
  }

  #modifiers(event: KeyboardEvent): void {
    if (!this.#gesture || !this.pointer) return;
    this.#pending = { ...this.pointer, shift: event.shiftKey, alt: event.altKey, mod: event.ctrlKey || event.metaKey };
    if (event.key === 'Alt') event.preventDefault();
    this.workspace.redraw();
  }

  #hover(pointer: Pointer): void {
    const { feedback } = this.workspace;
    this.pointer = pointer;
    const hit = pointer.touch || this.panning || this.tool === 'hand' ? null : this.#hit(pointer);
    const hovered = hit?.on === 'node' && hit.part === 'body' || hit?.on === 'port' ? hit.node.id : this.#stillHovered(pointer);
    if (feedback.hovered !== hovered && !feedback.connection) { feedback.hovered = hovered; this.workspace.redraw(); }
    this.#cursor(hit);
  }

  /** On the way from a node to its connection handles the pointer crosses what is beside it. */
  #stillHovered(pointer: Pointer): string | null {
    const { feedback, scene } = this.workspace, box = feedback.hovered ? scene.box(feedback.hovered) : undefined;
    return box && contains(grow(box, (PORT_OFFSET + 10) / this.camera.zoom), pointer.board) ? feedback.hovered : null;
  }

  #cursor(hit: Hit = null): void {
    this.stage.style.cursor = this.#gesture ? this.#gesture.cursor ?? '' : this.panning || this.tool === 'hand' ? 'grab'
      : this.workspace.viewer ? '' : this.tool === 'connector' ? 'crosshair'
      : this.tool !== 'select' ? (this.tool === 'text' ? 'text' : 'crosshair') : cursorFor(hit);
  }

  #wheel(event: WheelEvent): void {
    if ((event.target as Element | null)?.closest?.('textarea, [data-board-scrolls], [data-interacting] [data-board-live]')) return;
    event.preventDefault();
    const pointer = this.#read(event);
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? this.camera.height : 1;
    if (event.ctrlKey || event.metaKey) {
      // A pinch on a trackpad arrives as a wheel with ctrl and small deltas, a wheel's notch with large ones.
      const delta = Math.max(-60, Math.min(60, event.deltaY * unit));
      this.camera.zoomBy(Math.exp(-delta * 0.008), pointer.screen);
    } else if (event.shiftKey && event.deltaX === 0) this.camera.panBy(-event.deltaY * unit, 0);
    else this.camera.panBy(-event.deltaX * unit, -event.deltaY * unit);
    if (this.#gesture) this.#pending = this.pointer;
    this.workspace.redraw();
  }

  #menu(event: MouseEvent): void {
    if ((event.target as Element | null)?.closest?.('textarea, [data-interacting] [data-board-live]')) return;
    event.preventDefault();
    if (this.#gesture) return;
    const pointer = this.#read(event), hit = this.#hit(pointer), { selection } = this.workspace;
    const id = hit?.on === 'node' ? hit.node.id : hit?.on === 'edge' ? hit.edge.id : null;
    if (id && !selection.has(id)) selection.set([id]);
    if (!id && hit?.on !== 'handle') selection.clear();
    this.hooks.menu(hit, pointer.screen);
  }

  #startPinch(): void {
    const [a, b] = [...this.#touches.values()] as [Point, Point];
    this.#pinch = { distance: distance(a, b), middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } };
  }

  #movePinch(): void {
    const before = this.#pinch!;
    this.#startPinch();
    const now = this.#pinch!;
    this.camera.panBy(now.middle.x - before.middle.x, now.middle.y - before.middle.y);
    if (before.distance > 0) this.camera.zoomBy(now.distance / before.distance, now.middle);
    this.workspace.redraw();
  }
}

const RESIZE_CURSOR: Record<Handle, string> = { nw: 'nwse-resize', se: 'nwse-resize', ne: 'nesw-resize', sw: 'nesw-resize', n: 'ns-resize', s: 'ns-resize', e: 'ew-resize', w: 'ew-resize' };

function cursorFor(hit: Hit): string {
  switch (hit?.on) {
    case 'handle': return RESIZE_CURSOR[hit.handle];
    case 'port': return 'crosshair';
    case 'end': return 'grab';
    case 'node': return hit.part === 'inside' ? '' : 'move';
    case 'edge': return 'pointer';
    default: return '';
  }
}
