import type { Scene } from './scene';
import type { Selection } from './selection';

/**
 * The toolbar, menus and readouts around the board are Blazor's; what they do is bound here by attributes, so a click acts
 * at once: `data-tool`, `data-command` (+ `data-arg`) on buttons, `data-when` on what only shows for some selections.
 */
export class Chrome {
  readonly #stop = new AbortController();

  constructor(private readonly root: HTMLElement, hooks: { tool(name: string): void; command(name: string, arg: string | undefined, fromMenu: boolean): void }) {
    root.addEventListener('click', event => {
      const button = (event.target as Element | null)?.closest?.<HTMLElement>('[data-tool], [data-command]');
      if (!button || !root.contains(button) || button === root || button.hasAttribute('disabled') || button.getAttribute('aria-disabled') === 'true') return;
      const { tool, command, arg } = button.dataset;
      const menu = button.closest<HTMLElement>('[data-board="menu"]');
      if (menu) menu.hidden = true;
      const popover = button.closest('details');
      if (popover) popover.open = false;
      if (tool) hooks.tool(tool); else if (command) hooks.command(command, arg, menu !== null);
    }, { signal: this.#stop.signal });
  }

  part<T extends HTMLElement>(name: string): T | null { return this.root.querySelector<T>(`[data-board="${name}"]`); }

  tool(tool: string): void {
    this.root.dataset['tool'] = tool;
    for (const button of this.root.querySelectorAll<HTMLElement>('button[data-tool]')) {
      button.setAttribute('aria-pressed', String(button.dataset['tool'] === tool));
    }
  }

  zoom(zoom: number): void {
    const text = `${Math.round(zoom * 100)}%`, readout = this.part('zoom');
    if (readout && readout.textContent !== text) readout.textContent = text;
  }

  selection(scene: Scene, selection: Selection, viewer: boolean): void {
    let nodes = 0, edges = 0, locked = 0, containers = 0;
    for (const id of selection.ids) {
      const node = scene.nodes.get(id);
      if (node) { nodes++; if (node.locked) locked++; if (node.kind === 'container') containers++; } else if (scene.edges.has(id)) edges++;
    }
    const holds: Record<string, boolean> = {
      selection: nodes + edges > 0, node: nodes > 0, edge: edges > 0, canvas: nodes + edges === 0, multiple: nodes > 1, many: nodes > 2,
      locked: locked > 0 && locked === nodes, unlocked: nodes > 0 && locked < nodes, editor: !viewer, painted: nodes > containers, colourful: nodes > containers || edges > 0, container: containers > 0 && containers === nodes,
    };
    this.root.toggleAttribute('data-has-selection', nodes + edges > 0);
    for (const element of this.root.querySelectorAll<HTMLElement>('[data-when]')) {
      const show = (element.dataset['when'] ?? '').split(' ').every(name => holds[name] ?? true);
      if (element.hidden === show) element.hidden = !show;
    }
  }

  flag(name: string, on: boolean): void { if (this.root.hasAttribute(`data-${name}`) !== on) this.root.toggleAttribute(`data-${name}`, on); }

  dispose(): void { this.#stop.abort(); }
}
