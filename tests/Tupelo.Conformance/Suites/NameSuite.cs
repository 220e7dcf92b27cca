// Names and paths: which bytes, how long, and how every call that takes a path starts its walk.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>A call that takes a directory descriptor and a path.</summary>
/// <param name="Name">The call.</param>
/// <param name="Call">Makes it.</param>
public sealed record PathCall(string Name, PathCall.Function Call)
{
    /// <summary>A process, a directory descriptor, a path.</summary>
    public delegate long Function(ISyscalls s, int dirfd, ReadOnlySpan<byte> path);

    /// <summary>Every such call; those that create take the path as the new name, those that use take an existing file.</summary>
    public static IReadOnlyList<PathCall> All { get; } =
    [
        new("openat", (s, fd, p) => s.OpenAt(fd, p, O_RDONLY, 0)),
        new("openat O_CREAT", (s, fd, p) => s.OpenAt(fd, p, O_CREAT | O_RDWR, Oct(644))),
        new("openat O_PATH", (s, fd, p) => s.OpenAt(fd, p, O_PATH, 0)),
        new("openat2", (s, fd, p) => s.OpenAt2(fd, p, default(KernelOpenHow))),
        new("mkdirat", (s, fd, p) => s.MkDirAt(fd, p, Oct(755))),
        new("mknodat", (s, fd, p) => s.MkNodAt(fd, p, S_IFIFO | Oct(644), 0)),
        new("unlinkat", (s, fd, p) => s.UnlinkAt(fd, p, 0)),
        new("unlinkat AT_REMOVEDIR", (s, fd, p) => s.UnlinkAt(fd, p, AT_REMOVEDIR)),
        new("renameat2 old", (s, fd, p) => s.RenameAt2(fd, p, AT_FDCWD, "other"u8, 0)),
        new("renameat2 new", (s, fd, p) => s.RenameAt2(AT_FDCWD, "/work/source"u8, fd, p, 0)),
        new("linkat old", (s, fd, p) => s.LinkAt(fd, p, AT_FDCWD, "other"u8, 0)),
        new("linkat new", (s, fd, p) => s.LinkAt(AT_FDCWD, "/work/source"u8, fd, p, 0)),
        new("symlinkat", (s, fd, p) => s.SymlinkAt("t"u8, fd, p)),
        new("readlinkat", (s, fd, p) => s.ReadLinkAt(fd, p, new byte[10], 10)),
        new("newfstatat", (s, fd, p) =>
        {
            var stat = default(KernelStat);
            return s.NewFStatAt(fd, p, ref stat, 0);
        }),
        new("statx", (s, fd, p) =>
        {
            var statx = default(KernelStatx);
            return s.StatX(fd, p, 0, STATX_BASIC_STATS, ref statx);
        }),
        new("faccessat2", (s, fd, p) => s.FAccessAt2(fd, p, F_OK, 0)),
        new("fchmodat2", (s, fd, p) => s.FChModAt2(fd, p, Oct(644), 0)),
        new("fchownat", (s, fd, p) => s.FChOwnAt(fd, p, 0, 0, 0)),
        new("utimensat", (s, fd, p) => s.UtimeNsAt(fd, p, [new(1, 1), new(1, 1)], 0)),
        new("name_to_handle_at", (s, fd, p) =>
        {
            int mount = 0;
            byte[] handle = new byte[136];
            handle[0] = 128;
            return s.NameToHandleAt(fd, p, handle, ref mount, 0);
        }),
    ];

    public override string ToString() => Name;

    /// <summary>The call of this name.</summary>
    public static PathCall Named(string name) => All.First(call => string.Equals(call.Name, name, StringComparison.Ordinal));
}

/// <summary>Names of <see cref="PathCall.All"/>, as cases of a theory.</summary>
public static class PathCallNames
{
    public static TheoryData<string> All => [.. PathCall.All.Select(call => call.Name)];
}

/// <summary>Names and paths.</summary>
public abstract class NameSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Theory]
    [MemberData(nameof(PathCallNames.All), MemberType = typeof(PathCallNames))]
    public void EveryPathCall_ChecksPathAndDescriptorTheSameWay(string name)
    {
        PathCall call = PathCall.Named(name);
        Make("source"u8);
        int file = Open("source"u8, O_RDONLY);
        Fails(EFAULT, call.Call(S, AT_FDCWD, default));
        Fails(ENOENT, call.Call(S, AT_FDCWD, ""u8));
        // readlinkat alone takes an empty path to mean the descriptor, without a flag.
        Fails(name == "readlinkat" ? EBADF : ENOENT, call.Call(S, -1, ""u8));
        Fails(EBADF, call.Call(S, -1, "x"u8));
        Fails(ENOTDIR, call.Call(S, file, "x"u8));
        Fails(ENAMETOOLONG, call.Call(S, AT_FDCWD, Letters(256)));
        Fails(ENAMETOOLONG, call.Call(S, -1, ProbeSetting.LongPath(4096, 1)));
        Fails(ENOTDIR, call.Call(S, AT_FDCWD, "source/x"u8));
        Fails(ENOENT, call.Call(S, AT_FDCWD, "missing/x"u8));
        Fails(ENOENT, call.Call(S, AT_FDCWD, [.. "missing/"u8, .. Letters(256)]));
        Fails(ENOTDIR, call.Call(S, AT_FDCWD, [.. "source/"u8, .. Letters(256)]));
        Fails(ENAMETOOLONG, call.Call(S, AT_FDCWD, [.. Letters(256), .. "/x"u8]));
    }

    [Theory]
    [MemberData(nameof(PathCallNames.All), MemberType = typeof(PathCallNames))]
    public void EveryPathCall_NeedsSearchPermission(string name)
    {
        Needs(Features.Ownership);
        PathCall call = PathCall.Named(name);
        Make("source"u8);
        MakeDirectory("closed"u8);
        Ok(S.ChMod("closed"u8, Oct(700)));
        MakePublicDirectory("closed/open"u8);
        Make("closed/open/f"u8);
        ISyscalls user = ForkAs(1000, 1000);
        Fails(EACCES, call.Call(user, AT_FDCWD, "closed/open/f"u8));
        Fails(EACCES, call.Call(user, AT_FDCWD, "closed/missing"u8));
    }

    [Theory]
    [MemberData(nameof(PathCallNames.All), MemberType = typeof(PathCallNames))]
    public void EveryPathCall_DoesNotLookAtTheDescriptorOfAnAbsolutePath(string name)
    {
        PathCall call = PathCall.Named(name);
        Make("source"u8);
        long withDescriptor = call.Call(S, -1, "/work/missing/x"u8);
        Fails(ENOENT, withDescriptor);
        Fails(ENOTDIR, call.Call(S, -1, "/work/source/x"u8));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(63)]
    [InlineData(128)]
    [InlineData(254)]
    [InlineData(255)]
    public void NamesOfAnyLength_Work(int length)
    {
        byte[] name = Letters(length, 'n');
        Make(name, "content"u8);
        Assert.Equal("content", Text(name));
        Assert.Equal([new string('n', length)], Names("."u8));
        byte[] other = Letters(length, 'm');
        Ok(S.Rename(name, other));
        IsMissing(name);
        Ok(S.Unlink(other));
    }

    [Fact]
    public void NamesThatDifferInOneByte_AreDifferent()
    {
        byte[] name = Letters(100, 'n');
        Make(name, "0"u8);
        for (int i = 0; i < 100; i++)
        {
            byte[] other = [.. name];
            other[i] = (byte)'m';
            Make(other, Numbered("", i));
        }
        Make(Letters(99, 'n'), "short"u8);
        Assert.Equal(102, Names("."u8).Length);
        Assert.Equal("0", Text(name));
    }

    [Fact]
    public void NamesOfAllBytes_Work()
    {
        Needs(Features.ByteNames);
        for (int value = 1; value < 256; value++)
        {
            if (value != '/' && value != '.')
            {
                Make([(byte)value], [(byte)value]);
            }
        }
        Assert.Equal(253, Names("."u8).Length);
        Assert.Equal([0xFF], Content([0xFF]));
        Ok(S.Rename([0x80], [0xC3, 0x28]));
        Assert.Equal([0x80], Content([0xC3, 0x28]));
    }

    [Theory]
    [InlineData("...")]
    [InlineData(" ")]
    [InlineData("..a")]
    [InlineData(".a")]
    [InlineData("a ")]
    [InlineData("a.")]
    [InlineData("\\")]
    [InlineData("a:b*?\"<>|")]
    [InlineData("\n")]
    [InlineData("con")]
    [InlineData("\u00e9")]
    [InlineData("e\u0301")]
    [InlineData("\U0001F600")]
    public void OddNames_AreNamesLikeOthers(string name)
    {
        Make(Bytes(name), "content"u8);
        Assert.Equal("content", Text(Bytes(name)));
        int fd = Open("."u8, O_DIRECTORY);
        Assert.Contains(Entries(fd), entry => System.Text.Encoding.Latin1.GetBytes(entry.Name).SequenceEqual(Bytes(name)));
        Ok(S.Unlink(Bytes(name)));
        IsMissing(Bytes(name));
    }

    [Fact]
    public void CaseAndNormalForm_MakeADifference()
    {
        Make("name"u8, "1"u8);
        Make("Name"u8, "2"u8);
        Make("\u00e9"u8, "3"u8);
        Make("e\u0301"u8, "4"u8);
        Assert.Equal(4, Names("."u8).Length);
        Assert.Equal(("1", "2", "3", "4"), (Text("name"u8), Text("Name"u8), Text("\u00e9"u8), Text("e\u0301"u8)));
    }

    [Theory]
    [InlineData("d/f")]
    [InlineData("d//f")]
    [InlineData("./d/./f")]
    [InlineData("d/../d/f")]
    [InlineData("d/e/../f")]
    [InlineData(".//.//d///f")]
    [InlineData("/work/d/f")]
    [InlineData("//work//d//f")]
    [InlineData("/../../work/d/f")]
    [InlineData("../work/d/f")]
    public void DotsAndSlashes_LeadToTheSameFile(string path)
    {
        MakeDirectory("d"u8);
        MakeDirectory("d/e"u8);
        Make("d/f"u8, "content"u8);
        Assert.Equal("content", Text(Bytes(path)));
    }

    [Fact]
    public void PathLength_EndsAt4095Bytes()
    {
        Make("f"u8, "content"u8);
        byte[] path = [.. Letters(4094, '/'), (byte)'.'];
        path[0] = (byte)'.';
        Ok(S.Open(path, O_DIRECTORY));
        Fails(ENAMETOOLONG, S.Open([.. path, (byte)'.'], O_DIRECTORY));
        byte[] toFile = [.. "./"u8, .. Letters(4092, '/'), (byte)'f'];
        Assert.Equal(4095, toFile.Length);
        Assert.Equal("content", Text(toFile));
    }

    [Fact]
    public void DotDot_AboveTheRootStaysThere()
    {
        KernelStat root = Stat("/"u8);
        Assert.Equal((root.Device, root.Ino), (Stat("/.."u8).Device, Stat("/../../.."u8).Ino));
        Assert.Equal(root.Ino, Stat("../../../.."u8).Ino);
    }

    [Fact]
    public void DotDot_AtAMountLeadsOutOfIt()
    {
        Assert.Equal(Stat("/"u8).Ino, Stat(".."u8).Ino);
        Assert.Equal(Stat("/"u8).Ino, Stat("/shm/.."u8).Ino);
        MakeDirectory("d"u8);
        MakeDirectory("d/m"u8);
        Ok(S.Mount("t"u8, "d/m"u8, TestMount.ScratchType, 0, default));
        Assert.Equal(Stat("d"u8).Ino, Stat("d/m/.."u8).Ino);
    }

    [Fact]
    public void RemovedStart_FindsOnlyItselfAndItsParent()
    {
        MakeDirectory("d"u8);
        int fd = Open("d"u8, O_DIRECTORY);
        Ok(S.RmDir("d"u8));
        Fails(ENOENT, S.OpenAt(fd, "x"u8, O_RDONLY, 0));
        Ok(S.OpenAt(fd, "."u8, O_RDONLY, 0));
        Ok(S.OpenAt(fd, ".."u8, O_RDONLY, 0));
        Fails(ENOENT, S.OpenAt(fd, "./x"u8, O_CREAT | O_RDWR, Oct(600)));
    }

    [Fact]
    public void MissingNames_BecomePresentAndMissingAgain()
    {
        // A cache of missing names must forget at once.
        for (int i = 0; i < 20; i++)
        {
            IsMissing("f"u8);
            Make("f"u8);
            Ok(S.Access("f"u8, F_OK));
            Ok(S.Rename("f"u8, "g"u8));
            IsMissing("f"u8);
            Ok(S.Access("g"u8, F_OK));
            Ok(S.Unlink("g"u8));
            IsMissing("g"u8);
            MakeDirectory("f"u8);
            IsMissing("f/x"u8);
            Make("f/x"u8);
            Ok(S.Access("f/x"u8, F_OK));
            Ok(S.Unlink("f/x"u8));
            Ok(S.RmDir("f"u8));
        }
    }
}
