using Demiurge.Core.Containers.Remote;
using Demiurge.Core.Gateways;

namespace Demiurge.Web.Gateways;

/// <summary>The part of the handshake that is about organizations' VPNs.</summary>
internal static class VpnEndpoints
{
    public static void MapVpn(this RouteGroupBuilder group)
    {
        var vpn = group.MapGroup("/vpn");
        vpn.MapPost("/configure", (HttpContext context, RemoteGateways remotes) =>
            GatewayEndpoints.Handle<object>(context, async (token, _) => GatewayEndpoints.Answer(await remotes.Configure(token, context.RequestAborted))));
        vpn.MapPost("/started", (HttpContext context, RemoteGateways remotes) =>
            GatewayEndpoints.Handle<GatewayVpnStarted>(context, async (token, body) => GatewayEndpoints.Answer(await remotes.Started(token, body, context.RequestAborted))));
        vpn.MapPost("/check", (HttpContext context, RemoteGateways remotes) =>
            GatewayEndpoints.Handle<GatewayVpnCheck>(context, async (token, body) => GatewayEndpoints.Answer(await remotes.Check(token, body, context.RequestAborted))));
    }
}
