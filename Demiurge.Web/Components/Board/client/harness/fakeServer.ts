import { decodeFrame, encodeFrame, type BoardEdge, type BoardNode, type SceneRecord } from '../codec';
import type { BoardCommand } from '../commands';
import { grow, intersects } from '../geometry';
import { predict } from '../predict';
import type { PersonState } from '../presence';
import { Scene } from '../scene';
import type { Answer, DotNetObject, PresenceUpdate, TextAnswer } from '../server';
import { applyDelta, transform, type Delta } from '../text/ot';
import type { BoardHandle } from '../board';

interface View { x: number; y: number; w: number; h: number; zoom: number }
interface SharedText { version: number; text: string; log: Delta[] }

/** The server's half of the board in memory: enough to drive the module without the server. */
export class FakeServer {
  readonly scene = new Scene();
  readonly circuits = new Set<FakeCircuit>();
  readonly bots: PersonState[] = [];
  readonly #texts = new Map<string, SharedText>();
  /** Refuses batches for which it returns a reason. */
  refuse: (commands: BoardCommand[]) => string | null = () => null;

  constructor(public latency = 0) {}

  load(nodes: BoardNode[], edges: BoardEdge[]): void {
    this.#publish([...nodes.map(node => ({ op: 'node', node }) as const), ...edges.map(edge => ({ op: 'edge', edge }) as const)]);
  }

  apply(commands: BoardCommand[]): Answer {
    const error = this.refuse(commands);
    if (error) return { accepted: false, error };
    for (const command of commands) {
      // Each on top of the one before, as the server does.
      const { nodes, edges } = predict(this.scene, [command]);
      const records: SceneRecord[] = [];
      for (const [id, effect] of nodes) {
        if (effect === null) records.push({ op: 'removeNode', id });
        else records.push({ op: 'node', node: { ...this.scene.nodes.get(id), ...effect, id } as BoardNode });
      }
      for (const [id, effect] of edges) {
        if (effect === null) records.push({ op: 'removeEdge', id });
        else records.push({ op: 'edge', edge: { ...this.scene.edges.get(id), ...effect, id } as BoardEdge });
      }
      if (command.type === 'create' && command.node.text) this.#textOf(command.node.id).text = command.node.text;
      if (command.type === 'paste') for (const node of command.nodes) if (node.text) this.#textOf(node.id).text = node.text;
      if (command.type === 'duplicate') for (const [old, id] of Object.entries(command.map)) if (this.#texts.has(old)) this.#textOf(id).text = this.text(old);
      this.#publish(records);
    }
    return { accepted: true };
  }

  text(id: string): string { return this.#texts.get(id)?.text ?? this.scene.nodes.get(id)?.label ?? ''; }

  openText(id: string): TextAnswer {
    if (!this.scene.nodes.has(id)) return { version: 0, error: 'This text is gone: somebody deleted it.' };
    const { version, text } = this.#textOf(id);
    return { version, text };
  }

  editText(id: string, version: number, delta: Delta, from: FakeCircuit | null): TextAnswer {
    const shared = this.#textOf(id), node = this.scene.nodes.get(id);
    if (!node) return { version: 0, error: 'This text is gone: somebody deleted it.' };
    let mine = delta;
    for (const earlier of shared.log.slice(version)) mine = transform(mine, earlier, true);
    shared.text = applyDelta(shared.text, mine);
    shared.log.push(mine);
    shared.version++;
    const became = shared.version;
    this.#publish([{ op: 'node', node: { ...node, label: shared.text.slice(0, 80), hasText: shared.text !== '' } }]);
    for (const circuit of this.circuits) if (circuit !== from) circuit.later(handle => handle.textDelta(id, became, JSON.stringify(mine)));
    return { version: became };
  }

  #textOf(id: string): SharedText {
    let shared = this.#texts.get(id);
    if (!shared) this.#texts.set(id, shared = { version: 0, text: this.scene.nodes.get(id)?.label ?? '', log: [] });
    return shared;
  }

  #publish(records: SceneRecord[]): void {
    this.scene.applyFrame(decodeFrame(encodeFrame({ reset: false, applied: 0, records })));
    for (const circuit of this.circuits) circuit.feed(records);
  }

  presenceChanged(): void {
    for (const circuit of this.circuits) {
      const others = [...this.circuits].filter(c => c !== circuit).map(c => c.person).concat(this.bots);
      const json = JSON.stringify(others);
      circuit.later(handle => handle.presence(json));
    }
  }
}

/** One page's connection: what Blazor's circuit would be, with a delay each way, and Blazor's rendering of near nodes. */
export class FakeCircuit implements DotNetObject {
  handle: BoardHandle | null = null;
  readonly person: PersonState;
  readonly calls: Record<string, number> = {};
  #applied = 0;
  view: View = { x: 0, y: 0, w: 0, h: 0, zoom: 0 };
  #rendering = 0;

  constructor(private readonly server: FakeServer, private readonly nodesHost: HTMLElement, key: string, name: string, color: string) {
    this.person = { key, name, color, cursor: null, selection: [], editing: null, drag: null };
    server.circuits.add(this);
    server.scene.onChange(() => this.#render());
  }

  connect(handle: BoardHandle): void {
    this.handle = handle;
    const { nodes, edges } = this.server.scene;
    this.#send([...[...nodes.values()].map(node => ({ op: 'node', node }) as const), ...[...edges.values()].map(edge => ({ op: 'edge', edge }) as const)], true);
    this.server.presenceChanged();
  }

  later(what: (handle: BoardHandle) => void): void {
    setTimeout(() => { if (this.handle) what(this.handle); }, this.server.latency / 2);
  }

  feed(records: SceneRecord[]): void { this.#send(records, false); }

  async invokeMethodAsync<T>(method: string, ...args: unknown[]): Promise<T> {
    this.calls[method] = (this.calls[method] ?? 0) + 1;
    const sent = structuredClone(args);
    await this.#delay();
    const result = this.#run(method, sent);
    await this.#delay();
    return result as T;
  }

  #run(method: string, args: unknown[]): unknown {
    const { server } = this;
    switch (method) {
      case 'Apply': {
        const answer = server.apply(args[1] as BoardCommand[]);
        this.#applied = args[0] as number;
        this.#send([], false);
        return answer;
      }
      case 'OpenText': return server.openText(args[0] as string);
      case 'EditText': return server.editText(args[0] as string, args[1] as number, args[2] as Delta, this);
      case 'SetPresence': Object.assign(this.person, args[0] as PresenceUpdate); server.presenceChanged(); return null;
      case 'SetViewport': this.view = args[0] as View; this.#render(); return null;
      case 'Copy': return null;
      default: return null;
    }
  }

  #delay(): Promise<void> {
    const { latency } = this.server;
    return latency > 0 ? new Promise(resolve => setTimeout(resolve, latency / 2)) : Promise.resolve();
  }

  #send(records: SceneRecord[], reset: boolean): void {
    const bytes = encodeFrame({ reset, applied: this.#applied, records });
    this.later(handle => handle.scene(bytes));
  }

  /** What Blazor does, and as late: elements for nodes near the viewport. */
  #render(): void {
    this.#rendering ||= window.setTimeout(() => {
      this.#rendering = 0;
      const near = new Map<string, BoardNode>();
      const { x, y, w, h, zoom } = this.view;
      if (zoom >= 0.3) {
        const around = grow({ x, y, w, h }, Math.max(w, h) / 2);
        for (const node of this.server.scene.nodesIn(around)) if (near.size < 300 && intersects(node, around)) near.set(node.id, node);
      }
      const present = new Map([...this.nodesHost.children].map(e => [(e as HTMLElement).dataset['id']!, e as HTMLElement]));
      for (const [id, element] of present) if (!near.has(id)) element.remove();
      for (const [id, node] of near) {
        let element = present.get(id);
        if (!element) {
          element = document.createElement('div');
          element.className = 'node';
          element.dataset['id'] = id; element.dataset['kind'] = node.kind;
          const text = document.createElement('div');
          text.className = 'node-text';
          element.append(text);
          this.nodesHost.append(element);
        }
        const text = element.querySelector('.node-text')!, value = this.server.text(id);
        if (text.textContent !== value) text.textContent = value;
      }
    }, this.server.latency / 2);
  }
}
