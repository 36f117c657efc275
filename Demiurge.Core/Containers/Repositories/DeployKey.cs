using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace Demiurge.Core.Containers.Repositories;

/// <summary>
/// An Ed25519 key pair in OpenSSH's formats. The framework has no Ed25519, and no signing is needed here, only RFC 8032's way from seed to public
/// key (section 5.1.5). It runs once a key, on our own machine, so it isn't written to take the same time for every key.
/// </summary>
/// <param name="Public">As a line of an authorized_keys file.</param>
/// <param name="Private">The private key's file, without a passphrase (openssh-key-v1).</param>
public sealed record DeployKey(string Public, string Private)
{
    private const string Kind = "ssh-ed25519";
    private const int SeedLength = 32;

    private static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    private static readonly BigInteger D = Mod(-121665 * Inverse(121666));

    private static readonly (BigInteger X, BigInteger Y) Base = (
        BigInteger.Parse("15112221349535400772501151409588531511454012693041857206046113283949847762202", System.Globalization.CultureInfo.InvariantCulture),
        BigInteger.Parse("46316835694926478169428394003475163141307993866256225615783033603165251855960", System.Globalization.CultureInfo.InvariantCulture));

    /// <param name="comment">What a person recognizes it by; one line.</param>
    public static DeployKey Create(string comment)
    {
        var seed = RandomNumberGenerator.GetBytes(SeedLength);
        try
        {
            return Of(seed, comment);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    /// <summary>Without the private half.</summary>
    public override string ToString() => Public;

    internal static DeployKey Of(ReadOnlySpan<byte> seed, string comment)
    {
        var point = PublicOf(seed);
        var blob = new Writer().Text(Kind).Bytes(point).ToArray();
        var check = RandomNumberGenerator.GetBytes(4);
        var inner = new Writer().Raw(check).Raw(check).Text(Kind).Bytes(point).Bytes([.. seed, .. point]).Text(comment);
        for (byte pad = 1; inner.Length % 8 != 0; pad++)
            inner.Raw([pad]);
        var file = new Writer().Raw("openssh-key-v1\0"u8).Text("none").Text("none").Text("").Number(1).Bytes(blob).Bytes(inner.ToArray()).ToArray();
        var lines = string.Join('\n', Convert.ToBase64String(file).Chunk(70).Select(line => new string(line)));
        return new DeployKey(
            $"{Kind} {Convert.ToBase64String(blob)} {comment}", $"-----BEGIN OPENSSH PRIVATE KEY-----\n{lines}\n-----END OPENSSH PRIVATE KEY-----\n");
    }

    internal static byte[] PublicOf(ReadOnlySpan<byte> seed)
    {
        Span<byte> hash = stackalloc byte[64];
        SHA512.HashData(seed, hash);
        hash[0] &= 248;
        hash[31] &= 127;
        hash[31] |= 64;
        var scalar = new BigInteger(hash[..32], isUnsigned: true);
        var sum = (X: BigInteger.Zero, Y: BigInteger.One);
        for (var power = Base; scalar > 0; scalar >>= 1)
        {
            if (!scalar.IsEven)
                sum = Add(sum, power);
            power = Add(power, power);
        }
        var bytes = new byte[32];
        sum.Y.TryWriteBytes(bytes, out _, isUnsigned: true);
        if (!sum.X.IsEven)
            bytes[31] |= 128;
        return bytes;
    }

    /// <summary>On the twisted Edwards curve −x² + y² = 1 + d·x²·y².</summary>
    private static (BigInteger X, BigInteger Y) Add((BigInteger X, BigInteger Y) a, (BigInteger X, BigInteger Y) b)
    {
        var product = Mod(D * a.X * b.X * a.Y * b.Y);
        return (
            Mod(((a.X * b.Y) + (a.Y * b.X)) * Inverse(1 + product)),
            Mod(((a.Y * b.Y) + (a.X * b.X)) * Inverse(1 - product)));
    }

    private static BigInteger Mod(BigInteger value)
    {
        var rest = value % P;
        return rest.Sign < 0 ? rest + P : rest;
    }

    private static BigInteger Inverse(BigInteger value) => BigInteger.ModPow(Mod(value), P - 2, P);

    /// <summary>The SSH wire format.</summary>
    private sealed class Writer
    {
        private readonly MemoryStream bytes = new();

        public long Length => bytes.Length;

        public Writer Raw(ReadOnlySpan<byte> raw)
        {
            bytes.Write(raw);
            return this;
        }

        public Writer Number(int value)
        {
            Span<byte> number = stackalloc byte[4];
            BinaryPrimitives.WriteInt32BigEndian(number, value);
            return Raw(number);
        }

        public Writer Bytes(ReadOnlySpan<byte> value) => Number(value.Length).Raw(value);

        public Writer Text(string value) => Bytes(Encoding.UTF8.GetBytes(value));

        public byte[] ToArray() => bytes.ToArray();
    }
}
