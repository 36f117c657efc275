using Demiurge.Core.Containers.Docker.Wire;
using Demiurge.Core.Containers.Runtime;

namespace Demiurge.Core.Containers.Docker;

/// <summary>A command in a container on a Docker engine. Disposed while it runs on a terminal, it and what it started are hung up.</summary>
/// <param name="exec">The engine's id of it.</param>
/// <param name="mark">The value of <see cref="Mark"/> in its environment.</param>
internal sealed class DockerExecStream(DockerEngine engine, string exec, string mark, ExecSpec spec, DockerSession session) : IExecStream
{
    /// <summary>A variable that tells the processes of one terminal from others'.</summary>
    public const string Mark = "DEMIURGE_TERMINAL";

    /// <summary>The engine ends no command, and a terminal's doesn't notice that nobody reads it. What ignores the signal (<c>nohup</c>) stays, as on any terminal.</summary>
    private const string HangUp =
        """
        for process in /proc/[0-9]*; do
          if grep -qz "^$1\$" "$process/environ" 2>/dev/null; then kill -HUP "${process#/proc/}"; fi
        done
        """;

    private static readonly TimeSpan HangUpTime = TimeSpan.FromSeconds(10);

    public async ValueTask<int> Read(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return (await session.Read(buffer, cancellationToken)).Count;
        }
        catch (DockerException exception)
        {
            throw DockerContainerRuntime.Of(exception);
        }
    }

    public async ValueTask Write(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await session.Write(bytes, cancellationToken);
        }
        catch (DockerException exception)
        {
            throw DockerContainerRuntime.Of(exception);
        }
    }

    public async ValueTask CompleteInput(CancellationToken cancellationToken)
    {
        try
        {
            await session.CloseInput().WaitAsync(cancellationToken);
        }
        catch (DockerException exception)
        {
            throw DockerContainerRuntime.Of(exception);
        }
    }

    public async Task Resize(int columns, int rows, CancellationToken cancellationToken)
    {
        // The engine answers a start before the command has its terminal; and one that has just ended has none any more.
        for (var round = 0; ; round++)
        {
            try
            {
                await engine.ResizeExec(exec, columns, rows, cancellationToken);
                return;
            }
            catch (DockerException exception) when (exception.Failure != DockerFailure.Unreachable)
            {
                if (await engine.FindExec(exec, cancellationToken) is not { ExitCode: null } || round == 20)
                    return;
                await Task.Delay(25, cancellationToken);
            }
        }
    }

    public Task<int> ExitCode(CancellationToken cancellationToken) => DockerContainerRuntime.Call(async () =>
    {
        while (true)
        {
            var details = await engine.FindExec(exec, cancellationToken)
                ?? throw new DockerException(DockerFailure.NotFound, "The container of this command is gone, and its exit code with it.");
            if (details is { Running: false, ExitCode: { } code })
                return code;
            await Task.Delay(50, cancellationToken);
        }
    });

    public async ValueTask DisposeAsync()
    {
        await session.DisposeAsync();
        if (!spec.Tty)
            return;
        try
        {
            using var limit = new CancellationTokenSource(HangUpTime);
            if (await engine.FindExec(exec, limit.Token) is not { Running: true } running)
                return;
            var signal = await engine.CreateExec(
                running.ContainerID, new CreateExec { Cmd = ["sh", "-c", HangUp, "sh", $"{Mark}={mark}"], User = spec.User }, limit.Token);
            await using var sending = await engine.StartExec(signal, tty: false, limit.Token);
            var rest = new byte[1024];
            while ((await sending.Read(rest, limit.Token)).Count > 0)
            {
                // Its end is what is waited for.
            }
        }
        catch (Exception exception) when (exception is DockerException or OperationCanceledException)
        {
            // The container has ended, and the command with it; or the engine has.
        }
    }
}
