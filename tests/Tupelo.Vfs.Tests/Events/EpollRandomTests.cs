// Random epoll calls over pipes and eventfds: against the host's kernel, and under stress with nobody's wake-up lost.
using Tupelo.Vfs;

namespace Tupelo.Vfs.Tests.Events;

public sealed class EpollRandomTests(ITestOutputHelper output)
{
    [Fact]
    public void RandomCalls_GiveWhatTheHostsKernelGives()
    {
        Assert.SkipUnless(HostKernel.IsAvailable, "needs Linux");
        int seed = TestThread.NewSeed(output);
        Random random = new(seed);
        for (int round = 0; round < 200; round++)
        {
            using World world = new();
            for (int step = 0; step < 200; step++)
            {
                world.Step(random, $"seed {seed} round {round} step {step}");
            }
        }
    }

    [Fact]
    public void EdgeTriggeredConsumers_NeverSleepThroughAWrite()
    {
        const int Messages = 30_000;
        PipeRing.CreatePair(out PipeEnd read, out PipeEnd write);
        EpollInstance epoll = new();
        Assert.Equal(Errno.None, epoll.Control(EpollOperation.Add, read, 3, PollEvents.In | PollEvents.EdgeTriggered, 1));
        int received = 0;
        TestThread consumer = TestThread.Run(() =>
        {
            EpollEvent[] events = new EpollEvent[4];
            byte[] buffer = new byte[100];
            while (received < Messages)
            {
                Assert.Equal(1, epoll.Wait(events, default, false, null).Raw);
                while (true)
                {
                    IoResult result = read.Read(buffer, true, null);
                    if (result.Errno == Errno.EAGAIN)
                    {
                        break;
                    }
                    received += (int)result.Count;
                }
            }
        });
        for (int i = 0; i < Messages; i++)
        {
            Assert.Equal(1, write.Write("x"u8, false, false, null).Raw);
            if (i % 1000 == 0)
            {
                // Lets the consumer fall asleep now and then.
                Thread.Sleep(1);
            }
        }
        consumer.Join();
        Assert.Equal(Messages, received);
    }

    [Fact]
    public void AddDeleteAndCloseUnderWakeUps_NeitherHangNorLeak()
    {
        int seed = TestThread.NewSeed(output);
        EventFd[] files = [.. Enumerable.Range(0, 4).Select(_ => new EventFd(0, false))];
        EpollInstance inner = new();
        EpollInstance outer = new();
        Assert.Equal(Errno.None, outer.Control(EpollOperation.Add, inner, 99, PollEvents.In, 99));
        int running = 2;
        TestThread[] threads =
        [
            TestThread.Run(() =>
            {
                Random random = new(seed);
                for (int i = 0; i < 30_000; i++)
                {
                    int which = random.Next(files.Length);
                    switch (random.Next(4))
                    {
                        case 0:
                            EpollInstance.ReleaseFile(files[which]);
                            break;
                        case 1:
                            _ = inner.Control(EpollOperation.Delete, files[which], which, PollEvents.None, 0);
                            break;
                        default:
                            _ = inner.Control(EpollOperation.Add, files[which], which, PollEvents.In, (ulong)which);
                            break;
                    }
                }
                _ = Interlocked.Decrement(ref running);
            }),
            TestThread.Run(() =>
            {
                Random random = new(seed + 1);
                byte[] word = new byte[8];
                for (int i = 0; i < 60_000; i++)
                {
                    BitConverter.TryWriteBytes(word, 1ul);
                    EventFd file = files[random.Next(files.Length)];
                    _ = file.Write(word, true, null);
                    _ = random.Next(2) == 0 ? file.Read(word, true, null) : default;
                }
                _ = Interlocked.Decrement(ref running);
            }),
        ];
        EpollEvent[] events = new EpollEvent[8];
        while (Volatile.Read(ref running) > 0)
        {
            Assert.True(outer.Wait(events, WaitTimeout.AfterMilliseconds(TimeProvider.System, 1), false, null).IsOk);
            Assert.True(inner.Wait(events, default, true, null).IsOk);
        }
        Array.ForEach(threads, thread => thread.Join());
        inner.Close();
        outer.Close();
        Assert.All(files, file => Assert.False(file.Waiters.HasWaiters));
        Assert.False(inner.Waiters.HasWaiters);
    }

    private sealed class World : IDisposable
    {
        private const int Pipes = 2;
        private const int Events = 2;

        private readonly int _theirs = HostKernel.EpollCreate();
        private readonly EpollInstance _ours = new();
        private readonly int[] _fds = new int[(Pipes * 2) + Events];
        private readonly IPollable[] _files = new IPollable[(Pipes * 2) + Events];
        private readonly bool[] _closed = new bool[(Pipes * 2) + Events];

        internal World()
        {
            for (int i = 0; i < Pipes; i++)
            {
                (_fds[2 * i], _fds[(2 * i) + 1]) = HostKernel.Pipe(HostKernel.O_NONBLOCK | HostKernel.O_CLOEXEC);
                PipeRing.CreatePair(out PipeEnd read, out PipeEnd write);
                _files[2 * i] = read;
                _files[(2 * i) + 1] = write;
            }
            for (int i = Pipes * 2; i < _fds.Length; i++)
            {
                _fds[i] = HostKernel.EventFd(0, HostKernel.O_NONBLOCK | HostKernel.O_CLOEXEC);
                _files[i] = new EventFd(0, false);
            }
        }

        public void Dispose()
        {
            HostKernel.Close(_theirs);
            for (int i = 0; i < _fds.Length; i++)
            {
                Close(i);
            }
        }

        internal void Step(Random random, string where)
        {
            int which = random.Next(_fds.Length);
            if (_closed[which])
            {
                return;
            }
            byte[] data = new byte[random.Next(4) == 0 ? 66_000 : random.Next(8, 3000)];
            switch (random.Next(10))
            {
                case 0 or 1:
                    int operation = random.Next(1, 4);
                    PollEvents events = RandomEvents(random);
                    long expected = HostKernel.EpollControl(_theirs, operation, _fds[which], (uint)events, (ulong)which);
                    Errno actual = _ours.Control((EpollOperation)operation, _files[which], _fds[which], events, (ulong)which);
                    Assert.True(expected == -(long)actual, $"{where}: control {operation} file {which} {events}: host {expected}, ours {actual}");
                    break;
                case 2 or 3 or 4:
                    if (_files[which] is EventFd)
                    {
                        data.AsSpan(1).Clear();
                        data = data[..8];
                    }
                    expected = HostKernel.Write(_fds[which], data);
                    long done = _files[which] switch
                    {
                        PipeEnd end => end.Write(data, true, false, null).Raw,
                        EventFd fd => fd.Write(data, true, null).Raw,
                        _ => throw new InvalidOperationException(),
                    };
                    Assert.True(expected == done, $"{where}: write {which}: host {expected}, ours {done}");
                    break;
                case 5 or 6:
                    expected = HostKernel.Read(_fds[which], data);
                    done = _files[which] switch
                    {
                        PipeEnd end => end.Read(data, true, null).Raw,
                        EventFd fd => fd.Read(data, true, null).Raw,
                        _ => throw new InvalidOperationException(),
                    };
                    Assert.True(expected == done, $"{where}: read {which}: host {expected}, ours {done}");
                    break;
                case 7 when random.Next(30) == 0:
                    Close(which);
                    break;
                default:
                    List<(uint, ulong)> theirs = HostKernel.EpollWait(_theirs, 16, 0);
                    EpollEvent[] found = new EpollEvent[16];
                    long count = _ours.Wait(found, default, true, null).Raw;
                    List<(uint, ulong)> mine = [.. found.Take((int)count).Select(e => ((uint)e.Events, e.Data))];
                    Assert.True(theirs.SequenceEqual(mine), $"{where}: wait: host {string.Join(' ', theirs)}, ours {string.Join(' ', mine)}");
                    break;
            }
        }

        private void Close(int which)
        {
            if (!_closed[which])
            {
                _closed[which] = true;
                EpollInstance.ReleaseFile(_files[which]);
                HostKernel.Close(_fds[which]);
                (_files[which] as PipeEnd)?.Close();
            }
        }

        private static PollEvents RandomEvents(Random random)
        {
            PollEvents events = (PollEvents)random.Next(8) & (PollEvents.In | PollEvents.Out);
            events |= random.Next(3) == 0 ? PollEvents.EdgeTriggered : PollEvents.None;
            events |= random.Next(4) == 0 ? PollEvents.OneShot : PollEvents.None;
            events |= random.Next(8) == 0 ? PollEvents.Exclusive : PollEvents.None;
            events |= random.Next(8) == 0 ? PollEvents.ReadNormal | PollEvents.WriteNormal : PollEvents.None;
            return events;
        }
    }
}
