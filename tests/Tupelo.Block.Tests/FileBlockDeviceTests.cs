namespace Tupelo.Block.Tests;

public abstract class FileBlockDeviceTests : BlockDeviceContractTests, IDisposable
{
    private int _count;

    protected TemporaryDirectory Files { get; } = new();

    private protected virtual FileBlockDeviceOptions Options => new();

    public void Dispose()
    {
        Files.Dispose();
        GC.SuppressFinalize(this);
    }

    protected override BlockDevice Create() =>
        FileBlockDevice.Open(Files[$"device{_count++}.img"], Options with { Creation = FileCreation.New, SizeBytes = Size });

    protected static BlockDeviceException OpeningFails(string path, FileBlockDeviceOptions options) =>
        Assert.Throws<BlockDeviceException>(() => FileBlockDevice.Open(path, options));

    [Fact]
    public void MissingFile_IsENOENT_AndSaysSo()
    {
        BlockDeviceException e = OpeningFails(Files["none.img"], Options);
        Assert.Equal(Errno.ENOENT, e.Errno);
        Assert.Equal((int)Errno.ENOENT, e.HResult);
        Assert.Equal(Files["none.img"], e.Path);
        Assert.Equal($"Cannot open {Files["none.img"]}: there is no such file.", e.Message);
        Assert.False(File.Exists(Files["none.img"]));
        e = OpeningFails(Files["no/such/dir.img"], Options with { Creation = FileCreation.New });
        Assert.Equal(Errno.ENOENT, e.Errno);
        Assert.Contains("directory", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Directory_IsEISDIR()
    {
        Assert.Equal(Errno.EISDIR, OpeningFails(Files.Root, Options).Errno);
        Assert.Equal(Errno.EISDIR, OpeningFails(Files.Root, Options with { ReadOnly = true }).Errno);
    }

    [Fact]
    public void NameWithNul_AndNoName_AreRefused()
    {
        Assert.Equal(Errno.EINVAL, OpeningFails("a\0b", Options).Errno);
        Assert.Equal(Errno.EINVAL, OpeningFails("", Options).Errno);
    }

    [Fact]
    public void ExistingFile_IsNotOverwritten()
    {
        File.WriteAllText(Files["there.img"], "precious");
        BlockDeviceException e = OpeningFails(Files["there.img"], Options with { Creation = FileCreation.New, SizeBytes = Size });
        Assert.Equal(Errno.EEXIST, e.Errno);
        Assert.Equal("precious", File.ReadAllText(Files["there.img"]));
    }

    [Fact]
    public void IfMissing_CreatesOnce_AndKeepsWhatIsThere()
    {
        FileBlockDeviceOptions options = Options with { Creation = FileCreation.IfMissing, SizeBytes = 8192 };
        using (FileBlockDevice device = FileBlockDevice.Open(Files["a.img"], options))
        {
            Assert.Equal(8192, device.SizeBytes);
        }
        using (FileBlockDevice device = FileBlockDevice.Open(Files["a.img"], options with { SizeBytes = 4096 }))
        {
            Assert.Equal(8192, device.SizeBytes);
        }
    }

    [Fact]
    public void TooLarge_IsRefused_AndLeavesNoFile()
    {
        BlockDeviceException e = OpeningFails(Files["huge.img"], Options with { Creation = FileCreation.New, SizeBytes = long.MaxValue / 4096 * 4096 });
        Assert.True(e.Errno is Errno.EFBIG or Errno.ENOSPC or Errno.EINVAL, e.Errno.ToString());
        Assert.False(File.Exists(Files["huge.img"]));
    }

    [Fact]
    public void SillyOptions_AreBugs()
    {
        Assert.Throws<ArgumentException>(() => FileBlockDevice.Open("x", Options with { ReadOnly = true, Creation = FileCreation.New }));
        Assert.Throws<ArgumentOutOfRangeException>(() => FileBlockDevice.Open("x", Options with { SizeBytes = -1 }));
        Assert.Throws<ArgumentException>(() => FileBlockDevice.Open("x", Options with { Lock = ImageLockMode.SharedReader }));
        Assert.Throws<ArgumentNullException>(() => FileBlockDevice.Open(null!, Options));
    }

    [Fact]
    public void ReadOnly_RefusesEveryChange()
    {
        Create().Dispose();
        using FileBlockDevice device = FileBlockDevice.Open(Files["device0.img"], Options with { ReadOnly = true });
        using var memory = new AlignedMemory(4096);
        Assert.True(device.IsReadOnly);
        Assert.Equal(Size, device.SizeBytes);
        Assert.Equal(Errno.EROFS, device.Write(0, memory.Span));
        Assert.Equal(Errno.EROFS, device.Write(0, [memory.Segment(0, 4096)]));
        Assert.Equal(Errno.EROFS, device.Discard(0, 4096));
        Assert.Equal(Errno.EROFS, device.Resize(4096));
        Assert.Equal(Errno.None, device.Read(0, memory.Span));
        Assert.Equal(Errno.None, device.Flush());
    }

    [Fact]
    public void FileMadeShorterBySomebodyElse_GivesEIO_NotGarbage()
    {
        using BlockDevice device = Create();
        using var memory = new AlignedMemory(65536);
        memory.Span.Fill(5);
        Assert.Equal(Errno.None, device.Write(0, memory.Span));
        _ = HostTool.Run("truncate", "--size=4096", Files["device0.img"]);
        Assert.Equal(Errno.None, device.Read(0, memory.Span[..4096]));
        Assert.Equal(Errno.EIO, device.Read(0, memory.Span[..8192]));
        Assert.Equal(Errno.EIO, device.Read(4096, memory.Span[..4096]));
        Assert.Equal(Errno.EIO, device.Read(0, [memory.Segment(0, 4096), memory.Segment(4096, 4096)]));
    }

    [Fact]
    public void Content_IsThatOfTheFile()
    {
        using var memory = new AlignedMemory(4096);
        FillPattern(memory.Span, 4);
        using (BlockDevice device = Create())
        {
            Assert.Equal(Errno.None, device.Write(8192, memory.Span));
            Assert.Equal(Errno.None, device.Flush());
        }
        byte[] file = File.ReadAllBytes(Files["device0.img"]);
        Assert.Equal(Size, file.Length);
        Assert.True(memory.Span.SequenceEqual(file.AsSpan(8192, 4096)));
        Assert.False(file.AsSpan(0, 8192).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void UseAfterDispose_Throws_AndNeverReachesAnotherFile()
    {
        BlockDevice device = Create();
        device.Dispose();
        device.Dispose();
        using var memory = new AlignedMemory(4096);
        using var other = new FileStream(Files["other"], FileMode.CreateNew); // likely gets the same descriptor number
        Assert.Throws<ObjectDisposedException>(() => device.Write(0, memory.Span));
        other.Flush();
        Assert.Equal(0, other.Length);
    }
}

public sealed class PortableFileBlockDeviceTests : FileBlockDeviceTests
{
    private protected override FileBlockDeviceOptions Options => new() { Portable = true };

    [Fact]
    public void DirectIo_IsRefusedInWords()
    {
        Create().Dispose();
        BlockDeviceException e = OpeningFails(Files["device0.img"], Options with { Direct = true });
        Assert.Equal(Errno.EOPNOTSUPP, e.Errno);
        Assert.Contains("direct I/O is not available", e.Message, StringComparison.Ordinal);
    }
}

public sealed class LinuxFileBlockDeviceTests : FileBlockDeviceTests
{
    [Fact]
    public void Open_TakesTheSystemsOwnCalls() => Assert.IsType<LinuxFileBlockDevice>(Create());

    [Fact]
    public void Discard_MakesAHole()
    {
        using BlockDevice device = Create();
        using var memory = new AlignedMemory(Size);
        memory.Span.Fill(1);
        Assert.Equal(Errno.None, device.Write(0, memory.Span));
        Assert.Equal(Errno.None, device.Flush());
        long before = AllocatedBytes(Files["device0.img"]);
        Assert.Equal(Errno.None, device.Discard(65536, Size / 2));
        Assert.True(AllocatedBytes(Files["device0.img"]) <= before - (Size / 2));
        Assert.Equal(Errno.None, device.Read(65536, memory.Span[..(Size / 2)]));
        Assert.False(memory.Span[..(Size / 2)].ContainsAnyExcept((byte)0));
        Assert.Equal(Size, new FileInfo(Files["device0.img"]).Length);
    }

    [Fact]
    public void NewFile_IsSparse()
    {
        using FileBlockDevice device = FileBlockDevice.Open(Files["sparse.img"], new() { Creation = FileCreation.New, SizeBytes = 1L << 40 });
        Assert.Equal(1L << 40, device.SizeBytes);
        Assert.Equal(Errno.None, device.Write((1L << 40) - 3, "end"u8));
        Assert.True(AllocatedBytes(Files["sparse.img"]) <= 65536);
    }

    /// <summary>The kernel moves 2 GiB less a page in one call. The segments share their memory, but for the last two; direct,
    /// so that the host does not keep 2 GiB of zeros.</summary>
    [Fact]
    public void TransferBeyondTheKernelsLimit_GoesOn()
    {
        const int Count = 300;
        const int Part = 8 << 20;
        using FileBlockDevice device = FileBlockDevice.Open(Files["long.img"], new() { Creation = FileCreation.New, SizeBytes = (Count * (long)Part) + 4096, Direct = true });
        using var shared = new AlignedMemory(Part);
        using var last = new AlignedMemory(Part + 4096);
        "begin"u8.CopyTo(last.Span);
        Assert.Equal(Errno.None, device.Write((Count - 1) * (long)Part, last.Span[..4096]));
        "end\0\0"u8.CopyTo(last.Span);
        Assert.Equal(Errno.None, device.Write(Count * (long)Part, last.Span[..4096]));
        last.Span.Clear();
        IoSegment[] segments = [.. Enumerable.Repeat(shared.Segment(0, Part), Count - 1), last.Segment(0, Part), last.Segment(Part, 4096)];
        Assert.Equal(Errno.None, device.Read(0, segments));
        Assert.True(last.Span[Part..].StartsWith("end\0"u8));
        Assert.True(last.Span.StartsWith("begin\0"u8));
    }

    [Fact]
    public void DisposeWhileOthersTransfer_EndsThem_AndHarmsNobody()
    {
        for (int round = 0; round < 5; round++)
        {
            BlockDevice device = Create();
            int wrong = 0;
            Thread[] threads = [.. Enumerable.Range(0, 2).Select(_ => new Thread(() =>
            {
                byte[] buffer = new byte[4096];
                try
                {
                    while (device.Write(0, buffer) == Errno.None)
                    {
                    }
                    Interlocked.Increment(ref wrong); // an error number would mean that a closed descriptor was used
                }
                catch (ObjectDisposedException)
                {
                }
            }))];
            Array.ForEach(threads, thread => thread.Start());
            Thread.Sleep(1);
            device.Dispose();
            Array.ForEach(threads, thread => thread.Join());
            Assert.Equal(0, wrong);
        }
    }

    [Fact]
    public void Fifo_IsRefused_WithoutWaitingForItsOtherEnd()
    {
        _ = HostTool.Run("mkfifo", Files["pipe"]);
        Assert.Equal(Errno.ENOTBLK, OpeningFails(Files["pipe"], new() { ReadOnly = true }).Errno);
        Assert.Equal(Errno.ENOTBLK, OpeningFails(Files["pipe"], new()).Errno);
        Assert.Equal(Errno.ENOTBLK, OpeningFails("/dev/null", new()).Errno);
    }

    [Fact]
    public void DanglingLink_IsRefused_NotFollowedForEver()
    {
        File.CreateSymbolicLink(Files["link"], Files["nowhere"]);
        Assert.Equal(Errno.ENOENT, OpeningFails(Files["link"], new()).Errno);
        BlockDeviceException e = OpeningFails(Files["link"], new() { Creation = FileCreation.IfMissing });
        Assert.Equal(Errno.EEXIST, e.Errno);
        Assert.Contains("symbolic link", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NonAsciiName_IsUtf8()
    {
        FileBlockDevice.Open(Files["größe-日本.img"], new() { Creation = FileCreation.New }).Dispose();
        Assert.True(File.Exists(Files["größe-日本.img"]));
    }

    private static long AllocatedBytes(string path) => long.Parse(HostTool.Run("stat", "-c", "%b", path)) * 512;
}

public sealed class DirectFileBlockDeviceTests : FileBlockDeviceTests
{
    private protected override FileBlockDeviceOptions Options => new() { Direct = true };

    [Fact]
    public void UnalignedTransfers_AreEINVAL()
    {
        using BlockDevice device = Create();
        using var memory = new AlignedMemory(16384);
        Assert.True(device.RequiresAlignment);
        Assert.True(device.SectorBytes is 512 or 4096);
        int sector = device.SectorBytes;
        Assert.Equal(Errno.EINVAL, device.Read(1, memory.Span[..sector]));
        Assert.Equal(Errno.EINVAL, device.Read(0, memory.Span[..(sector - 1)]));
        Assert.Equal(Errno.EINVAL, device.Read(0, memory.Span.Slice(1, sector)));
        Assert.Equal(Errno.EINVAL, device.Write(sector / 2, memory.Span[..sector]));
        Assert.Equal(Errno.EINVAL, device.Read(0, [memory.Segment(0, sector), memory.Segment(sector + 8, sector)]));
        Assert.Equal(Errno.EINVAL, device.Read(0, [memory.Segment(0, sector / 2), memory.Segment(sector, sector / 2)]));
        Assert.Equal(Errno.EINVAL, device.Resize(Size + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SliceBlockDevice(device, 1, sector));
    }

    [Fact]
    public void LengthThatIsNoMultipleOfASector_IsRefusedInWords()
    {
        File.WriteAllBytes(Files["odd.img"], new byte[5000]);
        BlockDeviceException e = OpeningFails(Files["odd.img"], Options);
        Assert.Equal(Errno.EINVAL, e.Errno);
        Assert.Contains("5000", e.Message, StringComparison.Ordinal);
        e = OpeningFails(Files["new.img"], Options with { Creation = FileCreation.New, SizeBytes = 5000 });
        Assert.Equal(Errno.EINVAL, e.Errno);
        Assert.False(File.Exists(Files["new.img"]));
    }
}
