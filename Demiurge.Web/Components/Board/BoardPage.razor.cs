using System.Text.Json;
using Demiurge.Core;
using Demiurge.Core.Accounts;
using Demiurge.Core.Boards;
using Demiurge.Core.Containers;
using Demiurge.Core.Permissions;
using Demiurge.Core.Projects;
using Demiurge.Core.Rooms;
using Demiurge.Web.Components.Containers;
using Demiurge.Web.Relay;
using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;

namespace Demiurge.Web.Components.Board;

/// <summary>
/// A project's board. Joins the room when the circuit stands, mounts the browser module on the page's elements, and pumps the
/// session's feed to it. <c>?node=ID</c> shows that node first.
/// </summary>
public sealed partial class BoardPage : IAsyncDisposable
{
    /// <summary>How many feed batches may be on their way to the browser; beyond that they wait, and what waits is coalesced.</summary>
    private const int InFlight = 4;

    private readonly CancellationTokenSource _leaving = new();
    private ElementReference _root;
    private bool _canEdit;
    private DotNetObjectReference<BoardEndpoint>? _endpoint;
    private IJSObjectReference? _module;
    private IJSObjectReference? _board;

    [Inject]
    private BoardRelays Relays { get; set; } = default!;

    [Inject]
    private ProjectService Projects { get; set; } = default!;

    [Inject]
    private AccountService Accounts { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private CircuitConnection Connection { get; set; } = default!;

    [Inject]
    private ContainerService ContainerService { get; set; } = default!;

    [Inject]
    private ContainerChanges ContainerChanges { get; set; } = default!;

    [Inject]
    private TimeProvider Time { get; set; } = default!;

    [Inject]
    private IJSRuntime Js { get; set; } = default!;

    [Inject]
    private ILogger<BoardPage> Logger { get; set; } = default!;

    [Parameter]
    public Guid ProjectId { get; set; }

    /// <summary>A node to show first.</summary>
    [SupplyParameterFromQuery(Name = "node")]
    public string? Node { get; set; }

    [PersistentState]
    public ProjectInfo? Project { get; set; }

    /// <summary>A container to show first: the node that shows it, if there is one.</summary>
    [SupplyParameterFromQuery(Name = "container")]
    public Guid? Container { get; set; }

    private BoardSession? Session { get; set; }

    private ContainerBoard? Containers { get; set; }

    private Error? Problem { get; set; }

    private bool Slow { get; set; }

    protected override async Task OnInitializedAsync()
    {
        if (Project is null)
        {
            var found = await Projects.Get(await Current.Get(), ProjectId);
            (Project, Problem) = (found.Value, found.Error);
        }
    }

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (firstRender && Problem is null)
        {
            await Open();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Connection.Changed -= OnConnectionChanged;
        await _leaving.CancelAsync();
        await Close();
        _leaving.Dispose();
    }

    private static string TitleOf(Error problem) => problem.Kind switch
    {
        ErrorKind.NotFound => "There is no such board",
        ErrorKind.Forbidden => "This board is closed to you",
        _ => "The board can't be opened right now",
    };

    private async Task Retry()
    {
        Problem = null;
        StateHasChanged();
        await Task.Yield();
        await Open();
    }

    private async Task Open()
    {
        try
        {
            _ = ShowSlow();
            var actor = await Current.Get();
            var profile = await Accounts.GetProfile(actor, _leaving.Token);
            if (!profile.Succeeded)
            {
                Show(profile.Error);
                return;
            }

            var joined = await Relays.Join(actor, ProjectId, new BoardPerson(actor.UserId, profile.Value.DisplayName, profile.Value.Color), _leaving.Token);
            if (!joined.Succeeded)
            {
                Show(joined.Error);
                return;
            }

            Containers = new ContainerBoard(
                joined.Value, new ProjectContainers(ContainerService, ContainerChanges, actor, ProjectId, Time, Logger), (command, argument) => _board is null
                    ? Task.CompletedTask
                    : _board.InvokeVoidAsync("command", command, argument).AsTask());
            Session = joined.Value;
            _canEdit = Session.CanEdit;
            if (_leaving.IsCancellationRequested)
            {
                await Close();
                return;
            }

            Session.StatusChanged += OnStatusChanged;
            StateHasChanged();
            await Task.Yield();
            await Mount(profile.Value);
            await Projects.MarkOpened(actor, ProjectId, _leaving.Token);
        }
        catch (OperationCanceledException)
        {
        }
        catch (JSDisconnectedException)
        {
        }
    }

    private async Task Mount(Profile me)
    {
        var session = Session!;
        var node = Node ?? (Container is { } shown ? (await session.ContainerNodes()).FirstOrDefault(each => each.ContainerId == shown)?.Id : null);
        var endpoint = _endpoint = DotNetObjectReference.Create(new BoardEndpoint(session, Containers!));
        Connection.Changed -= OnConnectionChanged;
        Connection.Changed += OnConnectionChanged;
        while (_board is null)
        {
            await Connection.WhenUp(_leaving.Token);
            using var until = CancellationTokenSource.CreateLinkedTokenSource(_leaving.Token, Connection.Lost);
            try
            {
                _module ??= await Js.InvokeAsync<IJSObjectReference>("import", until.Token, "/" + Assets["board/board.js"].TrimStart('/'));
                _board = await _module.InvokeAsync<IJSObjectReference>(
                    "mount", until.Token, _root, endpoint, new { viewer = !session.CanEdit, me = new { id = me.Id, name = me.DisplayName, color = me.Color }, projectId = ProjectId, node });
            }
            catch (OperationCanceledException) when (!_leaving.IsCancellationRequested)
            {
                // The answer was lost with the connection; asked again, the module returns the board that it has mounted.
            }
        }

        _ = Pump(session, _board);
    }

    private async Task ShowSlow()
    {
        await Task.Delay(TimeSpan.FromSeconds(2));
        if (Session is null && Problem is null && !_leaving.IsCancellationRequested)
        {
            Slow = true;
            StateHasChanged();
        }
    }

    private void Show(Error problem)
    {
        Problem = problem;
        StateHasChanged();
    }

    /// <summary>Tells the browser what is new until the session or the circuit ends.</summary>
    private async Task Pump(BoardSession session, IJSObjectReference board)
    {
        using var slots = new SemaphoreSlim(InFlight);
        try
        {
            while (session.Ended is null)
            {
                await Connection.WhenUp(_leaving.Token);
                await slots.WaitAsync(_leaving.Token);
                var batch = await session.Feed.Next(_leaving.Token);
                _ = InvokeAsync(async () =>
                {
                    try
                    {
                        using var until = CancellationTokenSource.CreateLinkedTokenSource(_leaving.Token, Connection.Lost);
                        await Tell(board, batch, until.Token);
                    }
                    catch (Exception e) when (e is JSDisconnectedException or OperationCanceledException or ObjectDisposedException)
                    {
                    }
                    catch (JSException e)
                    {
                        Log.BrowserFailed(Logger, e);
                    }
                    finally
                    {
                        slots.Release();
                    }
                });
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    private static async Task Tell(IJSObjectReference board, BoardFeedBatch batch, CancellationToken until)
    {
        // Begun in order, awaited together: the circuit keeps the order.
        var calls = new List<Task>();
        if (batch.Status is not null)
        {
            Call("status", batch.Status);
        }

        if (batch.Scene is not null)
        {
            Call("scene", batch.Scene);
        }

        foreach (var text in batch.Texts)
        {
            Call("textDelta", text.NodeId, text.Version, text.Delta);
        }

        if (batch.Presence is not null)
        {
            Call("presence", batch.Presence);
        }

        await Task.WhenAll(calls);

        void Call(string name, params object[] arguments) => calls.Add(board.InvokeVoidAsync(name, until, arguments).AsTask());
    }

    /// <summary>A browser that was away has missed what was sent meanwhile: it is told everything anew.</summary>
    private void OnConnectionChanged(bool up)
    {
        if (Session is { } session)
        {
            _ = up ? session.Return() : session.Away();
        }
    }

    /// <summary>The parts that show the save state and undo render themselves; the page only when it looks different to an editor and a viewer.</summary>
    private void OnStatusChanged() => _ = InvokeAsync(async () =>
    {
        if (Session?.Ended is { } reason)
        {
            await Close();
            Problem = reason;
            StateHasChanged();
        }
        else if (Session is { } session && session.CanEdit != _canEdit)
        {
            _canEdit = session.CanEdit;
            Containers?.Containers.Refresh();
            StateHasChanged();
        }
    });

    private async Task Close()
    {
        if (Session is { } session)
        {
            Session = null;
            session.StatusChanged -= OnStatusChanged;
            await session.DisposeAsync();
        }

        if (Containers is { } containers)
        {
            Containers = null;
            await containers.Containers.DisposeAsync();
        }

        try
        {
            if (_board is not null)
            {
                await _board.InvokeVoidAsync("dispose");
                await _board.DisposeAsync();
            }

            if (_module is not null)
            {
                await _module.DisposeAsync();
            }
        }
        catch (Exception e) when (e is JSDisconnectedException or JSException or OperationCanceledException)
        {
        }

        (_board, _module) = (null, null);
        _endpoint?.Dispose();
        _endpoint = null;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The board's browser module failed")]
        public static partial void BrowserFailed(ILogger logger, Exception exception);
    }
}
