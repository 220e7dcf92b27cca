using System.Security.Cryptography;
using System.Text;
using Tupelo.Block;
using Tupelo.Testing.Images;
using Tupelo.Tfs;

namespace Tupelo.Images.Tests;

public sealed class ImageMakerTests
{
    [Fact]
    public void Make_OneFile_WritesTheDocumentedBytes()
    {
        using TemporaryDirectory temporary = new();
        _ = HostShell.Run(temporary.FullPath, "mkdir t; printf 'hello tfs world' >t/hello.txt; chmod 644 t/hello.txt; chmod 755 t; touch -d @1700000000 t/hello.txt t");
        TupleLiteral own = new();
        own.Set("program"u8, new StringLiteral("/hello.txt"));
        _ = Making.Make(new ImageRequest
        {
            ImagePath = temporary["image"], SourceDirectory = temporary["t"], Reproducible = true, Label = "demo", RootAttributes = own,
        });
        byte[] image = File.ReadAllBytes(temporary["image"]);
        Assert.Equal("4e564d5446530501", Convert.ToHexStringLower(image[..8]));
        Assert.Equal("64656d6f000508880001" + "00", Convert.ToHexStringLower(image[0x18..0x23]));
        Assert.Equal("4e564d544653058800" + "0404", Convert.ToHexStringLower(image[0x1000..0x100b]));
        // The example of docs/tfs-format.md.
        const string Sector9 =
            "04040404026d6d9788086368696c6472656e90880b747570656c6f5f6d6f6465b081836d880a747570656c6f5f756964b000880a747570656c6f5f676964b000"
            + "856d74696d65b0e5a9fca0808080800085" + "6174696d65b0e5a9fca08080808000" + "8770726f6772616dc80a2f68656c6c6f2e747874"
            + "0227271101880d747570656c6f5f636f6d6d6974c8140100000000000000010000006d000000b38ef06004";
        const string Sector10 =
            "04040404026a6a1103880968656c6c6f2e7478749788" + "0a66696c656c656e677468b00f04b082832405b00006b00007b0e5a9fca080808080000808b0e5a9fca08080808000"
            + "87657874656e7473918130" + "93866f6666736574b08808866c656e677468b0018809616c6c6f6361746564b001"
            + "021a1a1101080ac8140200000000000000010000006a000000796a59a204";
        Assert.Equal(Sector9, Convert.ToHexStringLower(image.AsSpan(0x1200, Sector9.Length / 2)));
        Assert.Equal(Sector10, Convert.ToHexStringLower(image.AsSpan(0x1400, Sector10.Length / 2)));
        for (int sector = 11; sector < 1032; sector++)
        {
            Assert.Equal(1, image[sector * 512]);
            Assert.Equal(-1, image.AsSpan((sector * 512) + 1, 511).IndexOfAnyExcept((byte)0));
        }
        Assert.Equal("hello tfs world\0"u8.ToArray(), image[0x81000..0x81010]);
        Assert.Equal(image[..512], image[^512..]);
        Assert.Equal(2 << 20, image.Length);
    }

    [Fact]
    public void Make_HardLinksXattrsAndSpecialFiles_AreAllThere()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "device nodes can be made by root only");
        using TemporaryDirectory temporary = new();
        _ = HostShell.Run(temporary.FullPath, """
            mkdir -p t/d; cd t
            echo data >a; ln a b; ln a d/c; ln -s nowhere l; ln l l2 -P
            mkfifo -m 640 p; mknod c c 5 300; mknod d/b b 259 70000; ln c d/c2
            perl -e 'use IO::Socket::UNIX; IO::Socket::UNIX->new(Local => "s", Listen => 1) or die'
            setfattr -n user.note -v hello a; setfattr -n user.empty d; setfattr -n user.bin -v 0x00ff80 d
            setfattr -n user.big -v "$(head -c 3000 /dev/zero | tr '\0' x)" d; setfattr -h -n trusted.t -v 1 l
            chown 1234:70000 a; chmod 4751 a; touch -d '2033-05-18 03:33:20.123456789 UTC' a; touch -a -d @17 a
            """);
        _ = Making.Make(new ImageRequest { ImagePath = temporary["image"], SourceDirectory = temporary["t"] });
        string hash = Convert.ToHexStringLower(SHA256.HashData("data\n"u8));
        string[] expected =
        [
            ReadBack.Line("/", FileType.Directory, 0, 0, "", ""),
            ReadBack.Line("/a", FileType.Regular, 5, 3, "", hash),
            ReadBack.Line("/b", FileType.Regular, 5, 3, "", hash),
            ReadBack.Line("/c", FileType.CharDevice, 0, 2, "", ""),
            ReadBack.Line("/d", FileType.Directory, 0, 0, "", ""),
            ReadBack.Line("/d/b", FileType.BlockDevice, 0, 1, "", ""),
            ReadBack.Line("/d/c", FileType.Regular, 5, 3, "", hash),
            ReadBack.Line("/d/c2", FileType.CharDevice, 0, 2, "", ""),
            ReadBack.Line("/l", FileType.Symlink, 0, 2, "nowhere", ""),
            ReadBack.Line("/l2", FileType.Symlink, 0, 2, "nowhere", ""),
            ReadBack.Line("/p", FileType.Fifo, 0, 1, "", ""),
            ReadBack.Line("/s", FileType.Socket, 0, 1, "", ""),
        ];
        Assert.Equal(expected, ReadBack.ListIndependently(temporary["image"]));
        Assert.Equal(expected, ReadBack.ListWithProduct(temporary["image"]));
        using FileBlockDevice device = FileBlockDevice.Open(temporary["image"], new FileBlockDeviceOptions { ReadOnly = true });
        TfsVolume volume = TfsVolume.Open(device);
        TfsNode file = Find(volume, "a");
        volume.GetStat(file, out Stat stat);
        Assert.Equal(Mode.Regular | 0x9E9u, stat.Mode); // 04751
        Assert.Equal((1234u, 70000u, 3u), (stat.Uid, stat.Gid, stat.LinkCount));
        Assert.Equal(new Timespec(2_000_000_000, 123_456_789), stat.ModifyTime);
        Assert.Equal(new Timespec(17, 0), stat.AccessTime);
        Assert.Equal(file, Find(volume, "d/c"));
        Assert.Equal("hello"u8, volume.AttributeOf(file, "user.note"u8).Bytes);
        TfsNode directory = Find(volume, "d");
        Assert.Equal(TfsValueKind.String, volume.AttributeOf(directory, "user.empty"u8).Kind);
        Assert.Equal([0x00, 0xFF, 0x80], volume.AttributeOf(directory, "user.bin"u8).Bytes.ToArray());
        Assert.Equal(3000, volume.AttributeOf(directory, "user.big"u8).Bytes.Length);
        Assert.Equal("1"u8, volume.AttributeOf(Find(volume, "l"), "trusted.t"u8).Bytes);
        volume.GetStat(Find(volume, "c"), out stat);
        Assert.Equal(DeviceNumber.Make(5, 300), stat.RawDevice);
        volume.GetStat(Find(volume, "d/b"), out stat);
        Assert.Equal(DeviceNumber.Make(259, 70000), stat.RawDevice);

        List<string> warnings = [];
        _ = Making.Make(new ImageRequest { ImagePath = temporary["plain"], SourceDirectory = temporary["t"], Plain = true }, warnings);
        Assert.Equal(4, warnings.Count); // the FIFO, three names of devices
        string[] plainExpected = [.. expected.Where(line => !line.Contains("Device", StringComparison.Ordinal) && !line.Contains("Fifo", StringComparison.Ordinal))];
        Assert.Equal(plainExpected, ReadBack.ListIndependently(temporary["plain"], plain: true));
        Assert.DoesNotContain("tupelo_", Encoding.Latin1.GetString(File.ReadAllBytes(temporary["plain"])), StringComparison.Ordinal);
        Assert.DoesNotContain("user.note", Encoding.Latin1.GetString(File.ReadAllBytes(temporary["plain"])), StringComparison.Ordinal);
    }

    [Fact]
    public void Make_NamesOfAnyBytes_AreKept()
    {
        using TemporaryDirectory temporary = new();
        _ = HostShell.Run(temporary.FullPath, """
            mkdir t; cd t
            perl -e '
              for my $n (1 .. 255) { my $name = chr(97 + $n % 26) x $n; open F, ">", $name or die "$n: $!"; print F $name; close F }
              for my $b (1 .. 255) { next if chr($b) eq "/" or chr($b) eq "."; open F, ">", "x" . chr($b) . "y" or die; close F;
                                     mkdir chr($b) or die "$b: $!" unless chr($b) =~ /[a-z]/ }
              for my $n ("children", "extents", "..a", "...", "(a:b)", "[x]", "\xff\xfe", "\xc0\x80") { open F, ">", $n or die "$n: $!"; close F }'
            """);
        string[] expected = HostShell.Run(temporary["t"], "LC_ALL=C find . -printf '%P\\0' | perl -0ne 'chomp; print unpack(\"H*\", $_), \"\\n\"'")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        List<string> warnings = [];
        _ = Making.Make(new ImageRequest { ImagePath = temporary["image"], SourceDirectory = temporary["t"] }, warnings);
        Assert.Contains("not UTF-8", Assert.Single(warnings), StringComparison.Ordinal);
        foreach (List<string> listing in (List<string>[])[ReadBack.ListIndependently(temporary["image"], hash: false), ReadBack.ListWithProduct(temporary["image"], hash: false)])
        {
            IEnumerable<string> names = listing.Select(line => line[1..line.LastIndexOf(" size=", StringComparison.Ordinal)])
                .Select(line => line[..line.LastIndexOf(' ')]).Where(name => name.Length > 0).Select(name => Convert.ToHexStringLower(Encoding.Latin1.GetBytes(name)));
            Assert.Equal(expected.Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void Make_SparseFileOf5GiB_StaysSparse()
    {
        using TemporaryDirectory temporary = new();
        _ = Directory.CreateDirectory(temporary["t"]);
        const long Length = (5L << 30) + 12_345;
        long[] places = [0, 4096, 1 << 20, (1L << 31) - 10, (1L << 32) + 77, Length - 3];
        using (FileStream stream = File.Create(temporary["t/sparse"]))
        {
            stream.SetLength(Length);
            foreach (long place in places)
            {
                stream.Position = place;
                stream.Write("abc"u8);
            }
        }
        using (FileStream hole = File.Create(temporary["t/hole"]))
        {
            hole.SetLength(5L << 40);
        }
        _ = Making.Make(new ImageRequest { ImagePath = temporary["image"], SourceDirectory = temporary["t"] });
        Assert.True(new FileInfo(temporary["image"]).Length < 4 << 20);
        Assert.Equal(3, ReadBack.ListIndependently(temporary["image"], hash: false).Count);
        using FileBlockDevice device = FileBlockDevice.Open(temporary["image"], new FileBlockDeviceOptions { ReadOnly = true });
        TfsVolume volume = TfsVolume.Open(device);
        Assert.Equal(5L << 40, volume.LengthOf(Find(volume, "hole")));
        TfsNode node = Find(volume, "sparse");
        Assert.Equal(Length, volume.LengthOf(node));
        Assert.Equal(Errno.None, volume.OpenFile(node, out TfsFileReader? file));
        byte[] buffer = new byte[23];
        foreach (long place in places)
        {
            buffer.AsSpan().Fill(1);
            long start = Math.Max(0, place - 10);
            long count = file!.Read(start, buffer).Count;
            Assert.Equal(Math.Min(23, Length - start), count);
            byte[] expected = new byte[count];
            "abc"u8.CopyTo(expected.AsSpan((int)(place - start)));
            Assert.Equal(expected, buffer[..(int)count]);
        }
        Assert.InRange(file!.NextData(8192), 8192, 1 << 20);
    }

    [Fact]
    public void Make_FilesOf40MiB_AreSplitIntoExtentsOf32MiB()
    {
        using TemporaryDirectory temporary = new();
        _ = Directory.CreateDirectory(temporary["t"]);
        byte[] content = new byte[(40 << 20) + 1];
        new Random(7).NextBytes(content);
        File.WriteAllBytes(temporary["t/a"], content);
        _ = Making.Make(new ImageRequest { ImagePath = temporary["image"], SourceDirectory = temporary["t"] });
        string line = ReadBack.ListWithProduct(temporary["image"])[1];
        Assert.EndsWith(Convert.ToHexStringLower(SHA256.HashData(content)), line, StringComparison.Ordinal);
        _ = ReadBack.ListIndependently(temporary["image"], hash: false, plain: false, out IndependentVolume volume);
        Assert.Equal([65536UL, 16385UL], volume.Entries[1].Extents.Select(extent => extent.Length));
        Assert.Equal(0UL, volume.Entries[1].Extents[0].StorageSector % 8);
    }

    [Fact]
    public void Make_Reproducible_GivesTheSameBytesWhateverOrderOwnerAndTimesAreOnTheHost()
    {
        using TemporaryDirectory temporary = new();
        // Two copies made in different orders, by different owners, with times after the limit, one with holes written out.
        _ = HostShell.Run(temporary.FullPath, """
            mkdir a b
            for i in $(seq 1 300); do echo $i >a/f$i; done; for i in $(seq 300 -1 1); do echo $i >b/f$i; done
            for t in a b; do mkdir $t/d; ln $t/f5 $t/d/link; ln -s x $t/l; head -c 70000 /dev/urandom >/dev/null; done
            head -c 1000000 /dev/zero | tr '\0' z >a/big; cp a/big b/big; chmod 600 a/f7 b/f7; ln b/f9 outside
            """);
        if (Environment.IsPrivilegedProcess)
        {
            _ = HostShell.Run(temporary.FullPath, "chown -R 1000:1000 b");
        }
        List<byte[]> images = [];
        foreach (string tree in (string[])["a", "b", "a"])
        {
            _ = Making.Make(new ImageRequest
            {
                ImagePath = temporary["image"], Overwrite = true, SourceDirectory = temporary[tree], Reproducible = true, Label = "r",
                LatestTime = new Timespec(1_600_000_000, 0),
            });
            images.Add(File.ReadAllBytes(temporary["image"]));
        }
        Assert.Equal(images[0], images[1]);
        Assert.Equal(images[0], images[2]);
        // The identity follows the content, even where length and times are the same.
        _ = HostShell.Run(temporary.FullPath, "printf '8\\n' >a/f7");
        _ = Making.Make(new ImageRequest
        {
            ImagePath = temporary["image"], Overwrite = true, SourceDirectory = temporary["a"], Reproducible = true, Label = "r",
            LatestTime = new Timespec(1_600_000_000, 0),
        });
        Assert.NotEqual(images[0][8..24], File.ReadAllBytes(temporary["image"])[8..24]);
    }

    [Fact]
    public void Make_ManifestOverDirectory_MergesDirectoriesAndWinsOverFiles()
    {
        using TemporaryDirectory temporary = new();
        _ = HostShell.Run(temporary.FullPath, "mkdir -p t/d/e t/gone t/skip; echo old >t/f; echo kept >t/d/kept; echo old >t/d/x; echo no >t/skip/n; echo new >host; echo o >t/a.o");
        string manifest = $"""
            (children:(f:(contents:(host:{temporary["host"]}) custom:(a:b))
                       d:(children:(x:(children:()) y:(linktarget:kept)) tag:v)
                       gone:(contents:(host:"{temporary["host"]}")))
             program:/f boot:(children:()))
            """;
        List<string> warnings = [];
        _ = Making.Make(new ImageRequest
        {
            ImagePath = temporary["image"], SourceDirectory = temporary["t"], Excludes = new ExcludePatterns(["*.o", "/skip/"]),
            Manifest = ManifestParser.Parse(Encoding.UTF8.GetBytes(manifest), "m"),
        }, warnings);
        Assert.Contains("boot", Assert.Single(warnings), StringComparison.Ordinal);
        string hash = Convert.ToHexStringLower(SHA256.HashData("new\n"u8));
        Assert.Equal(
        [
            ReadBack.Line("/", FileType.Directory, 0, 0, "", ""),
            ReadBack.Line("/d", FileType.Directory, 0, 0, "", ""),
            ReadBack.Line("/d/e", FileType.Directory, 0, 0, "", ""),
            ReadBack.Line("/d/kept", FileType.Regular, 5, 1, "", Convert.ToHexStringLower(SHA256.HashData("kept\n"u8))),
            ReadBack.Line("/d/x", FileType.Directory, 0, 0, "", ""),
            ReadBack.Line("/d/y", FileType.Symlink, 0, 1, "kept", ""),
            ReadBack.Line("/f", FileType.Regular, 4, 1, "", hash),
            ReadBack.Line("/gone", FileType.Regular, 4, 1, "", hash),
        ], ReadBack.ListIndependently(temporary["image"]));
        using FileBlockDevice device = FileBlockDevice.Open(temporary["image"], new FileBlockDeviceOptions { ReadOnly = true });
        TfsVolume volume = TfsVolume.Open(device);
        Assert.Equal("v"u8, volume.AttributeOf(Find(volume, "d"), "tag"u8).Bytes);
        Assert.Equal(TfsValueKind.None, volume.AttributeOf(volume.Root, "boot"u8).Kind);
    }

    [Theory]
    [InlineData("(children:(a:b))", "must be a tuple")]
    [InlineData("(children:(a:(contents:b)))", "contents must be")]
    [InlineData("(children:(a:(children:() contents:(host:x))))", "cannot have contents")]
    [InlineData("(children:(a:(contents:(host:/nonexistent/x))))", "\"/a\": cannot read /nonexistent/x: No such file or directory")]
    [InlineData("(children:(a:(contents:(host:/dev/null))))", "not a regular file")]
    [InlineData("(children:x)", "\"children\" must be a tuple")]
    [InlineData("(imagesize:lots)", "must be a size")]
    [InlineData("(children:(\"a/b\":()))", "cannot be a file's name")]
    [InlineData("(children:(\"..\":()))", "cannot be a file's name")]
    public void Make_SenselessManifest_SaysWhyAndLeavesNothing(string manifest, string message)
    {
        using TemporaryDirectory temporary = new();
        IOException error = Assert.ThrowsAny<IOException>(() => Making.Make(new ImageRequest
        {
            ImagePath = temporary["image"], Manifest = ManifestParser.Parse(Encoding.UTF8.GetBytes(manifest), "m"),
        }));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(temporary.FullPath));
    }

    [Fact]
    public void Make_TargetRoot_KeepsSymbolicLinksInside()
    {
        using TemporaryDirectory temporary = new();
        _ = HostShell.Run(temporary.FullPath, """
            mkdir -p root/usr/lib root/etc; echo inside >root/usr/lib/real; ln -s /usr/lib/real root/etc/abs; ln -s ../../../../usr/lib/real root/etc/up
            ln -s loop root/loop; echo outside >only-here; mkdir -p usr/lib; echo wrong >usr/lib/real
            """);
        foreach (string path in (string[])["/etc/abs", "etc/up", "/usr/../usr/lib/real", temporary["only-here"]])
        {
            _ = Making.Make(new ImageRequest
            {
                ImagePath = temporary["image"], Overwrite = true, TargetRoot = temporary["root"],
                Manifest = ManifestParser.Parse(Encoding.UTF8.GetBytes($"(children:(a:(contents:(host:\"{path}\"))))"), "m"),
            });
            string expected = path == temporary["only-here"] ? "outside\n" : "inside\n";
            Assert.EndsWith(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(expected))), ReadBack.ListWithProduct(temporary["image"])[1], StringComparison.Ordinal);
        }
        Assert.Contains("symbolic links", Assert.Throws<ImageException>(() => Making.Make(new ImageRequest
        {
            ImagePath = temporary["image"], Overwrite = true, TargetRoot = temporary["root"],
            Manifest = ManifestParser.Parse("(children:(a:(contents:(host:loop))))"u8, "m"),
        })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Make_ExistingFile_IsReplacedOnlyWhenAsked()
    {
        using TemporaryDirectory temporary = new();
        File.WriteAllText(temporary["image"], "precious");
        _ = HostShell.Run(temporary.FullPath, "chmod 600 image");
        Assert.Contains("--force", Assert.Throws<ImageException>(() => Making.Make(new ImageRequest { ImagePath = temporary["image"] })).Message, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(temporary["image"]));
        // A failure leaves what was there, also when it was to be replaced.
        _ = Assert.Throws<ImageException>(() => Making.Make(new ImageRequest
        {
            ImagePath = temporary["image"], Overwrite = true, Manifest = ManifestParser.Parse("(children:(a:b))"u8, "m"),
        }));
        Assert.Equal("precious", File.ReadAllText(temporary["image"]));
        _ = Making.Make(new ImageRequest { ImagePath = temporary["image"], Overwrite = true });
        Assert.Equal("600\n", HostShell.Run(temporary.FullPath, "stat -c %a image"));
        _ = Assert.Single(ReadBack.ListIndependently(temporary["image"]));
        Assert.Equal([temporary["image"]], Directory.GetFileSystemEntries(temporary.FullPath));
        _ = Assert.Throws<ImageException>(() => Making.Make(new ImageRequest { ImagePath = temporary.FullPath, Overwrite = true }));
        _ = Assert.Throws<ImageException>(() => Making.Make(new ImageRequest { ImagePath = "/dev/null", Overwrite = true }));
        using (FileBlockDevice.Open(temporary["image"]))
        {
            _ = Assert.Throws<ImageException>(() => Making.Make(new ImageRequest { ImagePath = temporary["image"], Overwrite = true }));
        }
        _ = Making.Make(new ImageRequest { ImagePath = temporary["image"], Overwrite = true });
    }

    [Theory]
    [InlineData(0L, 0L, 2L << 20)]
    [InlineData(0L, 64L << 20, 66L << 20)]
    [InlineData(1L << 30, 0L, 1L << 30)]
    [InlineData(1L, 0L, 2L << 20)]
    [InlineData((3L << 20) + 5, 0L, (3L << 20) + 512)]
    public void Make_Size_IsAMinimumAndLeavesRoomForTheLog(long minSize, long free, long expected)
    {
        using TemporaryDirectory temporary = new();
        ImageSummary made = Making.Make(new ImageRequest { ImagePath = temporary["image"], MinSizeBytes = minSize, FreeBytes = free });
        Assert.Equal(expected, made.SizeBytes);
        Assert.Equal(expected, new FileInfo(temporary["image"]).Length);
        _ = Assert.Single(ReadBack.ListIndependently(temporary["image"]));
    }

    [Fact]
    public void Make_DeepTree_NeedsNoMoreDescriptorsOrStack()
    {
        using TemporaryDirectory temporary = new();
        _ = HostShell.Run(temporary.FullPath, "mkdir t; cd t; for i in $(seq 1 600); do mkdir d; echo $i >f; cd d; done");
        BuildProgress progress = new();
        _ = Making.Make(new ImageRequest { ImagePath = temporary["image"], SourceDirectory = temporary["t"] }, progress: progress);
        Assert.Equal((600, 601), (progress.Files, progress.Directories));
        Assert.Equal(ReadBack.ListIndependently(temporary["image"]), ReadBack.ListWithProduct(temporary["image"]));
    }

    [Fact]
    public void Copy_FileThatBecameShorter_IsAnError()
    {
        using TemporaryDirectory temporary = new();
        using MemoryBlockDevice device = new(64 << 20);
        using TfsImageBuilder builder = new(device, new TfsBuildOptions { FixedSize = true });
        FileCopier copier = new(builder, new BuildProgress(), countsForIdentity: false, default);
        List<DataRun> runs = [];
        _ = builder.AddFile(builder.RootDirectory, "f"u8, new TfsEntryAttributes(), 5000, [new DataRange(0, 5000)], runs);
        using ShortFile file = new(4999);
        ImageException error = Assert.Throws<ImageException>(() => copier.Copy(file, runs));
        Assert.Contains("shorter", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Builder_FullDevice_SaysSoAndDoesNotHang()
    {
        using FullDevice device = new(3 << 20);
        using TfsImageBuilder builder = new(device, new TfsBuildOptions());
        FileCopier copier = new(builder, new BuildProgress(), countsForIdentity: false, default);
        List<DataRun> runs = [];
        using ShortFile file = new(64 << 20);
        _ = builder.AddFile(builder.RootDirectory, "f"u8, new TfsEntryAttributes(), 64 << 20, [new DataRange(0, 64 << 20)], runs);
        TfsWriteException error = Assert.Throws<TfsWriteException>(() =>
        {
            copier.Copy(file, runs);
            _ = builder.Complete();
        });
        Assert.Equal(Errno.ENOSPC, error.Errno);
    }

    [Fact]
    public void Make_Cancelled_LeavesNothing()
    {
        using TemporaryDirectory temporary = new();
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        _ = Assert.Throws<OperationCanceledException>(() =>
            ImageMaker.Make(new ImageRequest { ImagePath = temporary["image"] }, new BuildProgress(), _ => { }, cancelled.Token));
        Assert.Empty(Directory.GetFileSystemEntries(temporary.FullPath));
    }

    private static TfsNode Find(TfsVolume volume, string path)
    {
        Assert.Equal(Errno.None, volume.Resolve(Encoding.UTF8.GetBytes(path), followLast: false, out TfsNode node));
        return node;
    }

    private sealed class ShortFile(long length) : HostFile
    {
        public override IoResult Read(long offsetBytes, Span<byte> buffer) => IoResult.Bytes(Math.Clamp(length - offsetBytes, 0, buffer.Length));

        public override IoResult ReadLink(Span<byte> target) => Errno.EINVAL;

        public override Errno ReadXattrs(ICollection<KeyValuePair<AttributeName, TfsLiteral>> to) => Errno.None;
    }

    // Grows as it is told to, but has no room behind its first bytes, as a full host.
    private sealed class FullDevice(long room) : BlockDevice
    {
        private long _sizeBytes;

        public override long SizeBytes => Volatile.Read(ref _sizeBytes);

        public override bool IsReadOnly => false;

        public override string Name => "full";

        public override Errno Read(long offsetBytes, Span<byte> buffer) => Errno.EIO;

        public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer) => offsetBytes + buffer.Length > room ? Errno.ENOSPC : Errno.None;

        public override Errno Flush() => Errno.None;

        public override Errno Resize(long sizeBytes)
        {
            Volatile.Write(ref _sizeBytes, sizeBytes);
            return Errno.None;
        }
    }
}
