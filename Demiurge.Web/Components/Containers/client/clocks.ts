/** Keeps `data-until` (a countdown) and `data-since` (how long already) of the page's time elements, once a second. */
export function keepClocks(root: ParentNode, now: () => number = Date.now): () => void {
  const tick = (): void => {
    for (const element of root.querySelectorAll<HTMLElement>('[data-until], [data-since]')) {
      const { until, since } = element.dataset;
      const text = until ? left(Date.parse(until) - now()) : since ? duration(now() - Date.parse(since)) : '';
      if (element.textContent !== text) element.textContent = text;
    }
  };
  tick();
  const timer = setInterval(tick, 1000);
  return () => clearInterval(timer);
}

/** What is left, to the second when that is little: `4:32`, `2 h 5 min`. */
export function left(milliseconds: number): string {
  if (!(milliseconds > 0)) return '0:00';
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  return duration(milliseconds);
}

/** How long, in two units at most. */
export function duration(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  if (minutes < 1) return 'less than a minute';
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

/** For a page that has no board. */
export function startClocks(): { stop(): void } {
  const stop = keepClocks(document);
  return { stop };
}
