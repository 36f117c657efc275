using System.Diagnostics;
using Demiurge.Core.Containers.Repositories;

namespace Demiurge.Tests.Containers.Repositories;

public sealed class DeployKeyTests
{
    /// <summary>From RFC 8032, section 7.1.</summary>
    [Theory]
    [InlineData("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")]
    [InlineData("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")]
    [InlineData("f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5", "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e")]
    public void Public_OfASeed_IsTheStandards(string seed, string expected) =>
        Assert.Equal(expected, Convert.ToHexStringLower(DeployKey.PublicOf(Convert.FromHexString(seed))));

    [Fact]
    public void Key_IsReadBySshKeygen()
    {
        var file = Path.GetTempFileName();
        try
        {
            for (var i = 0; i < 5; i++)
            {
                var key = DeployKey.Create("demiurge-test");
                File.WriteAllText(file, key.Private);
                if (!OperatingSystem.IsWindows())
                    File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
                using var keygen = Process.Start(new ProcessStartInfo("ssh-keygen", ["-y", "-f", file]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
                Assert.Equal(key.Public, keygen.StandardOutput.ReadToEnd().Trim());
            }
        }
        finally
        {
            File.Delete(file);
        }
    }
}
