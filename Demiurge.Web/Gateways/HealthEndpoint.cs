using Demiurge.Core.Gateways;
using Npgsql;

namespace Demiurge.Web.Gateways;

/// <summary>The state of this installation for whoever starts or watches it.</summary>
/// <param name="Status"><c>ready</c>, or <c>unavailable</c> (with 503) while PostgreSQL does not answer.</param>
/// <param name="Gateways">How many gateways are in each state.</param>
public sealed record Health(string Status, IReadOnlyDictionary<string, int> Gateways);

public static class HealthEndpoint
{
    public static void MapHealth(this WebApplication app) =>
        app.MapGet("/health", async (GatewayPool pool, CancellationToken cancellationToken) =>
        {
            try
            {
                var states = (await pool.List(cancellationToken)).GroupBy(entry => entry.Gateway.State)
                    .ToDictionary(group => group.Key.ToString().ToLowerInvariant(), group => group.Count());
                return Results.Json(new Health("ready", states));
            }
            catch (Exception exception) when (exception is NpgsqlException || exception.InnerException is NpgsqlException)
            {
                return Results.Json(new Health("unavailable", new Dictionary<string, int>()), statusCode: StatusCodes.Status503ServiceUnavailable);
            }
        }).ExcludeFromDescription();
}
