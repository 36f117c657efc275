namespace Demiurge.Core.Persistence.Embedded;

/// <summary>The embedded server can't run. The message is for the operator and says what to do.</summary>
public sealed class EmbeddedPostgresException(string message, Exception? inner = null) : Exception(message, inner);
