import type { Camera } from './camera';
import { readable } from './palette';
import type { Presence } from './presence';

const SVG = 'http://www.w3.org/2000/svg';

/** The others' cursors with their names: elements, so that moving one repaints nothing. */
export class Cursors {
  readonly host = document.createElement('div');
  readonly #elements = new Map<string, HTMLElement>();

  constructor(private readonly presence: Presence, private readonly camera: Camera) {
    this.host.className = 'board-cursors';
    this.host.setAttribute('aria-hidden', 'true');
  }

  update(): void {
    for (const [key, element] of this.#elements) {
      if (this.presence.people.get(key)?.shown) continue;
      element.remove();
      this.#elements.delete(key);
    }
    for (const [key, person] of this.presence.people) {
      if (!person.shown) continue;
      const element = this.#elements.get(key) ?? this.#create(key);
      const name = element.lastElementChild as HTMLElement;
      if (name.textContent !== person.name) name.textContent = person.name;
      if (element.dataset['color'] !== person.color) {
        element.dataset['color'] = person.color;
        element.style.setProperty('--person', person.color);
        element.style.setProperty('--person-ink', readable(person.color));
      }
      const at = this.camera.toScreen(person.shown);
      const away = at.x < -40 || at.y < -40 || at.x > this.camera.width + 20 || at.y > this.camera.height + 20;
      element.hidden = away;
      if (!away) element.style.transform = `translate(${at.x}px, ${at.y}px)`;
    }
  }

  #create(key: string): HTMLElement {
    const element = document.createElement('div');
    element.className = 'board-cursor';
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('viewBox', '0 0 18 20');
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', 'M2 1.5v14.2l3.9-3.3 5.9-.4z');
    svg.append(path);
    const name = document.createElement('span');
    element.append(svg, name);
    this.host.append(element);
    this.#elements.set(key, element);
    return element;
  }
}
