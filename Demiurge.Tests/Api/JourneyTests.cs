using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Api;

/// <summary>What a client of the API does, from the first account to the last farewell.</summary>
public sealed class JourneyTests(WebFixture web) : IClassFixture<WebFixture>
{
    [Fact]
    public async Task Session_FromLogInToLogOut()
    {
        var ann = await ApiClient.Register(web);
        var session = (await ApiClient.Anonymous(web).Post("auth/login", new { email = ann.Email.ToUpperInvariant(), password = People.Password })).Expect(200);
        var client = ApiClient.SignedIn(web, session, ann.Email);
        Assert.Equal(ann.Email, (string?)(await client.Get("me")).Expect(200)["email"]);

        var next = (await ApiClient.Anonymous(web).Post("auth/refresh", new { refreshToken = client.RefreshToken })).Expect(200);
        Assert.NotEqual(client.RefreshToken, (string?)next["refreshToken"]);

        (await ApiClient.Anonymous(web).Post("auth/logout", new { refreshToken = (string?)next["refreshToken"] })).Expect(204);
        (await client.Get("me")).Expect(401, "token.revoked");
        (await ApiClient.Anonymous(web).Post("auth/refresh", new { refreshToken = (string?)next["refreshToken"] })).Expect(401, "token.revoked");
        (await ApiClient.Anonymous(web).Post("auth/logout", new { refreshToken = "unknown" })).Expect(204);
        // The session that began at registration is another one.
        (await ann.Get("me")).Expect(200);
    }

    [Fact]
    public async Task RefreshToken_UsedTwice_EndsTheSession()
    {
        var ann = await ApiClient.Register(web);
        var anonymous = ApiClient.Anonymous(web);
        var next = (await anonymous.Post("auth/refresh", new { refreshToken = ann.RefreshToken })).Expect(200);

        (await anonymous.Post("auth/refresh", new { refreshToken = ann.RefreshToken })).Expect(401, "token.reused");

        (await anonymous.Post("auth/refresh", new { refreshToken = (string?)next["refreshToken"] })).Expect(401, "token.revoked");
        (await ann.Get("me")).Expect(401, "token.revoked");
    }

    [Fact]
    public async Task Profile_Changed_StaysChanged()
    {
        var ann = await ApiClient.Register(web);
        (await ann.Patch("me", new { displayName = "  Ann Lee ", color = "#ABCDEF" })).Expect(200);
        (await ann.Patch("me", new { color = "red" })).Expect(400, "account.color_malformed");
        var me = (await ann.Get("me")).Expect(200);
        Assert.Equal(("Ann Lee", "#abcdef"), ((string?)me["displayName"], (string?)me["color"]));
    }

    [Fact]
    public async Task Password_Changed_EndsEverySession()
    {
        var ann = await ApiClient.Register(web);
        (await ann.Post("me/password", new { currentPassword = "not it", newPassword = "another good one" })).Expect(400, "account.current_password_wrong");
        (await ann.Post("me/password", new { currentPassword = People.Password, newPassword = "short" })).Expect(400, "account.password_refused");
        (await ann.Post("me/password", new { currentPassword = People.Password, newPassword = "another good one" })).Expect(204);
        (await ann.Get("me")).Expect(401, "token.revoked");
        (await ApiClient.Anonymous(web).Post("auth/login", new { email = ann.Email, password = People.Password })).Expect(401);
        (await ApiClient.Anonymous(web).Post("auth/login", new { email = ann.Email, password = "another good one" })).Expect(200);
    }

    [Fact]
    public async Task Team_FromInvitationToLeaving()
    {
        var ann = await ApiClient.Register(web);
        var bob = await ApiClient.Register(web);
        var organization = (await ann.Post("organizations", new { name = " Acme " })).Expect(201);
        var address = $"organizations/{organization["id"]}";
        Assert.Equal($"/api/v1/{address}", organization.Response.Headers.Location?.ToString());
        Assert.Equal(("Acme", "owner"), ((string?)organization["name"], (string?)organization["role"]));
        (await bob.Get(address)).Expect(404, "organization.not_found");

        var invitation = (await ann.Post($"{address}/invitations", new { email = bob.Email, role = "admin" })).Expect(201);
        Assert.EndsWith($"/invitations/{invitation["token"]}", (string?)invitation["link"]);
        Assert.Single((await ann.Get($"{address}/invitations")).Expect(200).Body!.AsArray());
        var token = new { token = (string?)invitation["token"] };
        Assert.Equal("Acme", (string?)(await ApiClient.Anonymous(web).Post("invitations/preview", token)).Expect(200)["organizationName"]);
        (await ann.Post("invitations/accept", token)).Expect(403, "invitation.for_another_address");
        (await bob.Post("invitations/accept", token)).Expect(200);
        (await bob.Post("invitations/accept", token)).Expect(409, "invitation.already_accepted");
        (await ApiClient.Anonymous(web).Post("invitations/preview", token)).Expect(409);

        (await bob.Patch(address, new { name = "Acme & Sons" })).Expect(200);
        (await bob.Delete($"{address}?confirmName=Acme")).Expect(403, "organization.forbidden");
        (await bob.Patch($"{address}/members/{ann.UserId}", new { role = "member" })).Expect(403);
        (await ann.Patch($"{address}/members/{bob.UserId}", new { role = "member" })).Expect(204);
        (await ann.Post($"{address}/leave")).Expect(409, "organization.last_owner");
        (await bob.Post($"{address}/leave")).Expect(204);
        (await bob.Get(address)).Expect(404);
        var actions = (await ann.Get($"{address}/audit")).Expect(200).Body!.AsArray().Select(entry => (string?)entry!["action"]);
        Assert.Equal(
            ["member.left", "member.role_changed", "organization.renamed", "invitation.accepted", "invitation.created", "organization.created"], actions);

        (await ann.Delete(address)).Expect(400, "organization.confirmation_differs");
        (await ann.Delete($"{address}?confirmName=Acme+%26+Sons")).Expect(204);
        (await ann.Get(address)).Expect(404);
        Assert.Empty((await ann.Get("organizations")).Expect(200).Body!.AsArray());
    }

    [Fact]
    public async Task Invitation_Withdrawn_NoLongerWorks()
    {
        var ann = await ApiClient.Register(web);
        var bob = await ApiClient.Register(web);
        var organization = (await ann.Post("organizations", new { name = "Acme" })).Expect(201);
        var invitation = (await ann.Post($"organizations/{organization["id"]}/invitations", new { email = bob.Email })).Expect(201);
        Assert.Equal("member", (string?)invitation["role"]);
        (await ann.Delete($"organizations/{organization["id"]}/invitations/{invitation["id"]}")).Expect(204);
        (await bob.Post("invitations/accept", new { token = (string?)invitation["token"] })).Expect(409, "invitation.revoked");
        (await bob.Post("invitations/accept", new { token = "guessed" })).Expect(404, "invitation.not_found");
    }

    [Fact]
    public async Task Project_FromCreationToDeletion()
    {
        var ann = await ApiClient.Register(web);
        var bob = await ApiClient.Register(web);
        var organization = (await ann.Post("organizations", new { name = "Acme" })).Expect(201);
        var invitation = (await ann.Post($"organizations/{organization["id"]}/invitations", new { email = bob.Email })).Expect(201);
        (await bob.Post("invitations/accept", new { token = (string?)invitation["token"] })).Expect(200);

        var project = (await ann.Post($"organizations/{organization["id"]}/projects", new { name = "Plan", description = "line 1\nline 2" })).Expect(201);
        var address = $"projects/{project["id"]}";
        Assert.Equal(("private", "manage"), ((string?)project["visibility"], (string?)project["role"]));
        (await bob.Get(address)).Expect(404, "project.not_found");
        Assert.Empty((await bob.Get($"organizations/{organization["id"]}/projects")).Expect(200).Body!.AsArray());

        (await ann.Patch(address, new { visibility = "public" })).Expect(200);
        Assert.Equal("view", (string?)(await bob.Get(address)).Expect(200)["role"]);
        (await bob.Patch(address, new { name = "Mine" })).Expect(403, "project.forbidden");
        (await ann.Put($"{address}/members/{bob.UserId}", new { role = "edit" })).Expect(204);
        Assert.Equal("edit", (string?)(await bob.Get(address)).Expect(200)["role"]);
        Assert.Equal(2, (await bob.Get($"{address}/members")).Expect(200).Body!.AsArray().Count);
        (await bob.Delete($"{address}/members/{bob.UserId}")).Expect(204);
        Assert.Equal("view", (string?)(await bob.Get(address)).Expect(200)["role"]);

        (await ann.Delete($"{address}?confirmName=plan")).Expect(400, "project.confirmation_differs");
        (await ann.Delete($"{address}?confirmName=Plan")).Expect(204);
        (await ann.Get(address)).Expect(404);
        Assert.Empty((await ann.Get("projects/recent")).Expect(200).Body!.AsArray());
    }

    [Fact]
    public async Task Project_OpenedWithoutAccessOrAGateway_IsRefused()
    {
        var ann = await ApiClient.Register(web);
        var bob = await ApiClient.Register(web);
        var organization = (await ann.Post("organizations", new { name = "Acme" })).Expect(201);
        var project = (await ann.Post($"organizations/{organization["id"]}/projects", new { name = "Plan" })).Expect(201);
        (await bob.Post($"projects/{project["id"]}/open")).Expect(404);
        (await ann.Post($"projects/{project["id"]}/open")).Expect(503);
    }

    [Fact]
    public async Task ForgottenPassword_IsAnsweredAlikeForEveryAddress()
    {
        var ann = await ApiClient.Register(web);
        var known = (await ApiClient.Anonymous(web).Post("auth/forgot-password", new { email = ann.Email })).Expect(202);
        var unknown = (await ApiClient.Anonymous(web).Post("auth/forgot-password", new { email = People.NewEmail() })).Expect(202);
        Assert.Equal(known.Body?.ToJsonString(), unknown.Body?.ToJsonString());
        (await ApiClient.Anonymous(web).Post("auth/reset-password", new { email = ann.Email, token = "guessed", password = "another good one" }))
            .Expect(400, "account.reset_link_invalid");
    }
}
