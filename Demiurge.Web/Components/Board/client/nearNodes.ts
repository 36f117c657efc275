import type { Camera } from './camera';
import type { BoardNode } from './codec';
import type { Rect } from './geometry';
import { cssColour } from './palette';
import type { Scene } from './scene';
import { outlineData, traitsOf } from './shapes';

/** Below this zoom everything is drawn on the canvas. */
export const DOM_FROM_ZOOM = 0.3;
const SVG = 'http://www.w3.org/2000/svg';

interface Near { element: HTMLElement; standIn: boolean; node: BoardNode | null; box: Rect | null; rank: number }

/**
 * The elements whose content Blazor renders for nodes near the viewport. This class gives them their place, size, paint
 * order, colours and outline; what is inside them, when they come and when they go is Blazor's.
 *
 * A node that was created here a moment ago has no element yet. It gets a stand-in, so that it does not show up below its
 * neighbours first and above them a round trip later.
 */
export class NearNodes {
  readonly #near = new Map<string, Near>();
  readonly #observer: MutationObserver;
  #shown = true;
  #lifted = new Set<string>();
  #editing: ReadonlySet<string> = new Set();

  constructor(
    private readonly host: HTMLElement,
    private readonly scene: Scene,
    /** An element came or went: the canvas has to hide or show that node. */
    private readonly changed: (area: Rect | null) => void,
  ) {
    this.host.classList.add('board-nodes');
    this.#observer = new MutationObserver(records => this.#observed(records));
    this.#observer.observe(this.host, { childList: true });
    for (const child of this.host.children) this.#add(child);
  }

  /** Does an element show this node right now, so that the canvas need not? */
  shows(node: BoardNode): boolean { return this.#shown && node.kind !== 'frame' && this.#near.has(node.id); }

  element(id: string): HTMLElement | undefined { return this.#near.get(id)?.element; }

  camera(camera: Camera, moving: boolean): void {
    const shown = camera.zoom >= DOM_FROM_ZOOM;
    if (shown !== this.#shown) { this.#shown = shown; this.host.style.visibility = shown ? '' : 'hidden'; this.changed(null); }
    if (!shown) return;
    // While the camera moves the layer is only composited; letting go of the hint afterwards makes the text crisp again.
    this.host.style.willChange = moving ? 'transform' : '';
    this.host.style.transform = `translate(${-camera.x * camera.zoom}px, ${-camera.y * camera.zoom}px) scale(${camera.zoom})`;
  }

  /** Puts the named nodes (all when null) where the scene says they are. */
  place(ids: Iterable<string> | null): void {
    for (const id of ids ?? this.#near.keys()) {
      const near = this.#near.get(id) ?? this.#standIn(id);
      if (near) this.#place(near, id);
    }
  }

  #standIn(id: string): Near | undefined {
    const node = this.scene.nodes.get(id);
    if (!node || !this.#shown || node.kind === 'frame' || !this.scene.isUnconfirmed(id)) return undefined;
    const element = document.createElement('div'), text = document.createElement('div');
    element.className = 'node';
    element.dataset['kind'] = node.kind;
    text.className = 'node-text';
    text.textContent = node.label;
    element.append(text);
    this.host.append(element);
    const near: Near = { element, standIn: true, node: null, box: null, rank: -1 };
    this.#near.set(id, near);
    return near;
  }

  /** Follows the boxes in motion; call once a frame while there are any, and once after. */
  placeLifted(): void {
    const now = new Set<string>();
    for (const id of this.scene.lifted.keys()) if (this.#near.has(id)) now.add(id);
    for (const id of this.#lifted) if (!now.has(id)) this.place([id]);
    this.place(now);
    this.#lifted = now;
  }

  /** Hides the text of the nodes that a field covers. */
  editing(ids: ReadonlySet<string>): void {
    this.#editing = ids;
    for (const [id, near] of this.#near) near.element.toggleAttribute('data-editing', ids.has(id));
  }

  dispose(): void { this.#observer.disconnect(); }

  #observed(records: MutationRecord[]): void {
    for (const record of records) {
      for (const removed of record.removedNodes) {
        if (!(removed instanceof HTMLElement) || removed.isConnected) continue;
        const id = removed.dataset['id'];
        if (id && this.#near.get(id)?.element === removed) {
          this.#near.delete(id);
          const node = this.scene.nodes.get(id);
          if (node) this.changed(node);
        }
      }
      for (const added of record.addedNodes) this.#add(added);
    }
  }

  #add(child: globalThis.Node): void {
    if (!(child instanceof HTMLElement)) return;
    const id = child.dataset['id'];
    if (!id) return;
    const near: Near = { element: child, standIn: false, node: null, box: null, rank: -1 };
    const before = this.#near.get(id);
    if (before?.standIn) before.element.remove();
    this.#near.set(id, near);
    child.toggleAttribute('data-editing', this.#editing.has(id));
    this.#place(near, id);
    const node = this.scene.nodes.get(id);
    if (node) this.changed(node);
  }

  #place(near: Near, id: string): void {
    const node = this.scene.nodes.get(id), box = this.scene.box(id), style = near.element.style;
    if (!node || !box) {
      if (near.standIn) { near.element.remove(); this.#near.delete(id); }
      near.element.removeAttribute('data-placed');
      near.node = null; near.box = null;
      return;
    }
    const rank = this.scene.rank(id);
    if (near.rank !== rank) { near.rank = rank; style.zIndex = String(rank); }
    if (near.box?.x !== box.x || near.box.y !== box.y) style.transform = `translate(${box.x}px, ${box.y}px)`;
    const sized = near.box?.w !== box.w || near.box.h !== box.h;
    if (sized) { style.width = `${box.w}px`; style.height = `${box.h}px`; }
    near.box = { x: box.x, y: box.y, w: box.w, h: box.h };
    if (near.node !== node) { this.#paint(near.element, node); near.element.setAttribute('data-placed', ''); }
    if (sized || near.node?.kind !== node.kind) this.#outline(near.element, node, box);
    near.node = node;
  }

  #paint(element: HTMLElement, node: BoardNode): void {
    const traits = traitsOf(node.kind), style = element.style;
    style.setProperty('--node-fill', cssColour('fill', node.fill || traits.fill));
    style.setProperty('--node-stroke', cssColour('stroke', node.stroke || traits.stroke));
    style.setProperty('--node-ink', node.color ? cssColour('text', node.color) : 'var(--board-ink)');
    style.setProperty('--node-font-size', `${node.fontSize || traits.fontSize}px`);
    style.setProperty('--node-align', node.align || traits.align);
    style.setProperty('--node-justify', traits.middle ? 'center' : 'flex-start');
    style.setProperty('--node-headroom', `${traits.headroom * 100}%`);
    style.setProperty('--node-padding-block', traits.middle ? '4px' : `${traits.padding}px`);
    style.setProperty('--node-padding', `${traits.padding}px`);
    element.toggleAttribute('data-locked', node.locked);
  }

  #outline(element: HTMLElement, node: BoardNode, box: Rect): void {
    let svg = element.querySelector<SVGSVGElement>(':scope > svg.node-outline');
    if (node.kind === 'text' || node.kind === 'frame' || node.kind === 'container') { svg?.remove(); return; }
    if (!svg) {
      svg = document.createElementNS(SVG, 'svg');
      svg.setAttribute('class', 'node-outline');
      svg.setAttribute('aria-hidden', 'true');
      svg.append(document.createElementNS(SVG, 'path'), document.createElementNS(SVG, 'path'));
      element.prepend(svg);
    }
    const { outline, detail } = outlineData(node.kind, box.w, box.h);
    svg.children[0]!.setAttribute('d', outline);
    svg.children[1]!.setAttribute('d', detail);
    svg.children[1]!.setAttribute('class', 'node-detail');
  }
}
