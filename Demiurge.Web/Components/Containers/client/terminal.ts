/**
 * A container's shared terminal in a page: xterm.js on one end, the gateway's WebSocket on the other. Bytes from the shell come as
 * binary messages; what goes to it is binary too. Text messages are JSON and about the session (wire.ts).
 */
import { FitAddon } from '@xterm/addon-fit';
import { Terminal, type ITheme } from '@xterm/xterm';
import { PointerScale } from './pointerScale';
import { afterClose, Backoff, readMessage, sizeMessage, type Link, type SessionMessage } from './wire';

/** The Blazor component, of which only this is used. */
interface DotNet { invokeMethodAsync<T>(method: string, ...args: unknown[]): Promise<T> }

interface Address { url: string | null; readOnly: boolean; error: string | null }

export interface TerminalHandle { focus(): void; dispose(): void }

const SCROLLBACK = 5000;
/** Resizes that follow one another faster than this are one. */
const RESIZE_AFTER = 120;

export function open(host: HTMLElement, dotnet: DotNet, options: { name: string; focus?: boolean }): TerminalHandle {
  return new SharedTerminal(host, dotnet, options);
}

class SharedTerminal implements TerminalHandle {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #status = document.createElement('div');
  readonly #watchers = document.createElement('span');
  readonly #stop = new AbortController();
  readonly #backoff = new Backoff();
  readonly #observer: ResizeObserver;
  readonly #scale: PointerScale;
  #socket: WebSocket | null = null;
  #link: Link = 'connecting';
  #readOnly = true;
  #ended = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #resizing: ReturnType<typeof setTimeout> | undefined;
  #sentSize = '';

  constructor(private readonly host: HTMLElement, private readonly dotnet: DotNet, options: { name: string; focus?: boolean }) {
    host.replaceChildren();
    this.#status.className = 'ct-status';
    this.#status.setAttribute('role', 'status');
    this.#terminal = new Terminal({
      fontFamily: getComputedStyle(host).getPropertyValue('--mono') || 'monospace', fontSize: 13, lineHeight: 1.2, scrollback: SCROLLBACK, cursorBlink: false,
      theme: themeOf(host), disableStdin: true, allowProposedApi: false, macOptionIsMeta: true, screenReaderMode: false,
    });
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.open(host);
    this.#watchers.className = 'ct-watchers';
    this.#watchers.hidden = true;
    host.append(this.#watchers, this.#status);
    this.#scale = new PointerScale(host);
    this.#terminal.textarea?.setAttribute('aria-label', `Terminal of ${options.name}`);
    this.#terminal.onData(data => this.#send(new TextEncoder().encode(data)));
    this.#terminal.onBinary(data => this.#send(Uint8Array.from(data, c => c.charCodeAt(0))));
    this.#terminal.attachCustomKeyEventHandler(event => this.#key(event));
    this.#observer = new ResizeObserver(() => this.#resized());
    this.#observer.observe(host);
    const repaint = (): void => { this.#terminal.options.theme = themeOf(host); };
    const theme = new MutationObserver(repaint);
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint, { signal: this.#stop.signal });
    this.#stop.signal.addEventListener('abort', () => theme.disconnect());
    window.addEventListener('online', () => this.#hasten(), { signal: this.#stop.signal });
    this.#refit();
    void this.#connect();
    if (options.focus) this.focus();
  }

  focus(): void { this.#terminal.focus(); }

  dispose(): void {
    this.#stop.abort();
    clearTimeout(this.#retry);
    clearTimeout(this.#resizing);
    this.#observer.disconnect();
    this.#scale.dispose();
    this.#socket?.close(1000);
    this.#terminal.dispose();
    this.host.replaceChildren();
  }

  async #connect(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#show('connecting');
    let address: Address;
    try { address = await this.dotnet.invokeMethodAsync<Address>('Address'); } catch { this.#again(); return; }
    if (this.#stop.signal.aborted) return;
    if (!address.url) { this.#again(address.error ?? undefined); return; }
    this.#setReadOnly(address.readOnly);
    const size = this.#fit.proposeDimensions(), url = new URL(address.url);
    if (size && sizeMessage(size.cols, size.rows)) { url.searchParams.set('columns', String(size.cols)); url.searchParams.set('rows', String(size.rows)); }
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.onopen = () => { this.#sentSize = ''; this.#sendSize(); };
    socket.onmessage = event => this.#received(event.data as ArrayBuffer | string);
    socket.onclose = event => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      if (this.#ended) return;
      const next = afterClose(event.code);
      if (next === 'never') this.#show('refused', event.reason);
      else if (next === 'now' && this.#backoff.first) { this.#backoff.next(); void this.#connect(); }
      else this.#again(event.reason || undefined);
    };
  }

  #received(data: ArrayBuffer | string): void {
    if (typeof data !== 'string') {
      if (this.#link !== 'open') this.#show('open');
      this.#backoff.reset();
      this.#terminal.write(new Uint8Array(data));
      return;
    }
    const message = readMessage(data);
    if (message) this.#told(message);
  }

  #told(message: SessionMessage): void {
    switch (message.type) {
      case 'replay':
        // What the shell wrote so far follows: it replaces what this page had.
        this.#terminal.reset();
        this.#setReadOnly(message.readOnly);
        this.#show('open');
        break;
      case 'size':
        // The smallest of all windows decides, so that everybody sees the same lines.
        if (message.columns !== this.#terminal.cols || message.rows !== this.#terminal.rows) this.#terminal.resize(message.columns, message.rows);
        break;
      case 'watchers': {
        const names = message.watchers.map(watcher => watcher.name);
        this.#watchers.hidden = names.length < 2;
        this.#watchers.textContent = `${names.length} here`;
        this.#watchers.title = names.join(', ');
        break;
      }
      case 'exit':
        this.#ended = true;
        this.#show('ended', message.code === null ? 'The container ended.' : `The shell ended with code ${message.code}.`);
        break;
    }
  }

  #again(why?: string): void {
    if (this.#stop.signal.aborted) return;
    this.#show('lost', why);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#connect(), this.#backoff.next());
  }

  #hasten(): void {
    if (this.#link !== 'lost') return;
    clearTimeout(this.#retry);
    void this.#connect();
  }

  #send(bytes: Uint8Array): void {
    if (this.#ended && !this.#stop.signal.aborted) { this.#ended = false; this.#backoff.reset(); void this.#connect(); return; }
    if (!this.#readOnly && this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(bytes as Uint8Array<ArrayBuffer>);
  }

  #setReadOnly(readOnly: boolean): void {
    this.#readOnly = readOnly;
    this.#terminal.options.disableStdin = readOnly;
    this.#terminal.options.cursorBlink = !readOnly;
    this.host.toggleAttribute('data-readonly', readOnly);
  }

  #show(link: Link, text?: string): void {
    this.#link = link;
    this.host.dataset['link'] = link;
    const words: Record<Link, string> = {
      connecting: 'Connecting…', open: '', refused: text ?? 'This terminal is closed to you.', lost: text ? `${text} Trying again…` : 'Connection lost. Trying again…',
      ended: `${text ?? 'The shell has ended.'} Press a key for a new one.`,
    };
    this.#status.textContent = words[link];
    this.#status.hidden = words[link] === '';
    if (link === 'ended') this.#terminal.options.disableStdin = false;
  }

  /** False: not for the shell. */
  #key(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown') return true;
    if (event.key === 'Escape' && event.shiftKey) {
      this.#terminal.blur();
      this.host.dispatchEvent(new CustomEvent('board-leave', { bubbles: true }));
      return false;
    }
    const mod = event.ctrlKey || event.metaKey;
    if (mod && event.shiftKey && event.code === 'KeyC') { event.preventDefault(); this.#copy(); return false; }
    // Ctrl+C interrupts, unless something is marked: then it copies, as on every other page.
    if (mod && !event.shiftKey && event.code === 'KeyC' && this.#terminal.hasSelection()) { event.preventDefault(); this.#copy(); return false; }
    // The browser pastes by itself, into xterm's field.
    if (mod && event.code === 'KeyV') return false;
    return true;
  }

  #copy(): void {
    const text = this.#terminal.getSelection();
    if (text) void navigator.clipboard.writeText(text).then(() => this.#terminal.clearSelection(), () => undefined);
  }

  #resized(): void {
    clearTimeout(this.#resizing);
    this.#resizing = setTimeout(() => this.#refit(), RESIZE_AFTER);
  }

  #refit(): void {
    if (this.#stop.signal.aborted || this.host.clientWidth === 0) return;
    const size = this.#fit.proposeDimensions();
    if (!size || !(size.cols > 1) || !(size.rows > 0)) return;
    if (this.#link !== 'open') this.#terminal.resize(size.cols, size.rows);
    this.#sendSize();
  }

  #sendSize(): void {
    const size = this.#fit.proposeDimensions();
    if (!size || this.#socket?.readyState !== WebSocket.OPEN) return;
    const message = sizeMessage(size.cols, size.rows);
    if (message === null || message === this.#sentSize) return;
    this.#sentSize = message;
    this.#socket.send(message);
  }
}

/** The site's own colours for the ground, and sixteen that read well on it. */
function themeOf(host: HTMLElement): ITheme {
  // The colours are light-dark() expressions: only an element that wears one knows what it comes to.
  const probe = host.ownerDocument.createElement('span');
  probe.hidden = true;
  host.append(probe);
  const of = (name: string): string => { probe.style.color = `var(--term-${name})`; return getComputedStyle(probe).color; };
  const theme: ITheme = { background: of('bg'), foreground: of('ink'), cursor: of('cursor'), cursorAccent: of('bg'), selectionBackground: of('selection') };
  for (const name of ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const) {
    theme[name] = of(name);
    theme[`bright${name[0]!.toUpperCase()}${name.slice(1)}` as 'brightRed'] = of(`bright-${name}`);
  }
  probe.remove();
  return theme;
}
