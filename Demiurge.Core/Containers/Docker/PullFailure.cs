namespace Demiurge.Core.Containers.Docker;

/// <summary>Why an image could not be fetched, in words for the person who named it. The engine passes on what the registry said, which differs with both.</summary>
internal static class PullFailure
{
    /// <summary>Whether asking again may help: the registry, or the way to it, is down.</summary>
    public static bool MayPass(DockerException exception) =>
        exception.Failure is DockerFailure.Failed or DockerFailure.Unreachable && !IsMissing(exception.Message) && !IsDenied(exception.Message);

    public static string Words(string image, DockerException exception)
    {
        var said = exception.Message.TrimEnd('.', ' ', '\n');
        return IsDenied(said) ? $"There is no image {image}, or its registry gives it to nobody without a login. ({said}.)"
            : IsMissing(said) ? $"There is no image {image} in its registry. ({said}.)"
            : MayPass(exception) ? $"The registry of the image {image} can't be reached. ({said}.)"
            : $"The image {image} can't be had: {said}.";
    }

    private static bool IsMissing(string said) =>
        Says(said, "manifest unknown") || Says(said, "name unknown") || Says(said, "not found") || Says(said, "repository name not known");

    private static bool IsDenied(string said) =>
        Says(said, "pull access denied") || Says(said, "unauthorized") || Says(said, "authentication required") || Says(said, "denied:");

    private static bool Says(string said, string words) => said.Contains(words, StringComparison.OrdinalIgnoreCase);
}
