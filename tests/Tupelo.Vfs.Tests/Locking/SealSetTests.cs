using Tupelo.Vfs;

namespace Tupelo.Vfs.Tests.Locking;

public sealed class SealSetTests
{
    [Fact]
    public void SealedAgainstSealing_ReturnsEPERM_ButUnknownBitsEINVALFirst()
    {
        SealSet seals = new(allowSealing: false);
        Assert.Equal(Seals.Seal, seals.Current);
        Assert.Equal(Errno.EPERM, seals.Add(Seals.Write, 0, false));
        Assert.Equal(Errno.EINVAL, seals.Add((Seals)0x40, 0, false));
    }

    [Fact]
    public void SealsTakeEffect()
    {
        SealSet seals = new(true);
        Assert.Equal(Errno.None, seals.Add(Seals.Grow | Seals.Shrink, 0, false));
        Assert.Equal(Errno.EPERM, seals.CheckResize(10, 11));
        Assert.Equal(Errno.EPERM, seals.CheckResize(10, 9));
        Assert.Equal(Errno.None, seals.CheckResize(10, 10));
        Assert.Equal(Errno.None, seals.CheckWrite(9, 10));
        Assert.Equal(Errno.EPERM, seals.CheckWrite(10, 10));
        Assert.Equal(Errno.EBUSY, seals.Add(Seals.Write, writableMappings: 1, false));
        Assert.Equal(Errno.None, seals.Add(Seals.Write, 0, false));
        Assert.Equal(Errno.EPERM, seals.CheckWrite(0, 10));
        Assert.Equal(Errno.None, seals.Add(Seals.Write, writableMappings: 1, false));
    }

    // All sequences of up to three additions, on a memory file of the host and here.
    [Fact]
    public void Sequences_GiveWhatTheHostsKernelGives()
    {
        Assert.SkipUnless(HostKernel.IsAvailable, "needs Linux");
        const uint AllowSealing = 2;
        Random random = new(1);
        for (int round = 0; round < 2000; round++)
        {
            // MFD_EXEC (0x10) makes an executable file, MFD_NOEXEC_SEAL is left out: it is two calls in one.
            bool allow = random.Next(5) != 0;
            int fd = HostKernel.MemFd("seals", (allow ? AllowSealing : 0) | 0x10);
            Assert.True(fd >= 0);
            SealSet seals = new(allow);
            for (int step = 0; step < 3; step++)
            {
                int add = random.Next(128) & random.Next(128);
                Assert.Equal(HostKernel.Fcntl(fd, HostKernel.F_ADD_SEALS, add), -(long)seals.Add((Seals)add, 0, isExecutable: true));
                Assert.Equal(HostKernel.Fcntl(fd, HostKernel.F_GET_SEALS, 0), (long)seals.Current);
            }
            HostKernel.Close(fd);
        }
    }
}
