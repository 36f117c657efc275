using System.Runtime.CompilerServices;
using Demiurge.Core.Containers.Docker.Wire;
using Demiurge.Core.Containers.Runtime;

namespace Demiurge.Core.Containers.Docker;

/// <summary>Containers on a Docker engine.</summary>
internal sealed class DockerContainerRuntime(DockerEngine engine, ContainerBlueprint blueprint, OrganizationNetworks networks) : IContainerRuntime
{
    /// <summary>Rounds of looking, replacing and starting before whatever keeps getting in the way is reported.</summary>
    private const int Rounds = 5;

    private bool limitsDisk = true;

    public Task<ImageState> EnsureImage(string image, IProgress<PullProgress> progress, CancellationToken cancellationToken) => Call(async () =>
    {
        if (await engine.FindImage(image, cancellationToken) is { } present)
            return new ImageState(true, present.Id, null);
        try
        {
            var layers = new PullFraction();
            await foreach (var line in engine.Pull(image, cancellationToken: cancellationToken))
                progress.Report(new PullProgress(line.Status ?? "", layers.Add(line)));
        }
        catch (DockerException exception) when (exception.Status is not null || exception.Failure is not DockerFailure.Unreachable)
        {
            var words = PullFailure.Words(image, exception);
            return PullFailure.MayPass(exception) ? throw new RuntimeException(RuntimeFailure.Failed, words, exception) : new ImageState(false, null, words);
        }

        return await engine.FindImage(image, cancellationToken) is { } pulled
            ? new ImageState(true, pulled.Id, null)
            : new ImageState(false, null, $"The image {image} was fetched, but it is not there: does the tag fit this machine?");
    });

    public Task<RuntimeContainer> Ensure(RuntimeSpec spec, CancellationToken cancellationToken) => Call(async () =>
    {
        var name = blueprint.Names.Container(spec.ContainerId);
        for (var round = 1; ; round++)
        {
            try
            {
                return await TryEnsure(name, spec, cancellationToken);
            }
            catch (DockerException exception) when (round < Rounds && exception.Failure == DockerFailure.Conflict)
            {
                // Its network, volume or predecessor came or went between two calls; the next round sees how things are now.
                await Task.Delay(TimeSpan.FromMilliseconds(100 * round), cancellationToken);
            }
        }
    });

    public Task<bool> TakesConnections(CancellationToken cancellationToken) => engine.TakesConnections(cancellationToken);

    public Task Stop(string name, TimeSpan grace, CancellationToken cancellationToken) => Call(async () =>
    {
        try
        {
            await engine.StopContainer(name, grace, cancellationToken);
        }
        catch (DockerException exception) when (exception.Failure == DockerFailure.NotFound)
        {
            // It is gone.
        }
    });

    public Task Remove(string name, bool volumes, CancellationToken cancellationToken) => Call(async () =>
    {
        var found = await engine.FindContainer(name, cancellationToken);
        if (found is not null)
        {
            if (blueprint.Read(found) is null)
                throw new DockerException(DockerFailure.Conflict, $"The container {name} isn't Demiurge's.");
            await RemoveContainer(found.Id, cancellationToken);
        }

        if (volumes)
        {
            foreach (var volume in await engine.ListVolumes(Ours().And("name", name + "-"), cancellationToken))
            {
                if (volume.Name.StartsWith(name + "-", StringComparison.Ordinal))
                    await engine.RemoveVolume(volume.Name, cancellationToken);
            }
        }

        if (Guid.TryParse(found?.Config.Labels?.GetValueOrDefault(RuntimeNames.OrganizationLabel), out var organization))
            await networks.RemoveIfEmpty(organization, cancellationToken);
    });

    public Task<RuntimeContainer?> Find(string name, CancellationToken cancellationToken) => Call(async () =>
        await engine.FindContainer(name, cancellationToken) is { } found ? blueprint.Read(found) : null);

    public Task<IReadOnlyList<RuntimeContainer>> List(CancellationToken cancellationToken) => Call<IReadOnlyList<RuntimeContainer>>(async () =>
    {
        // A list tells neither exit codes nor times.
        var containers = new System.Collections.Concurrent.ConcurrentBag<RuntimeContainer>();
        await Parallel.ForEachAsync(
            await engine.ListContainers(Ours(), cancellationToken: cancellationToken),
            new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellationToken },
            async (listed, token) =>
            {
                if (await engine.FindContainer(listed.Id, token) is { } found && blueprint.Read(found) is { } container)
                    containers.Add(container);
            });
        return [.. containers.OrderBy(container => container.Name, StringComparer.Ordinal)];
    });

    public IAsyncEnumerable<RuntimeEvent> Watch(CancellationToken cancellationToken)
    {
        // From the call on, not from when the first item is asked for.
        var events = engine.Events(Ours().And("type", "container"), since: DateTimeOffset.UtcNow, cancellationToken: cancellationToken);
        return Mapped(events.Select(RuntimeEvent? (happened) =>
            Guid.TryParse(happened.Actor.Attributes?.GetValueOrDefault(RuntimeNames.ContainerLabel), out var id)
                ? new(happened.Action, happened.Actor.Attributes!.GetValueOrDefault("name", ""), id, happened.Time)
                : null), cancellationToken);
    }

    public IAsyncEnumerable<LogLine> Logs(string name, DateTimeOffset? since, bool follow, int tail, CancellationToken cancellationToken)
    {
        var at = DateTimeOffset.UnixEpoch;
        return Mapped(
            engine.Logs(name, new DockerLogQuery { Since = since, Follow = follow, Tail = tail }, cancellationToken)
                .Select(LogLine? (line) => new(at = line.Time ?? at, line.Source == DockerSource.Error, line.Text)),
            cancellationToken);
    }

    public IAsyncEnumerable<RuntimeStats> Stats(string name, CancellationToken cancellationToken) =>
        Mapped(
            engine.StatsStream(name, cancellationToken)
                // The engine goes on with empty readings when it has ended; the first one of all has no processor time.
                .TakeWhile(reading => reading.Cpu?.Usage?.Total > 0)
                .Where(reading => reading.CpusUsed is not null)
                .Select(RuntimeStats? (reading) => new(
                    reading.Read,
                    reading.CpusUsed!.Value,
                    reading.MemoryUsed,
                    reading.Memory?.Limit ?? 0,
                    reading.Networks?.Values.Sum(network => network.Received) ?? 0,
                    reading.Networks?.Values.Sum(network => network.Sent) ?? 0,
                    (int)(reading.Pids?.Current ?? 0))),
            cancellationToken);

    public Task<IExecStream> Exec(string name, ExecSpec spec, CancellationToken cancellationToken) => Call<IExecStream>(async () =>
    {
        var mark = Guid.NewGuid().ToString("N");
        var id = await engine.CreateExec(
            name,
            new CreateExec
            {
                Cmd = spec.Command,
                AttachStdin = true,
                Tty = spec.Tty,
                Env = [.. spec.Environment.Select(variable => $"{variable.Key}={variable.Value}"), $"{DockerExecStream.Mark}={mark}"],
                User = spec.User,
                WorkingDir = spec.WorkingDirectory,
            },
            cancellationToken);
        var stream = new DockerExecStream(engine, id, mark, spec, await engine.StartExec(id, spec.Tty, cancellationToken));
        if (spec.Tty)
            await stream.Resize(spec.Columns, spec.Rows, cancellationToken);
        return stream;
    });

    public Task<Stream> ReadArchive(string name, string path, CancellationToken cancellationToken) => Call(() => engine.GetArchive(name, path, cancellationToken));

    public Task WriteArchive(string name, string path, Stream tar, CancellationToken cancellationToken) => Call(() => engine.PutArchive(name, path, tar, cancellationToken));

    internal static RuntimeException Of(DockerException exception) => new(
        exception.Failure switch
        {
            DockerFailure.Unreachable => RuntimeFailure.Unreachable,
            DockerFailure.Denied when exception.Status is null => RuntimeFailure.Unreachable,
            DockerFailure.NotFound => RuntimeFailure.NotFound,
            DockerFailure.Failed => RuntimeFailure.Failed,
            _ => RuntimeFailure.Refused,
        },
        exception.Message,
        exception);

    internal static async Task<T> Call<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (DockerException exception)
        {
            throw Of(exception);
        }
    }

    private static async Task Call(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (DockerException exception)
        {
            throw Of(exception);
        }
    }

    private static async IAsyncEnumerable<T> Mapped<T>(IAsyncEnumerable<T?> items, [EnumeratorCancellation] CancellationToken cancellationToken)
        where T : class
    {
        await using var all = items.GetAsyncEnumerator(cancellationToken);
        while (await Call(() => all.MoveNextAsync().AsTask()))
        {
            if (all.Current is { } item)
                yield return item;
        }
    }

    private async Task<RuntimeContainer> TryEnsure(string name, RuntimeSpec spec, CancellationToken cancellationToken)
    {
        var wanted = blueprint.Draw(spec, limitsDisk);
        var found = await engine.FindContainer(name, cancellationToken);
        if (found is not null && !IsSame(found, wanted))
        {
            if (blueprint.Read(found) is null)
                throw new DockerException(DockerFailure.Conflict, $"A container {name} that isn't Demiurge's is in the way.");
            await RemoveContainer(found.Id, cancellationToken);
            found = null;
        }

        var id = found?.Id;
        if (found is not { State.Running: true })
        {
            await networks.Ensure(spec.OrganizationId, cancellationToken);
            id ??= await Create(name, spec, wanted, cancellationToken);
            try
            {
                await engine.StartContainer(id, cancellationToken);
            }
            catch (DockerException exception) when (exception.Failure == DockerFailure.NotFound)
            {
                // Made for a network that was removed since, it would look for that one for ever.
                await RemoveContainer(id, cancellationToken);
                throw new DockerException(DockerFailure.Conflict, exception.Message, exception.Status, exception);
            }
        }

        return await engine.FindContainer(id!, cancellationToken) is { } started && blueprint.Read(started) is { } running
            ? running
            : throw new DockerException(DockerFailure.NotFound, $"The container {name} was removed while it was being started.");
    }

    private async Task<string> Create(string name, RuntimeSpec spec, CreateContainer wanted, CancellationToken cancellationToken)
    {
        for (var index = 0; index < spec.Volumes.Count; index++)
            await engine.CreateVolume(new CreateVolume(blueprint.Names.Volume(spec.ContainerId, index, spec.VolumeSet), blueprint.Labels(spec.OrganizationId, spec.ContainerId)), cancellationToken);
        try
        {
            return await engine.CreateContainer(name, wanted, cancellationToken);
        }
        catch (DockerException exception) when (wanted.HostConfig.StorageOpt is not null && SaysNoDiskLimits(exception))
        {
            // Only some file systems can limit a container's own layer; the host's test tells the administrator.
            limitsDisk = false;
            return await engine.CreateContainer(name, blueprint.Draw(spec, limitDisk: false), cancellationToken);
        }
    }

    private static bool SaysNoDiskLimits(DockerException exception) =>
        exception.Message.Contains("storage-opt", StringComparison.OrdinalIgnoreCase) || exception.Message.Contains("pquota", StringComparison.OrdinalIgnoreCase)
        || exception.Message.Contains("Storage Option", StringComparison.OrdinalIgnoreCase);

    /// <summary>Removal may be under way already, from an earlier try; its end is what matters.</summary>
    private async Task RemoveContainer(string id, CancellationToken cancellationToken)
    {
        for (var round = 1; ; round++)
        {
            try
            {
                await engine.RemoveContainer(id, force: true, cancellationToken);
                return;
            }
            catch (DockerException exception) when (exception.Failure == DockerFailure.Conflict && round < 50)
            {
                await Task.Delay(100, cancellationToken);
            }
        }
    }

    private static bool IsSame(ContainerDetails found, CreateContainer wanted) =>
        found.State.Status is "created" or "running" or "exited"
        && Label(found, RuntimeNames.InstallationLabel) == wanted.Labels![RuntimeNames.InstallationLabel]
        && Label(found, RuntimeNames.GenerationLabel) == wanted.Labels![RuntimeNames.GenerationLabel]
        && Label(found, RuntimeNames.SpecLabel) == wanted.Labels![RuntimeNames.SpecLabel];

    private static string? Label(ContainerDetails container, string name) => container.Config.Labels?.GetValueOrDefault(name);

    private DockerFilters Ours() => DockerFilters.Label(RuntimeNames.InstallationLabel, blueprint.Mark);
}
