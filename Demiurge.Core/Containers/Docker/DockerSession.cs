namespace Demiurge.Core.Containers.Docker;

/// <summary>
/// The streams of a command that runs in a container. One reader and one writer at a time; they may be different threads. A broken connection is a
/// <see cref="DockerException"/>.
/// </summary>
internal sealed class DockerSession : IAsyncDisposable
{
    private readonly HttpMessageInvoker owner;
    private readonly HttpResponseMessage response;
    private readonly Stream stream;
    private readonly DockerConnection connection;
    private readonly MultiplexedStream output;
    private readonly Func<Exception, DockerException?> map;

    internal DockerSession(HttpMessageInvoker owner, HttpResponseMessage response, Stream stream, DockerConnection connection, bool tty, Func<Exception, DockerException?> map)
    {
        this.owner = owner;
        this.response = response;
        this.stream = stream;
        this.connection = connection;
        this.map = map;
        output = new MultiplexedStream(stream, raw: tty);
    }

    /// <summary>The next bytes that the command wrote; 0 when it has ended, or nothing more will come.</summary>
    public async ValueTask<(DockerSource Source, int Count)> Read(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await output.Read(buffer, cancellationToken);
        }
        catch (Exception exception) when (map(exception) is { } mapped)
        {
            throw mapped;
        }
    }

    /// <summary>Gives the command input. Waits while it doesn't take any.</summary>
    public async ValueTask Write(ReadOnlyMemory<byte> input, CancellationToken cancellationToken = default)
    {
        try
        {
            await stream.WriteAsync(input, cancellationToken);
            await stream.FlushAsync(cancellationToken);
        }
        catch (Exception exception) when (map(exception) is { } mapped)
        {
            throw mapped;
        }
    }

    /// <summary>Ends the command's input; its output can still be read.</summary>
    public async Task CloseInput()
    {
        try
        {
            await connection.CloseSending();
        }
        catch (Exception exception) when (map(exception) is { } mapped)
        {
            throw mapped;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stream.DisposeAsync();
        response.Dispose();
        owner.Dispose();
    }
}
