using System.Globalization;
using System.Text;
using Tupelo.Block;
using Tupelo.Tests;
using Tupelo.Vfs;

namespace Tupelo.Tfs.Tests;

/// <summary>A volume of 2 MiB is filled from either side, by names or by data; it mounts again, is clean, and can be emptied and used.</summary>
public sealed class SmallVolumeTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FullVolumeOfTwoMebibytes_MountsClean_AndCanBeEmptied(bool withData)
    {
        using var device = new MemoryBlockDevice(2 << 20);
        MountedModelTests.MakeEmptyVolume(device);
        int made;
        using (var machine = new VfsMachine(device))
        {
            made = Fill(machine, withData);
            Assert.Equal(Errno.None, machine.Volume!.Sync());
        }
        for (int round = 0; round < 2; round++)
        {
            Assert.True(TfsChecker.Check(device).IsClean);
            using var machine = new VfsMachine(device);
            for (int i = 0; i < made; i++)
            {
                Assert.Equal(0, machine.Calls.UnlinkAt(AtFd.CurrentDirectory, Name(i)));
                if (i % 50 == 0)
                {
                    Assert.Equal(Errno.None, machine.Volume!.Sync());
                }
            }
            Assert.Equal(Errno.None, machine.Volume!.Sync());
            Assert.Equal(Errno.None, machine.Volume!.Compact());
            made = Fill(machine, withData);
            Assert.Equal(Errno.None, machine.Volume!.Sync());
        }
        Assert.True(TfsChecker.Check(device).IsClean);
    }

    private static int Fill(VfsMachine machine, bool withData)
    {
        byte[] data = new byte[withData ? 20_000 : 0];
        for (int made = 0; made < 20_000; made++)
        {
            int fd = (int)machine.Calls.Open(Name(made), OpenFlags.ReadWrite | OpenFlags.Create, 0x1A4);
            if (fd < 0)
            {
                Assert.Equal(-(int)Errno.ENOSPC, fd);
                Assert.True(made > 10);
                return made;
            }
            long written = machine.Calls.PWrite(fd, data, 0);
            Assert.Equal(0, machine.Calls.Close(fd));
            if (written != data.Length)
            {
                return made + 1;
            }
            if (made % 20 == 0)
            {
                Assert.Equal(Errno.None, machine.Volume!.Sync());
            }
        }
        throw new InvalidOperationException("the volume does not get full");
    }

    private static byte[] Name(int i) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/a-file-with-a-name-of-some-length-{i}"));
}
