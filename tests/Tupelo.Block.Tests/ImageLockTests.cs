using System.Diagnostics;

namespace Tupelo.Block.Tests;

/// <summary>Who may have an image open together with whom: within a process, between processes, and with QEMU.</summary>
public sealed class ImageLockTests : IDisposable
{
    private static readonly FileBlockDeviceOptions Reading = new() { ReadOnly = true };
    private static readonly FileBlockDeviceOptions Writing = new();

    private readonly TemporaryDirectory _files = new();
    private readonly string _image;

    public ImageLockTests()
    {
        _image = _files["image.img"];
        File.WriteAllBytes(_image, new byte[1 << 20]);
    }

    public void Dispose() => _files.Dispose();

    private FileBlockDevice Open(FileBlockDeviceOptions options) => FileBlockDevice.Open(_image, options);

    private string Refused(FileBlockDeviceOptions options)
    {
        BlockDeviceException e = Assert.Throws<BlockDeviceException>(() => Open(options));
        Assert.Equal(Errno.EBUSY, e.Errno);
        Assert.StartsWith(_image + " is in use by ", e.Message, StringComparison.Ordinal);
        return e.Message[_image.Length..];
    }

    private Process StartHolder(string mode)
    {
        Process process = HostTool.Start("dotnet", typeof(Program).Assembly.Location, "hold", _image, mode);
        Assert.Equal("open", process.StandardOutput.ReadLine());
        return process;
    }

    private static void Finish(Process process)
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }

    /// <summary>qemu-io with the image open; it is ready when it has answered a command. For raw images the tool shares every
    /// permission, for qcow2 none but reading, as a virtual machine does for its disk.</summary>
    private Process StartQemu(string format, params string[] options)
    {
        if (format == "qcow2")
        {
            _ = HostTool.Run("qemu-img", "create", "-q", "-f", "qcow2", _image, "1M");
        }
        Process process = HostTool.Start("qemu-io", [.. options, "-f", format, _image]);
        process.StandardInput.WriteLine("length");
        process.StandardInput.Flush();
        Assert.Contains("1 MiB", process.StandardOutput.ReadLine(), StringComparison.Ordinal);
        return process;
    }

    [Fact]
    public void TwoWriters_InOneProcess_Conflict()
    {
        using FileBlockDevice first = Open(Writing);
        Assert.Equal(" is in use by this same process, which is writing it. Close it there first.", Refused(Writing));
    }

    [Fact]
    public void TwoReaders_ShareTheImage_AndAWriterMayJoin()
    {
        using FileBlockDevice first = Open(Reading);
        using FileBlockDevice second = Open(Reading);
        using FileBlockDevice writer = Open(Writing);
        Assert.Contains("which is writing it", Refused(Reading), StringComparison.Ordinal);
    }

    [Fact]
    public void ReaderBesideAWriter_IsRefused_UnlessForced()
    {
        using FileBlockDevice writer = Open(Writing);
        Assert.Contains("force the reading", Refused(Reading), StringComparison.Ordinal);
        using FileBlockDevice forced = Open(Reading with { Force = true });
        Assert.Equal(Errno.None, forced.Read(0, new byte[512]));
    }

    [Fact]
    public void Force_DoesNotLetASecondWriterIn()
    {
        using FileBlockDevice writer = Open(Writing);
        _ = Refused(Writing with { Force = true });
    }

    [Fact]
    public void NoLock_AsksNobody_AndKeepsNobodyAway()
    {
        using FileBlockDevice first = Open(Writing);
        using FileBlockDevice second = Open(Writing with { Lock = ImageLockMode.None });
        first.Dispose();
        using FileBlockDevice third = Open(Writing);
    }

    [Fact]
    public void Close_ReleasesTheLock()
    {
        Open(Writing).Dispose();
        Open(Writing).Dispose();
        Open(Reading).Dispose();
    }

    [Fact]
    public void RefusedOpen_LeavesNoLockBehind()
    {
        FileBlockDevice writer = Open(Writing);
        _ = Refused(Writing);
        _ = Refused(Reading);
        writer.Dispose();
        Open(Writing).Dispose();
    }

    [Fact]
    public void RenamedImage_StaysLocked()
    {
        using FileBlockDevice writer = Open(Writing);
        File.Move(_image, _files["moved.img"]);
        BlockDeviceException e = Assert.Throws<BlockDeviceException>(() => FileBlockDevice.Open(_files["moved.img"]));
        Assert.Equal(Errno.EBUSY, e.Errno);
    }

    [Fact]
    public void WriterInAnotherProcess_IsNamed_AndItsDeathReleasesTheLock()
    {
        using Process other = StartHolder("writer");
        try
        {
            Assert.Equal($" is in use by Tupelo.Block.Tests (PID {other.Id}), which is writing it. Close it there first.", Refused(Writing));
            Assert.Contains($"(PID {other.Id})", Refused(Reading), StringComparison.Ordinal);
        }
        finally
        {
            other.Kill();
            other.WaitForExit();
        }
        Open(Writing).Dispose();
    }

    [Fact]
    public void OtherProcess_IsRefusedToo()
    {
        using FileBlockDevice writer = Open(Writing);
        using Process other = HostTool.Start("dotnet", typeof(Program).Assembly.Location, "hold", _image, "writer");
        string? answer = other.StandardOutput.ReadLine();
        Finish(other);
        Assert.Equal($"{_image} is in use by Tupelo.Block.Tests (PID {Environment.ProcessId}), which is writing it. Close it there first.", answer);
    }

    [Fact]
    public void ReaderInAnotherProcess_LetsAWriterIn()
    {
        Process other = StartHolder("reader");
        Open(Writing).Dispose();
        Finish(other);
    }

    [Theory]
    [InlineData("raw")]
    [InlineData("qcow2")]
    public void QemuWriting_IsNamed_AndRefusesUs(string format)
    {
        Process qemu = StartQemu(format);
        Assert.Equal($" is in use by qemu-io (PID {qemu.Id}), which is writing it. Close it there first.", Refused(Writing));
        Assert.Contains($"qemu-io (PID {qemu.Id}), which is writing it", Refused(Reading), StringComparison.Ordinal);
        Open(Reading with { Force = true }).Dispose();
        Finish(qemu);
        Open(Writing).Dispose();
    }

    [Fact]
    public void QemuReading_AllowsReadersButNoWriter()
    {
        Process qemu = StartQemu("qcow2", "-r");
        Assert.Equal($" is in use by qemu-io (PID {qemu.Id}), which lets nobody write it meanwhile. Close it there first.", Refused(Writing));
        Open(Reading).Dispose();
        Finish(qemu);
    }

    [Theory]
    [InlineData("raw", "-r")]
    [InlineData("qcow2", "-r", "-U")]
    public void QemuThatReadsAndSharesAll_LetsUsWrite(string format, params string[] options)
    {
        Process qemu = StartQemu(format, options);
        Open(Writing).Dispose();
        Finish(qemu);
    }

    // We write: QEMU neither writes, nor opens what it wants nobody to write. We read: QEMU may do either.
    [Theory]
    [InlineData(false, "raw", false)]
    [InlineData(false, "qcow2", false)]
    [InlineData(false, "qcow2", false, "-r")]
    [InlineData(false, "raw", true, "-r")]
    [InlineData(true, "raw", true)]
    [InlineData(true, "qcow2", true)]
    [InlineData(true, "qcow2", true, "-r")]
    public void OurLock_IsRespectedByQemu(bool weRead, string format, bool allowed, params string[] options)
    {
        if (format == "qcow2")
        {
            _ = HostTool.Run("qemu-img", "create", "-q", "-f", "qcow2", _image, "1M");
        }
        using FileBlockDevice device = Open(weRead ? Reading : Writing);
        (int exitCode, string output) = HostTool.TryRun("qemu-io", [.. options, "-f", format, "-c", "length", _image]);
        Assert.True((exitCode == 0) == allowed, output);
        Assert.Equal(!allowed, output.Contains("Is another process using the image", StringComparison.Ordinal));
    }

    [Fact]
    public void ManyAtOnce_NeverTwoWriters_AndSomebodyWins()
    {
        int writing = 0;
        int most = 0;
        int wins = 0;
        var unexpected = new List<Exception>();
        void Compete()
        {
            for (int i = 0; i < 100; i++)
            {
                try
                {
                    using FileBlockDevice device = Open(Writing);
                    int now = Interlocked.Increment(ref writing);
                    InterlockedMax(ref most, now);
                    Interlocked.Increment(ref wins);
                    Thread.Yield();
                    Interlocked.Decrement(ref writing);
                }
                catch (BlockDeviceException e) when (e.Errno == Errno.EBUSY)
                {
                }
                catch (Exception e)
                {
                    lock (unexpected)
                    {
                        unexpected.Add(e);
                    }
                }
            }
        }
        Thread[] threads = [new(Compete), new(Compete), new(Compete)];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
        Assert.Empty(unexpected);
        Assert.Equal(1, most);
        Assert.True(wins > 0);
    }

    [Theory]
    [InlineData("lock:\t1: OFDLCK  ADVISORY  READ  -1 fe:00:1234 101 101", true)]
    [InlineData("lock:\t1: OFDLCK  ADVISORY  READ  -1 fe:00:1234 100 103", true)]
    [InlineData("lock:\t1: POSIX  ADVISORY  WRITE  77 fe:00:1234 0 EOF", true)]
    [InlineData("lock:\t1: OFDLCK  ADVISORY  READ  -1 fe:00:1234 102 103", false)]
    [InlineData("lock:\t1: FLOCK  ADVISORY  WRITE 77 fe:00:1234 0 EOF", false)]
    [InlineData("flags:\t02100002", false)]
    [InlineData("lock:", false)]
    public void LockLines_AreUnderstood(string line, bool covers) => Assert.Equal(covers, ImageHolder.LockCovers(line, 101));

    private static void InterlockedMax(ref int target, int value)
    {
        int seen = Volatile.Read(ref target);
        while (value > seen)
        {
            int was = Interlocked.CompareExchange(ref target, value, seen);
            if (was == seen)
            {
                return;
            }
            seen = was;
        }
    }
}
