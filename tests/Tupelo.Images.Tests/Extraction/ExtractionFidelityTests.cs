// What is extracted is what went in: content, links, holes, times, modes; and what is left out, and how it ends when it must stop.
using System.Diagnostics;
using Tupelo.Block;
using Tupelo.Images.Extraction;
using Tupelo.Testing.Images;
using Tupelo.Tfs;

namespace Tupelo.Images.Tests.Extraction;

public sealed class ExtractionFidelityTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Tree_BuiltAndExtracted_IsTheSame(bool portable)
    {
        using TemporaryDirectory temporary = new();
        using var bench = new ExtractionBench();
        string source = temporary["source"];
        Directory.CreateDirectory(Path.Combine(source, "d", "e"));
        File.WriteAllText(Path.Combine(source, "text"), "content");
        File.WriteAllBytes(Path.Combine(source, "d", "large"), [.. Enumerable.Range(0, 3_000_000).Select(static i => (byte)(i * 31 >> 3))]);
        using (FileStream sparse = File.Create(Path.Combine(source, "sparse")))
        {
            sparse.SetLength(64 << 20);
            sparse.Position = 32 << 20;
            sparse.WriteByte(7);
        }
        Run("ln", Path.Combine(source, "text"), Path.Combine(source, "d", "e", "hard"));
        _ = File.CreateSymbolicLink(Path.Combine(source, "d", "soft"), "../text");
        File.SetUnixFileMode(Path.Combine(source, "text"), (UnixFileMode)0x124); // 0444
        File.SetUnixFileMode(Path.Combine(source, "d", "e"), (UnixFileMode)0x1C8); // 0710
        File.SetLastWriteTimeUtc(Path.Combine(source, "text"), new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc));
        Directory.SetLastWriteTimeUtc(Path.Combine(source, "d", "e"), new DateTime(2002, 2, 3, 4, 5, 6, DateTimeKind.Utc));
        string image = temporary["image"];
        _ = Making.Make(new ImageRequest { ImagePath = image, SourceDirectory = source });
        using FileBlockDevice device = FileBlockDevice.Open(image, new FileBlockDeviceOptions { ReadOnly = true });
        bench.Extract(TfsVolume.Open(device), new ExtractionOptions { Portable = portable });

        Assert.Empty(bench.Notices);
        Run("diff", "-r", "--no-dereference", source, bench.Destination);
        Assert.Equal((UnixFileMode)0x124, File.GetUnixFileMode(bench.At("text")));
        Assert.Equal((UnixFileMode)0x1C8, File.GetUnixFileMode(bench.At("d/e")));
        Assert.Equal(new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc), File.GetLastWriteTimeUtc(bench.At("text")));
        Assert.Equal(new DateTime(2002, 2, 3, 4, 5, 6, DateTimeKind.Utc), Directory.GetLastWriteTimeUtc(bench.At("d/e")));
        Assert.Equal("../text", new FileInfo(bench.At("d/soft")).LinkTarget);
        if (!portable)
        {
            Assert.Equal(Output("stat", "-c%i", bench.At("text")), Output("stat", "-c%i", bench.At("d/e/hard")));
        }
        Assert.True(long.Parse(Output("stat", "-c%b", bench.At("sparse"))) < 1000, "the hole was filled");
        bench.AssertNoTemporaryFiles();
    }

    [Fact]
    public void DirectoriesThreeThousandDeep_AreExtracted()
    {
        using var bench = new ExtractionBench();
        bench.Extract(ExtractionBench.Forge(
            static (smith, root) =>
            {
                int directory = root;
                for (int i = 0; i < 3000; i++)
                {
                    directory = smith.AddDirectory(directory, "d");
                }
                _ = smith.AddFile(directory, "bottom", "deep"u8);
            },
            sectors: 4096,
            extensionSectors: 4000));
        Assert.Empty(bench.Notices);
        Assert.Equal(3001, bench.Progress.Entries);
    }

    [Fact]
    public void DirectoriesDeeperThanTheLimit_AreReported()
    {
        using var bench = new ExtractionBench();
        bench.Extract(
            ExtractionBench.Forge(static (smith, root) => _ = smith.AddFile(smith.AddDirectory(smith.AddDirectory(smith.AddDirectory(root, "a"), "b"), "c"), "file", "x"u8)),
            new ExtractionOptions { MaxDepth = 2 });
        Assert.True(Assert.Single(bench.Notices).IsFailure);
        Assert.False(Path.Exists(bench.At("a/b/c")));
    }

    [Fact]
    public void Limits_StopBeforeAnythingIsWritten()
    {
        static void Fill(ImageSmith smith, int root)
        {
            _ = smith.AddFile(root, "a", new byte[3000]);
            _ = smith.AddFile(root, "b", new byte[3000]);
        }
        using var bench = new ExtractionBench();
        _ = Assert.Throws<ImageException>(() => bench.Extract(ExtractionBench.Forge(Fill), new ExtractionOptions { MaxTotalBytes = 5000 }));
        _ = Assert.Throws<ImageException>(() => bench.Extract(ExtractionBench.Forge(Fill), new ExtractionOptions { MaxEntries = 2 }));
        Assert.Empty(Directory.GetFileSystemEntries(bench.Destination));
    }

    [Fact]
    public void ManyNamesOfOneFile_CountOnce_ButManyFilesOfOneExtentDoNot()
    {
        using var bench = new ExtractionBench();
        TfsVolume volume = ExtractionBench.Forge(static (smith, root) =>
        {
            ulong start = smith.TakeSectors(8);
            for (int i = 0; i < 40; i++)
            {
                smith.Assign(root, $"f{i}", tokens =>
                {
                    _ = tokens.Tuple(2);
                    _ = tokens.Symbol("extents").Tuple(1);
                    _ = tokens.Symbol("0").Tuple(3);
                    _ = tokens.Symbol("offset").Integer(start).Symbol("length").Integer(8).Symbol("allocated").Integer(8).Symbol("filelength").Integer(4096);
                });
            }
        });
        _ = Assert.Throws<ImageException>(() => bench.Extract(volume, new ExtractionOptions { MaxRatio = 1 }));
        bench.AssertNoTemporaryFiles();
    }

    [Fact]
    public void FileOfAnExbibyteOfHoles_DoesNotFillTheDisk()
    {
        using var bench = new ExtractionBench();
        bench.Extract(ExtractionBench.Forge(static (smith, root) =>
        {
            smith.Assign(root, "huge", static tokens =>
            {
                _ = tokens.Tuple(2);
                _ = tokens.Symbol("extents").Tuple(0);
                _ = tokens.Symbol("filelength").Integer(1UL << 60);
            });
            smith.Assign(root, "large", static tokens =>
            {
                _ = tokens.Tuple(2);
                _ = tokens.Symbol("extents").Tuple(0);
                _ = tokens.Symbol("filelength").Integer(1UL << 40);
            });
        }));
        Assert.Equal(1L << 40, new FileInfo(bench.At("large")).Length);
        Assert.Equal(0, bench.Progress.Bytes);
        bench.AssertNoTemporaryFiles(); // the one that the host cannot hold is gone again
    }

    [Fact]
    public void SpecialFiles_AreLeftOutUnlessAskedFor()
    {
        static void Fill(ImageSmith smith, int root) => smith.Assign(root, "socket", static tokens =>
        {
            _ = tokens.Tuple(1);
            _ = tokens.Symbol("socket").Null();
        });
        using var bench = new ExtractionBench();
        bench.Extract(ExtractionBench.Forge(Fill));
        Assert.False(Assert.Single(bench.Notices).IsFailure);
        Assert.Empty(Directory.GetFileSystemEntries(bench.Destination));
        bench.Notices.Clear();
        bench.Extract(ExtractionBench.Forge(Fill), new ExtractionOptions { Devices = true });
        Assert.Empty(bench.Notices);
        Assert.Equal("socket", Output("stat", "-c%F", bench.At("socket")).TrimEnd());
    }

    [Fact]
    public void TreeOfRoot_WithDevicesOwnersAndXattrs_ComesBackWhole_AndHarmlessWhenNotAsked()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "device nodes and foreign owners need root");
        using TemporaryDirectory temporary = new();
        _ = HostShell.Run(temporary.FullPath, """
            mkdir -p t/d; echo content >t/d/file; mkfifo -m 0620 t/fifo; mknod -m 0600 t/d/char c 5 1; mknod -m 0666 t/block b 7 300
            ln -s nowhere t/link; chown -h 12:34 t/link; chown 1234:5678 t/d t/d/file t/fifo t/d/char; chmod 2750 t/d; chmod 4711 t/d/file
            setfattr -n user.note -v kept t/d/file; setfattr -n trusted.secret -v deep t/d/file; setfattr -n user.place -v here t/d
            touch -h -d '2003-04-05 06:07:08.123456789' t/link t/fifo t/d/file t/block t/d/char t/d
            """);
        string image = temporary["image"];
        _ = Making.Make(new ImageRequest { ImagePath = image, SourceDirectory = temporary["t"] });
        const string list = "cd \"$0\"; find . -mindepth 1 -printf '%P %y %#m %U:%G %l %TY-%Tm-%TdT%TT\\n' | sort; find . -type b -o -type c | sort | xargs -r stat -c '%n %t:%T'; getfattr -R -h -d -m - . 2>/dev/null | sort";
        string List(string directory) => Output("bash", "-c", list, directory);
        using FileBlockDevice device = FileBlockDevice.Open(image, new FileBlockDeviceOptions { ReadOnly = true });
        using (var whole = new ExtractionBench())
        {
            whole.Extract(TfsVolume.Open(device), new ExtractionOptions { PreserveAll = true, Devices = true });
            Assert.Empty(whole.Notices);
            Assert.Equal(List(temporary["t"]), List(whole.Destination));
            Assert.Contains("trusted.secret=\"deep\"", List(whole.Destination), StringComparison.Ordinal);
        }
        using var harmless = new ExtractionBench();
        harmless.Extract(TfsVolume.Open(device));
        Assert.Equal(3, harmless.Notices.Count(static notice => !notice.IsFailure)); // two devices, one FIFO
        Assert.Equal(3, harmless.Notices.Count);
        Assert.Equal("711 0:0", Output("stat", "-c%a %u:%g", harmless.At("d/file")).TrimEnd());
        Assert.Equal("750 0:0", Output("stat", "-c%a %u:%g", harmless.At("d")).TrimEnd());
        string left = List(harmless.Destination);
        Assert.DoesNotContain("trusted", left, StringComparison.Ordinal);
        Assert.Contains("user.note=\"kept\"", left, StringComparison.Ordinal);
    }

    [Fact]
    public void NamesThatAreOneOnThisHost_DoNotReplaceEachOther()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess && File.Exists("/dev/fuse"), "a host file system without letter case is mounted through /dev/fuse, by root");
        using TemporaryDirectory temporary = new();
        _ = HostShell.Run(temporary.FullPath, """
            truncate -s 16M volume; mkntfs -q -F -Q volume >/dev/null 2>&1; mkdir mount; lowntfs-3g -o ignore_case volume mount
            """);
        try
        {
            string mount = temporary["mount"];
            TfsVolume volume = ExtractionBench.Forge(static (smith, root) =>
            {
                _ = smith.AddFile(root, "readme", "first"u8);
                _ = smith.AddFile(root, "README", "second"u8);
                _ = smith.AddFile(smith.AddDirectory(root, "dir"), "x", "x"u8);
                _ = smith.AddFile(smith.AddDirectory(root, "DIR"), "y", "y"u8);
            });
            var notices = new List<ExtractionNotice>();
            new TreeExtractor(volume, new ExtractionOptions(), new ExtractionProgress(), notices.Add, default).ExtractInto(volume.Root, "/"u8, mount);
            Assert.Equal(2, notices.Count);
            Assert.All(notices, static notice => Assert.True(notice.IsFailure && notice.Message.Contains("letter case", StringComparison.Ordinal), notice.Message));
            Assert.Equal(["dir", "readme"], Directory.GetFileSystemEntries(mount).Select(Path.GetFileName).Order(StringComparer.Ordinal));
            Assert.Equal("second", File.ReadAllText(Path.Combine(mount, "readme"))); // README comes first
            Assert.Equal(["y"], Directory.GetFileSystemEntries(Path.Combine(mount, "dir")).Select(Path.GetFileName));
        }
        finally
        {
            _ = HostShell.Run(temporary.FullPath, "umount mount || umount -l mount");
        }
    }

    [Theory]
    [InlineData(false, "600")]
    [InlineData(true, "6711")]
    public void SetIdBitsAndForeignXattrs_AreDroppedUnlessAllIsPreserved(bool preserve, string mode)
    {
        using var bench = new ExtractionBench();
        TfsVolume volume = ExtractionBench.Forge((smith, root) => smith.Assign(root, "tool", tokens =>
        {
            _ = tokens.Tuple(preserve ? 3 : 4);
            _ = tokens.Symbol("extents").Tuple(0);
            _ = tokens.Symbol("filelength").Integer(0).Symbol("tupelo_mode").Integer(preserve ? 0x8DC9u : 0x8D80u); // 06711, 06600
            if (!preserve)
            {
                _ = tokens.Symbol("trusted.evil").String("x"u8);
            }
        }));
        bench.Extract(volume, new ExtractionOptions { PreserveAll = preserve });
        Assert.Empty(bench.Notices);
        Assert.Equal(mode, Output("stat", "-c%a", bench.At("tool")).TrimEnd());
    }

    [Fact]
    public void NoClobber_LeavesWhatIsThere_AndReplacingIsWhole()
    {
        using var bench = new ExtractionBench();
        File.WriteAllText(bench.At("file"), "mine");
        TfsVolume volume = ExtractionBench.Forge(static (smith, root) => _ = smith.AddFile(root, "file", "theirs"u8));
        bench.Extract(volume, new ExtractionOptions { Overwrite = false });
        Assert.Equal("mine", File.ReadAllText(bench.At("file")));
        Assert.True(Assert.Single(bench.Notices).IsFailure);
        bench.Extract(volume);
        Assert.Equal("theirs", File.ReadAllText(bench.At("file")));
    }

    [Fact]
    public void Cancelled_LeavesNoHalfFile()
    {
        using var bench = new ExtractionBench();
        using var cancel = new CancellationTokenSource();
        byte[] image = ForgeLarge();
        var device = new CancellingDevice(image, cancel);
        _ = Assert.ThrowsAny<OperationCanceledException>(() => bench.Extract(TfsVolume.Open(device), cancellation: cancel.Token));
        Assert.True(bench.Progress.Bytes > 0);
        Assert.Empty(Directory.GetFileSystemEntries(bench.Destination));
    }

    private static byte[] ForgeLarge()
    {
        var smith = new ImageSmith(volumeSectors: 20_000);
        _ = smith.AddFile(smith.BeginRoot(), "large", new byte[9_000_000]);
        return smith.Finish().Emit();
    }

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output);
    }

    private static string Output(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }

    // Cancels once data far into the volume are read.
    private sealed class CancellingDevice(byte[] image, CancellationTokenSource cancel) : BlockDevice
    {
        public override long SizeBytes => image.Length;

        public override bool IsReadOnly => true;

        public override string Name => "memory";

        public override Errno Read(long offsetBytes, Span<byte> buffer)
        {
            if (offsetBytes > 4_000_000)
            {
                cancel.Cancel();
            }
            image.AsSpan((int)offsetBytes, buffer.Length).CopyTo(buffer);
            return Errno.None;
        }

        public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer) => Errno.EROFS;

        public override Errno Flush() => Errno.None;
    }
}
