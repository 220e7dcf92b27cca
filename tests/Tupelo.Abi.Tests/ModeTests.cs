using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Tupelo.Abi.Tests;

public sealed class ModeTests
{
    [Theory]
    [InlineData(FileType.Fifo, Mode.Fifo)]
    [InlineData(FileType.CharDevice, Mode.CharDevice)]
    [InlineData(FileType.Directory, Mode.Directory)]
    [InlineData(FileType.BlockDevice, Mode.BlockDevice)]
    [InlineData(FileType.Regular, Mode.Regular)]
    [InlineData(FileType.Symlink, Mode.Symlink)]
    [InlineData(FileType.Socket, Mode.Socket)]
    public void Type_GoesThereAndBack_AndIsTheHosts(FileType type, uint bits)
    {
        Assert.Equal(bits, Mode.OfType(type));
        Assert.Equal(type, Mode.TypeOf(bits));
        Assert.Equal(type, Mode.TypeOf(bits | Mode.PermissionMask));
        Assert.Equal(0u, bits & ~Mode.TypeMask);
        Assert.Equal(type, new Stat { Mode = bits | 0x1FF }.Type);
        if (type == FileType.BlockDevice && Run("find", "/dev", "-type", "b", "-print", "-quit").Length == 0)
        {
            return; // a container has no block device to look at
        }
        string directory = Directory.CreateTempSubdirectory("tupelo-abi-").FullName;
        try
        {
            string path = Path.Combine(directory, "it");
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            switch (type)
            {
                case FileType.Fifo: _ = Run("mkfifo", path); break;
                case FileType.Directory: Directory.CreateDirectory(path); break;
                case FileType.Regular: File.WriteAllText(path, ""); break;
                case FileType.Symlink: File.CreateSymbolicLink(path, "nowhere"); break;
                case FileType.Socket: socket.Bind(new UnixDomainSocketEndPoint(path)); break;
                case FileType.CharDevice: path = "/dev/null"; break;
                default: path = Run("find", "/dev", "-type", "b", "-print", "-quit").Trim(); break;
            }
            Assert.Equal(type, Mode.TypeOf(HostMode(path)));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public void PatternThatIsNoType_IsUnknown()
    {
        foreach (uint pattern in new uint[] { 0, 3, 5, 7, 9, 11, 13, 14, 15 })
        {
            Assert.Equal(FileType.Unknown, Mode.TypeOf((pattern << 12) | 0x1ED));
        }
    }

    [Fact]
    public void SpecialBits_AreThoseOfChmod()
    {
        string file = Path.GetTempFileName();
        try
        {
            _ = Run("chmod", "4000", file);
            Assert.Equal(Mode.Regular | Mode.SetUid, HostMode(file));
            _ = Run("chmod", "2000", file);
            Assert.Equal(Mode.Regular | Mode.SetGid, HostMode(file));
            _ = Run("chmod", "1400", file);
            Assert.Equal(Mode.Regular | Mode.Sticky | 0x100, HostMode(file));
            Assert.Equal(0xFFFu, Mode.PermissionMask);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static uint HostMode(string path) => uint.Parse(Run("stat", "-c", "%f", path).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }
}
