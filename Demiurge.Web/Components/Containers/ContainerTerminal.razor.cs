using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Reaching;
using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;

namespace Demiurge.Web.Components.Containers;

/// <summary>Where the browser connects for a terminal, or why it can't.</summary>
/// <param name="Url">With a ticket that is good for a moment.</param>
/// <param name="ReadOnly">Whether what is typed goes nowhere.</param>
public sealed record TerminalAddress(string? Url, bool ReadOnly, string? Error);

/// <summary>A terminal in the browser (<c>client/terminal.ts</c>); asks here for a fresh ticket whenever it connects.</summary>
public sealed partial class ContainerTerminal
{
    private ElementReference screen;
    private DotNetObjectReference<ContainerTerminal>? self;
    private IJSObjectReference? module;
    private IJSObjectReference? terminal;
    private bool disposed;

    [Inject]
    private ContainerTickets Tickets { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private IJSRuntime Js { get; set; } = default!;

    [Parameter, EditorRequired]
    public ContainerInfo Info { get; set; } = default!;

    /// <summary>Whether it takes the keyboard as soon as it is there.</summary>
    [Parameter]
    public bool Focus { get; set; }

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender)
            return;
        try
        {
            self = DotNetObjectReference.Create(this);
            module = await Js.InvokeAsync<IJSObjectReference>("import", "/" + Assets["board/terminal.js"].TrimStart('/'));
            var opened = await module.InvokeAsync<IJSObjectReference>("open", screen, self, new { name = Info.Name, focus = Focus });
            if (disposed)
                await Close(opened);
            else
                terminal = opened;
        }
        catch (Exception exception) when (exception is JSDisconnectedException or OperationCanceledException)
        {
        }
    }

    [JSInvokable]
    public async Task<TerminalAddress> Address()
    {
        var invited = await Tickets.Terminal(await Current.Get(), Info.Id, sessionId: await Current.Session());
        return invited.Succeeded ? new TerminalAddress(invited.Value.Url, invited.Value.ReadOnly, null) : new TerminalAddress(null, true, invited.Error.Message);
    }

    public async ValueTask DisposeAsync()
    {
        disposed = true;
        if (terminal is not null)
            await Close(terminal);
        try
        {
            if (module is not null)
                await module.DisposeAsync();
        }
        catch (Exception exception) when (exception is JSDisconnectedException or OperationCanceledException)
        {
        }
        self?.Dispose();
    }

    private static async Task Close(IJSObjectReference terminal)
    {
        try
        {
            await terminal.InvokeVoidAsync("dispose");
            await terminal.DisposeAsync();
        }
        catch (Exception exception) when (exception is JSDisconnectedException or JSException or OperationCanceledException)
        {
        }
    }
}
