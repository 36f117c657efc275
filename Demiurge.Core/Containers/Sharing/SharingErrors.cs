namespace Demiurge.Core.Containers.Sharing;

internal static class SharingErrors
{
    public static readonly Error LifeOutOfRange = new(
        "container.link_life_out_of_range", $"A link lasts from a minute to {ShareLinks.LongestLife.TotalDays:0} days.", ErrorKind.Invalid) { Field = "expiresInMinutes" };

    public static readonly Error NotSharedByLink = new(
        "container.not_shared_by_link", "Set the container's sharing to `link` first; then links to it work.", ErrorKind.Conflict);

    public static readonly Error TooManyLinks = new(
        "container.too_many_links", $"A container has at most {ShareLinks.MaxPerContainer} links. Revoke one first.", ErrorKind.Conflict);

    public static readonly Error LinkNotFound = new("container.link_not_found", "This container has no such link.", ErrorKind.NotFound);

    public static readonly Error LinkOver = new(
        "container.link_over", "This link has expired or was taken back. Ask whoever gave it to you for another one.", ErrorKind.NotFound);

    public static readonly Error TooManyTokens = new(
        "container.too_many_tokens", $"A container has at most {ContainerTokens.MaxPerContainer} tokens. Revoke one first.", ErrorKind.Conflict);

    public static readonly Error TokenNotFound = new("container.token_not_found", "You have no such token for this container.", ErrorKind.NotFound);

    public static readonly Error TokenExpired = new(
        "container.token_expiry_past", "The token's end lies in the past.", ErrorKind.Invalid) { Field = "expiresAt" };
}
