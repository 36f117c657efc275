import type { BoardCommand } from './commands';
import type { Delta } from './text/ot';

export interface Answer { accepted: boolean; error?: string | null }
/** A container that no node shows any more after a step back or forth. */
export interface LeftContainer { id: string; name: string; mayDelete: boolean }
export interface StepAnswer extends Answer { left?: LeftContainer[] | null }
/**
 * With `text`, the text as it is now: the client starts over from it, because its edit was refused (`error`) or had been carried out
 * before; then the text contains the page's edits up to number `edit`.
 */
export interface TextAnswer { version: number; text?: string | null; error?: string | null; edit?: number | null }

export interface PresenceUpdate {
  cursor: [number, number] | null;
  selection: string[];
  editing: string | null;
  /** Boxes in motion of the topmost moved nodes: [x, y] while moving, [x, y, w, h] while resizing. */
  drag: Record<string, number[]> | null;
}

/** What this module asks of the circuit; the names and shapes are those of the component's JSInvokable methods. */
export interface BoardServer {
  apply(batch: number, commands: BoardCommand[]): Promise<Answer>;
  undo(): Promise<StepAnswer | void>;
  redo(): Promise<StepAnswer | void>;
  openText(id: string): Promise<TextAnswer>;
  /** `number` rises from 1 over all texts; an edit may be sent again under its number and is carried out once. */
  editText(id: string, version: number, delta: Delta, number: number): Promise<TextAnswer>;
  closeText(id: string): Promise<void>;
  setViewport(view: { x: number; y: number; w: number; h: number; zoom: number }): void;
  setPresence(presence: PresenceUpdate): void;
  copy(ids: string[]): Promise<string | null>;
  /** Opens the dialog for a new container whose node's middle goes there. */
  newContainer(template: string | null, x: number, y: number): void;
  /** Makes a container of that template there, with what the template proposes; where it has to ask, opens the dialog. */
  placeContainer(template: string, x: number, y: number): void;
  /** Deletes containers that are on the board no more. */
  deleteLeftContainers(ids: string[]): void;
  /** Asks what becomes of the containers that these nodes show, then deletes the nodes. */
  deleteContainers(ids: string[]): void;
  /** Gives these nodes containers of their own, made like the ones that they show. */
  duplicateContainers(ids: string[]): void;
}

/** Blazor's object reference, of which only this is used. */
export interface DotNetObject { invokeMethodAsync<T>(method: string, ...args: unknown[]): Promise<T> }

/** A call that is on its way when the circuit is lost is never answered, or fails; notifications fail quietly. */
export function overCircuit(dotnet: DotNetObject): BoardServer {
  const tell = (method: string, ...args: unknown[]): void => { dotnet.invokeMethodAsync(method, ...args).catch(() => undefined); };
  return {
    apply: (batch, commands) => dotnet.invokeMethodAsync('Apply', batch, commands),
    undo: () => dotnet.invokeMethodAsync('Undo'),
    redo: () => dotnet.invokeMethodAsync('Redo'),
    openText: id => dotnet.invokeMethodAsync('OpenText', id),
    editText: (id, version, delta, number) => dotnet.invokeMethodAsync('EditText', id, version, delta, number),
    closeText: id => dotnet.invokeMethodAsync('CloseText', id),
    setViewport: view => tell('SetViewport', view),
    setPresence: presence => tell('SetPresence', presence),
    copy: ids => dotnet.invokeMethodAsync('Copy', ids),
    newContainer: (template, x, y) => tell('NewContainer', template, x, y),
    placeContainer: (template, x, y) => tell('PlaceContainer', template, x, y),
    deleteLeftContainers: ids => tell('DeleteLeftContainers', ids),
    deleteContainers: ids => tell('DeleteContainers', ids),
    duplicateContainers: ids => tell('DuplicateContainers', ids),
  };
}
