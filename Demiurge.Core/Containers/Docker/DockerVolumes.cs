using Demiurge.Core.Containers.Docker.Wire;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;

namespace Demiurge.Core.Containers.Docker;

/// <summary>Volumes of a Docker engine, through containers that are made, used for their mounts and removed.</summary>
internal sealed class DockerVolumes(DockerContainerRuntimes runtimes, Installation installation) : IContainerVolumes
{
    /// <summary>Helpers carry this label and none of <see cref="RuntimeNames"/>: they are nobody's container.</summary>
    private const string HelperLabel = "demiurge.helper";

    public async Task<IOpenVolumes> Open(ContainerHost host, VolumesSpec spec, CancellationToken cancellationToken)
    {
        var engine = runtimes.EngineOf(host);
        var mark = await installation.Mark(cancellationToken);
        var names = new RuntimeNames(mark);
        return await DockerContainerRuntime.Call(async () =>
        {
            var mounts = new List<VolumeMount>();
            foreach (var (index, path) in spec.Paths.Index())
            {
                var name = names.Volume(spec.ContainerId, index, spec.Set);
                await engine.CreateVolume(
                    new CreateVolume(
                        name,
                        new()
                        {
                            [RuntimeNames.InstallationLabel] = mark,
                            [RuntimeNames.OrganizationLabel] = spec.OrganizationId.ToString(),
                            [RuntimeNames.ContainerLabel] = spec.ContainerId.ToString(),
                        }),
                    cancellationToken);
                mounts.Add(new VolumeMount(name, path) { VolumeOptions = new VolumeOptions(NoCopy: true) });
            }
            var id = await engine.CreateContainer(
                $"dmg-{mark}-helper-{Guid.NewGuid():N}",
                new CreateContainer
                {
                    Image = spec.Image,
                    Entrypoint = ["/nothing"],
                    Cmd = [],
                    Labels = new() { [HelperLabel] = mark },
                    HostConfig = new HostConfig { CapDrop = ["ALL"], SecurityOpt = ["no-new-privileges"], NetworkMode = "none", Mounts = mounts, RestartPolicy = new RestartPolicy("no") },
                },
                cancellationToken);
            return new OpenVolumes(engine, id, spec.Paths);
        });
    }

    public async Task RemoveSet(ContainerHost host, Guid containerId, int set, CancellationToken cancellationToken)
    {
        var engine = runtimes.EngineOf(host);
        var mark = await installation.Mark(cancellationToken);
        var names = new RuntimeNames(mark);
        await DockerContainerRuntime.Call(async () =>
        {
            var prefix = names.Volume(containerId, 0, set)[..^1];
            foreach (var volume in await engine.ListVolumes(DockerFilters.Label(RuntimeNames.InstallationLabel, mark).And("name", prefix), cancellationToken))
            {
                if (volume.Name.StartsWith(prefix, StringComparison.Ordinal) && volume.Name.AsSpan(prefix.Length).ContainsAnyExceptInRange('0', '9') is false)
                    await engine.RemoveVolume(volume.Name, cancellationToken);
            }
            return true;
        });
    }

    public async Task<IAsyncDisposable> Pause(ContainerHost host, Guid containerId, CancellationToken cancellationToken)
    {
        var engine = runtimes.EngineOf(host);
        var name = (await installation.Names(cancellationToken)).Container(containerId);
        return await DockerContainerRuntime.Call<IAsyncDisposable>(async () =>
        {
            if (await engine.FindContainer(name, cancellationToken) is not { State.Running: true } found)
                return new Pausing(engine, null);
            try
            {
                await engine.PauseContainer(found.Id, cancellationToken);
            }
            catch (DockerException exception) when (exception.Failure is DockerFailure.Conflict or DockerFailure.NotFound or DockerFailure.Failed)
            {
                // It ended just now, or somebody held it already: what is left to know is whether it is still.
                if (await engine.FindContainer(name, cancellationToken) is { State.Status: "running" })
                    throw;
            }
            catch
            {
                // The call may have had its effect.
                await new Pausing(engine, found.Id).DisposeAsync();
                throw;
            }
            return new Pausing(engine, found.Id);
        });
    }

    public async Task<IReadOnlyList<Guid>> Unpause(ContainerHost host, Func<Guid, bool> isHeld, CancellationToken cancellationToken)
    {
        var engine = runtimes.EngineOf(host);
        var mark = await installation.Mark(cancellationToken);
        return await DockerContainerRuntime.Call<IReadOnlyList<Guid>>(async () =>
        {
            var released = new List<Guid>();
            foreach (var paused in await engine.ListContainers(DockerFilters.Label(RuntimeNames.InstallationLabel, mark).And("status", "paused"), cancellationToken: cancellationToken))
            {
                if (!Guid.TryParse(paused.Labels?.GetValueOrDefault(RuntimeNames.ContainerLabel), out var id) || isHeld(id))
                    continue;
                await new Pausing(engine, paused.Id).DisposeAsync();
                released.Add(id);
            }
            return released;
        });
    }

    public async Task RemoveHelpers(ContainerHost host, CancellationToken cancellationToken)
    {
        var engine = runtimes.EngineOf(host);
        var mark = await installation.Mark(cancellationToken);
        await DockerContainerRuntime.Call(async () =>
        {
            foreach (var helper in await engine.ListContainers(DockerFilters.Label(HelperLabel, mark), cancellationToken: cancellationToken))
                await engine.RemoveContainer(helper.Id, force: true, cancellationToken);
            return true;
        });
    }

    /// <param name="container">Null: it doesn't run.</param>
    private sealed class Pausing(DockerEngine engine, string? container) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            if (container is null)
                return;
            try
            {
                await engine.UnpauseContainer(container);
            }
            catch (DockerException)
            {
                // It goes on already, has ended, or its engine doesn't answer: the next look finds it.
            }
        }
    }

    private sealed class OpenVolumes(DockerEngine engine, string helper, IReadOnlyList<string> paths) : IOpenVolumes
    {
        public Task<Stream> Read(int volume, CancellationToken cancellationToken) =>
            DockerContainerRuntime.Call(() => engine.GetArchive(helper, paths[volume], cancellationToken));

        public Task Write(Stream tar, CancellationToken cancellationToken) => DockerContainerRuntime.Call(async () =>
        {
            await engine.PutArchive(helper, "/", tar, cancellationToken);
            return true;
        });

        public async ValueTask DisposeAsync()
        {
            try
            {
                await engine.RemoveContainer(helper, force: true);
            }
            catch (DockerException)
            {
                // RemoveHelpers finds it.
            }
        }
    }
}
