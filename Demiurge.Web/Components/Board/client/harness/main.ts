/**
 * The board without its server: `?nodes=2000` a large board, `&latency=300` milliseconds both ways together, `&bot=1` a
 * second person who moves about, `&two=1` two boards side by side, `&viewer=1`, `&theme=dark`.
 */
import { mount, type BoardHandle } from '../board';
import { FakeCircuit, FakeServer } from './fakeServer';
import { large, small } from './furnish';

const query = new URLSearchParams(location.search);
const count = Number(query.get('nodes') ?? 0);
const server = new FakeServer(Number(query.get('latency') ?? 0));
if (query.get('theme')) document.documentElement.dataset['theme'] = query.get('theme')!;
server.load(...(query.get('empty') ? [[], []] as [[], []] : count > 0 ? large(count) : small()));

const template = document.querySelector('template')!;
const handles: BoardHandle[] = [], circuits: FakeCircuit[] = [];
const people = [['Ada', '#3b6fd4'], ['Grace', '#c2410c']] as const;
for (let i = 0; i < (query.get('two') ? 2 : 1); i++) {
  document.body.append(template.content.cloneNode(true));
  const root = document.body.lastElementChild as HTMLElement;
  const [name, color] = people[i]!;
  const circuit = new FakeCircuit(server, root.querySelector<HTMLElement>('[data-board="nodes"]')!, String(100 + i), name, color);
  const handle = mount(root, circuit, { viewer: query.get('viewer') === '1', projectId: `harness-${i}-${count}`, me: { id: name, name, color } });
  circuit.connect(handle);
  handles.push(handle);
  circuits.push(circuit);
}

if (query.get('bot')) {
  const bot = { key: '7', name: 'Linus', color: '#15803d', cursor: [0, 0] as [number, number], selection: ['a'], editing: null, drag: null as Record<string, number[]> | null };
  server.bots.push(bot);
  let t = 0;
  setInterval(() => {
    t += 0.05;
    const node = server.scene.nodes.get('a');
    bot.cursor = [400 + Math.cos(t) * 300, 150 + Math.sin(t) * 200];
    const phase = t % 6;
    if (node && phase < 3) {
      bot.drag = { a: [Math.sin(phase * 2) * 60, Math.cos(phase * 2) * 40 - 40] };
      bot.cursor = [bot.drag['a']![0]! + 100, bot.drag['a']![1]! + 100];
    } else if (bot.drag) {
      const [x, y] = bot.drag['a']!;
      bot.drag = null;
      setTimeout(() => server.apply([{ type: 'move', items: [{ id: 'a', x: x!, y: y! }] }]), 30);
    }
    server.presenceChanged();
  }, 50);
}

Object.assign(window, { server, handles, circuits });
