// stat, statx, statfs and the four times.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>What is told about files; times.</summary>
public abstract class StatSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Fact]
    public void AllStats_AgreeForEveryType()
    {
        Needs(Features.Symlinks | Features.SpecialFiles);
        Make("f"u8, "content"u8);
        MakeDirectory("d"u8);
        Ok(S.Symlink("f"u8, "link"u8));
        Ok(S.MkFifo("fifo"u8, Oct(640)));
        Ok(S.MkNod("socket"u8, S_IFSOCK | Oct(600)));
        foreach (string name in new[] { "f", "d", "link", "fifo", "socket", "." })
        {
            KernelStat stat = LStat(Bytes(name));
            KernelStat byDescriptor = FStat(Open(Bytes(name), O_PATH | O_NOFOLLOW));
            Assert.Equal((stat.Device, stat.Ino, stat.Mode, stat.LinkCount, stat.Uid, stat.Gid, stat.SizeBytes, stat.Blocks512),
                (byDescriptor.Device, byDescriptor.Ino, byDescriptor.Mode, byDescriptor.LinkCount, byDescriptor.Uid, byDescriptor.Gid,
                    byDescriptor.SizeBytes, byDescriptor.Blocks512));
            var statx = default(KernelStatx);
            Ok(S.StatX(AT_FDCWD, Bytes(name), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, ref statx));
            Assert.Equal(STATX_BASIC_STATS, statx.Mask & STATX_BASIC_STATS);
            Assert.Equal((stat.Ino, stat.Mode, stat.LinkCount, stat.Uid, stat.Gid, stat.SizeBytes, stat.Blocks512, stat.BlockSizeBytes),
                (statx.Ino, statx.Mode, statx.LinkCount, statx.Uid, statx.Gid, (long)statx.SizeBytes, (long)statx.Blocks512, statx.BlockSizeBytes));
            Assert.Equal((stat.ModifyTime.Seconds, stat.ModifyTime.Nanoseconds), (statx.ModifyTime.Seconds, statx.ModifyTime.Nanoseconds));
            Assert.Equal((stat.ChangeTime.Seconds, stat.ChangeTime.Nanoseconds), (statx.ChangeTime.Seconds, statx.ChangeTime.Nanoseconds));
            Assert.Equal(stat.Device, (statx.DeviceMinor & 0xFF) | (statx.DeviceMajor << 8) | ((ulong)(statx.DeviceMinor & ~0xFFu) << 12));
        }
    }

    [Fact]
    public void StatX_KnowsBirthMountAndRoot()
    {
        Needs(Features.BirthTime);
        Make("f"u8);
        var file = default(KernelStatx);
        Ok(S.StatX(AT_FDCWD, "f"u8, 0, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, ref file));
        Assert.Equal(STATX_BTIME | STATX_MNT_ID, file.Mask & (STATX_BTIME | STATX_MNT_ID));
        Assert.True(file.BirthTime.Seconds > 1_000_000_000);
        Assert.Equal(0UL, file.Attributes & STATX_ATTR_MOUNT_ROOT);
        Assert.Equal(STATX_ATTR_MOUNT_ROOT, file.AttributesMask & STATX_ATTR_MOUNT_ROOT);
        var root = default(KernelStatx);
        Ok(S.StatX(AT_FDCWD, "/work"u8, 0, STATX_BASIC_STATS | STATX_MNT_ID, ref root));
        Assert.Equal(STATX_ATTR_MOUNT_ROOT, root.Attributes & STATX_ATTR_MOUNT_ROOT);
        Assert.Equal(file.MountId, root.MountId);
        var other = default(KernelStatx);
        Ok(S.StatX(AT_FDCWD, "/shm"u8, 0, STATX_MNT_ID, ref other));
        Assert.NotEqual(file.MountId, other.MountId);
    }

    [Fact]
    public void BirthTime_IsNotSetBack()
    {
        Needs(Features.BirthTime);
        Make("f"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(1000, 0), new(1000, 0)], 0));
        var statx = default(KernelStatx);
        Ok(S.StatX(AT_FDCWD, "f"u8, 0, STATX_BTIME, ref statx));
        Assert.True(statx.BirthTime.Seconds > 1000);
    }

    [Theory]
    [InlineData(0, 0x80000000u)]
    [InlineData(AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_BASIC_STATS)]
    [InlineData(0x10000000, STATX_BASIC_STATS)]
    public void StatX_OfAnUnknownShape_ReturnsEINVAL(int flags, uint mask)
    {
        var statx = default(KernelStatx);
        Fails(EINVAL, S.StatX(AT_FDCWD, "."u8, flags, mask, ref statx));
    }

    [Fact]
    public void EmptyPath_MeansTheDescriptorWhenAllowed()
    {
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, O_RDONLY);
        var stat = default(KernelStat);
        Ok(S.NewFStatAt(fd, ""u8, ref stat, AT_EMPTY_PATH));
        Assert.Equal(3, stat.SizeBytes);
        Fails(ENOENT, S.NewFStatAt(fd, ""u8, ref stat, 0));
        Ok(S.NewFStatAt(AT_FDCWD, ""u8, ref stat, AT_EMPTY_PATH));
        Assert.Equal(S_IFDIR, stat.TypeBits);
        Fails(EBADF, S.NewFStatAt(-1, ""u8, ref stat, AT_EMPTY_PATH));
    }

    [Fact]
    public void LinkStatus_IsThatOfTheLink()
    {
        Needs(Features.Symlinks);
        Make("f"u8, "content"u8);
        Ok(S.Symlink("f"u8, "link"u8));
        Ok(S.Symlink("nowhere"u8, "dangling"u8));
        Assert.Equal((S_IFLNK, 1L), (LStat("link"u8).TypeBits, LStat("link"u8).SizeBytes));
        Assert.Equal((S_IFREG, 7L), (Stat("link"u8).TypeBits, Stat("link"u8).SizeBytes));
        Assert.Equal(7, LStat("dangling"u8).SizeBytes);
        var stat = default(KernelStat);
        Fails(ENOENT, S.Stat("dangling"u8, ref stat));
    }

    [Theory]
    [InlineData("f/", ENOTDIR)]
    [InlineData("f/.", ENOTDIR)]
    [InlineData("link/", ENOTDIR)]
    [InlineData("dlink/", None)]
    [InlineData("d/", None)]
    [InlineData("dangling/", ENOENT)]
    [InlineData("missing", ENOENT)]
    [InlineData("missing/x", ENOENT)]
    [InlineData("", ENOENT)]
    public void TrailingSlash_AsksForADirectory(string path, Errno expected)
    {
        Needs(Features.Symlinks);
        Make("f"u8);
        MakeDirectory("d"u8);
        Ok(S.Symlink("f"u8, "link"u8));
        Ok(S.Symlink("d"u8, "dlink"u8));
        Ok(S.Symlink("nowhere"u8, "dangling"u8));
        var stat = default(KernelStat);
        Gives(-(long)expected, S.LStat(Bytes(path), ref stat));
        Gives(-(long)expected, S.Stat(Bytes(path), ref stat));
        if (expected == None)
        {
            Assert.Equal(S_IFDIR, stat.TypeBits);
        }
    }

    [Fact]
    public void Identity_IsUniqueInAFileSystemAndDeviceAmongThem()
    {
        MakeDirectory("m"u8);
        Ok(S.Mount("t"u8, "m"u8, TestMount.ScratchType, 0, default));
        MakeDirectory("d"u8);
        var seen = new HashSet<(ulong, ulong)>();
        for (int i = 0; i < 50; i++)
        {
            foreach (byte[] directory in new[] { Bytes("m/"), Bytes("d/"), Bytes("/shm/") })
            {
                byte[] path = [.. directory, .. Numbered("f", i)];
                Make(path);
                KernelStat stat = Stat(path);
                Assert.True(seen.Add((stat.Device, stat.Ino)), "two files with one identity");
            }
        }
        Assert.Equal(3, seen.Select(identity => identity.Item1).Distinct().Count());
    }

    [Fact]
    public void StatFs_TellsTheLimits()
    {
        var statfs = default(KernelStatFs);
        Ok(S.StatFs("."u8, ref statfs));
        Assert.Equal(255, statfs.NameMax);
        Assert.True(statfs.BlockSizeBytes > 0);
        Assert.True(statfs.FreeBlocks <= statfs.Blocks);
        var byDescriptor = default(KernelStatFs);
        Ok(S.FStatFs(Open("."u8, O_PATH), ref byDescriptor));
        Assert.Equal((statfs.Type, statfs.FileSystemId, statfs.NameMax), (byDescriptor.Type, byDescriptor.FileSystemId, byDescriptor.NameMax));
        var other = default(KernelStatFs);
        Ok(S.StatFs("/shm"u8, ref other));
        Assert.NotEqual(statfs.FileSystemId, other.FileSystemId);
        Fails(ENOENT, S.StatFs("missing"u8, ref statfs));
        Fails(EBADF, S.FStatFs(-1, ref statfs));
    }

    [Fact]
    public void SetTimes_ToTheNanosecond()
    {
        Needs(Features.NanosecondTimes);
        Make("f"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(1_000_000_001, 123_456_789), new(2_000_000_002, 987_654_321)], 0));
        KernelStat stat = Stat("f"u8);
        Assert.Equal(new KernelTimespec(1_000_000_001, 123_456_789), stat.AccessTime);
        Assert.Equal(new KernelTimespec(2_000_000_002, 987_654_321), stat.ModifyTime);
    }

    [Fact]
    public void SetTimes_BeforeTheEpochAndFarAhead()
    {
        Needs(Features.NanosecondTimes);
        Make("f"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(-5, 500), new(5_000_000_000, 1)], 0));
        KernelStat stat = Stat("f"u8);
        Assert.Equal((new KernelTimespec(-5, 500), new KernelTimespec(5_000_000_000, 1)), (stat.AccessTime, stat.ModifyTime));
    }

    [Fact]
    public void SetTimes_OmitKeepsAndNowIsNow()
    {
        Make("f"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(1000, 0), new(2000, 0)], 0));
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(0, UTIME_OMIT), new(3000, 0)], 0));
        Assert.Equal((1000L, 3000L), (Stat("f"u8).AccessTime.Seconds, Stat("f"u8).ModifyTime.Seconds));
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(4000, 0), new(0, UTIME_OMIT)], 0));
        Assert.Equal((4000L, 3000L), (Stat("f"u8).AccessTime.Seconds, Stat("f"u8).ModifyTime.Seconds));
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(-1, UTIME_NOW), new(0, UTIME_OMIT)], 0));
        Assert.InRange(Stat("f"u8).AccessTime.Seconds, DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 100, DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1);
        Assert.Equal(3000, Stat("f"u8).ModifyTime.Seconds);
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, default, 0));
        Assert.True(Stat("f"u8).ModifyTime.Seconds > 3000);
    }

    [Fact]
    public void SetTimes_AlwaysMovesTheChangeTime()
    {
        Make("f"u8);
        KernelTimespec before = Stat("f"u8).ChangeTime;
        Thread.Sleep(15);   // More than one tick of the coarsest clock in use.
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(1000, 0), new(1000, 0)], 0));
        Assert.NotEqual(before, Stat("f"u8).ChangeTime);
    }

    [Fact]
    public void SetTimes_FollowsLinksUnlessTold()
    {
        Needs(Features.Symlinks);
        Make("f"u8);
        Ok(S.Symlink("f"u8, "link"u8));
        Ok(S.UtimeNsAt(AT_FDCWD, "link"u8, [new(1000, 0), new(1000, 0)], AT_SYMLINK_NOFOLLOW));
        Assert.Equal(1000, LStat("link"u8).ModifyTime.Seconds);
        Assert.True(Stat("f"u8).ModifyTime.Seconds > 1000);
        Ok(S.UtimeNsAt(AT_FDCWD, "link"u8, [new(2000, 0), new(2000, 0)], 0));
        Assert.Equal((2000L, 1000L), (Stat("f"u8).ModifyTime.Seconds, LStat("link"u8).ModifyTime.Seconds));
    }

    [Fact]
    public void SetTimes_OfADescriptorNeedsNoPath()
    {
        Make("f"u8);
        int fd = Open("f"u8, O_RDONLY);
        Ok(S.Rename("f"u8, "g"u8));
        Ok(S.UtimeNsAt(fd, default, [new(1000, 0), new(1000, 0)], 0));
        Assert.Equal(1000, Stat("g"u8).ModifyTime.Seconds);
        Ok(S.Unlink("g"u8));
        Ok(S.UtimeNsAt(fd, default, [new(2000, 0), new(2000, 0)], 0));
        Assert.Equal(2000, FStat(fd).ModifyTime.Seconds);
        Fails(EFAULT, S.UtimeNsAt(AT_FDCWD, default, default, 0));
    }

    [Fact]
    public void SetTimes_OfABadShape_ReturnsEINVAL()
    {
        Make("f"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(1000, 0), new(1000, 0)], 0));
        Fails(EINVAL, S.UtimeNsAt(AT_FDCWD, "f"u8, [new(0, 1_000_000_000), new(0, 0)], 0));
        Fails(EINVAL, S.UtimeNsAt(AT_FDCWD, "f"u8, [new(0, 0), new(0, -1)], 0));
        Fails(EINVAL, S.UtimeNsAt(AT_FDCWD, "f"u8, default, 1));
        Gives(0, S.UtimeNsAt(AT_FDCWD, "missing"u8, [new(0, UTIME_OMIT), new(0, UTIME_OMIT)], 0));
        Fails(ENOENT, S.UtimeNsAt(AT_FDCWD, "missing"u8, default, 0));
        Assert.Equal(1000, Stat("f"u8).ModifyTime.Seconds);
    }

    [Fact]
    public void SetTimes_NeedsOwnershipOrForNowWritePermission()
    {
        Needs(Features.Ownership);
        Make("f"u8);
        KernelTimespec[] explicitTimes = [new(1000, 0), new(1000, 0)];
        KernelTimespec[] now = [new(0, UTIME_NOW), new(0, UTIME_NOW)];
        KernelTimespec[] nowAndOmit = [new(0, UTIME_NOW), new(0, UTIME_OMIT)];
        ISyscalls user = ForkAs(1000, 1000);
        Fails(EPERM, user.UtimeNsAt(AT_FDCWD, "f"u8, explicitTimes, 0));
        Fails(EPERM, user.UtimeNsAt(AT_FDCWD, "f"u8, nowAndOmit, 0));
        Fails(EACCES, user.UtimeNsAt(AT_FDCWD, "f"u8, default, 0));
        Fails(EACCES, user.UtimeNsAt(AT_FDCWD, "f"u8, now, 0));
        Ok(S.ChMod("f"u8, Oct(666)));
        Ok(user.UtimeNsAt(AT_FDCWD, "f"u8, default, 0));
        Ok(user.UtimeNsAt(AT_FDCWD, "f"u8, now, 0));
        Fails(EPERM, user.UtimeNsAt(AT_FDCWD, "f"u8, explicitTimes, 0));
        Ok(S.ChOwn("f"u8, 1000, 1000));
        Ok(S.ChMod("f"u8, 0));
        Ok(user.UtimeNsAt(AT_FDCWD, "f"u8, explicitTimes, 0));
    }

    [Fact]
    public void AccessTime_MovesOnReadingAndNotWithNoAccessTime()
    {
        Make("f"u8, "abc"u8);
        KernelTimespec[] old = [new(1000, 0), new(1000, 0)];
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, old, 0));
        int quiet = Open("f"u8, O_RDONLY | O_NOATIME);
        Gives(3, S.Read(quiet, new byte[3]));
        Assert.Equal(1000, Stat("f"u8).AccessTime.Seconds);
        // Another file: a reading that a kernel serves from what it has in memory need not be known to a file system behind it.
        Make("g"u8, "abc"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "g"u8, old, 0));
        Gives(3, S.Read(Open("g"u8, O_RDONLY), new byte[3]));
        Assert.True(Stat("g"u8).AccessTime.Seconds > 1000);
    }

    [Fact]
    public void AccessTime_IsRelativeToTheOthers()
    {
        Make("f"u8, "abc"u8);
        long recent = DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 60;
        // Read after it was last modified and not a day ago: not worth a change. Setting times has moved the change time to now,
        // so this read moves the access time once, and the next does not.
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(recent, 0), new(1000, 0)], 0));
        Thread.Sleep(15);
        int fd = Open("f"u8, O_RDONLY);
        Gives(1, S.Read(fd, new byte[1]));
        KernelTimespec first = Stat("f"u8).AccessTime;
        Assert.True(first.Seconds > recent);
        Thread.Sleep(15);
        Gives(1, S.Read(fd, new byte[1]));
        Assert.Equal(first, Stat("f"u8).AccessTime);
    }

    [Fact]
    public void AccessTime_OfADirectoryMovesWhenItIsListed()
    {
        MakeDirectory("d"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "d"u8, [new(1000, 0), new(1000, 0)], 0));
        Assert.Empty(Names("d"u8));
        Assert.True(Stat("d"u8).AccessTime.Seconds > 1000);
    }

    [Fact]
    public void NewFiles_HaveAllTimesOfNow()
    {
        long before = DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 1;
        Make("f"u8);
        MakeDirectory("d"u8);
        long after = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1;
        foreach (KernelStat stat in new[] { Stat("f"u8), Stat("d"u8) })
        {
            Assert.InRange(stat.AccessTime.Seconds, before, after);
            Assert.InRange(stat.ModifyTime.Seconds, before, after);
            Assert.InRange(stat.ChangeTime.Seconds, before, after);
        }
    }

    [Fact]
    public void BadPointers_ReturnEFAULT()
    {
        Make("f"u8);
        Fails(EFAULT, S.NewFStatAt(AT_FDCWD, "f"u8, ref Absent.Ref<KernelStat>(), 0));
        Fails(EFAULT, S.FStat(Open("f"u8, O_RDONLY), ref Absent.Ref<KernelStat>()));
        Fails(EFAULT, S.StatX(AT_FDCWD, "f"u8, 0, STATX_BASIC_STATS, ref Absent.Ref<KernelStatx>()));
        Fails(EFAULT, S.StatFs("f"u8, ref Absent.Ref<KernelStatFs>()));
    }

    [Fact]
    public void StatOfADescriptor_ByAnEmptyPath_IsFstat_WhateverTheOtherFlags()
    {
        Make("f"u8);
        int fd = Open("f"u8, O_RDONLY);
        var stat = default(KernelStat);
        Ok(S.NewFStatAt(fd, ""u8, ref stat, AT_EMPTY_PATH | 1));
        Assert.Equal(Stat("f"u8).Ino, stat.Ino);
        Ok(S.NewFStatAt(fd, default, ref stat, AT_EMPTY_PATH | 1));
        Fails(EINVAL, S.NewFStatAt(AT_FDCWD, "f"u8, ref stat, AT_EMPTY_PATH | 1));
    }
}
