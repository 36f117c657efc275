// Starts Blazor with a reconnection handler of our own, and carries the few gestures that need no server: theme, copying, closing the
// navigation. They work on static pages too.
// The circuit's state is lost when the server restarts; the page then reloads to the same URL without a click.

const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

async function serverIsReady() {
    try {
        return (await fetch('/health', { cache: 'no-store', signal: AbortSignal.timeout(5000) })).ok;
    } catch {
        return false;
    }
}

let reconnecting = false;

async function reconnect() {
    if (reconnecting) return;
    reconnecting = true;
    document.documentElement.dataset.connection = 'lost';
    for (; ; await pause(500)) {
        if (!await serverIsReady()) continue;
        try {
            if (!await Blazor.reconnect()) location.reload(); // The server no longer knows this circuit.
            return;
        } catch {
            // It went away again between the two requests.
        }
    }
}

function reconnected() {
    reconnecting = false;
    delete document.documentElement.dataset.connection;
}

function toggleTheme() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
}

async function copy(button) {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.dataset.copied = '';
    setTimeout(() => delete button.dataset.copied, 2000);
}

document.addEventListener('click', event => {
    const target = event.target.closest?.('a, button');
    if (!target) return;
    if (target.matches('[data-theme-toggle]')) toggleTheme();
    if (target.matches('[data-copy]')) copy(target);
    if (target.matches('a')) target.closest('[popover]')?.hidePopover();
});

Blazor.start({ circuit: { reconnectionHandler: { onConnectionDown: reconnect, onConnectionUp: reconnected } } });
