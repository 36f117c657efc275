namespace Demiurge.Core;

/// <summary>An expected refusal: what is the matter and what to do next, in words for the person who asked.</summary>
/// <param name="Code">Stable, lower-case, dotted; part of the REST contract (<c>type</c> of the problem details).</param>
/// <param name="Message">One sentence for a person.</param>
/// <param name="Kind">How a transport should report it.</param>
public record Error(string Code, string Message, ErrorKind Kind)
{
    /// <summary>The input field at fault, camelCase, where there is one.</summary>
    public string? Field { get; init; }

    /// <summary>What is the matter with each field at fault, by its name, where there may be several.</summary>
    public IReadOnlyDictionary<string, string>? Fields { get; init; }
}

/// <summary>The classes of refusal a transport tells apart. The REST layer maps them to 400, 401, 403, 404, 409, 429 and 503.</summary>
public enum ErrorKind { Invalid, Unauthenticated, Forbidden, NotFound, Conflict, TooMany, Unavailable }

/// <summary>Success, or the <see cref="Core.Error"/> that says why not. Exceptions are left to bugs and the outside world.</summary>
public readonly record struct Result
{
    public static Result Ok => default;

    public Error? Error { get; private init; }

    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(false, nameof(Error))]
    public bool Succeeded => Error is null;

    public static implicit operator Result(Error error) => new() { Error = error };
}

/// <summary>A value, or the <see cref="Core.Error"/> that says why there is none.</summary>
public readonly record struct Result<T>
{
    /// <summary>The value; default when <see cref="Succeeded"/> is false.</summary>
    public T? Value { get; private init; }

    public Error? Error { get; private init; }

    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(true, nameof(Value))]
    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(false, nameof(Error))]
    public bool Succeeded => Error is null;

    /// <summary>For a <typeparamref name="T"/> that is an interface, which C# converts to nothing by itself.</summary>
    public static Result<T> Of(T value) => new() { Value = value };

    public static implicit operator Result<T>(T value) => new() { Value = value };

    public static implicit operator Result<T>(Error error) => new() { Error = error };
}
