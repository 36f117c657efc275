/** Opens it over everything; a press on what lies behind closes it. */
export function show(dialog) {
    if (dialog.open) return;
    dialog.showModal();
    let pressed = false;
    dialog.addEventListener('pointerdown', event => { pressed = event.target === dialog; });
    dialog.addEventListener('click', event => { if (pressed && event.target === dialog) dialog.close(); });
    dialog.querySelector('[autofocus], .modal-body input, .modal-body button, .modal-body select')?.focus();
}
