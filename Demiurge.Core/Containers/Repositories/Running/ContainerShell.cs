using System.Text;
using Demiurge.Core.Containers.Runtime;

namespace Demiurge.Core.Containers.Repositories.Running;

/// <summary>Runs shell scripts of ours in containers.</summary>
internal static class ContainerShell
{
    /// <summary>So much of the end of an output is kept, in characters.</summary>
    public const int LongestOutput = 64 * 1024;

    /// <param name="written">Told all of the output so far, after each piece.</param>
    public static async Task<(int ExitCode, string Output)> Run(
        IContainerRuntime runtime, string name, string script, string[] arguments, byte[]? input, IReadOnlyDictionary<string, string>? environment, Action<string>? written,
        CancellationToken cancellationToken)
    {
        await using var exec = await Begin(
            runtime, name, new ExecSpec(["/bin/sh", "-c", script, "sh", .. arguments], 80, 24) { Tty = false, Environment = environment ?? new Dictionary<string, string>() }, cancellationToken);
        if (input is not null)
            await exec.Write(input, cancellationToken);
        await exec.CompleteInput(cancellationToken);
        var output = new StringBuilder();
        var decoder = Encoding.UTF8.GetDecoder();
        var buffer = new byte[8192];
        var characters = new char[8192];
        while (await exec.Read(buffer, cancellationToken) is > 0 and var count)
        {
            output.Append(characters, 0, decoder.GetChars(buffer, 0, count, characters, 0, flush: false));
            if (output.Length > 2 * LongestOutput)
                output.Remove(0, output.Length - LongestOutput);
            written?.Invoke(output.ToString());
        }
        return (await exec.ExitCode(cancellationToken), output.ToString());
    }

    /// <summary>Waits while the container is held still for a snapshot: nothing can be begun in it then.</summary>
    private static async Task<IExecStream> Begin(IContainerRuntime runtime, string name, ExecSpec spec, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await runtime.Exec(name, spec, cancellationToken);
            }
            catch (RuntimeException)
            {
                if (await runtime.Find(name, cancellationToken) is not { State: RuntimeState.Paused })
                    throw;
            }
            await Task.Delay(500, cancellationToken);
        }
    }
}
