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
