using System.Diagnostics;
using System.Globalization;

namespace Tupelo.Tests;

public sealed class ConcurrencyTests
{
    private const int Threads = 64;

    // TUPELO_SOAK_SECONDS=600 is the campaign; see CONTRIBUTING.md.
    private static readonly TimeSpan SoakTime = TimeSpan.FromSeconds(
        int.Parse(Environment.GetEnvironmentVariable("TUPELO_SOAK_SECONDS") ?? "20", CultureInfo.InvariantCulture));

    private static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("TUPELO_SEED") ?? "1", CultureInfo.InvariantCulture);

    [Fact]
    public void SixtyFourThreads_OnOneVolume_AgreeWithTheirModels()
    {
        using HostDirectory host = new();
        Worker[] workers;
        using (Volume volume = Volume.Create(host["soak.tfs"], new VolumeOptions { FlushDelay = TimeSpan.FromMilliseconds(50) }))
        {
            volume.CreateDirectory("/shared");
            workers = [.. Enumerable.Range(0, Threads).Select(number => new Worker(volume, number, Seed))];
            Run(workers, SoakTime);
            foreach (Worker worker in workers)
            {
                worker.Compare(volume);
            }
            Assert.Equal(0, volume.OpenFileCount);
        }
        using Volume again = Volume.Open(host["soak.tfs"]);
        foreach (Worker worker in workers)
        {
            worker.Compare(again);
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {Seed}: {workers.Sum(static worker => worker.Steps)} operations in {SoakTime.TotalSeconds} s");
    }

    [Fact]
    public void DisposingInTheMiddleOfItAll_IsClean()
    {
        for (int round = 0; round < 8; round++)
        {
            using HostDirectory host = new();
            Volume volume = Volume.Create(host["v"]);
            volume.CreateDirectory("/shared");
            Worker[] workers = [.. Enumerable.Range(0, Threads).Select(number => new Worker(volume, number, Seed + round))];
            Thread[] threads = [.. workers.Select(static worker => new Thread(() => worker.RunUntilDisposed()))];
            Array.ForEach(threads, static thread => thread.Start());
            Thread.Sleep(100 + (round * 40));
            volume.Dispose();
            Assert.True(threads.All(static thread => thread.Join(TimeSpan.FromSeconds(60))), "a thread hangs in a volume that is gone");
            foreach (Worker worker in workers)
            {
                Assert.Null(worker.Problem);
            }
            using Volume again = Volume.Open(host["v"]);
            Assert.True(again.DirectoryExists("/shared"));
        }
    }

    private static void Run(Worker[] workers, TimeSpan time)
    {
        var clock = Stopwatch.StartNew();
        Thread[] threads = [.. workers.Select(worker => new Thread(() => worker.RunFor(clock, time)))];
        Array.ForEach(threads, static thread => thread.Start());
        Assert.True(threads.All(thread => thread.Join(time + TimeSpan.FromSeconds(120))), "a thread hangs");
        foreach (Worker worker in workers)
        {
            Assert.Null(worker.Problem);
        }
    }

    // A thread with a directory of its own, whose content it knows, and one that all share.
    private sealed class Worker(Volume volume, int number, int seed)
    {
        private readonly Random _random = new((seed * 1_000) + number);
        private readonly Dictionary<string, byte[]> _files = new(StringComparer.Ordinal);
        private readonly Dictionary<string, string> _history = new(StringComparer.Ordinal);
        private readonly string _home = $"/home{number}";

        public long Steps { get; private set; }

        public Exception? Problem { get; private set; }

        public void RunFor(Stopwatch clock, TimeSpan time)
        {
            try
            {
                volume.CreateDirectory(_home);
                while (clock.Elapsed < time)
                {
                    Step();
                }
            }
            catch (Exception problem) when (problem is not OutOfMemoryException)
            {
                Problem = problem;
            }
        }

        public void RunUntilDisposed()
        {
            try
            {
                volume.CreateDirectory(_home);
                while (true)
                {
                    Step();
                }
            }
            catch (ObjectDisposedException)
            {
                // what was waited for
            }
            catch (Exception problem) when (problem is not OutOfMemoryException)
            {
                Problem = problem;
            }
        }

        public void Compare(Volume with)
        {
            Assert.Equal(_files.Keys.Order(StringComparer.Ordinal), with.Enumerate(_home).Select(static entry => entry.Name).Order(StringComparer.Ordinal));
            foreach ((string name, byte[] content) in _files)
            {
                Assert.True(content.AsSpan().SequenceEqual(with.ReadAllBytes($"{_home}/{name}")), $"{_home}/{name} has other content");
            }
        }

        private void Step()
        {
            Steps++;
            string name = $"f{_random.Next(20)}";
            string path = $"{_home}/{name}";
            int what = _random.Next(14);
            _history[name] = _history.GetValueOrDefault(name) + " " + what;
            switch (what)
            {
                case 0 or 1:
                    byte[] content = Bytes(_random.Next(20_000));
                    volume.WriteAllBytes(path, content);
                    _files[name] = content;
                    break;
                case 2:
                    content = Bytes(_random.Next(5_000));
                    volume.ReplaceAllBytes(path, content);
                    _files[name] = content;
                    break;
                case 3 or 4 or 5:
                    if (_files.TryGetValue(name, out byte[]? known))
                    {
                        byte[] read = volume.ReadAllBytes(path);
                        Check(known.AsSpan().SequenceEqual(read), path, known, read);
                    }
                    else
                    {
                        Check(!volume.Exists(path), path);
                    }
                    break;
                case 6:
                    Check(volume.TryDelete(path) == _files.Remove(name), path);
                    break;
                case 7:
                    string other = $"f{_random.Next(20)}";
                    if (_files.TryGetValue(name, out known) && other != name)
                    {
                        volume.Move(path, $"{_home}/{other}", overwrite: true);
                        _ = _files.Remove(name);
                        _files[other] = known;
                    }
                    break;
                case 8:
                    if (_files.TryGetValue(name, out known) && known.Length > 0)
                    {
                        using VolumeFile file = volume.OpenFile(path);
                        int at = _random.Next(known.Length);
                        byte[] patch = Bytes(_random.Next(1, 3_000));
                        file.Write(at, patch);
                        byte[] changed = new byte[Math.Max(known.Length, at + patch.Length)];
                        known.CopyTo(changed, 0);
                        patch.CopyTo(changed, at);
                        _files[name] = changed;
                    }
                    break;
                case 9:
                    volume.AppendAllBytes("/shared/log", Bytes(10));
                    break;
                case 10:
                    Shared(() => volume.WriteAllBytes($"/shared/{_random.Next(50)}", Bytes(100)));
                    break;
                case 11:
                    Shared(() => volume.Move($"/shared/{_random.Next(50)}", $"/shared/{_random.Next(50)}", overwrite: true));
                    break;
                case 12:
                    Check(volume.Enumerate(_home).Count() == _files.Count, _home);
                    break;
                default:
                    if (_random.Next(20) == 0)
                    {
                        Transact();
                    }
                    else if (_random.Next(20) == 0)
                    {
                        volume.Flush();
                    }
                    break;
            }
        }

        private void Transact()
        {
            var changed = new Dictionary<string, byte[]>(_files, StringComparer.Ordinal);
            using VolumeTransaction transaction = volume.Transaction();
            for (int i = 0; i < 5; i++)
            {
                string name = $"f{_random.Next(20)}";
                byte[] content = Bytes(_random.Next(2_000));
                transaction.WriteAllBytes($"{_home}/{name}", content);
                changed[name] = content;
            }
            if (_random.Next(3) > 0)
            {
                transaction.Commit();
                _files.Clear();
                foreach ((string name, byte[] content) in changed)
                {
                    _files[name] = content;
                }
            }
        }

        private static void Shared(Action action)
        {
            try
            {
                action();
            }
            catch (FileNotFoundException)
            {
                // others were quicker
            }
        }

        private byte[] Bytes(int length)
        {
            byte[] bytes = new byte[length];
            _random.NextBytes(bytes);
            return bytes;
        }

        private void Check(bool holds, string path, byte[]? left = null, byte[]? found = null)
        {
            if (!holds)
            {
                string how = left is null || found is null ? "" : $": {left.Length} bytes were left, {found.Length} found, the first {left.AsSpan().CommonPrefixLength(found)} are the same";
                throw new InvalidDataException($"seed {seed}, thread {number}, step {Steps}: {path} is not as it was left{how}; {_history.GetValueOrDefault(path[(_home.Length + 1)..])}");
            }
        }
    }
}
