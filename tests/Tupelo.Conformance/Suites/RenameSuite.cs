// rename and renameat2: every kind of file onto every kind of file, directories across the tree, and the two flags.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>Renaming.</summary>
public abstract class RenameSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    private static readonly string[] Kinds = ["missing", "file", "empty", "full", "link", "dlink", "dangling", "fifo"];

    [Fact]
    public void Rename_OntoEveryKind_DoesOrTellsWhy()
    {
        Needs(Features.Symlinks | Features.SpecialFiles);
        int n = 0;
        foreach (string source in Kinds)
        {
            foreach (string target in Kinds)
            {
                byte[] from = Bytes($"s{n}");
                byte[] to = Bytes($"t{n}");
                n++;
                MakeKind(from, source);
                MakeKind(to, target);
                bool isDirectory = source is "empty" or "full";
                Errno expected = (source, target) switch
                {
                    ("missing", _) => ENOENT,
                    (_, "missing") => None,
                    (_, "full") => isDirectory ? ENOTEMPTY : EISDIR,
                    (_, "empty") => isDirectory ? None : EISDIR,
                    _ => isDirectory ? ENOTDIR : None,
                };
                ulong ino = source == "missing" ? 0 : LStat(from).Ino;
                long result = S.Rename(from, to);
                Assert.True(result == -(long)expected, $"{source} onto {target}: {Libc.Describe(result)}, expected {expected}");
                if (expected == None)
                {
                    IsMissing(from);
                    Assert.Equal(ino, LStat(to).Ino);
                }
                else if (source != "missing")
                {
                    Assert.Equal(ino, LStat(from).Ino);
                }
            }
        }
    }

    [Fact]
    public void Rename_KeepsContentModeOwnerAndTimes()
    {
        Needs(Features.Ownership);
        Make("a"u8, "content"u8);
        Ok(S.ChOwn("a"u8, 1000, 2000));
        Ok(S.ChMod("a"u8, Oct(4711)));
        Ok(S.UtimeNsAt(AT_FDCWD, "a"u8, [new(1000, 0), new(2000, 0)], 0));
        KernelStat before = Stat("a"u8);
        Ok(S.Rename("a"u8, "b"u8));
        KernelStat after = Stat("b"u8);
        Assert.Equal((before.Ino, before.Mode, before.Uid, before.Gid, 2000L), (after.Ino, after.Mode, after.Uid, after.Gid, after.ModifyTime.Seconds));
        Assert.Equal("content", Text("b"u8));
    }

    [Fact]
    public void Rename_ChangesBothParentsTimes()
    {
        MakeDirectory("p"u8);
        MakeDirectory("q"u8);
        Make("p/a"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "p"u8, [new(1000, 0), new(1000, 0)], 0));
        Ok(S.UtimeNsAt(AT_FDCWD, "q"u8, [new(1000, 0), new(1000, 0)], 0));
        Ok(S.Rename("p/a"u8, "q/a"u8));
        Assert.True(Stat("p"u8).ModifyTime.Seconds > 1000);
        Assert.True(Stat("q"u8).ModifyTime.Seconds > 1000);
    }

    [Fact]
    public void Rename_ToItself_ChangesNothing()
    {
        Make("a"u8, "content"u8);
        Ok(S.Rename("a"u8, "a"u8));
        Ok(S.Rename("a"u8, "./a"u8));
        MakeDirectory("d"u8);
        Ok(S.Rename("d"u8, "d"u8));
        Assert.Equal("content", Text("a"u8));
    }

    [Fact]
    public void Rename_BetweenNamesOfOneFile_KeepsBoth()
    {
        Needs(Features.HardLinks);
        Make("a"u8);
        Ok(S.Link("a"u8, "b"u8));
        Ok(S.Rename("a"u8, "b"u8));
        Assert.Equal(["a", "b"], Names("."u8));
        Assert.Equal(2UL, Stat("a"u8).LinkCount);
    }

    [Fact]
    public void Rename_OverALinkedFile_LowersItsLinkCount()
    {
        Needs(Features.HardLinks);
        Make("a"u8, "a"u8);
        Make("b"u8, "b"u8);
        Ok(S.Link("b"u8, "c"u8));
        Ok(S.Rename("a"u8, "b"u8));
        Assert.Equal(1UL, Stat("c"u8).LinkCount);
        Assert.Equal(("a", "b"), (Text("b"u8), Text("c"u8)));
    }

    [Fact]
    public void Rename_OverAnOpenFile_LeavesItReadable()
    {
        Needs(Features.OpenUnlinked);
        Make("a"u8, "new"u8);
        Make("b"u8, "old"u8);
        int fd = Open("b"u8, O_RDONLY);
        Ok(S.Rename("a"u8, "b"u8));
        Assert.Equal("old"u8, Rest(fd));
        Assert.Equal(0UL, FStat(fd).LinkCount);
        Assert.Equal("new", Text("b"u8));
    }

    [Fact]
    public void Rename_OfAnOpenFile_KeepsItsDescriptor()
    {
        Make("a"u8);
        int fd = Open("a"u8, O_RDWR);
        Ok(S.Rename("a"u8, "b"u8));
        WriteAll(fd, "x"u8);
        Assert.Equal("x", Text("b"u8));
    }

    [Fact]
    public void RenameDirectory_MovesItsWholeTree()
    {
        MakeDirectory("p"u8);
        MakeDirectory("p/d"u8);
        MakeDirectory("p/d/e"u8);
        Make("p/d/e/f"u8, "content"u8);
        MakeDirectory("q"u8);
        Ok(S.Rename("p/d"u8, "q/D"u8));
        Assert.Equal("content", Text("q/D/e/f"u8));
        IsMissing("p/d"u8);
        Fails(ENOENT, S.Open("p/d/e/f"u8, O_RDONLY));
    }

    [Fact]
    public void RenameDirectory_MovesItsDotDot()
    {
        MakeDirectory("p"u8);
        MakeDirectory("p/d"u8);
        MakeDirectory("q"u8);
        int inside = Open("p/d"u8, O_DIRECTORY);
        Ok(S.Rename("p/d"u8, "q/d"u8));
        Assert.Equal(Stat("q"u8).Ino, Stat("q/d/.."u8).Ino);
        Ok(S.FChDir(inside));
        Assert.Equal("/work/q/d", WorkingDirectory(S));
        Ok(S.ChDir(".."u8));
        Assert.Equal("/work/q", WorkingDirectory(S));
    }

    [Fact]
    public void RenameDirectory_MovesALinkCount()
    {
        Needs(Features.DirectoryLinkCount);
        MakeDirectory("p"u8);
        MakeDirectory("p/d"u8);
        MakeDirectory("q"u8);
        Ok(S.Rename("p/d"u8, "q/d"u8));
        Assert.Equal((2UL, 3UL), (Stat("p"u8).LinkCount, Stat("q"u8).LinkCount));
        MakeDirectory("q/e"u8);
        Ok(S.Rename("q/d"u8, "q/e"u8));
        Assert.Equal(3UL, Stat("q"u8).LinkCount);
    }

    [Fact]
    public void RenameDirectory_OverAnEmptyOne_KillsIt()
    {
        MakeDirectory("a"u8);
        Make("a/x"u8);
        MakeDirectory("b"u8);
        int old = Open("b"u8, O_DIRECTORY);
        Ok(S.Rename("a"u8, "b"u8));
        Fails(ENOENT, S.OpenAt(old, "y"u8, O_CREAT | O_RDWR, Oct(644)));
        Assert.Equal(0UL, FStat(old).LinkCount);
        Assert.Equal(["x"], Names("b"u8));
    }

    [Theory]
    [InlineData("d", "d/x", EINVAL)]
    [InlineData("d", "d/e/x", EINVAL)]
    [InlineData("d", "d/e", EINVAL)]
    [InlineData("d", "d/e/../x", EINVAL)]
    [InlineData("d/e", "d", ENOTEMPTY)]
    [InlineData("d/e/f", "d", ENOTEMPTY)]
    [InlineData("d/e/f", "d/e", ENOTEMPTY)]
    [InlineData("d", "da", None)]
    [InlineData("d", ".", EBUSY)]
    [InlineData("d", "..", EBUSY)]
    [InlineData("d", "a/..", EBUSY)]
    [InlineData(".", "x", EBUSY)]
    [InlineData("..", "x", EBUSY)]
    [InlineData("d/.", "x", EBUSY)]
    [InlineData("d/..", "x", EBUSY)]
    [InlineData("d/e/..", "x", EBUSY)]
    [InlineData("f/", "x", ENOTDIR)]
    [InlineData("f", "x/", ENOTDIR)]
    [InlineData("f", "a/", ENOTDIR)]
    [InlineData("f", "g/", ENOTDIR)]
    [InlineData("d", "x/", None)]
    [InlineData("d/", "x", None)]
    [InlineData("d/", "x//", None)]
    [InlineData("dlink/", "x", ENOTDIR)]
    [InlineData("dlink", "x", None)]
    [InlineData("d", "dlink", ENOTDIR)]
    [InlineData("f", "dlink", None)]
    [InlineData("f/x", "y", ENOTDIR)]
    [InlineData("f", "g/y", ENOTDIR)]
    [InlineData("f", "missing/y", ENOENT)]
    [InlineData("missing", "g/y", ENOTDIR)]
    [InlineData("missing", ".", EBUSY)]
    [InlineData("", "x", ENOENT)]
    [InlineData("f", "", ENOENT)]
    public void Rename_ByPath_AnswersAsLinux(string from, string to, Errno expected)
    {
        Needs(Features.Symlinks);
        MakeDirectory("a"u8);
        MakeDirectory("d"u8);
        MakeDirectory("d/e"u8);
        Make("d/e/f"u8);
        Make("f"u8);
        Make("g"u8);
        Ok(S.Symlink("a"u8, "dlink"u8));
        Gives(-(long)expected, S.Rename(Bytes(from), Bytes(to)));
        if (expected != None)
        {
            Assert.Equal(["a", "d", "dlink", "f", "g"], Names("."u8));
            Assert.Equal(["f"], Names("d/e"u8));
        }
    }

    [Fact]
    public void Rename_ToAnotherFileSystem_ReturnsEXDEV()
    {
        Make("f"u8);
        MakeDirectory("d"u8);
        Fails(EXDEV, S.Rename("f"u8, "/shm/f"u8));
        Fails(EXDEV, S.Rename("d"u8, "/shm/d"u8));
        Fails(EXDEV, S.Rename("/shm/missing"u8, "f"u8));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    [InlineData(1, 0)]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 0)]
    [InlineData(2, 1)]
    [InlineData(2, 2)]
    public void RenameAt_TakesEachPathFromItsOwnStart(int oldStart, int newStart)
    {
        // 0: AT_FDCWD, 1: a directory's descriptor, 2: an absolute path, with a descriptor that is no good.
        MakeDirectory("p"u8);
        MakeDirectory("q"u8);
        Make("f"u8, "cwd"u8);
        Make("p/f"u8, "fd"u8);
        int p = Open("p"u8, O_DIRECTORY);
        int q = Open("q"u8, O_DIRECTORY);
        (int Fd, string Path) from = oldStart switch { 0 => (AT_FDCWD, "f"), 1 => (p, "f"), _ => (-1, "/work/f") };
        (int Fd, string Path) to = newStart switch { 0 => (AT_FDCWD, "g"), 1 => (q, "g"), _ => (-1, "/work/g") };
        Ok(S.RenameAt2(from.Fd, Bytes(from.Path), to.Fd, Bytes(to.Path), 0));
        Assert.Equal(oldStart == 1 ? "fd" : "cwd", Text(newStart == 1 ? "q/g"u8 : "g"u8));
    }

    [Fact]
    public void RenameAt_WithBadDescriptors_TellsWhich()
    {
        Make("f"u8);
        int file = Open("f"u8, O_RDONLY);
        Fails(EBADF, S.RenameAt2(-1, "f"u8, AT_FDCWD, "g"u8, 0));
        Fails(EBADF, S.RenameAt2(AT_FDCWD, "f"u8, -1, "g"u8, 0));
        Fails(ENOTDIR, S.RenameAt2(file, "f"u8, AT_FDCWD, "g"u8, 0));
        Fails(ENOTDIR, S.RenameAt2(AT_FDCWD, "f"u8, file, "g"u8, 0));
    }

    [Fact]
    public void RenameNoReplace_OntoAFreeName_Renames()
    {
        Needs(Features.RenameFlags);
        Make("f"u8, "content"u8);
        Ok(S.Rename("f"u8, "g"u8, RENAME_NOREPLACE));
        Assert.Equal("content", Text("g"u8));
    }

    [Theory]
    [InlineData("f", "g")]
    [InlineData("f", "f")]
    [InlineData("f", "d")]
    [InlineData("d", "f")]
    [InlineData("d", "d/e")]
    [InlineData("f", "dangling")]
    [InlineData("f", ".")]
    public void RenameNoReplace_OntoAnything_ReturnsEEXIST(string from, string to)
    {
        Needs(Features.RenameFlags | Features.Symlinks);
        Make("f"u8);
        Make("g"u8);
        MakeDirectory("d"u8);
        MakeDirectory("d/e"u8);
        Ok(S.Symlink("nowhere"u8, "dangling"u8));
        Fails(EEXIST, S.Rename(Bytes(from), Bytes(to), RENAME_NOREPLACE));
        Assert.Equal(["d", "dangling", "f", "g"], Names("."u8));
    }

    [Theory]
    [InlineData("f", "g")]
    [InlineData("f", "d")]
    [InlineData("d", "f")]
    [InlineData("f", "link")]
    [InlineData("d", "d2")]
    [InlineData("f", "d2/inner")]
    [InlineData("d", "d2/inner")]
    public void RenameExchange_SwapsAnyTwo(string one, string other)
    {
        Needs(Features.RenameFlags | Features.Symlinks);
        Make("f"u8);
        Make("g"u8);
        MakeDirectory("d"u8);
        Make("d/inner"u8);
        MakeDirectory("d2"u8);
        Make("d2/inner"u8);
        Ok(S.Symlink("nowhere"u8, "link"u8));
        ulong first = LStat(Bytes(one)).Ino;
        ulong second = LStat(Bytes(other)).Ino;
        Ok(S.Rename(Bytes(one), Bytes(other), RENAME_EXCHANGE));
        Assert.Equal((second, first), (LStat(Bytes(one)).Ino, LStat(Bytes(other)).Ino));
        Assert.Equal(["d", "d2", "f", "g", "link"], Names("."u8));
    }

    [Fact]
    public void RenameExchange_MovesDotDotAndLinkCounts()
    {
        Needs(Features.RenameFlags | Features.DirectoryLinkCount);
        MakeDirectory("p"u8);
        MakeDirectory("q"u8);
        MakeDirectory("p/d"u8);
        Make("q/f"u8);
        Ok(S.Rename("p/d"u8, "q/f"u8, RENAME_EXCHANGE));
        Assert.Equal(Stat("q"u8).Ino, Stat("q/f/.."u8).Ino);
        Assert.Equal((2UL, 3UL), (Stat("p"u8).LinkCount, Stat("q"u8).LinkCount));
    }

    [Theory]
    [InlineData("f", "missing", RENAME_EXCHANGE, ENOENT)]
    [InlineData("missing", "f", RENAME_EXCHANGE, ENOENT)]
    [InlineData("d", "d/e", RENAME_EXCHANGE, EINVAL)]
    [InlineData("d/e", "d", RENAME_EXCHANGE, EINVAL)]
    [InlineData("f", ".", RENAME_EXCHANGE, EBUSY)]
    [InlineData("f/", "d", RENAME_EXCHANGE, ENOTDIR)]
    [InlineData("f", "g", RENAME_EXCHANGE | RENAME_NOREPLACE, EINVAL)]
    [InlineData("f", "g", RENAME_EXCHANGE | RENAME_WHITEOUT, EINVAL)]
    [InlineData("f", "g", 8u, EINVAL)]
    [InlineData("f", "f", RENAME_EXCHANGE, None)]
    public void RenameFlags_WhereTheyDoNotFit_TellWhy(string from, string to, uint flags, Errno expected)
    {
        Needs(Features.RenameFlags);
        Make("f"u8);
        Make("g"u8);
        MakeDirectory("d"u8);
        MakeDirectory("d/e"u8);
        Gives(-(long)expected, S.Rename(Bytes(from), Bytes(to), flags));
        Assert.Equal(["d", "f", "g"], Names("."u8));
    }

    [Fact]
    public void RenameWhiteout_LeavesAWhiteoutBehind()
    {
        Needs(Features.Whiteout | Features.DeviceNodes);
        Make("f"u8, "content"u8);
        Ok(S.Rename("f"u8, "g"u8, RENAME_WHITEOUT));
        KernelStat left = LStat("f"u8);
        Assert.Equal((S_IFCHR, 0UL), (left.TypeBits, left.RawDevice));
        Assert.Equal("content", Text("g"u8));
    }

    [Fact]
    public void Rename_NeedsWritePermissionOnBothParents()
    {
        Needs(Features.Ownership);
        MakePublicDirectory("p"u8);
        MakePublicDirectory("q"u8);
        Make("p/f"u8);
        ISyscalls user = ForkAs(1000, 1000);
        Ok(S.ChMod("p"u8, Oct(755)));
        Fails(EACCES, user.Rename("p/f"u8, "q/f"u8));
        Ok(S.ChMod("p"u8, Oct(777)));
        Ok(S.ChMod("q"u8, Oct(755)));
        Fails(EACCES, user.Rename("p/f"u8, "q/f"u8));
        Ok(S.ChMod("q"u8, Oct(777)));
        Ok(user.Rename("p/f"u8, "q/f"u8));
    }

    [Fact]
    public void RenameDirectory_ToAnotherParentNeedsWritePermissionOnIt()
    {
        Needs(Features.Ownership);
        MakePublicDirectory("p"u8);
        MakePublicDirectory("q"u8);
        MakeDirectory("p/d"u8);
        ISyscalls user = ForkAs(1000, 1000);
        Fails(EACCES, user.Rename("p/d"u8, "q/d"u8));   // Its ".." would change.
        Ok(user.Rename("p/d"u8, "p/e"u8));
    }

    [Fact]
    public void Rename_InAStickyDirectory_IsForOwners()
    {
        Needs(Features.Ownership);
        MakeDirectory("s"u8);
        Ok(S.ChMod("s"u8, Oct(1777)));
        Make("s/root"u8);
        Make("s/mine"u8);
        Ok(S.ChOwn("s/mine"u8, 1000, 1000));
        ISyscalls user = ForkAs(1000, 1000);
        Fails(EPERM, user.Rename("s/root"u8, "s/x"u8));
        Fails(EPERM, user.Rename("s/mine"u8, "s/root"u8));
        Ok(user.Rename("s/mine"u8, "s/x"u8));
    }

    [Fact]
    public void Rename_ManyTimesAround_LosesNothing()
    {
        for (int i = 0; i < 50; i++)
        {
            Make(Numbered("f", i), Numbered("", i));
        }
        for (int round = 0; round < 10; round++)
        {
            Ok(S.Rename(Numbered("f", 0), "spare"u8));
            for (int i = 1; i < 50; i++)
            {
                Ok(S.Rename(Numbered("f", i), Numbered("f", i - 1)));
            }
            Ok(S.Rename("spare"u8, Numbered("f", 49)));
        }
        Assert.Equal(50, Names("."u8).Length);
        Assert.Equal("0010", Text(Numbered("f", 0)));
        Assert.Equal("0009", Text(Numbered("f", 49)));
    }

    private void MakeKind(byte[] path, string kind)
    {
        switch (kind)
        {
            case "file": Make(path); break;
            case "empty": MakeDirectory(path); break;
            case "full":
                MakeDirectory(path);
                Make([.. path, .. "/x"u8]);
                break;
            case "link":
                Ok(S.Symlink("/proc/version"u8, path));
                break;
            case "dlink":
                Ok(S.Symlink("/proc"u8, path));
                break;
            case "dangling":
                Ok(S.Symlink("nowhere"u8, path));
                break;
            case "fifo":
                Ok(S.MkFifo(path, Oct(644)));
                break;
            default: break;
        }
    }
}
