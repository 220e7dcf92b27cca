using Tupelo.Vfs;

namespace Tupelo.Vfs.Tests.Locking;

public sealed class FileLockListTests
{
    private readonly LockGraph _graph = new();
    private readonly FileLockList _list;
    private readonly LockOwner _one = LockOwner.ForProcess(new object(), 11);
    private readonly LockOwner _two = LockOwner.ForProcess(new object(), 22);
    private readonly LockOwner _three = LockOwner.ForProcess(new object(), 33);
    private readonly LockOwner _file = LockOwner.ForOpenFile(new object());

    public FileLockListTests() => _list = new FileLockList(_graph);

    [Fact]
    public void Unlock_InTheMiddle_SplitsALock()
    {
        Set(_one, 0, 99, LockType.Write);
        Set(_one, 40, 59, LockType.Unlock);
        Assert.Equal([(LockType.Write, new LockRange(0, 39)), (LockType.Write, new LockRange(60, 99))], Ranges(_one));
    }

    [Fact]
    public void Lock_TouchingOneOfTheSameType_BecomesOneLock()
    {
        Set(_one, 0, 9, LockType.Read);
        Set(_one, 20, 29, LockType.Read);
        Set(_one, 10, 19, LockType.Read);
        Assert.Equal([(LockType.Read, new LockRange(0, 29))], Ranges(_one));
    }

    [Fact]
    public void Lock_OverPartOfAnotherType_ReplacesThatPart()
    {
        Set(_one, 0, 99, LockType.Read);
        Set(_one, 50, 59, LockType.Write);
        Assert.Equal(
            [(LockType.Read, new LockRange(0, 49)), (LockType.Write, new LockRange(50, 59)), (LockType.Read, new LockRange(60, 99))],
            Ranges(_one));
        Set(_one, 50, 59, LockType.Read);
        Assert.Equal([(LockType.Read, new LockRange(0, 99))], Ranges(_one));
    }

    [Fact]
    public void Lock_ToTheEnd_CoversEverythingBehind()
    {
        Set(_one, 100, LockRange.Infinity, LockType.Write);
        Assert.Equal(Errno.EAGAIN, _list.Set(_two, new LockRange(long.MaxValue, long.MaxValue), LockType.Read, false, null));
        Set(_one, 0, 99, LockType.Write);
        Assert.Equal([(LockType.Write, LockRange.All)], Ranges(_one));
    }

    [Fact]
    public void ReadLocks_OfTwoOwners_Coexist_WriteLocksDoNot()
    {
        Set(_one, 0, 9, LockType.Read);
        Set(_two, 5, 14, LockType.Read);
        Assert.Equal(Errno.EAGAIN, _list.Set(_two, new LockRange(9, 9), LockType.Write, false, null));
        Set(_two, 10, 14, LockType.Write);
        Assert.Equal(Errno.EAGAIN, _list.Set(_one, new LockRange(14, 20), LockType.Read, false, null));
    }

    [Fact]
    public void PosixAndOpenFileLocks_Conflict()
    {
        Set(_one, 0, 9, LockType.Write);
        Assert.Equal(Errno.EAGAIN, _list.Set(_file, new LockRange(0, 0), LockType.Read, false, null));
        LockRequest asked = new() { Type = LockType.Read };
        Assert.Equal(Errno.None, _list.GetLock(_file, ref asked, 0, 0));
        Assert.Equal(11, asked.ProcessId);
        Set(_file, 10, 10, LockType.Read);
        asked = new LockRequest { Type = LockType.Write, Start = 10, Length = 1 };
        Assert.Equal(Errno.None, _list.GetLock(_one, ref asked, 0, 0));
        Assert.Equal(-1, asked.ProcessId);
    }

    [Fact]
    public void GetLock_WithoutConflict_OnlyChangesTheType()
    {
        LockRequest asked = new() { Type = LockType.Write, Whence = 1, Start = 5, Length = 7, ProcessId = 3 };
        Assert.Equal(Errno.None, _list.GetLock(_one, ref asked, 10, 0));
        Assert.Equal(new LockRequest { Type = LockType.Unlock, Whence = 1, Start = 5, Length = 7, ProcessId = 3 }, asked);
    }

    [Theory]
    [InlineData(0, -1, 1, Errno.EINVAL)]
    [InlineData(3, 0, 1, Errno.EINVAL)]
    [InlineData(-1, 0, 1, Errno.EINVAL)]
    [InlineData(0, 5, -6, Errno.EINVAL)]
    [InlineData(1, long.MaxValue, 0, Errno.EOVERFLOW)]
    [InlineData(0, 2, long.MaxValue, Errno.EOVERFLOW)]
    [InlineData(0, long.MaxValue, 1, Errno.None)]
    [InlineData(0, 5, -5, Errno.None)]
    [InlineData(0, 1, long.MaxValue, Errno.None)]
    public void Resolve_OfHostileArguments_GivesTheErrnoOfLinux(short whence, long start, long length, Errno expected)
    {
        LockRequest request = new() { Type = LockType.Read, Whence = whence, Start = start, Length = length };
        Assert.Equal(expected, LockRange.Resolve(request, position: 10, size: 20, out _));
    }

    [Fact]
    public void Resolve_WithNegativeLength_MeansTheBytesBefore()
    {
        LockRequest request = new() { Type = LockType.Read, Whence = 2, Start = 0, Length = -5 };
        Assert.Equal(Errno.None, LockRange.Resolve(request, 0, 20, out LockRange range));
        Assert.Equal(new LockRange(15, 19), range);
    }

    [Fact]
    public void SetLock_ChecksRangeBeforeTypeBeforeAccessModeBeforePid()
    {
        LockRequest bad = new() { Type = (LockType)7, Whence = 9, ProcessId = 1 };
        Assert.Equal(Errno.EINVAL, _list.SetLock(_file, bad, 0, 0, true, true, false, null));
        Assert.Equal(Errno.EBADF, _list.SetLock(_one, new LockRequest { Type = LockType.Write }, 0, 0, true, false, false, null));
        Assert.Equal(Errno.EBADF, _list.SetLock(_file, new LockRequest { Type = LockType.Read, ProcessId = 1 }, 0, 0, false, true, false, null));
        Assert.Equal(Errno.EINVAL, _list.SetLock(_file, new LockRequest { Type = LockType.Read, ProcessId = 1 }, 0, 0, true, true, false, null));
        Assert.Equal(Errno.None, _list.SetLock(_file, new LockRequest { Type = LockType.Unlock }, 0, 0, false, false, false, null));
        Assert.Equal(Errno.EINVAL, GetError(_one, LockType.Unlock, 0));
        Assert.Equal(Errno.EINVAL, GetError(_file, LockType.Read, 5));
        Assert.Equal(Errno.None, GetError(_file, LockType.Unlock, 0));
    }

    [Fact]
    public void Release_DropsAllLocksOfThatOwnerOnly()
    {
        Set(_one, 0, 9, LockType.Read);
        Set(_two, 0, 9, LockType.Read);
        Set(_one, 20, 29, LockType.Write);
        _list.Release(_one);
        Assert.Empty(Ranges(_one));
        Assert.Single(Ranges(_two));
        _list.Release(_two);
        Assert.True(_list.IsEmpty);
    }

    [Fact]
    public void OwnersBehindOneKey_AreToldApartByTheirNumber()
    {
        object connection = new();
        LockOwner first = LockOwner.ForProcess(connection, 1, 100);
        LockOwner second = LockOwner.ForProcess(connection, 1, 200);
        Set(first, 0, 0, LockType.Write);
        Assert.Equal(Errno.EAGAIN, _list.Set(second, new LockRange(0, 0), LockType.Write, false, null));
    }

    [Fact]
    public void Wait_EndsWhenTheLockIsGivenUp_InOrderOfArrival()
    {
        Set(_one, 0, 9, LockType.Write);
        List<int> order = [];
        TestThread second = TestThread.Run(() => WaitThenNote(_two, 2, order));
        TestThread.WaitUntil(() => _list.WaiterCount == 1);
        TestThread third = TestThread.Run(() => WaitThenNote(_three, 3, order));
        TestThread.WaitUntil(() => _list.WaiterCount == 2);
        Set(_one, 0, 9, LockType.Unlock);
        second.Join();
        third.Join();
        Assert.Equal([2, 3], order);
        Assert.Equal(0, _graph.WaitingOwners);
    }

    [Fact]
    public void Wait_Interrupted_ReturnsEINTR_AndLeavesNoTrace()
    {
        Set(_one, 0, 9, LockType.Write);
        Interrupt interrupt = new();
        Errno result = Errno.None;
        TestThread waiter = TestThread.Run(() => result = _list.Set(_two, LockRange.All, LockType.Read, true, interrupt));
        TestThread.WaitUntil(() => _list.WaiterCount == 1);
        interrupt.Raise();
        waiter.Join();
        Assert.Equal(Errno.EINTR, result);
        Assert.Equal(0, _list.WaiterCount);
        Assert.Equal(0, _graph.WaitingOwners);
        Assert.Empty(Ranges(_two));
    }

    [Fact]
    public void Downgrade_LetsReadersIn()
    {
        Set(_one, 0, 9, LockType.Write);
        TestThread reader = TestThread.Run(() => Assert.Equal(Errno.None, _list.Set(_two, new LockRange(3, 4), LockType.Read, true, null)));
        TestThread.WaitUntil(() => _list.WaiterCount == 1);
        Set(_one, 0, 9, LockType.Read);
        reader.Join();
        Assert.Equal([(LockType.Read, new LockRange(3, 4))], Ranges(_two));
    }

    [Fact]
    public void Wait_ThatWouldCloseACircle_ReturnsEDEADLK()
    {
        FileLockList other = new(_graph);
        Set(_one, 0, 0, LockType.Write);
        Assert.Equal(Errno.None, other.Set(_two, LockRange.All, LockType.Write, false, null));
        TestThread waiter = TestThread.Run(() =>
        {
            Assert.Equal(Errno.None, other.Set(_one, LockRange.All, LockType.Write, true, null));
            other.Release(_one);
        });
        TestThread.WaitUntil(() => other.WaiterCount == 1);
        Assert.Equal(Errno.EDEADLK, _list.Set(_two, new LockRange(0, 0), LockType.Read, true, null));
        other.Release(_two);
        waiter.Join();
        Assert.Equal(0, _graph.WaitingOwners);
    }

    [Fact]
    public void Circle_ThroughThreeOwnersAndTheSecondOfTwoBlockers_IsFound()
    {
        FileLockList second = new(_graph);
        FileLockList third = new(_graph);
        LockOwner bystander = LockOwner.ForProcess(new object(), 44);
        Set(bystander, 0, 0, LockType.Read);
        Set(_one, 0, 0, LockType.Read);
        Assert.Equal(Errno.None, second.Set(_two, LockRange.All, LockType.Write, false, null));
        Assert.Equal(Errno.None, third.Set(_three, LockRange.All, LockType.Write, false, null));
        TestThread first = TestThread.Run(() => Assert.Equal(Errno.None, second.Set(_one, LockRange.All, LockType.Write, true, null)));
        TestThread next = TestThread.Run(() => Assert.Equal(Errno.None, third.Set(_two, LockRange.All, LockType.Write, true, null)));
        TestThread.WaitUntil(() => second.WaiterCount == 1 && third.WaiterCount == 1);
        Assert.Equal(Errno.EDEADLK, _list.Set(_three, new LockRange(0, 0), LockType.Write, true, null));
        third.Release(_three);
        next.Join();
        second.Release(_two);
        first.Join();
    }

    [Fact]
    public void OpenFileLocks_AreNotSearchedForDeadlocks()
    {
        FileLockList other = new(_graph);
        LockOwner otherFile = LockOwner.ForOpenFile(new object());
        Set(_file, 0, 0, LockType.Write);
        Assert.Equal(Errno.None, other.Set(otherFile, LockRange.All, LockType.Write, false, null));
        Interrupt interrupt = new();
        Errno result = Errno.None;
        TestThread first = TestThread.Run(() => Assert.Equal(Errno.None, other.Set(_file, LockRange.All, LockType.Write, true, null)));
        TestThread.WaitUntil(() => other.WaiterCount == 1);
        TestThread second = TestThread.Run(() => result = _list.Set(otherFile, LockRange.All, LockType.Write, true, interrupt));
        TestThread.WaitUntil(() => _list.WaiterCount == 1);
        interrupt.Raise();
        second.Join();
        Assert.Equal(Errno.EINTR, result);
        other.Release(otherFile);
        first.Join();
    }

    [Fact]
    public void LockAndUnlock_WhenWarm_AllocateNothing()
    {
        for (int i = 0; i < 100; i++)
        {
            Cycle();
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            Cycle();
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Cycle()
        {
            _ = _list.Set(_one, new LockRange(0, 9), LockType.Write, false, null);
            _ = _list.Set(_two, new LockRange(5, 9), LockType.Read, false, null);
            _ = _list.Set(_one, new LockRange(0, 9), LockType.Unlock, false, null);
        }
    }

    private void WaitThenNote(LockOwner owner, int number, List<int> order)
    {
        Assert.Equal(Errno.None, _list.Set(owner, LockRange.All, LockType.Write, true, null));
        lock (order)
        {
            order.Add(number);
        }
        Assert.Equal(Errno.None, _list.Set(owner, LockRange.All, LockType.Unlock, false, null));
    }

    private Errno GetError(LockOwner owner, LockType type, int pid)
    {
        LockRequest request = new() { Type = type, ProcessId = pid };
        return _list.GetLock(owner, ref request, 0, 0);
    }

    private void Set(LockOwner owner, long start, long end, LockType type)
        => Assert.Equal(Errno.None, _list.Set(owner, new LockRange(start, end), type, false, null));

    private IEnumerable<(LockType Type, LockRange Range)> Ranges(LockOwner owner)
        => _list.Snapshot().Where(record => record.Owner == owner).Select(record => (record.Type, record.Range));
}
