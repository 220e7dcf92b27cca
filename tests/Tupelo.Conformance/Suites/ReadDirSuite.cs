// getdents64: the records, the cookies, and directories that change while they are read.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>Reading directories.</summary>
public abstract class ReadDirSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Fact]
    public void EmptyDirectory_HasDotAndDotDot()
    {
        MakeDirectory("p"u8);
        MakeDirectory("p/d"u8);
        List<DirectoryEntry> entries = Entries(Open("p/d"u8, O_DIRECTORY));
        Assert.Equal([".", ".."], entries.Select(entry => entry.Name));
        Assert.Equal([Stat("p/d"u8).Ino, Stat("p"u8).Ino], entries.Select(entry => entry.Ino));
        Assert.All(entries, entry => Assert.Equal(DT_DIR, entry.Type));
    }

    [Fact]
    public void Entries_HaveInodeAndTypeOfTheirFiles()
    {
        Needs(Features.Symlinks | Features.SpecialFiles);
        Make("file"u8);
        MakeDirectory("directory"u8);
        Ok(S.Symlink("t"u8, "link"u8));
        Ok(S.MkFifo("fifo"u8, Oct(644)));
        Ok(S.MkNod("socket"u8, S_IFSOCK | Oct(644)));
        List<DirectoryEntry> entries = Entries(Open("."u8, O_DIRECTORY));
        Assert.Equal(7, entries.Count);
        foreach (DirectoryEntry entry in entries.Where(entry => entry.Name != ".."))
        {
            KernelStat stat = LStat(Bytes(entry.Name));
            Assert.Equal((stat.Ino, stat.TypeBits >> 12), (entry.Ino, (uint)entry.Type));
        }
    }

    [Fact]
    public void Entries_OfDevices_HaveTheirTypes()
    {
        Needs(Features.DeviceNodes);
        Ok(S.MkNod("c"u8, S_IFCHR | Oct(600), 0x103));
        Ok(S.MkNod("b"u8, S_IFBLK | Oct(600), 0x103));
        var types = Entries(Open("."u8, O_DIRECTORY)).ToDictionary(entry => entry.Name, entry => entry.Type);
        Assert.Equal((DT_CHR, DT_BLK), (types["c"], types["b"]));
    }

    [Theory]
    [InlineData(32)]
    [InlineData(50)]
    [InlineData(128)]
    [InlineData(1000)]
    [InlineData(4096)]
    [InlineData(65536)]
    public void AnyBuffer_ListsEachEntryOnce(int bufferBytes)
    {
        const int Count = 400;
        MakeDirectory("d"u8);
        for (int i = 0; i < Count; i++)
        {
            Make([.. "d/"u8, .. Numbered("f", i)]);
        }
        List<DirectoryEntry> entries = Entries(Open("d"u8, O_DIRECTORY), bufferBytes);
        Assert.Equal(Count + 2, entries.Count);
        Assert.Equal(Count + 2, entries.Select(entry => entry.Name).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(Count + 2, entries.Select(entry => entry.Cookie).Distinct().Count());
    }

    [Fact]
    public void LongNames_FitTheirRecords()
    {
        for (int length = 1; length <= 255; length++)
        {
            Make(Letters(length));
        }
        var lengths = Entries(Open("."u8, O_DIRECTORY), 288).Where(entry => entry.Name[0] == 'a').Select(entry => entry.Name.Length).Order();
        Assert.Equal(Enumerable.Range(1, 255), lengths);
    }

    [Fact]
    public void BufferTooSmallForTheNextEntry_ReturnsEINVALAndLosesNothing()
    {
        MakeDirectory("d"u8);
        Make([.. "d/"u8, .. Letters(100)]);
        int fd = Open("d"u8, O_DIRECTORY);
        Fails(EINVAL, S.GetDents64(fd, new byte[10]));
        Fails(EINVAL, S.GetDents64(fd, []));
        Gives(48, S.GetDents64(fd, new byte[64]));
        Fails(EINVAL, S.GetDents64(fd, new byte[64]));
        Gives(120, S.GetDents64(fd, new byte[120]));
        Gives(0, S.GetDents64(fd, new byte[64]));
        Gives(0, S.GetDents64(fd, new byte[1]));
    }

    [Fact]
    public void WhatIsNoDirectory_IsRefused()
    {
        Make("f"u8);
        Fails(ENOTDIR, S.GetDents64(Open("f"u8, O_RDONLY), new byte[100]));
        Fails(EBADF, S.GetDents64(Open("."u8, O_PATH), new byte[100]));
        Fails(EBADF, S.GetDents64(-1, new byte[100]));
        Fails(EFAULT, S.GetDents64(Open("."u8, O_DIRECTORY), Absent.Span<byte>(100)));
    }

    [Fact]
    public void Cookie_OfAnEntry_ContinuesBehindIt()
    {
        for (int i = 0; i < 50; i++)
        {
            Make(Numbered("f", i));
        }
        int fd = Open("."u8, O_DIRECTORY);
        List<DirectoryEntry> all = Entries(fd);
        for (int i = 0; i < all.Count; i += 7)
        {
            Gives(all[i].Cookie, S.LSeek(fd, all[i].Cookie, SEEK_SET));
            Assert.Equal(all.Skip(i + 1), Entries(fd, 100));
        }
    }

    [Fact]
    public void Position_IsTheLastCookie()
    {
        for (int i = 0; i < 20; i++)
        {
            Make(Numbered("f", i));
        }
        int fd = Open("."u8, O_DIRECTORY);
        byte[] buffer = new byte[200];
        long count = Ok(S.GetDents64(fd, buffer));
        Gives(DirectoryEntry.Decode(buffer.AsSpan(0, (int)count))[^1].Cookie, S.LSeek(fd, 0, SEEK_CUR));
    }

    [Fact]
    public void Rewind_StartsAgainAndSeesNewEntries()
    {
        Make("a"u8);
        int fd = Open("."u8, O_DIRECTORY);
        Assert.Equal(3, Entries(fd).Count);
        Make("b"u8);
        Gives(0, S.LSeek(fd, 0, SEEK_SET));
        Assert.Equal(4, Entries(fd).Count);
    }

    [Fact]
    public void EachDescriptor_HasItsOwnPosition()
    {
        Make("a"u8);
        int one = Open("."u8, O_DIRECTORY);
        int two = Open("."u8, O_DIRECTORY);
        Assert.Equal(3, Entries(one).Count);
        Assert.Equal(3, Entries(two).Count);
        Assert.Empty(Entries(one));
    }

    [Fact]
    public void EntriesThatStay_AreListedOnceWhileOthersCome()
    {
        const int Count = 100;
        MakeDirectory("d"u8);
        for (int i = 0; i < Count; i++)
        {
            Make([.. "d/"u8, .. Numbered("old", i)]);
        }
        int fd = Open("d"u8, O_DIRECTORY);
        var seen = new List<string>();
        byte[] buffer = new byte[200];
        int made = 0;
        for (long count = Ok(S.GetDents64(fd, buffer)); count > 0 && made < 1000; count = Ok(S.GetDents64(fd, buffer)))
        {
            seen.AddRange(DirectoryEntry.Decode(buffer.AsSpan(0, (int)count)).Select(entry => entry.Name));
            Make([.. "d/"u8, .. Numbered("new", made++)]);
        }
        Assert.Equal(Count, seen.Count(name => name.StartsWith("old", StringComparison.Ordinal)));
        Assert.Equal(seen.Count, seen.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void EntriesThatStay_AreListedOnceWhileOthersGo()
    {
        const int Count = 200;
        MakeDirectory("d"u8);
        for (int i = 0; i < Count; i++)
        {
            Make([.. "d/"u8, .. Numbered("f", i)]);
        }
        int fd = Open("d"u8, O_DIRECTORY);
        var seen = new List<string>();
        byte[] buffer = new byte[300];
        int gone = 1;
        for (long count = Ok(S.GetDents64(fd, buffer)); count > 0; count = Ok(S.GetDents64(fd, buffer)))
        {
            seen.AddRange(DirectoryEntry.Decode(buffer.AsSpan(0, (int)count)).Select(entry => entry.Name));
            for (int i = 0; i < 5 && gone < Count; i++, gone += 2)
            {
                Ok(S.Unlink([.. "d/"u8, .. Numbered("f", gone)]));   // The odd ones go, listed or not.
            }
        }
        string[] even = [.. Enumerable.Range(0, Count / 2).Select(i => $"f{2 * i:D4}")];
        Assert.Equal(even, seen.Where(name => name[0] == 'f' && (name[^1] - '0') % 2 == 0).Order(StringComparer.Ordinal));
        Assert.Equal(seen.Count, seen.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void RenamedEntries_AreListedUnderOneName()
    {
        MakeDirectory("d"u8);
        Make("d/a"u8);
        Ok(S.Rename("d/a"u8, "d/b"u8));
        Assert.Equal(["b"], Names("d"u8));
    }

    [Fact]
    public void Cookies_StayValidAfterTheirEntryIsGone()
    {
        for (int i = 0; i < 20; i++)
        {
            Make(Numbered("f", i));
        }
        int fd = Open("."u8, O_DIRECTORY);
        List<DirectoryEntry> all = Entries(fd);
        int middle = all.FindIndex(6, entry => entry.Name[0] == 'f');
        Ok(S.Unlink(Bytes(all[middle].Name)));
        Ok(S.LSeek(fd, all[middle].Cookie, SEEK_SET));
        Assert.Equal(all.Skip(middle + 1).Select(entry => entry.Name), Entries(fd).Select(entry => entry.Name));
    }

    [Fact]
    public void MountPoint_ShowsTheCoveredDirectorysInode()
    {
        MakeDirectory("m"u8);
        ulong covered = Stat("m"u8).Ino;
        Ok(S.Mount("t"u8, "m"u8, TestMount.ScratchType, 0, default));
        Assert.Equal(covered, Entries(Open("."u8, O_DIRECTORY)).First(entry => entry.Name == "m").Ino);
    }

    [Fact]
    public void ReadDirectory_NeedsReadPermissionAndWalkingNeedsSearch()
    {
        Needs(Features.Ownership);
        MakeDirectory("d"u8);
        Make("d/f"u8);
        ISyscalls user = ForkAs(1000, 1000);
        Ok(S.ChMod("d"u8, Oct(711)));
        Fails(EACCES, user.Open("d"u8, O_RDONLY | O_DIRECTORY));
        Ok(user.Open("d/f"u8, O_RDONLY));
        Ok(S.ChMod("d"u8, Oct(744)));
        Ok(user.Open("d"u8, O_RDONLY | O_DIRECTORY));
        Fails(EACCES, user.Open("d/f"u8, O_RDONLY));
    }

    [Fact]
    public void BadSeeks_AreRefused()
    {
        int fd = Open("."u8, O_DIRECTORY);
        Fails(EINVAL, S.LSeek(fd, -1, SEEK_SET));
        Fails(EINVAL, S.LSeek(fd, 0, 99));
    }
}
