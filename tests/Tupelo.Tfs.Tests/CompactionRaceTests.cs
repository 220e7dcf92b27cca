using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Tests;

/// <summary>A mounted volume compacts while it is written to. A random run of fsx on a mount once got EROFS in the middle: the old log was
/// closed, which marks it as failed, a moment before the new one took its place, and a write without the lock asked the old one.</summary>
public sealed class CompactionRaceTests
{
    [Fact]
    public void Compaction_WhileOthersWrite_NeverTellsThemThatTheVolumeIsReadOnly()
    {
        var device = new MemoryBlockDevice(64 << 20);
        using (var builder = new TfsImageBuilder(device, new TfsBuildOptions { FixedSize = true, MinSizeBytes = device.SizeBytes }))
        {
            builder.Complete();
        }
        using var machine = new VfsMachine(device);
        int fd = (int)machine.Calls.Open("f"u8, OpenFlags.Create | OpenFlags.ReadWrite, 0x1A4);
        Assert.True(fd >= 0);
        bool stop = false;
        long worst = 0;
        var writer = new Thread(() =>
        {
            byte[] data = new byte[16];
            while (!Volatile.Read(ref stop) && worst >= 0)
            {
                worst = machine.Calls.PWrite(fd, data, 0);
            }
        });
        writer.Start();
        for (int i = 0; i < 2000 && Volatile.Read(ref worst) >= 0; i++)
        {
            Assert.Equal(Errno.None, machine.Volume!.Compact());
        }
        Volatile.Write(ref stop, true);
        writer.Join();
        Assert.True(worst >= 0, $"a write gave {(Errno)(-worst)}");
    }
}
