// Random non-blocking calls on three pipes, here and on the host's kernel: same counts, same errors, same bytes, same readiness.
using Tupelo.Vfs;

namespace Tupelo.Vfs.Tests.Pipes;

public sealed class PipeDifferentialTests(ITestOutputHelper output)
{
    [Fact]
    public void RandomCalls_GiveWhatTheHostsKernelGives()
    {
        Assert.SkipUnless(HostKernel.IsAvailable, "needs Linux");
        int seed = TestThread.NewSeed(output);
        Random random = new(seed);
        long calls = 0;
        for (int round = 0; round < 120; round++)
        {
            using Pair pipes = new(3);
            for (int step = 0; step < 400; step++)
            {
                string what = pipes.Step(random, out long expected, out long actual);
                Assert.True(expected == actual, $"seed {seed} round {round} step {step}: {what}: host {expected}, ours {actual}");
                calls++;
            }
        }
        output.WriteLine($"{calls} calls");
    }

    private sealed class Pair : IDisposable
    {
        private readonly (int Read, int Write)[] _theirs;
        private readonly (PipeEnd Read, PipeEnd Write)[] _ours;
        private readonly bool[] _readClosed;
        private readonly bool[] _writeClosed;
        private byte _next;

        internal Pair(int count)
        {
            _theirs = new (int, int)[count];
            _ours = new (PipeEnd, PipeEnd)[count];
            _readClosed = new bool[count];
            _writeClosed = new bool[count];
            for (int i = 0; i < count; i++)
            {
                _theirs[i] = HostKernel.Pipe(HostKernel.O_NONBLOCK | HostKernel.O_CLOEXEC);
                PipeRing.CreatePair(out PipeEnd read, out PipeEnd write);
                _ours[i] = (read, write);
            }
        }

        public void Dispose()
        {
            for (int i = 0; i < _theirs.Length; i++)
            {
                CloseRead(i);
                CloseWrite(i);
                Assert.True(_ours[i].Read.Ring.IsUnused);
            }
        }

        internal string Step(Random random, out long expected, out long actual)
        {
            int pipe = random.Next(_theirs.Length);
            int other = random.Next(_theirs.Length);
            int size = random.Next(4) switch
            {
                0 => random.Next(0, 64),
                1 => random.Next(0, 5000),
                2 => 4096 * random.Next(1, 5),
                _ => random.Next(0, 100_000),
            };
            switch (random.Next(16))
            {
                case <= 4 when !_writeClosed[pipe]:
                {
                    bool packets = random.Next(8) == 0;
                    byte[] data = new byte[size];
                    for (int i = 0; i < size; i++)
                    {
                        data[i] = _next++;
                    }
                    if (packets)
                    {
                        _ = HostKernel.Fcntl(_theirs[pipe].Write, HostKernel.F_SETFL, HostKernel.O_NONBLOCK | HostKernel.DirectFlag);
                    }
                    expected = HostKernel.Write(_theirs[pipe].Write, data);
                    if (packets)
                    {
                        _ = HostKernel.Fcntl(_theirs[pipe].Write, HostKernel.F_SETFL, HostKernel.O_NONBLOCK);
                    }
                    actual = _ours[pipe].Write.Write(data, true, packets, null).Raw;
                    return $"write pipe {pipe} {size} bytes{(packets ? " as packets" : "")}";
                }
                case <= 9 when !_readClosed[pipe]:
                {
                    byte[] theirs = new byte[size];
                    byte[] ours = new byte[size];
                    expected = HostKernel.Read(_theirs[pipe].Read, theirs);
                    actual = _ours[pipe].Read.Read(ours, true, null).Raw;
                    Assert.Equal(theirs, ours);
                    return $"read pipe {pipe} {size} bytes";
                }
                case 10 when !_readClosed[pipe] && !_writeClosed[other]:
                    expected = HostKernel.Splice(_theirs[pipe].Read, _theirs[other].Write, size, HostKernel.SPLICE_F_NONBLOCK);
                    actual = _ours[pipe].Read.Ring.SpliceTo(_ours[other].Write.Ring, size, true, null).Raw;
                    if (size == 0)
                    {
                        expected = actual = 0; // Length 0 is answered before the pipes are looked at; the caller does that.
                    }
                    return $"splice pipe {pipe} to {other} {size} bytes";
                case 11 when !_readClosed[pipe] && !_writeClosed[other]:
                    expected = HostKernel.Tee(_theirs[pipe].Read, _theirs[other].Write, size, HostKernel.SPLICE_F_NONBLOCK);
                    actual = _ours[pipe].Read.Ring.TeeTo(_ours[other].Write.Ring, size, true, null).Raw;
                    if (size == 0)
                    {
                        expected = actual = 0;
                    }
                    return $"tee pipe {pipe} to {other} {size} bytes";
                case 12 when !_readClosed[pipe]:
                    uint capacity = (uint)(random.Next(3) == 0 ? random.Next(0, 1 << 20) : 4096 * random.Next(1, 20));
                    expected = HostKernel.Fcntl(_theirs[pipe].Read, HostKernel.F_SETPIPE_SZ, capacity);
                    actual = _ours[pipe].Read.Ring.SetCapacity(capacity, true).Raw;
                    return $"F_SETPIPE_SZ pipe {pipe} {capacity}";
                case 13 when !_readClosed[pipe]:
                    expected = HostKernel.QueuedBytes(_theirs[pipe].Read);
                    actual = _ours[pipe].Read.Ring.QueuedBytes;
                    return $"FIONREAD pipe {pipe}";
                case 14:
                    expected = actual = 0;
                    if (!_readClosed[pipe])
                    {
                        expected |= (long)HostKernel.Poll(_theirs[pipe].Read, 0x3FF);
                        actual |= (long)(uint)_ours[pipe].Read.GetReady();
                    }
                    if (!_writeClosed[pipe])
                    {
                        expected |= (long)HostKernel.Poll(_theirs[pipe].Write, 0x3FF) << 32;
                        actual |= (long)(uint)_ours[pipe].Write.GetReady() << 32;
                    }
                    return $"poll pipe {pipe}";
                case 15 when random.Next(40) == 0:
                    expected = actual = 0;
                    if (random.Next(2) == 0)
                    {
                        CloseRead(pipe);
                        return $"close read end {pipe}";
                    }
                    CloseWrite(pipe);
                    return $"close write end {pipe}";
                default:
                    expected = actual = 0;
                    return "nothing";
            }
        }

        private void CloseRead(int pipe)
        {
            if (!_readClosed[pipe])
            {
                _readClosed[pipe] = true;
                HostKernel.Close(_theirs[pipe].Read);
                _ours[pipe].Read.Close();
            }
        }

        private void CloseWrite(int pipe)
        {
            if (!_writeClosed[pipe])
            {
                _writeClosed[pipe] = true;
                HostKernel.Close(_theirs[pipe].Write);
                _ours[pipe].Write.Close();
            }
        }
    }
}
