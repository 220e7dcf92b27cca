// inotify: which change tells which events, in which order, with which names and cookies.
using System.Buffers.Binary;
using System.Text;
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>Change notification.</summary>
public abstract class InotifySuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Fact]
    public void Directory_TellsTheLifeOfAFile()
    {
        MakeDirectory("d"u8);
        int n = Watch("d"u8, IN_ALL_EVENTS);
        int fd = Open("d/f"u8, O_CREAT | O_RDWR, Oct(644));
        Gives(3, S.Write(fd, "abc"u8));
        Gives(3, S.PRead(fd, new byte[5], 0));
        Ok(S.FChMod(fd, Oct(600)));
        Ok(S.Close(fd));
        Ok(S.Unlink("d/f"u8));
        Assert.Equal(["CREATE f", "OPEN f", "MODIFY f", "ACCESS f", "ATTRIB f", "CLOSE_WRITE f", "DELETE f"], Events(n));
    }

    [Fact]
    public void File_TellsItsOwnLife()
    {
        Needs(Features.OpenUnlinked);
        Make("f"u8);
        int n = Watch("f"u8, IN_ALL_EVENTS);
        int fd = Open("f"u8, O_RDONLY);
        Gives(0, S.Read(fd, new byte[5]));
        Ok(S.Close(fd));
        Ok(S.Truncate("f"u8, 10));
        Ok(S.Rename("f"u8, "g"u8));
        Ok(S.Unlink("g"u8));
        Assert.Equal(["OPEN", "CLOSE_NOWRITE", "MODIFY", "MOVE_SELF", "ATTRIB", "DELETE_SELF", "IGNORED"], Events(n).Where(e => e != "ACCESS"));
    }

    [Fact]
    public void File_ThatIsStillOpen_TellsItsDeletionAtTheLastClose()
    {
        Needs(Features.OpenUnlinked);
        Make("f"u8);
        int fd = Open("f"u8, O_RDONLY);
        int n = Watch("f"u8, IN_ALL_EVENTS);
        Ok(S.Unlink("f"u8));
        Assert.Equal(["ATTRIB"], Events(n));
        Ok(S.Close(fd));
        Assert.Equal(["CLOSE_NOWRITE", "DELETE_SELF", "IGNORED"], Events(n));
    }

    [Fact]
    public void Directories_AreMarked()
    {
        MakeDirectory("d"u8);
        int n = Watch("d"u8, IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB);
        MakeDirectory("d/e"u8);
        Ok(S.ChMod("d/e"u8, Oct(700)));
        Ok(S.RmDir("d/e"u8));
        Assert.Equal(["CREATE|ISDIR e", "ATTRIB|ISDIR e", "DELETE|ISDIR e"], Events(n));
    }

    [Fact]
    public void Rename_TellsBothSidesWithOneCookie()
    {
        MakeDirectory("p"u8);
        MakeDirectory("q"u8);
        Make("p/f"u8);
        int n = (int)Ok(S.InotifyInit1(IN_NONBLOCK));
        int p = (int)Ok(S.InotifyAddWatch(n, "p"u8, IN_ALL_EVENTS));
        int q = (int)Ok(S.InotifyAddWatch(n, "q"u8, IN_ALL_EVENTS));
        Ok(S.Rename("p/f"u8, "q/g"u8));
        List<InotifyEvent> events = RawEvents(n);
        Assert.Equal([(p, "MOVED_FROM f"), (q, "MOVED_TO g")], events.Select(e => (e.Watch, e.ToString())));
        Assert.NotEqual(0u, events[0].Cookie);
        Assert.Equal(events[0].Cookie, events[1].Cookie);
        Ok(S.Rename("q/g"u8, "q/h"u8));
        List<InotifyEvent> again = RawEvents(n);
        Assert.Equal(["MOVED_FROM g", "MOVED_TO h"], again.Select(e => e.ToString()));
        Assert.NotEqual(events[0].Cookie, again[0].Cookie);
    }

    [Fact]
    public void Rename_OverAFile_TellsItsEnd()
    {
        Make("a"u8);
        Make("b"u8);
        int n = Watch("b"u8, IN_ALL_EVENTS);
        Ok(S.Rename("a"u8, "b"u8));
        Assert.Equal(["ATTRIB", "DELETE_SELF", "IGNORED"], Events(n));
    }

    [Fact]
    public void Links_TellCreationAndChange()
    {
        Needs(Features.HardLinks | Features.Symlinks);
        MakeDirectory("d"u8);
        Make("f"u8);
        int d = Watch("d"u8, IN_ALL_EVENTS);
        int f = Watch("f"u8, IN_ALL_EVENTS);
        Ok(S.Link("f"u8, "d/g"u8));
        Ok(S.Symlink("t"u8, "d/s"u8));
        Assert.Equal(["CREATE g", "CREATE s"], Events(d));
        Assert.Equal(["ATTRIB"], Events(f));
    }

    [Fact]
    public void WatchOfAFile_SeesChangesThroughEveryName()
    {
        Needs(Features.HardLinks);
        Make("f"u8);
        Ok(S.Link("f"u8, "g"u8));
        int n = Watch("f"u8, IN_MODIFY);
        int fd = Open("g"u8, O_WRONLY);
        Gives(1, S.Write(fd, "x"u8));
        Assert.Equal(["MODIFY"], Events(n));
    }

    [Fact]
    public void EqualEvents_InSequenceAreMerged()
    {
        Make("f"u8);
        int n = Watch("f"u8, IN_MODIFY | IN_ATTRIB);
        int fd = Open("f"u8, O_WRONLY);
        for (int i = 0; i < 5; i++)
        {
            Gives(1, S.Write(fd, "x"u8));
        }
        Ok(S.FChMod(fd, Oct(600)));
        Gives(1, S.Write(fd, "x"u8));
        Assert.Equal(["MODIFY", "ATTRIB", "MODIFY"], Events(n));
    }

    [Fact]
    public void Mask_ChoosesAndCanBeReplacedOrAddedTo()
    {
        Make("f"u8);
        int n = (int)Ok(S.InotifyInit1(IN_NONBLOCK));
        int w = (int)Ok(S.InotifyAddWatch(n, "f"u8, IN_OPEN));
        Gives(w, S.InotifyAddWatch(n, "f"u8, IN_CLOSE_NOWRITE));
        Ok(S.Close(Open("f"u8, O_RDONLY)));
        Assert.Equal(["CLOSE_NOWRITE"], Events(n));
        Gives(w, S.InotifyAddWatch(n, "f"u8, IN_OPEN | IN_MASK_ADD));
        Ok(S.Close(Open("f"u8, O_RDONLY)));
        Assert.Equal(["OPEN", "CLOSE_NOWRITE"], Events(n));
        Fails(EEXIST, S.InotifyAddWatch(n, "f"u8, IN_OPEN | IN_MASK_CREATE));
    }

    [Fact]
    public void OneShot_TellsOnceAndEnds()
    {
        Make("f"u8);
        int n = Watch("f"u8, IN_OPEN | IN_ONESHOT);
        Ok(S.Close(Open("f"u8, O_RDONLY)));
        Ok(S.Close(Open("f"u8, O_RDONLY)));
        Assert.Equal(["OPEN", "IGNORED"], Events(n));
    }

    [Fact]
    public void RemovedWatch_TellsItsEndAndNothingMore()
    {
        Make("f"u8);
        int n = (int)Ok(S.InotifyInit1(IN_NONBLOCK));
        int w = (int)Ok(S.InotifyAddWatch(n, "f"u8, IN_OPEN));
        Ok(S.InotifyRmWatch(n, w));
        Ok(S.Close(Open("f"u8, O_RDONLY)));
        Assert.Equal(["IGNORED"], Events(n));
        Fails(EINVAL, S.InotifyRmWatch(n, w));
        Assert.NotEqual(w, Ok(S.InotifyAddWatch(n, "f"u8, IN_OPEN)));
    }

    [Fact]
    public void Unmount_TellsAndEndsTheWatch()
    {
        MakeDirectory("m"u8);
        Ok(S.Mount("t"u8, "m"u8, TestMount.ScratchType, 0, default));
        Make("m/f"u8);
        int n = Watch("m/f"u8, IN_ALL_EVENTS);
        Ok(S.Umount("m"u8));
        Assert.Equal(["UNMOUNT", "IGNORED"], Events(n));
    }

    [Fact]
    public void OnlyDirectoryAndDontFollow_AreObeyed()
    {
        Needs(Features.Symlinks);
        Make("f"u8);
        MakeDirectory("d"u8);
        Ok(S.Symlink("f"u8, "link"u8));
        int n = (int)Ok(S.InotifyInit1(IN_NONBLOCK));
        Fails(ENOTDIR, S.InotifyAddWatch(n, "f"u8, IN_OPEN | IN_ONLYDIR));
        int d = (int)Ok(S.InotifyAddWatch(n, "d"u8, IN_OPEN | IN_ONLYDIR));
        int target = (int)Ok(S.InotifyAddWatch(n, "link"u8, IN_OPEN));
        int link = (int)Ok(S.InotifyAddWatch(n, "link"u8, IN_OPEN | IN_DONT_FOLLOW));
        Assert.Equal(3, new[] { d, target, link }.Distinct().Count());
        Gives(target, S.InotifyAddWatch(n, "f"u8, IN_OPEN));
    }

    [Fact]
    public void BadShapes_AreRefused()
    {
        Make("f"u8);
        int n = (int)Ok(S.InotifyInit1(IN_NONBLOCK));
        Fails(EINVAL, S.InotifyAddWatch(n, "f"u8, 0));
        Fails(ENOENT, S.InotifyAddWatch(n, "missing"u8, IN_OPEN));
        Fails(EFAULT, S.InotifyAddWatch(n, default, IN_OPEN));
        Fails(EBADF, S.InotifyAddWatch(-1, "f"u8, IN_OPEN));
        Fails(EINVAL, S.InotifyAddWatch(Open("f"u8, O_RDONLY), "f"u8, IN_OPEN));
        Fails(EINVAL, S.InotifyAddWatch(n, "f"u8, IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE));
        Fails(EINVAL, S.InotifyRmWatch(n, 12345));
        Fails(EINVAL, S.InotifyInit1(1));
    }

    [Fact]
    public void Watch_NeedsReadPermission()
    {
        Needs(Features.Ownership);
        Make("f"u8);
        Ok(S.ChMod("f"u8, Oct(622)));
        ISyscalls user = ForkAs(1000, 1000);
        int n = (int)Ok(user.InotifyInit1(IN_NONBLOCK));
        Fails(EACCES, user.InotifyAddWatch(n, "f"u8, IN_OPEN));
    }

    [Fact]
    public void Reading_ReturnsWholeEventsOrEAGAIN()
    {
        MakeDirectory("d"u8);
        int n = Watch("d"u8, IN_CREATE);
        Fails(EAGAIN, S.Read(n, new byte[100]));
        Make("d/f"u8);
        Make("d/g"u8);
        Fails(EINVAL, S.Read(n, new byte[20]));
        Gives(32, S.Read(n, new byte[40]));
        Gives(32, S.Read(n, new byte[40]));
        Fails(EAGAIN, S.Read(n, new byte[100]));
        Fails(EBADF, S.Write(n, "x"u8));
    }

    [Fact]
    public void Reading_WaitsForAnEvent()
    {
        MakeDirectory("d"u8);
        ISyscalls other = Fork();
        int n = (int)Ok(other.InotifyInit1(0));
        Ok(other.InotifyAddWatch(n, "d"u8, IN_CREATE));
        byte[] buffer = new byte[100];
        Task<long> waiting = Start(() => other.Read(n, buffer));
        IsBlocked(waiting);
        Make("d/f"u8);
        Gives(32, Finish(waiting));
    }

    [Fact]
    public void Polling_TellsWhenAnEventIsThere()
    {
        MakeDirectory("d"u8);
        int n = Watch("d"u8, IN_CREATE);
        KernelPollFd[] fds = [new(n, POLLIN)];
        Gives(0, S.Poll(fds, 0));
        Make("d/f"u8);
        Gives(1, S.Poll(fds, 0));
        byte[] size = new byte[4];
        Ok(S.IoCtl(n, FIONREAD, size));
        Assert.Equal(32, BitConverter.ToInt32(size));
        Assert.Single(Events(n));
        Gives(0, S.Poll(fds, 0));
    }

    [Fact]
    public void TwoInstances_EachSeeAll()
    {
        MakeDirectory("d"u8);
        int one = Watch("d"u8, IN_CREATE);
        int two = Watch("d"u8, IN_CREATE | IN_DELETE);
        Make("d/f"u8);
        Ok(S.Unlink("d/f"u8));
        Assert.Equal(["CREATE f"], Events(one));
        Assert.Equal(["CREATE f", "DELETE f"], Events(two));
    }

    [Fact]
    public void OtherProcesses_AreSeen()
    {
        MakeDirectory("d"u8);
        int n = Watch("d"u8, IN_CREATE);
        ISyscalls other = Fork();
        Ok(other.MkDir("d/e"u8, Oct(755)));
        Assert.Equal(["CREATE|ISDIR e"], Events(n));
    }

    [Fact]
    public void Queue_OverflowsWithOneEvent()
    {
        MakeDirectory("d"u8);
        int n = Watch("d"u8, IN_CREATE | IN_DELETE);
        for (int i = 0; i < 10000; i++)
        {
            Ok(S.MkDir("d/x"u8, Oct(755)));
            Ok(S.RmDir("d/x"u8));
        }
        string[] events = Events(n);
        Assert.Equal("Q_OVERFLOW", events[^1]);
        Assert.Single(events, e => e == "Q_OVERFLOW");
        Assert.InRange(events.Length, 16384, 16386);
    }

    [Fact]
    public void Listing_IsAnAccessEachTime_AlsoAtTheEnd()
    {
        MakeDirectory("d"u8);
        int fd = Open("d"u8, O_RDONLY | O_DIRECTORY);
        int n = Watch("d"u8, IN_ACCESS | IN_OPEN);
        Ok(S.GetDents64(fd, new byte[4096]));
        int second = Open("d"u8, O_RDONLY | O_DIRECTORY);
        Gives(0, S.GetDents64(fd, new byte[4096]));
        Assert.Equal(3, Events(n).Length);
        Ok(S.Close(second));
    }

    [Fact]
    public void VectorRead_OfNothing_IsAnAccess_AndAPlainOneIsNot()
    {
        Make("f"u8);
        int fd = Open("f"u8, O_RDONLY);
        int n = Watch("f"u8, IN_ACCESS);
        Gives(0, S.Read(fd, new byte[10]));
        Assert.Empty(Events(n));
        Gives(0, S.ReadV(fd, [], 0));
        Assert.Single(Events(n));
    }

    [Fact]
    public void TemporaryFile_IsHeardByItsDirectory()
    {
        Needs(Features.TmpFile);
        MakeDirectory("d"u8);
        int n = Watch("d"u8, IN_MODIFY | IN_CLOSE_WRITE);
        int fd = Open("d"u8, O_TMPFILE | O_RDWR, Oct(600));
        Gives(1, S.Write(fd, "x"u8));
        Ok(S.Close(fd));
        Assert.Equal([IN_MODIFY, IN_CLOSE_WRITE], RawEvents(n).Select(e => e.Mask));
    }

    [Fact]
    public void SettingOneTime_LooksLikeReadingOrWriting()
    {
        Make("f"u8);
        int n = Watch("f"u8, IN_ALL_EVENTS);
        KernelTimespec omitted = new(0, UTIME_OMIT);
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(1000, 0), omitted], 0));
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [omitted, new(1000, 0)], 0));
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(1000, 0), new(1000, 0)], 0));
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [omitted, omitted], 0));
        Ok(S.ChOwn("f"u8, uint.MaxValue, uint.MaxValue));
        Assert.Equal([IN_ACCESS, IN_MODIFY, IN_ATTRIB], RawEvents(n).Select(e => e.Mask));
    }

    // Who may look at a directory does not hear what goes through the pipes in it.
    [Fact]
    public void Fifo_TellsItsReadsAndWritesToItsOwnWatchOnly()
    {
        Needs(Features.SpecialFiles);
        MakeDirectory("d"u8);
        Ok(S.MkFifo("d/p"u8, Oct(644)));
        int directory = Watch("d"u8, IN_ALL_EVENTS);
        int fifo = Watch("d/p"u8, IN_ALL_EVENTS);
        int fd = Open("d/p"u8, O_RDWR);
        Gives(1, S.Write(fd, "x"u8));
        Gives(1, S.Read(fd, new byte[1]));
        Assert.Equal([IN_OPEN], RawEvents(directory).Select(e => e.Mask));
        Assert.Equal([IN_OPEN, IN_MODIFY, IN_ACCESS], RawEvents(fifo).Select(e => e.Mask));
    }

    [Fact]
    public void LossOfSetIdBits_IsTold()
    {
        Needs(Features.CallersRights | Features.Ownership);
        Make("f"u8, "abc"u8);
        Ok(S.ChMod("f"u8, Oct(6777)));
        using ISyscalls child = ForkAs(1000, 1000);
        int fd = (int)Ok(child.Open("f"u8, O_WRONLY));
        int n = Watch("f"u8, IN_MODIFY | IN_ATTRIB);
        Gives(1, child.Write(fd, "x"u8));
        Assert.Equal([IN_ATTRIB, IN_MODIFY], RawEvents(n).Select(e => e.Mask));
        Ok(S.ChMod("f"u8, Oct(6777)));
        Assert.Single(RawEvents(n));
        Ok(child.FTruncate(fd, 1));
        Assert.Equal([IN_ATTRIB | IN_MODIFY], RawEvents(n).Select(e => e.Mask));
    }

    [Fact]
    public void Truncation_AtOpen_IsAModification()
    {
        Make("f"u8);
        int n = Watch("f"u8, IN_MODIFY | IN_OPEN);
        _ = Open("f"u8, O_WRONLY | O_TRUNC);
        Assert.Equal([IN_OPEN, IN_MODIFY], RawEvents(n).Select(e => e.Mask));
    }

    [Fact]
    public void ExcludeUnlinked_HoldsForAWatchOfTheFileItself()
    {
        Needs(Features.OpenUnlinked);
        Make("f"u8);
        int fd = Open("f"u8, O_RDWR);
        int n = Watch("f"u8, IN_MODIFY | IN_EXCL_UNLINK);
        Gives(1, S.Write(fd, "x"u8));
        Assert.Single(Events(n));
        Ok(S.Unlink("f"u8));
        Gives(1, S.Write(fd, "x"u8));
        Assert.Empty(Events(n));
    }

    private int Watch(ReadOnlySpan<byte> path, uint mask)
    {
        int n = (int)Ok(S.InotifyInit1(IN_NONBLOCK));
        Ok(S.InotifyAddWatch(n, path, mask));
        return n;
    }

    private string[] Events(int n) => [.. RawEvents(n).Select(e => e.ToString())];

    private List<InotifyEvent> RawEvents(int n)
    {
        var events = new List<InotifyEvent>();
        byte[] buffer = new byte[65536];
        long count;
        while ((count = S.Read(n, buffer)) > 0)
        {
            events.AddRange(InotifyEvent.Decode(buffer.AsSpan(0, (int)count)));
        }
        Fails(EAGAIN, count);
        return events;
    }
}

/// <summary>One event as inotify gives it.</summary>
public sealed record InotifyEvent(int Watch, uint Mask, uint Cookie, string Name)
{
    private const int HeaderBytes = 16;

    private static readonly (uint Bit, string Name)[] Names =
    [
        (IN_ACCESS, "ACCESS"), (IN_MODIFY, "MODIFY"), (IN_ATTRIB, "ATTRIB"), (IN_CLOSE_WRITE, "CLOSE_WRITE"), (IN_CLOSE_NOWRITE, "CLOSE_NOWRITE"),
        (IN_OPEN, "OPEN"), (IN_MOVED_FROM, "MOVED_FROM"), (IN_MOVED_TO, "MOVED_TO"), (IN_CREATE, "CREATE"), (IN_DELETE, "DELETE"),
        (IN_DELETE_SELF, "DELETE_SELF"), (IN_MOVE_SELF, "MOVE_SELF"), (IN_UNMOUNT, "UNMOUNT"), (IN_Q_OVERFLOW, "Q_OVERFLOW"),
        (IN_IGNORED, "IGNORED"), (IN_ISDIR, "ISDIR"),
    ];

    /// <summary>The events in a buffer; asserts that they are well-formed.</summary>
    public static List<InotifyEvent> Decode(ReadOnlySpan<byte> buffer)
    {
        var events = new List<InotifyEvent>();
        while (!buffer.IsEmpty)
        {
            Assert.True(buffer.Length >= HeaderBytes, "an event is cut off");
            int length = BinaryPrimitives.ReadInt32LittleEndian(buffer[12..]);
            Assert.InRange(length, 0, buffer.Length - HeaderBytes);
            Assert.Equal(0, length % HeaderBytes);
            ReadOnlySpan<byte> name = buffer.Slice(HeaderBytes, length);
            events.Add(new InotifyEvent(BinaryPrimitives.ReadInt32LittleEndian(buffer), BinaryPrimitives.ReadUInt32LittleEndian(buffer[4..]),
                BinaryPrimitives.ReadUInt32LittleEndian(buffer[8..]), Encoding.Latin1.GetString(name).TrimEnd('\0')));
            buffer = buffer[(HeaderBytes + length)..];
        }
        return events;
    }

    /// <summary>"CREATE|ISDIR name".</summary>
    public override string ToString() =>
        (string.Join('|', Names.Where(name => (Mask & name.Bit) != 0).Select(name => name.Name)) + " " + Name).TrimEnd();
}
