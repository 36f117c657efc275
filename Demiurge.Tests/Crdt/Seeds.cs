namespace Demiurge.Tests.Crdt;

/// <summary>
/// Runs a body for many seeds and names the one that fails. <c>CRDT_SEED=17</c> runs that seed alone; <c>CRDT_SEEDS=5</c> multiplies how many are run;
/// <c>CRDT_FIRST_SEED=1000</c> starts elsewhere; <c>CRDT_STEPS=200</c> makes sessions longer.
/// </summary>
internal static class Seeds
{
    /// <summary>How many steps a session is to have, when somebody asks for another number than the test does.</summary>
    public static int? Steps => int.TryParse(Environment.GetEnvironmentVariable("CRDT_STEPS"), out var steps) ? steps : null;

    public static void ForEach(string name, int count, Action<int> body)
    {
        if (Environment.GetEnvironmentVariable("CRDT_SEED") is { Length: > 0 } single)
        {
            body(int.Parse(single));
            return;
        }
        var first = int.Parse(Environment.GetEnvironmentVariable("CRDT_FIRST_SEED") ?? "1");
        var factor = int.Parse(Environment.GetEnvironmentVariable("CRDT_SEEDS") ?? "1");
        for (var seed = first; seed < first + (count * factor); seed++)
        {
            try
            {
                body(seed);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"The {name} session of seed {seed} failed (CRDT_SEED={seed} repeats it): {exception.Message}", exception);
            }
        }
    }
}
