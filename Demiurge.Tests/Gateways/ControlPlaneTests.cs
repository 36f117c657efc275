using System.Net;
using System.Net.Sockets;
using Demiurge.Gateway;
using Demiurge.Gateway.Lifecycle;
using Microsoft.Extensions.Options;

namespace Demiurge.Tests.Gateways;

/// <summary>How long a gateway waits for a Web that takes its questions and does not answer.</summary>
public sealed class ControlPlaneTests : IDisposable
{
    private readonly TcpListener silent = new(IPAddress.Loopback, 0);
    private readonly HeldTimers time = new();
    private readonly ControlPlane control;

    public ControlPlaneTests()
    {
        silent.Start();
        control = new(Options.Create(new GatewayOptions { Name = "gw-1", PoolToken = "x", ControlUrl = new Uri($"http://{silent.LocalEndpoint}") }), time);
    }

    public void Dispose()
    {
        control.Dispose();
        silent.Dispose();
    }

    [Fact]
    public async Task Request_WithoutAnswer_IsGivenUpByItsKindAndSize()
    {
        await IsGivenUpAfter(10, control.Ready(default));
        await IsGivenUpAfter(120, control.Pull("token", Guid.NewGuid(), default));
        await IsGivenUpAfter(10, control.Append("token", [], default));
        await IsGivenUpAfter(26, control.Append("token", new byte[16 << 20], default));
    }

    [Fact]
    public async Task Request_ThatItsCallerGivesUp_IsCancelledForTheCaller()
    {
        using var caller = new CancellationTokenSource();
        var pulling = control.Pull("token", Guid.NewGuid(), caller.Token);

        await caller.CancelAsync();

        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pulling);
        Assert.IsNotType<TimeoutException>(cancelled.InnerException);
    }

    private async Task IsGivenUpAfter(double seconds, Task request)
    {
        var (due, fire) = Assert.Single(time.Held);
        Assert.Equal(TimeSpan.FromSeconds(seconds), due);
        Assert.False(request.IsCompleted);
        fire();
        var given = await Assert.ThrowsAsync<TaskCanceledException>(() => request);
        Assert.IsType<TimeoutException>(given.InnerException);
    }

    /// <summary>A clock whose timers fire when the test says so.</summary>
    private sealed class HeldTimers : TimeProvider
    {
        private readonly List<HeldTimer> timers = [];

        public IEnumerable<(TimeSpan Due, Action Fire)> Held
        {
            get
            {
                lock (timers)
                    return [.. timers.Select(timer => (timer.Due, timer.Fire))];
            }
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new HeldTimer(this, dueTime, () => callback(state));
            lock (timers)
                timers.Add(timer);
            return timer;
        }

        private sealed class HeldTimer(HeldTimers clock, TimeSpan due, Action fire) : ITimer
        {
            public TimeSpan Due => due;

            public Action Fire => fire;

            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
                lock (clock.timers)
                    clock.timers.Remove(this);
            }

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
