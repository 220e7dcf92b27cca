using Tupelo.Block;
using Tupelo.Tests;
using Tupelo.Vfs;

namespace Tupelo.Tfs.Tests;

/// <summary>Pages go to the device while others write: nothing may get lost on the way.</summary>
public sealed class WriteBackRaceTests
{
    [Fact]
    public void WriteBack_BetweenAWriteAndTheNewEndOfTheFile_LosesNoPage()
    {
        const int seed = 1;
        using var device = new MemoryBlockDevice(64 << 20);
        MountedModelTests.MakeEmptyVolume(device);
        using var tfs = new VfsMachine(device);
        using var stop = new CancellationTokenSource();
        var flusher = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                _ = tfs.Volume!.Sync();
            }
        });
        flusher.Start();
        try
        {
            var random = new Random(seed);
            byte[] read = new byte[40_000];
            int fd = (int)tfs.Calls.Open("/f"u8, OpenFlags.ReadWrite | OpenFlags.Create, 0x1B6);
            var clock = System.Diagnostics.Stopwatch.StartNew();
            for (int round = 0; clock.Elapsed < TimeSpan.FromSeconds(3); round++)
            {
                byte[] content = new byte[random.Next(1, 20_000)];
                random.NextBytes(content);
                int cut = random.Next(content.Length);
                Assert.Equal(0, tfs.Calls.FTruncate(fd, 0));
                Assert.Equal(cut, tfs.Calls.PWrite(fd, content.AsSpan(0, cut), 0));
                Assert.Equal(content.Length - cut, tfs.Calls.PWrite(fd, content.AsSpan(cut), cut));
                Assert.Equal(content.Length, tfs.Calls.PRead(fd, read, 0));
                Assert.True(content.AsSpan().SequenceEqual(read.AsSpan(0, content.Length)), $"seed {seed}, round {round}: what was written is gone");
            }
        }
        finally
        {
            stop.Cancel();
            flusher.Join();
        }
    }
}
