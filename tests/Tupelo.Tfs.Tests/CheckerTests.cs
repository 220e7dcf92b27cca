using System.Text;
using Tupelo.Block;
using Tupelo.Testing.Images;
using Tupelo.Tests;
using Tupelo.Vfs;

namespace Tupelo.Tfs.Tests;

/// <summary>What the checker says of each kind of damage, and what a repair makes of it. Images are forged by hand, or written by a
/// mounted volume and damaged afterwards.</summary>
public sealed class CheckerTests
{
    public static TheoryData<string> Goldens => [.. GoldenImage.Names];

    [Theory]
    [MemberData(nameof(Goldens))]
    public void GoldenImages_AreClean(string name)
    {
        GoldenImage golden = GoldenImage.Load(name);
        using var whole = new MemoryBlockDevice(golden.Bytes);
        using var device = new SliceBlockDevice(whole, golden.RootVolumeOffset, golden.Bytes.Length - golden.RootVolumeOffset);
        TfsCheckReport report = TfsChecker.Check(device);
        Assert.All(report.Findings, static finding => Assert.Equal(TfsSeverity.Info, finding.Severity));
        Assert.False(report.NeedsRepair);
        Assert.Equal(report.TotalSectors, report.LogSectors + report.DataSectors + report.HeaderCopySectors + report.FreeSectors);
    }

    [Fact]
    public void VolumeOfOurs_IsCleanAndNotWrittenTo()
    {
        using MemoryBlockDevice device = Volume(Populate);
        byte[] before = BytesOf(device);
        Assert.Empty(TfsChecker.Check(device).Findings);
        Assert.False(TfsChecker.Repair(device).IsRepaired);
        Assert.Equal(before, BytesOf(device));
    }

    [Fact]
    public void LostSectorZero_IsRestoredFromItsCopy()
    {
        using MemoryBlockDevice device = Volume(Populate);
        Dictionary<string, string> tree = TreeOf(device);
        Assert.Equal(Errno.None, device.Write(0, new byte[512]));
        TfsFinding finding = RepairOne(device, TfsFindingCode.HeaderDamaged);
        Assert.Contains("copy", finding.Remedy, StringComparison.Ordinal);
        Assert.Equal(tree, TreeOf(device));
        Assert.Equal("label"u8.ToArray(), TfsVolume.Open(device).Label.ToArray());
    }

    [Fact]
    public void LostSectorZeroWithoutACopy_IsRebuiltFromTheLogThatIsFound()
    {
        using MemoryBlockDevice device = Volume(Populate);
        Dictionary<string, string> tree = TreeOf(device);
        Assert.Equal(Errno.None, device.Write(0, new byte[512]));
        Assert.Equal(Errno.None, device.Write(device.SizeBytes - 512, new byte[512]));
        TfsFinding finding = RepairOne(device, TfsFindingCode.HeaderDamaged);
        Assert.Contains("begins at sector", finding.Remedy, StringComparison.Ordinal);
        Assert.Equal(tree, TreeOf(device));
    }

    [Fact]
    public void StaleCopyOfSectorZero_IsWrittenAnewAndNothingElse()
    {
        using MemoryBlockDevice device = Volume(Populate);
        byte[] before = BytesOf(device);
        byte[] copy = before[^512..];
        copy[25] ^= 0x40;
        Assert.Equal(Errno.None, device.Write(device.SizeBytes - 512, copy));
        TfsCheckReport report = TfsChecker.Repair(device);
        Assert.True(report.IsClean && report.IsRepaired, report.RepairProblem);
        Assert.Equal(TfsFindingCode.HeaderCopyStale, Assert.Single(report.Findings).Code);
        Assert.Equal(before, BytesOf(device));
    }

    [Fact]
    public void DamagedLastCommit_IsRefusedByMountAndRepairedToTheCommitBefore()
    {
        Dictionary<string, string>? kept = null;
        using MemoryBlockDevice device = Volume(machine =>
        {
            Populate(machine);
            Assert.Equal(0, machine.Calls.Sync());
            kept = machine.Tree();
            Assert.Equal(0, machine.Calls.MkDirAt(AtFd.CurrentDirectory, "/needle-of-the-last-commit"u8, 0x1ED));
        });
        byte[] bytes = BytesOf(device);
        int at = bytes.AsSpan().LastIndexOf("needle-of-the-last-commit"u8);
        bytes[at] ^= 1;
        Assert.Equal(Errno.None, device.Write(0, bytes));
        _ = Assert.Throws<TfsFormatException>(() => TfsFileSystem.Mount(device));
        TfsFinding finding = RepairOne(device, TfsFindingCode.LogChecksum);
        Assert.Contains("up to commit", finding.Remedy, StringComparison.Ordinal);
        Dictionary<string, string> tree = TreeOf(device);
        Assert.Equal(kept!.Keys.Order(StringComparer.Ordinal), tree.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(kept["/d/file"], tree["/d/file"]);
    }

    [Fact]
    public void LogThatNanosWentOnWithBehindHalfARecord_IsBroughtBack()
    {
        // A crash cut a long record off; Nanos mounted, dropped the piece, turned END_OF_LOG into END_OF_SEGMENT and appended: nobody can
        // mount that any more.
        var smith = new ImageSmith(volumeSectors: 16 + 4096, extensionSectors: 16);
        int children = smith.BeginRoot(("program", "/a"));
        _ = smith.AddFile(children, "a", "before"u8);
        byte[] piece = [2, 0x82, 0x2C, 20, .. Encoding.ASCII.GetBytes("twenty bytes of what")];
        smith.Frame(new LogFrame(LogFrameKind.Raw) { RawBytes = piece });
        smith.Frame(new LogFrame(LogFrameKind.EndOfSegment));
        _ = smith.AddFile(children, "b", "behind"u8);
        using var device = new MemoryBlockDevice(smith.Finish().Emit());
        TfsFormatException refused = Assert.Throws<TfsFormatException>(() => TfsVolume.Open(device));
        Assert.Contains("begins within another", refused.Message, StringComparison.Ordinal);
        _ = RepairOne(device, TfsFindingCode.LogRecordWithinRecord);
        TfsVolume volume = TfsVolume.Open(device);
        Assert.Equal("before", Content(volume, "a"));
        Assert.Equal("behind", Content(volume, "b"));
        Assert.Equal("/a"u8.ToArray(), volume.AttributeOf(volume.Root, "program"u8).Bytes.ToArray());
    }

    [Fact]
    public void HalfARecordDirectlyFollowedByAnother_IsCutThere()
    {
        var smith = new ImageSmith(volumeSectors: 16 + 4096, extensionSectors: 16);
        int children = smith.BeginRoot();
        _ = smith.AddFile(children, "a", "before"u8);
        smith.Frame(new LogFrame(LogFrameKind.Raw) { RawBytes = [2, 0x82, 0x2C, 4, 1, 2, 3, 4] });
        _ = smith.AddFile(children, "b", "behind"u8);
        using var device = new MemoryBlockDevice(smith.Finish().Emit());
        TfsFinding finding = RepairOne(device, TfsFindingCode.LogRecordWithinRecord);
        Assert.Contains("cut", finding.Remedy, StringComparison.Ordinal);
        TfsVolume volume = TfsVolume.Open(device);
        Assert.Equal("before", Content(volume, "a"));
        Assert.Equal(Errno.ENOENT, volume.Lookup(volume.Root, "b"u8, out _));
    }

    [Fact]
    public void HalfARecordAtTheEnd_IsWarnedOfAndRemoved()
    {
        var smith = new ImageSmith(volumeSectors: 16 + 4096, extensionSectors: 16);
        int children = smith.BeginRoot();
        _ = smith.AddFile(children, "a", "before"u8);
        smith.Frame(new LogFrame(LogFrameKind.Raw) { RawBytes = [2, 0x82, 0x2C, 4, 1, 2, 3, 4] });
        using var device = new MemoryBlockDevice(smith.Finish().Emit());
        Assert.True(TfsChecker.Check(device).IsClean);
        _ = RepairOne(device, TfsFindingCode.LogPartialRecord);
        Assert.Equal("before", Content(TfsVolume.Open(device), "a"));
    }

    [Fact]
    public void FilesThatShareSectors_GetSectorsOfTheirOwn()
    {
        using MemoryBlockDevice device = Forge(static (smith, children) =>
        {
            _ = smith.AddFile(children, "first", new byte[1024]);
            ulong start = smith.NextDataSector - 2;
            AddExtent(smith, children, "second", "0", start, 1, 1);
        });
        _ = RepairOne(device, TfsFindingCode.SectorsOwnedTwice);
        TfsVolume volume = TfsVolume.Open(device);
        Assert.Empty(TfsSpaceMap.Build(volume).Faults);
        Assert.Equal(new string('\0', 1024), Content(volume, "first"));
        Assert.Equal(new string('\0', 512), Content(volume, "second"));
    }

    [Fact]
    public void FileOverTheLog_GetsSectorsOfItsOwn()
    {
        using MemoryBlockDevice device = Forge(static (smith, children) => AddExtent(smith, children, "over", "0", 3, 2, 2));
        TfsFinding finding = RepairOne(device, TfsFindingCode.SectorsOwnedTwice);
        Assert.Contains("log", finding.Message, StringComparison.Ordinal);
        Assert.Equal("/over"u8.ToArray(), finding.Path.ToArray());
    }

    [Theory]
    [InlineData("0", 100_000UL, 1UL, 1UL, nameof(TfsFindingCode.ExtentOutOfBounds))]
    [InlineData("0", 4110UL, 1UL, 100UL, nameof(TfsFindingCode.ExtentOutOfBounds))]
    [InlineData("0", 0UL, 1UL, 1UL, nameof(TfsFindingCode.ExtentOutOfBounds))]
    [InlineData("0", 200UL, 3UL, 2UL, nameof(TfsFindingCode.ExtentDamaged))]
    [InlineData("0", 200UL, 1UL, 0UL, nameof(TfsFindingCode.ExtentDamaged))]
    [InlineData("00", 200UL, 1UL, 1UL, nameof(TfsFindingCode.ExtentDamaged))]
    [InlineData("x", 200UL, 1UL, 1UL, nameof(TfsFindingCode.ExtentDamaged))]
    [InlineData("18014398509481983", 200UL, 9UL, 9UL, nameof(TfsFindingCode.ExtentDamaged))]
    public void ExtentThatCannotBe_IsPutRightOrRemoved(string key, ulong offset, ulong length, ulong allocated, string code)
    {
        using MemoryBlockDevice device = Forge((smith, children) =>
        {
            _ = smith.AddFile(children, "sound", "sound"u8);
            AddExtent(smith, children, "bent", key, offset, length, allocated);
        });
        TfsFinding finding = RepairOne(device, Enum.Parse<TfsFindingCode>(code));
        Assert.Equal("/bent"u8.ToArray(), finding.Path.ToArray());
        TfsVolume volume = TfsVolume.Open(device);
        Assert.Equal("sound", Content(volume, "sound"));
        Assert.Equal(512, Content(volume, "bent").Length);
    }

    [Fact]
    public void TwoExtentsOverOnePartOfAFile_AreCut()
    {
        using MemoryBlockDevice device = Forge(static (smith, children) =>
        {
            int file = AddExtent(smith, children, "bent", "0", 200, 4, 4);
            smith.Assign(file + 2, "2", tokens => Extent(smith, tokens, 300, 1, 1));
        });
        _ = RepairOne(device, TfsFindingCode.ExtentCoversAnother);
    }

    [Theory]
    [InlineData(1, "1", TfsSeverity.Error)]
    [InlineData(1, "5", TfsSeverity.Warning)]
    [InlineData(0, "3", TfsSeverity.Warning)]
    [InlineData(0, "many", TfsSeverity.Error)]
    public void WrongLinkCount_IsSetRight(int extraNames, string count, TfsSeverity severity)
    {
        using MemoryBlockDevice device = Forge((smith, children) =>
        {
            int file = smith.AddFile(children, "a", "text"u8);
            if (extraNames > 0)
            {
                smith.Assign(children, "b", tokens => tokens.Reference(file));
            }
            smith.Assign(file, "nlink", tokens => tokens.String(Encoding.ASCII.GetBytes(count)));
        });
        TfsFinding finding = RepairOne(device, TfsFindingCode.LinkCountWrong);
        Assert.Equal(severity, finding.Severity);
        TfsVolume volume = TfsVolume.Open(device);
        Assert.Equal(Errno.None, volume.Lookup(volume.Root, "a"u8, out TfsNode node));
        volume.GetStat(node, out Stat stat);
        Assert.Equal((uint)(1 + extraNames), stat.LinkCount);
    }

    [Fact]
    public void DirectoryWithTwoNames_KeepsOne()
    {
        using MemoryBlockDevice device = Forge(static (smith, children) =>
        {
            int entries = smith.AddDirectory(children, "d");
            _ = smith.AddFile(entries, "f", "text"u8);
            smith.Assign(children, "e", tokens => tokens.Reference(entries - 1));
        });
        _ = RepairOne(device, TfsFindingCode.DirectorySecondName);
        Assert.Single(TreeOf(device).Keys, static path => path.EndsWith("/f", StringComparison.Ordinal));
    }

    [Fact]
    public void DirectoryInsideOfItself_IsCutFree()
    {
        using MemoryBlockDevice device = Forge(static (smith, children) =>
        {
            int outer = smith.AddDirectory(children, "outer");
            int inner = smith.AddDirectory(outer, "inner");
            smith.Assign(inner, "again", tokens => tokens.Reference(outer - 1));
        });
        _ = RepairOne(device, TfsFindingCode.DirectoryCycle);
        Assert.Equal(["/", "/outer", "/outer/inner"], TreeOf(device).Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void DirectoriesThatContainEachOther_AreBroughtToLostAndFound()
    {
        // What two renames without a common lock would leave: both directories in each other, and no way in.
        using MemoryBlockDevice device = Forge(static (smith, children) =>
        {
            int one = smith.AddDirectory(children, "one");
            int two = smith.AddDirectory(one, "two");
            _ = smith.AddFile(two, "file", "text"u8);
            smith.Assign(two, "one", tokens => tokens.Reference(one - 1));
            smith.Assign(children, "one", tokens => tokens.Removal());
        });
        TfsCheckReport report = TfsChecker.Repair(device, new TfsRepairOptions { TimeProvider = TimeProvider.System });
        Assert.True(report.IsRepaired, report.RepairProblem);
        Assert.Contains(report.Findings, static finding => finding.Code == TfsFindingCode.DirectoryOrphaned);
        Assert.Single(TreeOf(device).Keys, static path => path.StartsWith("/lost+found/", StringComparison.Ordinal) && path.EndsWith("/file", StringComparison.Ordinal));
    }

    [Fact]
    public void NameThatNoFileCanHave_SendsTheFileToLostAndFound()
    {
        using MemoryBlockDevice device = Forge(static (smith, children) => smith.AddFile(children, "a/b", "text"u8));
        _ = RepairOne(device, TfsFindingCode.EntryNameImpossible);
        TfsVolume volume = TfsVolume.Open(device);
        Assert.Equal(Errno.None, volume.Lookup(volume.Root, "lost+found"u8, out TfsNode lost));
        foreach (TfsDirectoryEntries entry in volume.EntriesOf(lost))
        {
            Assert.Equal(Errno.None, volume.OpenFile(entry.Node, out TfsFileReader? file));
            Assert.Equal(4, file!.LengthBytes);
        }
        Assert.Equal(1, volume.EntryCountOf(lost));
    }

    [Fact]
    public void NameWrittenOutTwice_IsWarnedOf()
    {
        using MemoryBlockDevice device = Forge(static (smith, children) =>
        {
            _ = smith.AddFile(children, "a", "text"u8);
            smith.Record(tokens =>
            {
                _ = tokens.Reference(1, 1);
                tokens.Tokens.Add(new LogToken(LogTokenKind.NewSymbol, true, 0, 1));
                tokens.Tokens.Add(new LogToken(LogTokenKind.Bytes, true, 0, 0, "a"u8.ToArray()));
                _ = tokens.String("x"u8);
            });
        });
        Assert.Equal(TfsSeverity.Warning, RepairOne(device, TfsFindingCode.LogNameTwice).Severity);
    }

    [Fact]
    public void RepairWithoutRoom_SaysWhatItNeedsAndWritesNothing()
    {
        var smith = new ImageSmith(volumeSectors: 64);
        int children = smith.BeginRoot();
        smith.Assign(children, "nothing", tokens => tokens.String("text"u8));
        using var device = new MemoryBlockDevice(smith.Finish().Emit());
        byte[] before = BytesOf(device);
        TfsCheckReport report = TfsChecker.Repair(device);
        Assert.False(report.IsRepaired);
        Assert.Contains("no room", report.RepairProblem, StringComparison.Ordinal);
        Assert.Equal(before, BytesOf(device));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(5000)]
    public void WhatIsNoVolume_IsSaidToBeNone(int length)
    {
        using var device = new MemoryBlockDevice(length);
        TfsCheckReport report = TfsChecker.Repair(device);
        Assert.Equal(TfsFindingCode.HeaderDamaged, Assert.Single(report.Findings).Code);
        Assert.False(report.IsClean || report.IsRepaired);
    }

    [Fact]
    public void FailingDevice_IsToldFromADamagedVolume()
    {
        using MemoryBlockDevice memory = Volume(Populate);
        using var device = new FlakyBlockDevice(memory);
        device.FailWhen(static request => request.Operation == BlockOperation.Read && request.OffsetBytes > 0 ? new Fault(Errno.EIO) : default);
        TfsFinding finding = Assert.Single(TfsChecker.Repair(device).Findings);
        Assert.Equal(TfsFindingCode.DeviceError, finding.Code);
        Assert.False(finding.IsRepairable);
    }

    [Fact]
    public void CrashDuringARepair_LeavesTheVolumeAsItWasOrRepaired()
    {
        using MemoryBlockDevice forged = Forge(static (smith, children) =>
        {
            _ = smith.AddFile(children, "first", new byte[1024]);
            AddExtent(smith, children, "second", "0", smith.NextDataSector - 2, 1, 1);
        });
        byte[] before = BytesOf(forged);
        using var counting = new FlakyBlockDevice(new MemoryBlockDevice(before));
        Assert.True(TfsChecker.Repair(counting).IsRepaired);
        long writes = counting.CountOf(BlockOperation.Write);
        Assert.InRange(writes, 4, 1000);
        for (long at = 0; at < writes; at++)
        {
            using var memory = new MemoryBlockDevice(before);
            using var device = new FlakyBlockDevice(memory);
            device.FailAt(BlockOperation.Write, at, new Fault(Errno.EIO, Latch: FaultLatch.Everything));
            Assert.False(TfsChecker.Repair(device).IsRepaired);
            TfsCheckReport after = TfsChecker.Check(memory);
            Assert.True(after.IsClean || after.Findings.Any(static finding => finding.Code == TfsFindingCode.SectorsOwnedTwice));
            Assert.True(TfsChecker.Repair(memory) is { RepairProblem: "" });
            Assert.Equal(new string('\0', 1024), Content(TfsVolume.Open(memory), "first"));
        }
    }

    private static void Populate(VfsMachine machine)
    {
        Assert.Equal(0, machine.Calls.MkDirAt(AtFd.CurrentDirectory, "/d"u8, 0x1ED));
        int fd = (int)machine.Calls.Open("/d/file"u8, OpenFlags.ReadWrite | OpenFlags.Create, 0x1A4);
        Assert.Equal(5000, machine.Calls.PWrite(fd, new byte[5000], 0));
        Assert.Equal(0, machine.Calls.Close(fd));
        Assert.Equal(0, machine.Calls.LinkAt(AtFd.CurrentDirectory, "/d/file"u8, AtFd.CurrentDirectory, "/second"u8));
        Assert.Equal(0, machine.Calls.SymlinkAt("d/file"u8, AtFd.CurrentDirectory, "/link"u8));
    }

    private static MemoryBlockDevice Volume(Action<VfsMachine> fill)
    {
        var device = new MemoryBlockDevice(8 << 20);
        using (var builder = new TfsImageBuilder(device, new TfsBuildOptions { Label = "label", FixedSize = true, MinSizeBytes = device.SizeBytes }))
        {
            _ = builder.Complete();
        }
        using (var machine = new VfsMachine(device))
        {
            fill(machine);
        }
        return device;
    }

    private static MemoryBlockDevice Forge(Action<ImageSmith, int> write)
    {
        var smith = new ImageSmith(volumeSectors: 4115, extensionSectors: 16);
        write(smith, smith.BeginRoot());
        return new MemoryBlockDevice(smith.Finish().Emit());
    }

    private static int AddExtent(ImageSmith smith, int children, string name, string key, ulong offset, ulong length, ulong allocated) => smith.Assign(children, name, tokens =>
    {
        int file = tokens.Tuple(2);
        _ = tokens.Symbol("extents").Tuple(1);
        Extent(smith, tokens.Symbol(key), offset, length, allocated);
        smith.Number(tokens.Symbol("filelength"), 512);
        return file;
    });

    private static void Extent(ImageSmith smith, TokenWriter tokens, ulong offset, ulong length, ulong allocated)
    {
        _ = tokens.Tuple(3);
        smith.Number(tokens.Symbol("offset"), offset);
        smith.Number(tokens.Symbol("length"), length);
        smith.Number(tokens.Symbol("allocated"), allocated);
    }

    // Repairs; expects one thing to be wrong, and nothing afterwards.
    private static TfsFinding RepairOne(MemoryBlockDevice device, TfsFindingCode code)
    {
        TfsCheckReport report = TfsChecker.Repair(device);
        TfsFinding finding = Assert.Single(report.Findings, static finding => finding.Severity != TfsSeverity.Info);
        Assert.Equal(code, finding.Code);
        Assert.True(report.IsRepaired, report.RepairProblem);
        TfsCheckReport second = TfsChecker.Check(device);
        Assert.All(second.Findings, static left => Assert.Equal(TfsSeverity.Info, left.Severity));
        _ = TreeOf(device);
        return finding;
    }

    private static Dictionary<string, string> TreeOf(BlockDevice device)
    {
        using var machine = new VfsMachine(device);
        return machine.Tree();
    }

    private static string Content(TfsVolume volume, string name)
    {
        Assert.Equal(Errno.None, volume.Lookup(volume.Root, Encoding.UTF8.GetBytes(name), out TfsNode node));
        Assert.Equal(Errno.None, volume.OpenFile(node, out TfsFileReader? file));
        byte[] bytes = new byte[file!.LengthBytes];
        Assert.True(file.Read(0, bytes).IsOk);
        return Encoding.UTF8.GetString(bytes);
    }

    private static byte[] BytesOf(BlockDevice device)
    {
        byte[] bytes = new byte[device.SizeBytes];
        Assert.Equal(Errno.None, device.Read(0, bytes));
        return bytes;
    }
}
