using System.Diagnostics;

namespace Tupelo.FileSystems.Tests;

/// <summary>A directory of the host through the file layer, and what must not get out of it.</summary>
public sealed class HostFsTests : IDisposable
{
    private readonly TemporaryDirectory _host = new();
    private readonly string _root;
    private readonly Machine _machine = new();

    public HostFsTests()
    {
        _root = _host["root"];
        Directory.CreateDirectory(_root);
        File.WriteAllText(_host["secret"], "secret");
        _machine.Mount("hostfs", _root, "/h");
    }

    public void Dispose()
    {
        _machine.Dispose();
        _host.Dispose();
    }

    [Fact]
    public void FilesArePassedThrough_BothWays()
    {
        _machine.Write("/h/a", "from inside");
        Assert.Equal("from inside", File.ReadAllText(Path.Combine(_root, "a")));
        File.WriteAllText(Path.Combine(_root, "a"), "changed outside, longer");
        Assert.Equal("changed outside, longer", _machine.Read("/h/a"));
        Assert.Equal(23, _machine.Stat("/h/a").SizeBytes);
        File.Delete(Path.Combine(_root, "a"));
        Assert.Equal(Errno.ENOENT, _machine.TryOpen("/h/a"));
        File.WriteAllText(Path.Combine(_root, "b"), "new");
        Assert.Equal("new", _machine.Read("/h/b"));
        Assert.Equal(["b"], _machine.List("/h"));
    }

    [Fact]
    public void EveryOperationOnNames_WorksOnTheHost()
    {
        Syscalls sys = _machine.Sys;
        Assert.Equal(0, sys.MkDirAt(AtFd.CurrentDirectory, "/h/d"u8, 0x1FF));
        Assert.Equal(0x1EDu, _machine.Stat("/h/d").Mode & Mode.PermissionMask); // The umask of the caller, not of this process.
        _machine.Write("/h/d/f", "1");
        Assert.Equal(0, sys.LinkAt(AtFd.CurrentDirectory, "/h/d/f"u8, AtFd.CurrentDirectory, "/h/hard"u8));
        Assert.Equal(0, sys.SymlinkAt("d/f"u8, AtFd.CurrentDirectory, "/h/soft"u8));
        Assert.Equal("1", _machine.Read("/h/soft"));
        Assert.Equal("d/f", _machine.ReadLink("/h/soft"));
        Assert.Equal(2u, _machine.Stat("/h/hard").LinkCount);
        Assert.Equal(_machine.Stat("/h/hard").Ino, _machine.Stat("/h/d/f").Ino);
        Assert.Equal(0, sys.RenameAt2(AtFd.CurrentDirectory, "/h/d/f"u8, AtFd.CurrentDirectory, "/h/g"u8));
        Assert.Equal("1", File.ReadAllText(Path.Combine(_root, "g")));
        _machine.Write("/h/other", "2");
        Assert.Equal(0, sys.RenameAt2(AtFd.CurrentDirectory, "/h/g"u8, AtFd.CurrentDirectory, "/h/other"u8, RenameFlags.Exchange));
        Assert.Equal("2", _machine.Read("/h/g"));
        Assert.Equal(Errno.EEXIST, Machine.ErrnoOf(sys.RenameAt2(AtFd.CurrentDirectory, "/h/g"u8, AtFd.CurrentDirectory, "/h/other"u8, RenameFlags.NoReplace)));
        Assert.Equal(Errno.EISDIR, Machine.ErrnoOf(sys.UnlinkAt(AtFd.CurrentDirectory, "/h/d"u8)));
        Assert.Equal(0, sys.UnlinkAt(AtFd.CurrentDirectory, "/h/d"u8, AtFlags.RemoveDirectory));
        Assert.Equal(0, sys.UnlinkAt(AtFd.CurrentDirectory, "/h/hard"u8));
        Assert.Equal(0, sys.MkNodAt(AtFd.CurrentDirectory, "/h/fifo"u8, Mode.Fifo | 0x1B6));
        Assert.Equal(FileType.Fifo, _machine.Stat("/h/fifo").Type);
        Assert.Equal(Errno.EPERM, Machine.ErrnoOf(sys.MkNodAt(AtFd.CurrentDirectory, "/h/null"u8, Mode.CharDevice | 0x1B6, DeviceNumber.Make(1, 3))));
        Assert.Equal(["fifo", "g", "other", "soft"], _machine.List("/h"));
        Assert.Equal(["fifo", "g", "other", "soft"], Directory.GetFileSystemEntries(_root).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void AttributesAreTheHosts()
    {
        Syscalls sys = _machine.Sys;
        _machine.Write("/h/f", "x");
        Assert.Equal(0, sys.FChModAt2(AtFd.CurrentDirectory, "/h/f"u8, 0x9A4));
        Assert.Equal(0, sys.UtimeNsAt(AtFd.CurrentDirectory, "/h/f"u8, [new Timespec(1000, 5), new Timespec(-3, 999_999_999)]));
        Assert.Equal("4644 1000 -3", HostTool.Run("stat", "-c", "%a %X %Y", Path.Combine(_root, "f")).Trim());
        Stat stat = _machine.Stat("/h/f");
        Assert.Equal(new Timespec(-3, 999_999_999), stat.ModifyTime);
        Assert.Equal(0x9A4u, stat.Mode & Mode.PermissionMask);
        HostTool.Run("chmod", "600", Path.Combine(_root, "f"));
        Assert.Equal(0x180u, _machine.Stat("/h/f").Mode & Mode.PermissionMask);
    }

    [Fact]
    public void AnUnprivilegedWrite_ClearsSetIdBitsOnTheHost()
    {
        _machine.Write("/h/f", "x");
        Assert.Equal(0, _machine.Sys.FChModAt2(AtFd.CurrentDirectory, "/h/f"u8, 0xDFF)); // 06777
        using VfsContext user = _machine.Context.NewThread(new Credentials(1000, 1000));
        var sys = new Syscalls(user);
        long fd = sys.Open("/h/f"u8, OpenFlags.WriteOnly);
        Assert.Equal(1, sys.Write((int)fd, "y"u8));
        Assert.Equal(0, sys.Close((int)fd));
        Assert.Equal("777", HostTool.Run("stat", "-c", "%a", Path.Combine(_root, "f")).Trim());
    }

    [Fact]
    public void AppendedBytesGoToTheEnd_WhereverTheHostPutItMeanwhile()
    {
        _machine.Write("/h/log", "1");
        int fd = _machine.Open("/h/log", OpenFlags.ReadWrite | OpenFlags.Append);
        File.AppendAllText(Path.Combine(_root, "log"), "22");
        Assert.Equal(1, _machine.Sys.Write(fd, "3"u8));
        Assert.Equal(4, _machine.Sys.LSeek(fd, 0, SeekWhence.Current));
        Assert.Equal(4, _machine.Sys.LSeek(fd, 0, SeekWhence.End));
        Assert.Equal(0, _machine.Sys.Close(fd));
        Assert.Equal("1223", _machine.Read("/h/log"));
    }

    [Fact]
    public void AFileWithoutAName_LivesUntilItIsClosed()
    {
        _machine.Write("/h/f", "still here");
        int fd = _machine.Open("/h/f", OpenFlags.ReadWrite);
        Assert.Equal(0, _machine.Sys.UnlinkAt(AtFd.CurrentDirectory, "/h/f"u8));
        byte[] room = new byte[20];
        Assert.Equal(10, _machine.Sys.PRead(fd, room, 0));
        Stat stat = default;
        Assert.Equal(0, _machine.Sys.FStat(fd, ref stat));
        Assert.Equal(0u, stat.LinkCount);
        Assert.Equal(0, _machine.Sys.FTruncate(fd, 3));
        Assert.Equal(3, _machine.Sys.PRead(fd, room, 0));
        Assert.Equal(0, _machine.Sys.Close(fd));

        int temporary = _machine.Open("/h", OpenFlags.TemporaryFile | OpenFlags.ReadWrite);
        Assert.Equal(4, _machine.Sys.Write(temporary, "temp"u8));
        Assert.Empty(_machine.List("/h"));
        Assert.Equal(0, _machine.Sys.LinkAt(temporary, ""u8, AtFd.CurrentDirectory, "/h/named"u8, AtFlags.EmptyPath));
        Assert.Equal(0, _machine.Sys.Close(temporary));
        Assert.Equal("temp", _machine.Read("/h/named"));
    }

    [Fact]
    public void SpaceAndXattrs_AreTheHosts()
    {
        int fd = _machine.Open("/h/f", OpenFlags.ReadWrite | OpenFlags.Create);
        Assert.Equal(0, _machine.Sys.FAllocate(fd, FallocateMode.None, 0, 100_000));
        Assert.Equal(100_000, _machine.Stat("/h/f").SizeBytes);
        Assert.Equal(0, _machine.Sys.FAllocate(fd, FallocateMode.KeepSize, 100_000, 100_000));
        Assert.Equal(100_000, new FileInfo(Path.Combine(_root, "f")).Length);
        Assert.Equal(30_000, _machine.Sys.PWrite(fd, Enumerable.Repeat((byte)1, 30_000).ToArray(), 65536));
        Assert.Equal(0, _machine.Sys.FAllocate(fd, FallocateMode.PunchHole | FallocateMode.KeepSize, 0, 65536));
        Assert.Equal(65536, _machine.Sys.LSeek(fd, 0, SeekWhence.Data));
        Assert.Equal(0, _machine.Sys.FSync(fd));
        Errno set = Machine.ErrnoOf(_machine.Sys.FSetXattr(fd, "user.k"u8, "v"u8));
        Assert.Equal(Errno.None, set);
        Assert.Equal(Errno.EOPNOTSUPP, Machine.ErrnoOf(_machine.Sys.FSetXattr(fd, "trusted.k"u8, "v"u8)));
        byte[] room = new byte[20];
        Assert.Equal(7, _machine.Sys.FListXattr(fd, room));
        Assert.Equal(1, _machine.Sys.FGetXattr(fd, "user.k"u8, room));
        Assert.Equal(0, _machine.Sys.FRemoveXattr(fd, "user.k"u8));
        Assert.Equal(0, _machine.Sys.Close(fd));
    }

    [Theory]
    [InlineData("/h/../../../secret")]
    [InlineData("/h/absolute/secret")]
    [InlineData("/h/relative/secret")]
    [InlineData("/h/direct")]
    [InlineData("/h/proc/secret")]
    public void LinksOfTheHost_AreResolvedInsideOfTheTree(string path)
    {
        HostTool.Run("ln", "-s", _host.Root, Path.Combine(_root, "absolute"));
        HostTool.Run("ln", "-s", "../", Path.Combine(_root, "relative"));
        HostTool.Run("ln", "-s", _host["secret"], Path.Combine(_root, "direct"));
        HostTool.Run("ln", "-s", "/proc/self/cwd", Path.Combine(_root, "proc"));
        Assert.Equal(Errno.ENOENT, _machine.TryOpen(path));
        Assert.Equal(Errno.ENOENT, _machine.TryOpen(path, OpenFlags.WriteOnly | OpenFlags.Truncate));
        Assert.Equal("secret", File.ReadAllText(_host["secret"]));
    }

    // Opening a FIFO or device of the host blocked, or did worse, in other servers (CVE-2023-2861, CVE-2020-35517).
    [Fact]
    public void SpecialFilesOfTheHost_AreNeverOpenedThere()
    {
        HostTool.Run("mkfifo", Path.Combine(_root, "fifo"));
        HostTool.Run("mknod", Path.Combine(_root, "disk"), "b", "7", "250");
        HostTool.Run("mknod", Path.Combine(_root, "mem"), "c", "1", "1");
        Assert.Equal(Errno.ENXIO, _machine.TryOpen("/h/fifo", OpenFlags.WriteOnly | OpenFlags.NonBlock)); // No reader inside; the host's is not asked.
        Assert.Equal(Errno.None, _machine.TryOpen("/h/fifo", OpenFlags.ReadOnly | OpenFlags.NonBlock));
        Assert.Equal(Errno.ENXIO, _machine.TryOpen("/h/disk"));
        Assert.Equal(Errno.ENXIO, _machine.TryOpen("/h/mem"));
        Assert.Equal(Errno.None, _machine.TryOpen("/h/mem", OpenFlags.Path));
    }

    [Fact]
    public void ReadOnlyMount_ChangesNothing()
    {
        File.WriteAllText(Path.Combine(_root, "f"), "f");
        Directory.CreateDirectory(Path.Combine(_root, "d"));
        HostTool.Run("ln", "-s", "f", Path.Combine(_root, "l"));
        // Old enough that a read would move the access time, whatever the rule of the host's mount is.
        HostTool.Run("touch", "-a", "-d", "2001-01-01", Path.Combine(_root, "f"), Path.Combine(_root, "d"), _root);
        _machine.Mount("hostfs", _root, "/ro", MountFlags.ReadOnly);
        // Reading a link moves its access time: Linux has no call that does not.
        string[] all = [_root, Path.Combine(_root, "f"), Path.Combine(_root, "d")];
        string Everything() => HostTool.Run("stat", ["-c", "%n %a %s %u %g %x %y %z", .. all])
            + HostTool.Run("stat", "-c", "%a %s %u %g %y %z %N", Path.Combine(_root, "l"));
        string before = Everything();
        Syscalls sys = _machine.Sys;
        int fd = _machine.Open("/ro/f");
        Assert.Equal("f", _machine.Read("/ro/f"));
        Errno[] results =
        [
            _machine.TryOpen("/ro/f", OpenFlags.WriteOnly), _machine.TryOpen("/ro/f", OpenFlags.ReadOnly | OpenFlags.Truncate),
            _machine.TryOpen("/ro/f", OpenFlags.ReadWrite | OpenFlags.Append), _machine.TryOpen("/ro/d/new", OpenFlags.Create | OpenFlags.ReadOnly),
            _machine.TryOpen("/ro/new", OpenFlags.Create | OpenFlags.WriteOnly), _machine.TryOpen("/ro", OpenFlags.TemporaryFile | OpenFlags.ReadWrite),
            Machine.ErrnoOf(sys.MkDirAt(AtFd.CurrentDirectory, "/ro/x"u8, 0x1FF)),
            Machine.ErrnoOf(sys.MkNodAt(AtFd.CurrentDirectory, "/ro/x"u8, Mode.Fifo | 0x1B6)),
            Machine.ErrnoOf(sys.MkNodAt(AtFd.CurrentDirectory, "/ro/x"u8, Mode.Regular | 0x1B6)),
            Machine.ErrnoOf(sys.MkNodAt(AtFd.CurrentDirectory, "/ro/x"u8, Mode.CharDevice | 0x1B6, DeviceNumber.Make(1, 3))),
            Machine.ErrnoOf(sys.SymlinkAt("x"u8, AtFd.CurrentDirectory, "/ro/x"u8)),
            Machine.ErrnoOf(sys.LinkAt(AtFd.CurrentDirectory, "/ro/f"u8, AtFd.CurrentDirectory, "/ro/x"u8)),
            Machine.ErrnoOf(sys.LinkAt(fd, ""u8, AtFd.CurrentDirectory, "/ro/x"u8, AtFlags.EmptyPath)),
            Machine.ErrnoOf(sys.UnlinkAt(AtFd.CurrentDirectory, "/ro/f"u8)),
            Machine.ErrnoOf(sys.UnlinkAt(AtFd.CurrentDirectory, "/ro/d"u8, AtFlags.RemoveDirectory)),
            Machine.ErrnoOf(sys.RenameAt2(AtFd.CurrentDirectory, "/ro/f"u8, AtFd.CurrentDirectory, "/ro/x"u8)),
            Machine.ErrnoOf(sys.RenameAt2(AtFd.CurrentDirectory, "/ro/f"u8, AtFd.CurrentDirectory, "/ro/d"u8, RenameFlags.Exchange)),
            Machine.ErrnoOf(sys.RenameAt2(AtFd.CurrentDirectory, "/ro/f"u8, AtFd.CurrentDirectory, "/ro/x"u8, RenameFlags.NoReplace)),
            Machine.ErrnoOf(sys.Truncate("/ro/f"u8, 0)),
            Machine.ErrnoOf(sys.FChModAt2(AtFd.CurrentDirectory, "/ro/f"u8, 0)),
            Machine.ErrnoOf(sys.FChMod(fd, 0)),
            Machine.ErrnoOf(sys.FChOwnAt(AtFd.CurrentDirectory, "/ro/f"u8, 1, 1)),
            Machine.ErrnoOf(sys.FChOwnAt(AtFd.CurrentDirectory, "/ro/l"u8, 1, 1, AtFlags.SymlinkNoFollow)),
            Machine.ErrnoOf(sys.FChOwn(fd, 1, 1)),
            Machine.ErrnoOf(sys.UtimeNsAt(AtFd.CurrentDirectory, "/ro/f"u8, [default, default])),
            Machine.ErrnoOf(sys.UtimeNsAt(AtFd.CurrentDirectory, "/ro/f"u8, [])),
            Machine.ErrnoOf(sys.UtimeNsAt(AtFd.CurrentDirectory, "/ro/l"u8, [default, default], AtFlags.SymlinkNoFollow)),
            Machine.ErrnoOf(sys.UtimeNsAt(fd, ""u8, [default, default], AtFlags.EmptyPath)),
            Machine.ErrnoOf(sys.SetXattrAt(AtFd.CurrentDirectory, "/ro/f"u8, AtFlags.None, "user.k"u8, "v"u8)),
            Machine.ErrnoOf(sys.FSetXattr(fd, "user.k"u8, "v"u8)),
            Machine.ErrnoOf(sys.RemoveXattrAt(AtFd.CurrentDirectory, "/ro/f"u8, AtFlags.None, "user.k"u8)),
            Machine.ErrnoOf(sys.FRemoveXattr(fd, "user.k"u8)),
            Machine.ErrnoOf(sys.FAccessAt2(AtFd.CurrentDirectory, "/ro/f"u8, AccessModes.Write)),
        ];
        Assert.All(results, errno => Assert.Equal(Errno.EROFS, errno));
        // Through a descriptor that was opened for reading, and a mapping of it.
        long none = -1;
        long zero = 0;
        Assert.Equal(Errno.EBADF, Machine.ErrnoOf(sys.Write(fd, "x"u8)));
        Assert.Equal(Errno.EBADF, Machine.ErrnoOf(sys.PWrite(fd, "x"u8, 0)));
        Assert.Equal(Errno.EINVAL, Machine.ErrnoOf(sys.FTruncate(fd, 0)));
        Assert.Equal(Errno.EBADF, Machine.ErrnoOf(sys.FAllocate(fd, FallocateMode.None, 0, 10)));
        Assert.Equal(Errno.EBADF, Machine.ErrnoOf(sys.CopyFileRange(fd, ref zero, fd, ref none, 1)));
        Assert.Equal(Errno.EACCES, Machine.ErrnoOf(sys.MMap(4096, MapProtection.Read | MapProtection.Write, MapFlags.Shared, fd, 0, out _)));
        Assert.Equal(0, sys.MMap(4096, MapProtection.Read | MapProtection.Write, MapFlags.Private, fd, 0, out FileMapping? mapping));
        Assert.Equal(Errno.None, mapping!.Store(0, "x"u8));
        mapping.Dispose();
        Assert.Equal(["d", "f", "l"], _machine.List("/ro"));
        Assert.Equal(0, sys.Close(fd));
        Assert.Equal(before, Everything());
    }

    [Fact]
    public void DescriptorsAreGivenUp_AndFilesFoundAgain()
    {
        _machine.Mount("hostfs", _root, "/few", options: "fds=16");
        int before = OpenInRoot();
        for (int i = 0; i < 200; i++)
        {
            _ = _machine.Sys.MkDirAt(AtFd.CurrentDirectory, Machine.B($"/few/d{i}"), 0x1ED);
            _machine.Write($"/few/d{i}/f", $"{i}");
        }
        Assert.InRange(OpenInRoot() - before, 0, 40);
        for (int i = 0; i < 200; i++)
        {
            Assert.Equal($"{i}", _machine.Read($"/few/d{i}/f"));
            Assert.Equal(1, _machine.Stat($"/few/d{i}/f").SizeBytes == i.ToString().Length ? 1 : 0);
        }

        // Other tests of this process open and close descriptors at the same time: only those that lead into this test's directory count.
        int OpenInRoot() => Directory.GetFiles("/proc/self/fd").Count(fd => new FileInfo(fd).LinkTarget?.StartsWith(_root, StringComparison.Ordinal) == true);
    }

    // An attacker swaps a directory and a link out of the tree, and moves it out and in, as fast as it can, while others walk.
    [Fact]
    public void RenameRaceOnTheHost_NeverLeadsOut()
    {
        Directory.CreateDirectory(Path.Combine(_root, "a", "b"));
        File.WriteAllText(Path.Combine(_root, "a", "b", "file"), "inside");
        Directory.CreateDirectory(_host["outside"]);
        File.WriteAllText(Path.Combine(_host["outside"], "file"), "OUTSIDE");
        HostTool.Run("ln", "-s", _host["outside"], _host["link"]);
        HostTool.Run("ln", "-s", "../../outside", _host["link2"]);
        using var stop = new CancellationTokenSource();
        long swaps = 0;
        var attacker = new Thread(() =>
        {
            string b = Path.Combine(_root, "a", "b");
            string away = _host["away"];
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                Directory.Move(b, away);
                File.CreateSymbolicLink(b, i % 2 == 0 ? _host["outside"] : "../../outside");
                File.Delete(b);
                Directory.Move(away, b);
                swaps++;
            }
        });
        attacker.Start();
        var clock = Stopwatch.StartNew();
        byte[] room = new byte[100];
        int seen = 0;
        long walks = 0;
        // TUPELO_RACES: so many walks, as a campaign; three seconds otherwise.
        bool isCampaign = long.TryParse(Environment.GetEnvironmentVariable("TUPELO_RACES"), out long wanted);
        while (isCampaign ? walks < wanted : clock.Elapsed < TimeSpan.FromSeconds(3))
        {
            foreach (string path in new[] { "/h/a/b/file", "/h/a/b/../../../secret", "/h/a/b/../b/file" })
            {
                walks++;
                long fd = _machine.Sys.Open(Machine.B(path), OpenFlags.ReadWrite);
                if (fd >= 0)
                {
                    long count = _machine.Sys.Read((int)fd, room);
                    Assert.Equal("inside", System.Text.Encoding.UTF8.GetString(room, 0, (int)count));
                    seen++;
                    Assert.Equal(0, _machine.Sys.Close((int)fd));
                }
            }
            _ = _machine.Sys.Open("/h/a/b/created"u8, OpenFlags.Create | OpenFlags.WriteOnly, 0x1A4) is var made && made >= 0 ? _machine.Sys.Close((int)made) : 0;
            _ = _machine.Sys.UnlinkAt(AtFd.CurrentDirectory, "/h/a/b/created"u8);
        }
        stop.Cancel();
        attacker.Join();
        Assert.True(swaps > 100 && seen > 0, $"{swaps} swaps, {seen} of {walks} walks met the file");
        Assert.Equal("OUTSIDE", File.ReadAllText(Path.Combine(_host["outside"], "file")));
        Assert.Equal(["file"], Directory.GetFileSystemEntries(_host["outside"]).Select(Path.GetFileName));
        Assert.Equal("secret", File.ReadAllText(_host["secret"]));
    }

    [Theory]
    [InlineData("nothing", Errno.ENOENT)]
    [InlineData("secret", Errno.ENOTDIR)]
    public void MountingWhatIsNoDirectory_Fails(string name, Errno expected) => Assert.Equal(expected, _machine.TryMount("hostfs", _host[name], "/x"));

    [Theory]
    [InlineData("bogus")]
    [InlineData("fds=3")]
    [InlineData("xattr=some")]
    [InlineData("noxdev=1")]
    public void UnknownOptions_AreRefused(string options) => Assert.Equal(Errno.EINVAL, _machine.TryMount("hostfs", _root, "/x", options: options));
}
