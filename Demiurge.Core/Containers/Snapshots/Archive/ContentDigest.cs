using System.Buffers.Binary;
using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;

namespace Demiurge.Core.Containers.Snapshots.Archive;

/// <summary>
/// Says whether two trees are the same, whatever the order in which they are told: the sum, modulo 2^256, of the SHA-256 of every entry's
/// name, kind, permissions, owner, link and content. Times of change are left out.
/// </summary>
internal sealed class ContentDigest
{
    private readonly ulong[] sum = new ulong[4];

    public void Add(int volume, string name, TarEntry entry, string link, string? contentSha256)
    {
        var kind = entry.EntryType switch
        {
            TarEntryType.V7RegularFile or TarEntryType.ContiguousFile => TarEntryType.RegularFile,
            var other => other,
        };
        // Permissions of symbolic links mean nothing and differ between file systems.
        var mode = kind == TarEntryType.SymbolicLink ? 0 : (int)entry.Mode;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{volume}\0{name}\0{kind}\0{mode}\0{entry.Uid}\0{entry.Gid}\0{link}\0{contentSha256}"), hash);
        UInt128 carry = 0;
        for (var i = 0; i < sum.Length; i++)
        {
            carry += (UInt128)sum[i] + BinaryPrimitives.ReadUInt64LittleEndian(hash[(i * 8)..]);
            sum[i] = (ulong)carry;
            carry >>= 64;
        }
    }

    /// <summary>Lower-case hexadecimal.</summary>
    public override string ToString() => string.Concat(sum.Select(word => word.ToString("x16", System.Globalization.CultureInfo.InvariantCulture)));
}
