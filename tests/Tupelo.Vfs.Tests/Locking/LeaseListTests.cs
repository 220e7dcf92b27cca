using Tupelo.Vfs;

namespace Tupelo.Vfs.Tests.Locking;

public sealed class LeaseListTests
{
    private static readonly TimeSpan s_breakTime = TimeSpan.FromSeconds(45);

    private readonly LeaseList _leases = new();
    private readonly Holder _one = new();
    private readonly Holder _two = new();
    private readonly ManualTime _time = new();

    [Fact]
    public void ReadLease_NeedsNoWriter_WriteLeaseNobodyElse()
    {
        Assert.Equal(Errno.EAGAIN, _leases.Set(_one, LockType.Read, _one, 0, 1, false));
        Assert.Equal(Errno.EAGAIN, _leases.Set(_one, LockType.Read, _one, 0, 0, true));
        Assert.Equal(Errno.EAGAIN, _leases.Set(_one, LockType.Write, _one, 1, 0, true));
        Assert.Equal(Errno.EAGAIN, _leases.Set(_one, LockType.Unlock, _one, 0, 0, false));
        Assert.Equal(Errno.EINVAL, _leases.Set(_one, (LockType)5, _one, 0, 0, false));
        Assert.Equal(Errno.None, _leases.Set(_one, LockType.Read, _one, 1, 0, false));
        Assert.Equal(Errno.None, _leases.Set(_two, LockType.Read, _two, 1, 0, false));
        Assert.Equal(LockType.Read, _leases.Get(_one));
        _leases.Release(_one);
        _leases.Release(_two);
        Assert.True(_leases.IsEmpty);
        Assert.Equal(Errno.None, _leases.Set(_one, LockType.Write, _one, 0, 0, true));
        Assert.Equal(Errno.EAGAIN, _leases.Set(_two, LockType.Read, _two, 0, 0, false));
        Assert.Equal(LockType.Unlock, _leases.Get(_two));
    }

    [Fact]
    public void Break_TellsTheHolder_AndWaitsUntilItGivesWay()
    {
        Assert.Equal(Errno.None, _leases.Set(_one, LockType.Write, _one, 0, 0, true));
        Assert.Equal(Errno.EAGAIN, Break(forWrite: false, nonBlocking: true));
        Assert.Equal(LockType.Read, _one.Told);
        Assert.Equal(LockType.Read, _leases.Get(_one));
        TestThread opener = TestThread.Run(() => Assert.Equal(Errno.None, Break(forWrite: false, nonBlocking: false)));
        TestThread.WaitUntil(() => _time.ActiveTimers == 1);
        Assert.Equal(Errno.None, _leases.Set(_one, LockType.Read, _one, 0, 0, false));
        opener.Join();
        Assert.Equal(Errno.None, Break(forWrite: false, nonBlocking: true));
        Assert.Equal(Errno.EAGAIN, Break(forWrite: true, nonBlocking: true));
        Assert.Equal(LockType.Unlock, _leases.Get(_one));
    }

    [Fact]
    public void Break_OfAHolderThatDoesNotAnswer_TakesTheLeaseAfterItsTime()
    {
        Assert.Equal(Errno.None, _leases.Set(_one, LockType.Write, _one, 0, 0, true));
        TestThread opener = TestThread.Run(() => Assert.Equal(Errno.None, Break(forWrite: true, nonBlocking: false)));
        TestThread.WaitUntil(() => _time.ActiveTimers == 1);
        _time.Advance(TimeSpan.FromSeconds(44));
        Assert.False(opener.IsFinished);
        _time.Advance(TimeSpan.FromSeconds(1));
        opener.Join();
        Assert.Equal(LockType.Unlock, _one.Told);
        Assert.True(_leases.IsEmpty);
    }

    [Fact]
    public void Break_Interrupted_ReturnsEINTR()
    {
        Assert.Equal(Errno.None, _leases.Set(_one, LockType.Read, _one, 0, 0, false));
        Interrupt interrupt = new();
        interrupt.Raise();
        Assert.Equal(Errno.EINTR, _leases.Break(true, false, _time, s_breakTime, interrupt));
    }

    private Errno Break(bool forWrite, bool nonBlocking) => _leases.Break(forWrite, nonBlocking, _time, s_breakTime, null);

    private sealed class Holder : ILeaseHolder
    {
        internal LockType? Told { get; private set; }

        public void OnLeaseBreak(LockType target) => Told = target;
    }
}
