using System.Buffers.Binary;
using System.Text;
using Tupelo.Vfs;

namespace Tupelo.Vfs.Tests.Events;

public sealed class InotifyTests
{
    private readonly InotifyInstance _instance = new(new InotifyLimits { MaxQueuedEvents = 8, MaxWatches = 4 });
    private readonly WatchList _list = new();
    private readonly byte[] _buffer = new byte[4096];

    [Fact]
    public void Notify_OfWhatNobodyWants_QueuesNothing()
    {
        int wd = Watch(_list, InotifyMask.Create);
        _list.Notify(InotifyMask.Delete, "a"u8);
        Assert.Equal(PollEvents.None, _instance.GetReady());
        _list.Notify(InotifyMask.Create, "a"u8);
        Assert.Equal([$"{wd} Create 0 a"], Take());
    }

    [Fact]
    public void Read_GivesHeaderAndPaddedName()
    {
        int wd = Watch(_list, InotifyMask.AllEvents);
        _list.Notify(InotifyMask.MovedFrom | InotifyMask.IsDirectory, "fifteen-letters"u8, cookie: 77);
        _list.Notify(InotifyMask.MovedTo, "sixteen-letters-"u8, cookie: 77);
        _list.Notify(InotifyMask.MoveSelf, []);
        Assert.Equal(32 + 48 + 16, _instance.QueuedBytes);
        Assert.Equal(32 + 48 + 16, _instance.Read(_buffer, true, null).Raw);
        Assert.Equal(wd, BinaryPrimitives.ReadInt32LittleEndian(_buffer));
        Assert.Equal(0x40000040u, BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(4)));
        Assert.Equal(77u, BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(8)));
        Assert.Equal(16, BinaryPrimitives.ReadInt32LittleEndian(_buffer.AsSpan(12)));
        Assert.Equal(32, BinaryPrimitives.ReadInt32LittleEndian(_buffer.AsSpan(32 + 12)));
        Assert.True(_buffer.AsSpan(32 + 16 + 16, 16).IndexOfAnyExcept((byte)0) < 0);
        Assert.Equal(0, BinaryPrimitives.ReadInt32LittleEndian(_buffer.AsSpan(80 + 12)));
    }

    [Fact]
    public void Read_IntoTooSmallABuffer_ReturnsEINVAL_AndWholeReportsOnly()
    {
        _ = Watch(_list, InotifyMask.AllEvents);
        Assert.Equal(Errno.EAGAIN, _instance.Read(new byte[1], true, null).Errno);
        _list.Notify(InotifyMask.Open, "name"u8);
        _list.Notify(InotifyMask.Access, "name"u8);
        Assert.Equal(Errno.EINVAL, _instance.Read(new byte[31], true, null).Errno);
        Assert.Equal(32, _instance.Read(new byte[63], true, null).Raw);
        Assert.Equal(32, _instance.Read(new byte[63], true, null).Raw);
    }

    [Fact]
    public void EqualEvents_OneAfterTheOther_AreMerged()
    {
        int wd = Watch(_list, InotifyMask.AllEvents);
        _list.Notify(InotifyMask.Modify, "a"u8);
        _list.Notify(InotifyMask.Modify, "a"u8, cookie: 5);
        _list.Notify(InotifyMask.Modify, "ab"u8);
        _list.Notify(InotifyMask.Modify, "a"u8);
        _list.Notify(InotifyMask.Modify, []);
        _list.Notify(InotifyMask.Modify, []);
        Assert.Equal([$"{wd} Modify 0 a", $"{wd} Modify 0 ab", $"{wd} Modify 0 a", $"{wd} Modify 0"], Take());
        _list.Notify(InotifyMask.Modify, []);
        Assert.Equal([$"{wd} Modify 0"], Take());
    }

    [Fact]
    public void Overflow_IsReportedOnce_UntilItIsRead()
    {
        int wd = Watch(_list, InotifyMask.AllEvents);
        for (int i = 0; i < 20; i++)
        {
            _list.Notify(InotifyMask.Create, Encoding.UTF8.GetBytes($"f{i}"));
        }
        List<string> events = Take();
        Assert.Equal(9, events.Count);
        Assert.Equal($"{wd} Create 0 f7", events[7]);
        Assert.Equal("-1 QueueOverflow 0", events[8]);
        _list.Notify(InotifyMask.Create, "again"u8);
        Assert.Equal([$"{wd} Create 0 again"], Take());
    }

    [Fact]
    public void RemoveWatch_QueuesIgnored_AndNothingAfterIt()
    {
        int wd = Watch(_list, InotifyMask.AllEvents);
        Assert.Equal(Errno.EINVAL, _instance.RemoveWatch(wd + 1));
        Assert.Equal(Errno.None, _instance.RemoveWatch(wd));
        Assert.Equal(Errno.EINVAL, _instance.RemoveWatch(wd));
        _list.Notify(InotifyMask.Open, []);
        Assert.Equal([$"{wd} Ignored 0"], Take());
        Assert.True(_list.IsEmpty);
        Assert.Equal(InotifyMask.None, _list.Mask);
        Assert.Equal(wd + 1, Watch(_list, InotifyMask.Open));
    }

    [Fact]
    public void AddWatch_Again_ReplacesOrAddsToTheMask()
    {
        int wd = Watch(_list, InotifyMask.Open);
        Assert.Equal(wd, Watch(_list, InotifyMask.Access));
        Assert.Equal(InotifyMask.Access, _list.Mask);
        Assert.Equal(wd, Watch(_list, InotifyMask.Modify | InotifyMask.MaskAdd));
        Assert.Equal(InotifyMask.Access | InotifyMask.Modify, _list.Mask);
        Assert.Equal(Errno.EEXIST, _instance.AddWatch(_list, InotifyMask.Open | InotifyMask.MaskCreate, out _));
        Assert.Equal(Errno.EINVAL, _instance.AddWatch(_list, InotifyMask.Open | InotifyMask.MaskCreate | InotifyMask.MaskAdd, out _));
        Assert.Equal(Errno.EINVAL, _instance.AddWatch(_list, InotifyMask.None, out _));
        Assert.Equal(Errno.EINVAL, _instance.AddWatch(_list, (InotifyMask)0x1000, out _));
    }

    [Fact]
    public void OneShot_EndsAfterOneEvent()
    {
        int wd = Watch(_list, InotifyMask.Open | InotifyMask.OneShot);
        _list.Notify(InotifyMask.Open, []);
        _list.Notify(InotifyMask.Open, []);
        Assert.Equal([$"{wd} Open 0", $"{wd} Ignored 0"], Take());
        Assert.Equal(0, _instance.WatchCount);
    }

    [Fact]
    public void ExcludeUnlinked_DoesNotHearOfNamelessChildren()
    {
        int wd = Watch(_list, InotifyMask.Modify | InotifyMask.ExcludeUnlinked);
        _list.Notify(InotifyMask.Modify, "gone"u8, childUnlinked: true);
        _list.Notify(InotifyMask.Modify, "here"u8, childUnlinked: false);
        Assert.Equal([$"{wd} Modify 0 here"], Take());
    }

    [Fact]
    public void DeathOfTheInode_ReportsDeleteSelf_ThenIgnored_AndBarsNewWatches()
    {
        InotifyInstance other = new();
        Assert.Equal(Errno.None, other.AddWatch(_list, InotifyMask.Open, out int otherWd));
        int wd = Watch(_list, InotifyMask.DeleteSelf);
        _list.Die();
        Assert.Equal([$"{wd} DeleteSelf 0", $"{wd} Ignored 0"], Take());
        Assert.Equal([$"{otherWd} Ignored 0"], Take(other));
        Assert.Equal(Errno.ENOENT, _instance.AddWatch(_list, InotifyMask.Open, out _));
        Assert.Equal(0, _instance.WatchCount + other.WatchCount);
    }

    [Fact]
    public void Unmount_IsReportedToAll()
    {
        int wd = Watch(_list, InotifyMask.Open);
        _list.Unmount();
        Assert.Equal([$"{wd} Unmount 0", $"{wd} Ignored 0"], Take());
    }

    [Fact]
    public void TooManyWatches_ReturnENOSPC_AndLeaveNothingBehind()
    {
        for (int i = 0; i < 4; i++)
        {
            _ = Watch(new WatchList(), InotifyMask.Open);
        }
        Assert.Equal(Errno.ENOSPC, _instance.AddWatch(_list, InotifyMask.Open, out _));
        Assert.True(_list.IsEmpty);
    }

    [Fact]
    public void Close_LeavesAllInodes()
    {
        _ = Watch(_list, InotifyMask.Open);
        _instance.Close();
        Assert.True(_list.IsEmpty);
        Assert.Equal(Errno.EBADF, _instance.AddWatch(_list, InotifyMask.Open, out _));
    }

    [Fact]
    public void Batch_DeliversInOrder_OnlyWhatIsWanted()
    {
        WatchList target = new();
        WatchList self = new();
        int from = Watch(_list, InotifyMask.Move);
        int to = Watch(target, InotifyMask.MovedTo);
        int moved = Watch(self, InotifyMask.MoveSelf | InotifyMask.DeleteSelf);
        EventBatch batch = default;
        batch.Add(null, InotifyMask.MovedFrom, "old"u8);
        batch.Add(_list, InotifyMask.Delete, "old"u8);
        Assert.False(batch.HasEvents);
        uint cookie = EventBatch.NewCookie();
        batch.Add(_list, InotifyMask.MovedFrom, "old"u8, cookie);
        batch.Add(target, InotifyMask.MovedTo, "new"u8, cookie);
        batch.Add(self, InotifyMask.MoveSelf, []);
        batch.AddDeath(self);
        Assert.Equal(PollEvents.None, _instance.GetReady());
        batch.Deliver();
        Assert.Equal(
            [$"{from} MovedFrom {cookie} old", $"{to} MovedTo {cookie} new", $"{moved} MoveSelf 0", $"{moved} DeleteSelf 0", $"{moved} Ignored 0"],
            Take());
        Assert.False(batch.HasEvents);
    }

    [Fact]
    public void NotifyAndRead_WhenWarm_AllocateNothing()
    {
        _ = Watch(_list, InotifyMask.AllEvents);
        Cycle();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            Cycle();
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Cycle()
        {
            EventBatch batch = default;
            batch.Add(_list, InotifyMask.Create, "some-name"u8);
            batch.Add(_list, InotifyMask.Open, "some-name"u8);
            batch.Add(null, InotifyMask.Open, []);
            batch.Deliver();
            _ = _instance.Read(_buffer, true, null);
        }
    }

    [Fact]
    public void ReadersWritersAndRemovers_LoseNothing_AndNothingFollowsIgnored()
    {
        InotifyInstance instance = new(new InotifyLimits { MaxQueuedEvents = int.MaxValue });
        WatchList[] lists = [new(), new()];
        const int Rounds = 20_000;
        TestThread notifier = TestThread.Run(() =>
        {
            byte[] name = new byte[8];
            for (int i = 0; i < Rounds; i++)
            {
                BitConverter.TryWriteBytes(name, (long)i + 0x0101010101010101);
                lists[i & 1].Notify(InotifyMask.Create, name);
            }
            lists[0].Die();
            lists[1].Die();
        });
        TestThread changer = TestThread.Run(() =>
        {
            for (int i = 0; i < Rounds / 10; i++)
            {
                if (instance.AddWatch(lists[i & 1], InotifyMask.Create, out int wd) == Errno.None && i % 3 == 0)
                {
                    _ = instance.RemoveWatch(wd);
                }
            }
        });
        HashSet<int> ended = [];
        List<string> events = [];
        while (!notifier.IsFinished || !changer.IsFinished || instance.QueuedBytes > 0)
        {
            if (instance.GetReady() == PollEvents.None)
            {
                Thread.Yield();
                continue;
            }
            foreach (string text in Take(instance))
            {
                int wd = int.Parse(text.Split(' ')[0]);
                Assert.DoesNotContain(wd, ended);
                if (text.Contains("Ignored", StringComparison.Ordinal))
                {
                    Assert.True(ended.Add(wd));
                }
            }
        }
        notifier.Join();
        changer.Join();
        Assert.Equal(0, instance.WatchCount);
        Assert.NotEmpty(ended);
    }

    private int Watch(WatchList list, InotifyMask mask)
    {
        Assert.Equal(Errno.None, _instance.AddWatch(list, mask, out int descriptor));
        return descriptor;
    }

    private List<string> Take() => Take(_instance);

    private List<string> Take(InotifyInstance instance)
    {
        IoResult result = instance.Read(_buffer, true, null);
        Assert.True(result.IsOk, result.ToString());
        return Format(_buffer.AsSpan(0, (int)result.Count));
    }

    internal static List<string> Format(ReadOnlySpan<byte> reports)
    {
        List<string> events = [];
        while (!reports.IsEmpty)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(reports[12..]);
            string name = Encoding.UTF8.GetString(reports.Slice(16, length)).TrimEnd('\0');
            events.Add($"{BinaryPrimitives.ReadInt32LittleEndian(reports)} {(InotifyMask)BinaryPrimitives.ReadUInt32LittleEndian(reports[4..])} "
                + $"{BinaryPrimitives.ReadUInt32LittleEndian(reports[8..])} {name}".TrimEnd());
            reports = reports[(16 + length)..];
        }
        return events;
    }
}
