using System.Net;

namespace Demiurge.Core.Containers.Docker;

/// <summary>Why a call to an engine failed.</summary>
internal enum DockerFailure
{
    /// <summary>Nobody answers, the connection broke, or the answer took too long. The call may have had its effect.</summary>
    Unreachable,

    /// <summary>The engine or we don't accept the other's certificate, or the socket's permissions keep us out.</summary>
    Denied,

    /// <summary>The container, image, network, volume or path does not exist.</summary>
    NotFound,

    /// <summary>The name is taken, or the object's state does not allow it.</summary>
    Conflict,

    /// <summary>The engine did not accept what was asked.</summary>
    Invalid,

    /// <summary>The engine speaks no version of the API that we speak.</summary>
    Unsupported,

    /// <summary>The engine tried and failed.</summary>
    Failed,
}

/// <summary>A call to an engine failed. The message is the engine's own where it gave one.</summary>
internal sealed class DockerException(DockerFailure failure, string message, HttpStatusCode? status = null, Exception? inner = null) : Exception(message, inner)
{
    public DockerFailure Failure { get; } = failure;

    /// <summary>The engine's answer; null when there was none, or when it failed after it had begun to answer.</summary>
    public HttpStatusCode? Status { get; } = status;

    internal static DockerFailure Of(HttpStatusCode status) => status switch
    {
        HttpStatusCode.NotFound => DockerFailure.NotFound,
        HttpStatusCode.Conflict => DockerFailure.Conflict,
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => DockerFailure.Denied,
        HttpStatusCode.ServiceUnavailable => DockerFailure.Unreachable,
        >= HttpStatusCode.InternalServerError => DockerFailure.Failed,
        _ => DockerFailure.Invalid,
    };
}
