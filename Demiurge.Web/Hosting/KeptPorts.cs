using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Demiurge.Web.Hosting;

/// <summary>
/// The ports of one environment, chosen at its first start and kept in <c>env.json</c> of its folder, so that links and
/// bookmarks stay true.
/// </summary>
/// <param name="Port">Where people and clients connect.</param>
/// <param name="ControlPort">Where gateways call Web; loopback only.</param>
/// <param name="GatewayBasePort">Gateway N listens on this plus N.</param>
internal sealed record KeptPorts(int Port, int ControlPort, int GatewayBasePort)
{
    private const int FirstPort = 5080;
    private const int FirstGatewayPort = 7100;
    private const int GatewayPortsPerEnvironment = 20;

    /// <summary>The file's name in the environment's folder.</summary>
    public const string FileName = "env.json";

    /// <summary>Null where the environment was never started.</summary>
    /// <exception cref="SiteEnvironmentException">The file isn't what was written.</exception>
    public static KeptPorts? Read(string dataPath)
    {
        var file = Path.Combine(dataPath, FileName);
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize<KeptPorts>(File.ReadAllText(file), JsonSerializerOptions.Web) : null;
        }
        catch (JsonException e)
        {
            throw new SiteEnvironmentException($"{file} is damaged: {e.Message} Delete it; the next start chooses ports anew.", e);
        }
    }

    /// <summary>Chooses ports that are free now and that no environment beside this one keeps.</summary>
    public static KeptPorts Choose(string dataPath)
    {
        var others = Path.GetDirectoryName(dataPath) is { } parent && Directory.Exists(parent)
            ? Directory.GetDirectories(parent).Where(folder => folder != dataPath).Select(ReadOther).OfType<KeptPorts>().ToList()
            : [];
        var port = Enumerable.Range(FirstPort, 200).First(candidate => others.All(o => o.Port != candidate) && IsFree(candidate));
        var gateways = Enumerable.Range(0, 100)
            .Select(block => FirstGatewayPort + (block * GatewayPortsPerEnvironment))
            .First(candidate => others.All(o => o.GatewayBasePort != candidate) && IsFree(candidate));
        return new(port, AnyFree(), gateways);

        static KeptPorts? ReadOther(string folder)
        {
            try
            {
                return Read(folder);
            }
            catch (SiteEnvironmentException)
            {
                return null;
            }
        }
    }

    public void Write(string dataPath)
        => File.WriteAllText(Path.Combine(dataPath, FileName), JsonSerializer.Serialize(this, JsonSerializerOptions.Web));

    public static bool IsFree(int port)
    {
        try
        {
            using var probe = new TcpListener(IPAddress.Loopback, port);
            probe.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public static int AnyFree()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
