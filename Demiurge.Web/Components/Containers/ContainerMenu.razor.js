/** Gives the menu the keyboard: its first item is focused, arrows, Home and End walk through it, and who opened it has the focus back when it is gone. */
export function take(menu) {
    const opener = document.activeElement;
    const items = () => [...menu.querySelectorAll('[role="menuitem"]')];
    menu.addEventListener('keydown', event => {
        const all = items(), at = all.indexOf(document.activeElement);
        const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
        if (to === undefined || all.length === 0) return;
        event.preventDefault();
        all[(to + all.length) % all.length].focus();
    });
    items()[0]?.focus({ preventScroll: true });
    return {
        giveBack() {
            const focused = document.activeElement;
            if ((focused === null || focused === document.body) && opener instanceof HTMLElement && opener.isConnected) opener.focus({ preventScroll: true });
        },
    };
}
