using Tupelo.Vfs;

namespace Tupelo.Vfs.Tests.Locking;

public sealed class FlockListTests
{
    private readonly FlockList _list = new();
    private readonly object _one = new();
    private readonly object _two = new();
    private readonly object _three = new();

    [Fact]
    public void ConversionThatFails_HasLostTheOldLock()
    {
        Assert.Equal(Errno.None, Try(_one, FlockOperation.Shared));
        Assert.Equal(Errno.None, Try(_two, FlockOperation.Shared));
        Assert.Equal(Errno.EAGAIN, Try(_one, FlockOperation.Exclusive));
        Assert.Equal(Errno.None, Try(_two, FlockOperation.Exclusive));
    }

    [Fact]
    public void Waiters_EnterInOrder_SharedOnesTogether()
    {
        Assert.Equal(Errno.None, Try(_one, FlockOperation.Exclusive));
        TestThread second = TestThread.Run(() => Assert.Equal(Errno.None, _list.Apply(_two, FlockOperation.Shared, null)));
        TestThread.WaitUntil(() => _list.WaiterCount == 1);
        TestThread third = TestThread.Run(() => Assert.Equal(Errno.None, _list.Apply(_three, FlockOperation.Shared, null)));
        TestThread.WaitUntil(() => _list.WaiterCount == 2);
        _list.Release(_one);
        second.Join();
        third.Join();
        Assert.Equal(Errno.EAGAIN, Try(_one, FlockOperation.Exclusive));
        _list.Release(_two);
        _list.Release(_three);
        Assert.True(_list.IsEmpty);
    }

    [Fact]
    public void Wait_Interrupted_ReturnsEINTR()
    {
        Assert.Equal(Errno.None, Try(_one, FlockOperation.Exclusive));
        Interrupt interrupt = new();
        TestThread waiter = TestThread.Run(() => Assert.Equal(Errno.EINTR, _list.Apply(_two, FlockOperation.Shared, interrupt)));
        TestThread.WaitUntil(() => _list.WaiterCount == 1);
        interrupt.Raise();
        waiter.Join();
        Assert.Equal(0, _list.WaiterCount);
        _list.Release(_one);
        Assert.True(_list.IsEmpty);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(10)]
    [InlineData(16)]
    public void UnknownOperations_GiveEINVAL(int operation)
        => Assert.Equal(Errno.EINVAL, _list.Apply(_one, (FlockOperation)operation, null));

    [Fact]
    public void ExclusiveSections_OfFourThreads_DoNotOverlap()
    {
        int inside = 0;
        int total = 0;
        TestThread[] threads = [.. Enumerable.Range(0, 4).Select(number => TestThread.Run(() =>
        {
            object owner = new();
            for (int i = 0; i < 3000; i++)
            {
                bool exclusive = (i + number) % 3 == 0;
                Assert.Equal(Errno.None, _list.Apply(owner, exclusive ? FlockOperation.Exclusive : FlockOperation.Shared, null));
                int now = exclusive ? Interlocked.Add(ref inside, 1000) : Interlocked.Increment(ref inside);
                Assert.True(exclusive ? now == 1000 : now < 1000, $"{now}");
                _ = exclusive ? Interlocked.Add(ref inside, -1000) : Interlocked.Decrement(ref inside);
                _ = Interlocked.Increment(ref total);
                _list.Release(owner);
            }
        }))];
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(12_000, total);
        Assert.True(_list.IsEmpty);
    }

    private Errno Try(object owner, FlockOperation operation) => _list.Apply(owner, operation | FlockOperation.NonBlocking, null);
}
