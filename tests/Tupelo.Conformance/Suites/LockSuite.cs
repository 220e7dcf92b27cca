// flock, record locks of processes and of open files, and leases.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>Advisory locks.</summary>
public abstract class LockSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Fact]
    public void Flock_SharedLocksGoTogetherAndExclusiveOnesDoNot()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDONLY);
        int b = Open("f"u8, O_RDONLY);
        Ok(S.Flock(a, LOCK_SH));
        Ok(S.Flock(b, LOCK_SH | LOCK_NB));
        Fails(EAGAIN, S.Flock(b, LOCK_EX | LOCK_NB));
        Ok(S.Flock(a, LOCK_UN));
        Ok(S.Flock(b, LOCK_EX | LOCK_NB));
        Fails(EAGAIN, S.Flock(a, LOCK_SH | LOCK_NB));
    }

    [Fact]
    public void Flock_BelongsToTheOpenFile()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDWR);
        int copy = (int)Ok(S.Dup(a));
        ISyscalls child = Fork();
        int other = Open("f"u8, O_RDWR);
        Ok(S.Flock(a, LOCK_EX));
        Ok(S.Flock(copy, LOCK_EX | LOCK_NB));
        Ok(S.Close(a));
        Fails(EAGAIN, S.Flock(other, LOCK_EX | LOCK_NB));
        Ok(S.Close(copy));
        Fails(EAGAIN, S.Flock(other, LOCK_EX | LOCK_NB));   // The child still has it.
        Ok(child.Close(a));
        Ok(child.Close(copy));
        Ok(S.Flock(other, LOCK_EX | LOCK_NB));
    }

    [Fact]
    public void Flock_WaitsForItsTurn()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDWR);
        Ok(S.Flock(a, LOCK_EX));
        ISyscalls other = Fork();
        int b = (int)Ok(other.Open("f"u8, O_RDWR));
        Ok(other.Close(a));
        Task<long> waiting = Start(() => other.Flock(b, LOCK_EX));
        IsBlocked(waiting);
        Ok(S.Flock(a, LOCK_UN));
        Ok(Finish(waiting));
    }

    [Fact]
    public void Flock_OfABadShape_IsRefused()
    {
        Make("f"u8);
        Fails(EINVAL, S.Flock(Open("f"u8, O_RDONLY), 0));
        Fails(EINVAL, S.Flock(Open("f"u8, O_RDONLY), LOCK_SH | LOCK_EX));
        Fails(EBADF, S.Flock(Open("f"u8, O_PATH), LOCK_SH));
        Fails(EBADF, S.Flock(-1, LOCK_SH));
        Ok(S.Flock(Open("."u8, O_DIRECTORY), LOCK_EX | LOCK_NB));
    }

    [Fact]
    public void Flock_AndRecordLocks_DoNotSeeEachOther()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDWR);
        Ok(S.Flock(a, LOCK_EX));
        ISyscalls other = Fork();
        Ok(Lock(other, (int)Ok(other.Open("f"u8, O_RDWR)), F_SETLK, F_WRLCK, 0, 0));
    }

    [Fact]
    public void RecordLocks_ConflictBetweenProcessesOnly()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDWR);
        int b = Open("f"u8, O_RDWR);
        Ok(Lock(S, a, F_SETLK, F_WRLCK, 0, 10));
        Ok(Lock(S, b, F_SETLK, F_WRLCK, 5, 10));
        ISyscalls other = Fork();
        Fails(EAGAIN, Lock(other, a, F_SETLK, F_RDLCK, 0, 1));
        Fails(EAGAIN, Lock(other, a, F_SETLK, F_WRLCK, 14, 1));
        Ok(Lock(other, a, F_SETLK, F_WRLCK, 15, 1));
    }

    [Fact]
    public void RecordLocks_OfReadersGoTogether()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDWR);
        ISyscalls other = Fork();
        Ok(Lock(S, a, F_SETLK, F_RDLCK, 0, 10));
        Ok(Lock(other, a, F_SETLK, F_RDLCK, 5, 10));
        Fails(EAGAIN, Lock(other, a, F_SETLK, F_WRLCK, 0, 3));
        Fails(EAGAIN, Lock(S, a, F_SETLK, F_WRLCK, 12, 3));
    }

    [Fact]
    public void RecordLocks_SplitAndMerge()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDWR);
        ISyscalls other = Fork();
        Ok(Lock(S, a, F_SETLK, F_WRLCK, 0, 100));
        Ok(Lock(S, a, F_SETLK, F_UNLCK, 40, 20));
        Ok(Lock(other, a, F_SETLK, F_WRLCK, 40, 20));
        Fails(EAGAIN, Lock(other, a, F_SETLK, F_WRLCK, 39, 1));
        Fails(EAGAIN, Lock(other, a, F_SETLK, F_WRLCK, 60, 1));
        Ok(Lock(S, a, F_SETLK, F_RDLCK, 10, 10));
        Ok(Lock(other, a, F_SETLK, F_RDLCK, 10, 10));
        Fails(EAGAIN, Lock(other, a, F_SETLK, F_RDLCK, 9, 1));
        KernelLock seen = Test(other, a, F_WRLCK, 0, 0);
        Assert.Equal((F_WRLCK, 0L, 10L), (seen.Type, seen.Start, seen.Length));
    }

    [Fact]
    public void GetLock_TellsTheFirstConflictOrNone()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDWR);
        ISyscalls other = Fork();
        Ok(Lock(S, a, F_SETLK, F_RDLCK, 20, 10));
        KernelLock free = Test(other, a, F_RDLCK, 0, 0);
        Assert.Equal(F_UNLCK, free.Type);
        KernelLock taken = Test(other, a, F_WRLCK, 0, 0);
        Assert.Equal((F_RDLCK, (short)SEEK_SET, 20L, 10L), (taken.Type, taken.Whence, taken.Start, taken.Length));
        Assert.NotEqual(0, taken.Pid);
        Assert.Equal(F_UNLCK, Test(S, a, F_WRLCK, 0, 0).Type);
    }

    [Theory]
    [InlineData(SEEK_SET, 10, 5, 10, 5)]
    [InlineData(SEEK_CUR, 2, 5, 6, 5)]
    [InlineData(SEEK_END, -3, 2, 17, 2)]
    [InlineData(SEEK_SET, 10, -4, 6, 4)]
    [InlineData(SEEK_SET, 10, 0, 10, 0)]
    public void RecordLocks_AreRelativeToStartPositionOrEnd(int whence, int start, int length, int expectedStart, int expectedLength)
    {
        Make("f"u8, Letters(20));
        int a = Open("f"u8, O_RDWR);
        Ok(S.LSeek(a, 4, SEEK_SET));
        ISyscalls other = Fork();
        var request = new KernelLock(F_WRLCK, start, length, (short)whence);
        Ok(S.Fcntl(a, F_SETLK, ref request));
        KernelLock seen = Test(other, a, F_WRLCK, 0, 0);
        Assert.Equal((expectedStart, expectedLength), (seen.Start, seen.Length));
    }

    [Fact]
    public void RecordLocks_OfABadShape_AreRefused()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDWR);
        Fails(EINVAL, Lock(S, a, F_SETLK, F_WRLCK, -1, 10));
        Fails(EINVAL, Lock(S, a, F_SETLK, F_WRLCK, 5, -10));
        Fails(EINVAL, Lock(S, a, F_SETLK, 77, 0, 10));
        var bad = new KernelLock(F_WRLCK, 0, 10, 9);
        Fails(EINVAL, S.Fcntl(a, F_SETLK, ref bad));
        Fails(EOVERFLOW, Lock(S, a, F_SETLK, F_WRLCK, long.MaxValue, 10));
        Fails(EBADF, Lock(S, Open("f"u8, O_RDONLY), F_SETLK, F_WRLCK, 0, 10));
        Fails(EBADF, Lock(S, Open("f"u8, O_WRONLY), F_SETLK, F_RDLCK, 0, 10));
        Fails(EBADF, Lock(S, Open("f"u8, O_PATH), F_SETLK, F_RDLCK, 0, 10));
        Fails(EBADF, Lock(S, -1, F_SETLK, F_RDLCK, 0, 10));
    }

    [Fact]
    public void RecordLocks_EndWhenAnyDescriptorOfTheFileIsClosed()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDWR);
        ISyscalls other = Fork();
        Ok(Lock(S, a, F_SETLK, F_WRLCK, 0, 10));
        Fails(EAGAIN, Lock(other, a, F_SETLK, F_WRLCK, 0, 10));
        Ok(S.Close(Open("f"u8, O_RDONLY)));
        Ok(Lock(other, a, F_SETLK, F_WRLCK, 0, 10));
    }

    [Fact]
    public void RecordLocks_EndWhenDup2ReplacesADescriptorOfTheFile()
    {
        Make("f"u8);
        Make("g"u8);
        int a = Open("f"u8, O_RDWR);
        int g = Open("g"u8, O_RDWR);
        ISyscalls other = Fork();
        Ok(Lock(S, a, F_SETLK, F_WRLCK, 0, 10));
        int second = Open("f"u8, O_RDONLY);
        Gives(second, S.Dup2(g, second));
        Ok(Lock(other, a, F_SETLK, F_WRLCK, 0, 10));
    }

    [Fact]
    public void RecordLocks_AreNotInherited()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDWR);
        Ok(Lock(S, a, F_SETLK, F_WRLCK, 0, 10));
        ISyscalls child = Fork();
        Fails(EAGAIN, Lock(child, a, F_SETLK, F_WRLCK, 0, 10));
        Ok(child.Close(a));
        Fails(EAGAIN, Lock(Fork(), a, F_SETLK, F_WRLCK, 0, 10));
    }

    [Fact]
    public void RecordLocks_WaitForTheirTurn()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDWR);
        ISyscalls other = Fork();
        Ok(Lock(S, a, F_SETLK, F_WRLCK, 0, 10));
        Task<long> waiting = Start(() => Lock(other, a, F_SETLKW, F_WRLCK, 5, 10));
        IsBlocked(waiting);
        Ok(Lock(S, a, F_SETLK, F_UNLCK, 0, 7));
        IsBlocked(waiting);
        Ok(Lock(S, a, F_SETLK, F_UNLCK, 7, 3));
        Ok(Finish(waiting));
    }

    [Fact]
    public void RecordLocks_ThatWaitForEachOther_GiveEDEADLK()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDWR);
        ISyscalls other = Fork();
        Ok(Lock(S, a, F_SETLK, F_WRLCK, 0, 1));
        Ok(Lock(other, a, F_SETLK, F_WRLCK, 1, 1));
        Task<long> waiting = Start(() => Lock(other, a, F_SETLKW, F_WRLCK, 0, 1));
        IsBlocked(waiting);
        Fails(EDEADLK, Lock(S, a, F_SETLKW, F_WRLCK, 1, 1));
        Ok(Lock(S, a, F_SETLK, F_UNLCK, 0, 1));
        Ok(Finish(waiting));
    }

    [Fact]
    public void OpenFileLocks_ConflictInsideOfAProcessToo()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDWR);
        int b = Open("f"u8, O_RDWR);
        Ok(Lock(S, a, F_OFD_SETLK, F_WRLCK, 0, 10));
        Fails(EAGAIN, Lock(S, b, F_OFD_SETLK, F_RDLCK, 0, 1));
        Fails(EAGAIN, Lock(S, b, F_SETLK, F_RDLCK, 0, 1));
        Ok(Lock(S, (int)Ok(S.Dup(a)), F_OFD_SETLK, F_WRLCK, 0, 10));
        Ok(S.Close(Open("f"u8, O_RDONLY)));
        Fails(EAGAIN, Lock(S, b, F_OFD_SETLK, F_RDLCK, 0, 1));
        var request = new KernelLock(F_WRLCK, 0, 10) { Pid = 5 };
        Fails(EINVAL, S.Fcntl(b, F_OFD_SETLK, ref request));
    }

    [Fact]
    public void OpenFileLocks_EndWithTheLastDescriptor()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDWR);
        int copy = (int)Ok(S.Dup(a));
        int b = Open("f"u8, O_RDWR);
        Ok(Lock(S, a, F_OFD_SETLK, F_WRLCK, 0, 10));
        KernelLock seen = new(F_WRLCK, 0, 0);
        Ok(S.Fcntl(b, F_OFD_GETLK, ref seen));
        Assert.Equal((F_WRLCK, -1), (seen.Type, seen.Pid));
        Ok(S.Close(a));
        Fails(EAGAIN, Lock(S, b, F_OFD_SETLK, F_WRLCK, 0, 10));
        Ok(S.Close(copy));
        Ok(Lock(S, b, F_OFD_SETLK, F_WRLCK, 0, 10));
    }

    [Fact]
    public void Locks_SurviveRenameAndUnlink()
    {
        Needs(Features.OpenUnlinked);
        Make("f"u8);
        int a = Open("f"u8, O_RDWR);
        int b = Open("f"u8, O_RDWR);
        Ok(S.Flock(a, LOCK_EX));
        Ok(S.Rename("f"u8, "g"u8));
        Ok(S.Unlink("g"u8));
        Fails(EAGAIN, S.Flock(b, LOCK_EX | LOCK_NB));
        Make("g"u8);
        Ok(S.Flock(Open("g"u8, O_RDWR), LOCK_EX | LOCK_NB));
    }

    [Fact]
    public void Locks_ThroughTwoNamesAreTheSame()
    {
        Needs(Features.HardLinks);
        Make("f"u8);
        Ok(S.Link("f"u8, "g"u8));
        Ok(S.Flock(Open("f"u8, O_RDWR), LOCK_EX));
        Fails(EAGAIN, S.Flock(Open("g"u8, O_RDWR), LOCK_EX | LOCK_NB));
    }

    [Fact]
    public void Leases_AreGivenToTheOnlyUser()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDONLY);
        Gives(F_UNLCK, S.Fcntl(a, F_GETLEASE));
        Ok(S.Fcntl(a, F_SETLEASE, F_RDLCK));
        Gives(F_RDLCK, S.Fcntl(a, F_GETLEASE));
        Ok(S.Fcntl(a, F_SETLEASE, F_UNLCK));
        int b = Open("f"u8, O_RDWR);
        Fails(EAGAIN, S.Fcntl(a, F_SETLEASE, F_RDLCK));
        Fails(EAGAIN, S.Fcntl(b, F_SETLEASE, F_WRLCK));
        Ok(S.Close(a));
        Ok(S.Fcntl(b, F_SETLEASE, F_WRLCK));
        Fails(EINVAL, S.Fcntl(b, F_SETLEASE, 9));
        Fails(EINVAL, S.Fcntl(Open("."u8, O_DIRECTORY), F_SETLEASE, F_RDLCK));
    }

    private static long Lock(ISyscalls s, int fd, int command, short type, long start, long length)
    {
        var request = new KernelLock(type, start, length);
        return s.Fcntl(fd, command, ref request);
    }

    private static KernelLock Test(ISyscalls s, int fd, short type, long start, long length)
    {
        var request = new KernelLock(type, start, length);
        Ok(s.Fcntl(fd, F_GETLK, ref request));
        return request;
    }

    // A process that ended once left its record locks behind, and nobody could take them any more.
    [Fact]
    public void Exit_DropsRecordLocks()
    {
        Make("f"u8, Letters(100));
        int fd = Open("f"u8, O_RDWR);
        using (ISyscalls child = Fork())
        {
            KernelLock taken = new(F_WRLCK, 0, 10, 0);
            Ok(child.Fcntl(fd, F_SETLK, ref taken));
            KernelLock wanted = new(F_WRLCK, 0, 10, 0);
            Fails(EAGAIN, S.Fcntl(fd, F_SETLK, ref wanted));
        }
        KernelLock again = new(F_WRLCK, 0, 10, 0);
        Ok(S.Fcntl(fd, F_SETLK, ref again));
    }
}
