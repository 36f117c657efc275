using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Demiurge.Core.Tokens;

namespace Demiurge.Tests.Tokens;

public sealed class JwsTests
{
    private const string Issuer = "https://demiurge.example";
    private const string Audience = "tests";

    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
    private static readonly JwsSigningKey Key = JwsSigningKey.Create("k1");
    private static readonly JwsKeySet Trusted = new([Key.ToPublic()]);

    private sealed record Claims : JwsClaims
    {
        public string Color { get; init; } = "";
    }

    [Fact]
    public void Verify_OfWhatWasSigned_GivesTheClaims()
    {
        var verified = Verify(Jws.Sign(NewClaims(), Key));
        Assert.Equal(NewClaims(), verified.Value);
    }

    [Fact]
    public void Sign_IsReadByAnotherImplementation()
    {
        // The signature is over header and payload as they are sent, and is the plain r‖s of RFC 7518, 3.4.
        var parts = Jws.Sign(NewClaims(), Key).Split('.');
        Assert.Equal("""{"alg":"ES256","kid":"k1","typ":"JWT"}""", Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[0])));
        using var ecdsa = ECDsa.Create(Key.Parameters);
        Assert.True(ecdsa.VerifyData(
            Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]),
            HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
    }

    /// <summary>RFC 7515, appendix A.3: key, input and signature that others made.</summary>
    [Fact]
    public void Verify_OfTheStandardsExample_AcceptsTheSignatureAndMissesOurClaims()
    {
        const string header = "eyJhbGciOiJFUzI1NiJ9";
        const string payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        const string signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        var key = new JsonWebKey(
            "rfc", "EC", "P-256", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        using var ecdsa = ECDsa.Create(key.ToParameters());
        Assert.True(ecdsa.VerifyData(Encoding.ASCII.GetBytes($"{header}.{payload}"), Base64Url.DecodeFromChars(signature), HashAlgorithmName.SHA256));
        // No key id: nothing says which key it should be.
        Assert.Equal("token.invalid", Jws.Verify<Claims>($"{header}.{payload}.{signature}", new JwsKeySet([key]), "joe", "", Now).Error?.Code);
    }

    [Fact]
    public void Verify_OfATokenWithOneCharacterChanged_Fails()
    {
        var token = Jws.Sign(NewClaims(), Key);
        for (var i = 0; i < token.Length; i++)
        {
            foreach (var replacement in "Ab1-_.=+ \u0100")
            {
                if (token[i] == replacement)
                    continue;
                var changed = string.Concat(token.AsSpan(0, i), [replacement], token.AsSpan(i + 1));
                Assert.False(Verify(changed).Succeeded, changed);
            }
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("...")]
    [InlineData("a.b")]
    [InlineData("a.b.c.d.e")]
    [InlineData("e30.e30.")]
    [InlineData("bnVsbA.bnVsbA.bnVsbA")]
    [InlineData("W10.W10.W10")]
    public void Verify_OfNoToken_Fails(string? token) => Assert.Equal("token.invalid", Verify(token).Error?.Code);

    [Fact]
    public void Verify_OfAnEndlessToken_Fails() => Assert.Equal("token.invalid", Verify(new string('a', 1_000_000)).Error?.Code);

    [Theory]
    [InlineData("""{"alg":"none","kid":"k1"}""")]
    [InlineData("""{"alg":"HS256","kid":"k1"}""")]
    [InlineData("""{"alg":"es256","kid":"k1"}""")]
    [InlineData("""{"alg":"ES256"}""")]
    [InlineData("""{"alg":"ES256","kid":"k1","crit":["exp"]}""")]
    [InlineData("""{"alg":"none","alg":"ES256","kid":"k1"}""")]
    [InlineData("""{"kid":"k1"}""")]
    public void Verify_OfAWellSignedTokenWithAnotherHeader_Fails(string header)
    {
        var signed = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Jws.Sign(NewClaims(), Key).Split('.')[1]}";
        using var ecdsa = ECDsa.Create(Key.Parameters);
        var signature = ecdsa.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256);
        Assert.Equal("token.invalid", Verify($"{signed}.{Base64Url.EncodeToString(signature)}").Error?.Code);
    }

    [Fact]
    public void Verify_OfAnHmacMadeWithThePublicKey_Fails()
    {
        var header = Base64Url.EncodeToString("""{"alg":"HS256","kid":"k1"}"""u8);
        var signed = $"{header}.{Jws.Sign(NewClaims(), Key).Split('.')[1]}";
        var mac = HMACSHA256.HashData(Base64Url.DecodeFromChars(Key.ToPublic().X), Encoding.ASCII.GetBytes(signed));
        Assert.Equal("token.invalid", Verify($"{signed}.{Base64Url.EncodeToString([.. mac, .. mac])}").Error?.Code);
    }

    [Fact]
    public void Verify_ByAnotherKeyOfTheSameId_Fails()
    {
        var other = new JwsKeySet([JwsSigningKey.Create("k1").ToPublic()]);
        Assert.Equal("token.invalid", Jws.Verify<Claims>(Jws.Sign(NewClaims(), Key), other, Issuer, Audience, Now).Error?.Code);
    }

    [Fact]
    public void Verify_WithoutTheKey_SaysSo() =>
        Assert.Equal("token.key_unknown", Jws.Verify<Claims>(Jws.Sign(NewClaims(), Key), JwsKeySet.Empty, Issuer, Audience, Now).Error?.Code);

    [Fact]
    public void Verify_OutsideItsTime_Fails()
    {
        var token = Jws.Sign(NewClaims(), Key);
        Assert.Equal("token.invalid", Verify(token, Now.AddSeconds(-1)).Error?.Code);
        Assert.True(Verify(token, Now.AddSeconds(899)).Succeeded);
        Assert.Equal("token.expired", Verify(token, Now.AddSeconds(900)).Error?.Code);
        Assert.True(Jws.Verify<Claims>(token, Trusted, Issuer, Audience, Now.AddSeconds(-2), leeway: TimeSpan.FromSeconds(5)).Succeeded);
    }

    [Fact]
    public void Verify_ForAnotherAudienceOrIssuer_Fails()
    {
        var token = Jws.Sign(NewClaims(), Key);
        Assert.Equal("token.invalid", Jws.Verify<Claims>(token, Trusted, Issuer, "others", Now).Error?.Code);
        Assert.Equal("token.invalid", Jws.Verify<Claims>(token, Trusted, "https://elsewhere.example", Audience, Now).Error?.Code);
    }

    [Fact]
    public void SigningKey_AsText_KeepsItsSecret() => Assert.Equal("JwsSigningKey k1", $"{Key}");

    private static Core.Result<Claims> Verify(string? token, DateTimeOffset? at = null) => Jws.Verify<Claims>(token, Trusted, Issuer, Audience, at ?? Now);

    private static Claims NewClaims() => new()
    {
        Issuer = Issuer,
        Audience = Audience,
        Subject = "ann",
        IssuedAt = Now.ToUnixTimeSeconds(),
        NotBefore = Now.ToUnixTimeSeconds(),
        ExpiresAt = Now.AddMinutes(15).ToUnixTimeSeconds(),
        Id = "1",
        Color = "blue",
    };
}
