using Microsoft.AspNetCore.Components.Server.Circuits;

namespace Demiurge.Web.Components.Board;

/// <summary>
/// Whether the browser of this circuit is connected. A circuit outlives a lost connection by minutes; what is sent meanwhile
/// doesn't arrive, and the person shouldn't look present. One a circuit.
/// </summary>
public sealed class CircuitConnection : CircuitHandler, IDisposable
{
    private CancellationTokenSource _connection = new();
    private volatile TaskCompletionSource _up = Completed();

    /// <summary>True: the browser is back. False: it is gone, perhaps for a moment.</summary>
    public event Action<bool>? Changed;

    /// <summary>
    /// Cancelled when the connection of now is lost. A call to the browser that is on its way then is never answered: who waits for
    /// one waits until this.
    /// </summary>
    public CancellationToken Lost => Volatile.Read(ref _connection).Token;

    public Task WhenUp(CancellationToken cancellationToken) => _up.Task.WaitAsync(cancellationToken);

    public override async Task OnConnectionDownAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        if (_up.Task.IsCompleted)
        {
            _up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        Changed?.Invoke(false);
        await _connection.CancelAsync();
    }

    public override Task OnConnectionUpAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        if (!_up.Task.IsCompleted)
        {
            Volatile.Write(ref _connection, new CancellationTokenSource());
            Changed?.Invoke(true);
            _up.TrySetResult();
        }

        return Task.CompletedTask;
    }

    public void Dispose() => _connection.Cancel();

    private static TaskCompletionSource Completed()
    {
        var done = new TaskCompletionSource();
        done.SetResult();
        return done;
    }
}
