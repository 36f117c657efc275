/** Ids of selected nodes and edges. */
export class Selection {
  #ids: ReadonlySet<string> = new Set();
  version = 0;

  constructor(private readonly changed: () => void = () => undefined) {}

  get ids(): ReadonlySet<string> { return this.#ids; }
  get size(): number { return this.#ids.size; }
  has(id: string): boolean { return this.#ids.has(id); }

  set(ids: Iterable<string>): void {
    const next = new Set(ids);
    if (next.size === this.#ids.size && [...next].every(id => this.#ids.has(id))) return;
    this.#ids = next;
    this.version++;
    this.changed();
  }

  toggle(id: string): void {
    const next = new Set(this.#ids);
    if (!next.delete(id)) next.add(id);
    this.set(next);
  }

  clear(): void { this.set([]); }

  /** Forgets what no longer exists. */
  keep(exists: (id: string) => boolean): void {
    if ([...this.#ids].some(id => !exists(id))) this.set([...this.#ids].filter(exists));
  }
}
