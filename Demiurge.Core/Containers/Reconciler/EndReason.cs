using Demiurge.Core.Containers.Runtime;

namespace Demiurge.Core.Containers.Reconciler;

/// <summary>Why a container ended, in words for people.</summary>
internal static class EndReason
{
    public static string Of(RuntimeContainer container) => container switch
    {
        { OutOfMemory: true } => "It was ended because it used more memory than its tier has. Choose a larger tier or use less.",
        { ExitCode: 0 } => "It ended by itself.",
        { ExitCode: 137 } => "It was killed (exit code 137).",
        { ExitCode: 126 or 127 } => $"Its program can't be run (exit code {container.ExitCode}). Check the image and the command.",
        { ExitCode: { } code } => $"It ended by itself with exit code {code}.",
        _ => "It ended by itself.",
    };
}
