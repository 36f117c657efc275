namespace Demiurge.Web.Hosting;

/// <summary>Web can't start or be controlled as configured. The message is for the operator and says what to do.</summary>
public sealed class SiteEnvironmentException(string message, Exception? inner = null) : Exception(message, inner);
