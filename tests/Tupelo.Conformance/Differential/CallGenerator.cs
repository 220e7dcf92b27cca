// Writes runs: lists of calls from a seed. A run has a theme, which says what kinds of files and calls it may have, so that rare
// things (FIFOs, mounts, other users) meet each other often enough.
//
// Nothing in a run may sleep. Where FIFOs, pipes and eventfds can occur, every descriptor is non-blocking; locks are never waited for.
//
// Left out, with the reason:
//   leases, O_ASYNC by fcntl, F_SETOWN, F_NOTIFY          they send signals to this program
//   COLLAPSE_RANGE, INSERT_RANGE, ZERO_RANGE, RWF_NOWAIT  tmpfs has none; RamFs answers as ext4 (the suites and the oracle's probes)
//   immutable and append-only files                       RamFs refuses writes through earlier descriptors, as ext4; tmpfs does not
//   real device numbers                                   they would reach the host's devices
//   pivot_root, unmounting the machine's root             it takes the tree from the onlooker who compares it
//   mount propagation, namespaces                         the host's machines are private ones; the suites cover peers
//   size and inode limits                                 tmpfs charges names, attributes and directories by rules of its own
//   RESOLVE_CACHED                                        what is in the host's cache is not ours to know
//   sockets, mqueues, timerfd, vmsplice, readahead        nothing of them is the file system's
//   sendfile from a file into itself, splice from files that change, SEEK_DATA in a file's last possible page, locks counted from a
//   directory's position, times of stored-to mappings     see CallExecutor: the kernel's answer depends on its pages, or is odd
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance.Differential;

/// <summary>What may occur in a run.</summary>
[Flags]
internal enum Themes
{
    None = 0,

    /// <summary>FIFOs, pipes, eventfds, epoll, inotify.</summary>
    Streams = 1,

    /// <summary>Several processes.</summary>
    Processes = 2,

    /// <summary>Processes that are not root.</summary>
    Users = 4,

    /// <summary>Mounts, bind mounts and chroot.</summary>
    Mounts = 8,

    /// <summary>Attribute flags: immutable and append-only files.</summary>
    InodeFlags = 16,

    /// <summary>fallocate that takes space. Where the data of such a file lies is the file system's own: nobody seeks it in these runs.</summary>
    Preallocation = 32,

    All = 63,

    /// <summary>Not drawn, but asked for: files are not memory's. Where data and holes meet is the file system's own, and nobody seeks it;
    /// nobody asks for seals; offsets are not near 2^63.</summary>
    OnDisk = 64,
}

/// <summary>Generates the calls of one run.</summary>
internal sealed class CallGenerator
{
    private const long Null = long.MinValue;
    private const uint GetInodeFlags = 0x80086601;
    private const uint SetInodeFlags = 0x40086602;

    private readonly KnownState _known = new();
    private readonly Arguments _any;
    private readonly Themes _themes;
    private readonly List<(int Weight, Func<int, Call> Make)> _table = [];
    private readonly int _totalWeight;
    private readonly int _reserved;

    /// <param name="seed">Same seed, same run.</param>
    /// <param name="reservedDescriptor">A number that must not be used.</param>
    /// <param name="allowed">Themes to draw from.</param>
    public CallGenerator(int seed, int reservedDescriptor, Themes allowed = Themes.All)
    {
        Random random = new(seed);
        _any = new Arguments(random, reservedDescriptor, _known);
        _reserved = reservedDescriptor;
        _themes = ((Themes)_any.Bits((long)Themes.All, 3) & allowed) | (allowed & Themes.OnDisk);
        AddFiles();
        AddNames();
        AddMetadata();
        AddDescriptors();
        if (Has(Themes.Streams))
        {
            AddStreams();
        }
        if (Has(Themes.Mounts))
        {
            AddMounts();
        }
        if (Has(Themes.Processes | Themes.Users))
        {
            AddProcesses();
        }
        _totalWeight = _table.Sum(entry => entry.Weight);
    }

    /// <summary>What this run is about.</summary>
    public Themes Themes => _themes;

    /// <summary>The next call.</summary>
    public Call Next()
    {
        int process = Has(Themes.Processes) ? Math.Max(0, _any.Random.Next(-2, CallExecutor.MaxProcesses)) : 0;
        process = _known.IsAlive(process) || _any.OneIn(50) ? process : 0;
        int at = _any.Random.Next(_totalWeight);
        int index = 0;
        while (at >= _table[index].Weight)
        {
            at -= _table[index++].Weight;
        }
        Call call = _table[index].Make(process);
        return Has(Themes.OnDisk) ? call with { A = OfDisk(call.A), B = OfDisk(call.B), C = OfDisk(call.C) } : call;
    }

    /// <summary>How the call before was answered.</summary>
    public void Learn(Call call, Outcome outcome) => _known.Learn(call, outcome.Result, outcome.Bytes);

    // Where a file ends at the latest differs too.
    private static long OfDisk(long value) => value > long.MaxValue / 4 ? 1L << 40 : value;

    private bool Has(Themes themes) => (_themes & themes) != 0;

    private bool NonBlocking => Has(Themes.Streams);

    private void Add(int weight, Func<int, Call> make) => _table.Add((weight, make));

    private Call On(CallKind kind, int process, params ReadOnlySpan<FdKind> wanted) => new(kind, process) { Fd = _any.Fd(process, wanted) };

    private Call At(CallKind kind, int process) => new(kind, process) { Fd = _any.DirFd(process), Path = _any.OldPath() };

    private Call AtNew(CallKind kind, int process) => new(kind, process) { Fd = _any.DirFd(process), Path = _any.NewPath() };

    private void AddFiles()
    {
        Add(40, p => At(CallKind.OpenAt, p) with { A = _any.OpenFlags(NonBlocking) & ~(_any.OneIn(4) ? 0L : O_CREAT), B = _any.Mode() });
        Add(25, p => AtNew(CallKind.OpenAt, p) with { A = _any.OpenFlags(NonBlocking) | O_CREAT, B = _any.Mode() });
        Add(10, p => new Call(CallKind.OpenAt, p) { Fd = AT_FDCWD, Path = _any.OldDirectory(), A = O_RDONLY | O_DIRECTORY | O_NONBLOCK });
        Add(10, p => OpenAt2(p));
        Add(40, p => On(CallKind.Write, p) with { A = _any.Length(), C = _any.Random.Next(100) });
        Add(40, p => On(CallKind.Read, p) with { A = _any.Length() });
        Add(20, p => On(CallKind.PWrite, p, FdKind.File) with { A = _any.Length(), B = _any.NearOffset(), C = _any.Random.Next(100) });
        Add(20, p => On(CallKind.PRead, p, FdKind.File) with { A = _any.Length(), B = _any.NearOffset() });
        Add(6, p => On(CallKind.ReadV, p) with { A = _any.Length(), C = _any.Pick(0, 1, 2, 3, 10, 1024, 1025, -1) });
        Add(6, p => On(CallKind.WriteV, p) with { A = _any.Length(), C = _any.Pick(0, 1, 2, 3, 10, 1024, 1025, -1) });
        Add(6, p => On(CallKind.PReadV2, p, FdKind.File) with { A = _any.Length(), B = _any.OneIn(4) ? -1 : _any.NearOffset(), C = _any.Pick(0, 1, 2, 3), D = _any.Bits(0x1F7, 14) });
        Add(6, p => On(CallKind.PWriteV2, p, FdKind.File) with { A = _any.Length(), B = _any.OneIn(4) ? -1 : _any.NearOffset(), C = _any.Pick(0, 1, 2, 3), D = _any.Bits(0x1B7, 14) });
        Add(20, p => On(CallKind.LSeek, p, FdKind.File) with { A = _any.NearOffset(), B = Has(Themes.Preallocation | Themes.OnDisk) ? _any.Pick(0, 0, 1, 2, 5, -1) : _any.Pick(0, 0, 1, 2, 3, 4, 3, 4, 5, -1) });
        Add(8, p => At(CallKind.Truncate, p) with { A = _any.NearOffset() });
        Add(10, p => On(CallKind.FTruncate, p, FdKind.File) with { A = _any.NearOffset() });
        Add(12, p => FAllocate(p));
        Add(2, p => On(CallKind.FAdvise, p, FdKind.File) with { A = _any.Offset(), B = _any.Offset(), C = _any.Random.Next(-1, 8) });
        Add(2, p => On(CallKind.FSync, p, FdKind.File));
        Add(2, p => On(CallKind.FDataSync, p, FdKind.File));
        Add(2, p => On(CallKind.SyncFileRange, p, FdKind.File) with { A = _any.Offset(), B = _any.Offset(), C = _any.Bits(15, 2) });
        Add(1, p => On(CallKind.SyncFs, p));
        Add(12, p => On(CallKind.CopyFileRange, p, FdKind.File) with { Fd2 = _any.Fd(p), A = OptionalOffset(), B = OptionalOffset(), C = CopyLength(), D = _any.OneIn(20) ? 1 : 0 });
        Add(8, p => On(CallKind.SendFile, p, FdKind.File) with { Fd2 = _any.Fd(p), A = OptionalOffset(), C = CopyLength() });
        Add(6, p => On(CallKind.MapAndStore, p, FdKind.File) with { A = _any.Random.Next(9000), B = _any.Random.Next(1, 5000), C = _any.Pick(PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE), D = _any.Random.Next(100) });
    }

    private Call OpenAt2(int process) => At(CallKind.OpenAt2, process) with
    {
        A = _any.OneIn(30) ? 1L << 40 : _any.OpenFlags(NonBlocking) & ~(1L << 30) & ~0x100000,
        B = _any.OneIn(2) ? _any.Mode() & 0xFFF : 0,
        C = _any.OneIn(40) ? 0x100 : _any.Bits(0x1F, 5),
        D = _any.OneIn(20) ? _any.Pick(0, 8, 23, 32, -32, 4096, 5000) : 24,
    };

    private Call FAllocate(int process)
    {
        // Lengths that would be granted stay small: memory files have no limit, and the host's memory would be filled.
        (long offset, long length) = _any.Random.Next(12) switch
        {
            0 => _any.Pick<(long, long)>((0, 0), (0, -1), (-1, 10), (5000, long.MaxValue), (long.MaxValue, 1), (long.MaxValue - 4095, 4096), (long.MinValue, 1)),
            1 => (_any.Offset(), _any.Random.Next(1, 30_000)),
            _ => (_any.Random.Next(40_000), _any.Random.Next(1, 30_000)),
        };
        const int Punch = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;
        return On(CallKind.FAllocate, process, FdKind.File) with
        {
            A = Has(Themes.Preallocation) ? _any.Pick(0, 0, FALLOC_FL_KEEP_SIZE, Punch) : _any.Pick(Punch, Punch, Punch, FALLOC_FL_PUNCH_HOLE, 0x40, 0x41, 0x100),
            B = offset,
            C = length,
        };
    }

    private long OptionalOffset() => _any.OneIn(2) ? Null : _any.NearOffset();

    private long CopyLength() => _any.OneIn(20) ? _any.Pick<long>(-1, long.MaxValue, 1L << 33) : _any.Length();

    private void AddNames()
    {
        Add(25, p => AtNew(CallKind.MkDirAt, p) with { A = _any.Mode() });
        Add(8, p => AtNew(CallKind.MkNodAt, p) with { A = _any.Mode() | NodeType(), B = _any.Pick(0, 0xFAFA) });
        Add(25, p => At(CallKind.UnlinkAt, p) with { A = _any.OneIn(40) ? 1 : _any.OneIn(3) ? AT_REMOVEDIR : 0 });
        Add(35, p => At(CallKind.RenameAt2, p) with
        {
            Fd2 = _any.DirFd(p),
            Path2 = _any.OneIn(3) ? _any.OldPath() : _any.NewPath(),
            A = _any.Pick<uint>(0, 0, 0, 0, 0, 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_EXCHANGE, RENAME_WHITEOUT, RENAME_WHITEOUT | RENAME_NOREPLACE, 3, 6, 8),
        });
        Add(20, p => At(CallKind.LinkAt, p) with { Fd2 = _any.DirFd(p), Path2 = _any.OneIn(4) ? _any.OldPath() : _any.NewPath(), A = _any.Pick(0, 0, 0, 0, 0, AT_SYMLINK_FOLLOW, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW) });
        Add(20, p => AtNew(CallKind.SymlinkAt, p) with { Path2 = _any.LinkTarget() });
        Add(10, p => At(CallKind.ReadLinkAt, p) with { A = _any.Pick(0, 1, 3, 100, 5000, -1) });
        Add(10, p => On(CallKind.GetDents64, p, FdKind.Directory) with { A = _any.Pick(0, 10, 24, 40, 100, 5000) });
        Add(15, p => On(CallKind.ListDirectory, p, FdKind.Directory));
        if (!Has(Themes.Mounts) || !Has(Themes.OnDisk)) // a handle means another file on another file system, or none
        {
            Add(6, p => At(CallKind.OpenByHandle, p) with
            {
                Fd2 = _any.DirFd(p),
                A = _any.Pick(0, 0, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW),
                B = _any.Pick(0, 4, 120, 128, 129, 128),
                C = _any.OpenFlags(nonBlocking: true) & ~(O_CREAT | O_EXCL | 0x400000),
            });
        }
    }

    private uint NodeType() => NonBlocking && _any.OneIn(2)
        ? S_IFIFO
        : _any.Pick<uint>(0, S_IFREG, S_IFSOCK, S_IFCHR, S_IFBLK, S_IFDIR, S_IFLNK, 0xF000);

    private void AddMetadata()
    {
        int pathFlags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
        Add(20, p => On(CallKind.FStat, p));
        Add(30, p => At(CallKind.NewFStatAt, p) with { A = _any.Bits(pathFlags | AT_NO_AUTOMOUNT, 3) | (_any.OneIn(40) ? 1L : 0) });
        Add(10, p => At(CallKind.StatX, p) with { A = _any.Bits(pathFlags | AT_STATX_DONT_SYNC | AT_STATX_FORCE_SYNC, 4), B = _any.OneIn(20) ? 0x80000000 : STATX_BASIC_STATS | _any.Bits(STATX_BTIME | STATX_MNT_ID, 2) });
        Add(3, p => At(CallKind.StatFs, p));
        Add(3, p => On(CallKind.FStatFs, p));
        Add(10, p => At(CallKind.FAccessAt2, p) with { A = _any.Random.Next(-1, 9), B = _any.Bits(pathFlags | AT_EACCESS, 4) | (_any.OneIn(40) ? 2L : 0) });
        Add(5, p => On(CallKind.FChMod, p) with { A = _any.Mode() });
        Add(12, p => At(CallKind.FChModAt2, p) with { A = _any.Mode(), B = _any.Bits(pathFlags, 5) | (_any.OneIn(40) ? 2L : 0) });
        Add(4, p => On(CallKind.FChOwn, p) with { A = Id(), B = Id() });
        Add(8, p => At(CallKind.FChOwnAt, p) with { A = Id(), B = Id(), C = _any.Bits(pathFlags, 4) | (_any.OneIn(40) ? 2L : 0) });
        Add(15, p => At(CallKind.UtimeNsAt, p) with { A = _any.Time(), B = _any.Time(), C = _any.OneIn(8) ? 0 : 1, D = _any.Bits(pathFlags, 5) });
        Add(8, p => Xattr(p, CallKind.SetXattr, CallKind.LSetXattr, CallKind.FSetXattr) with { A = _any.Pick(0, 1, 10, 100, 3000), B = _any.Pick(0, 0, 0, 1, 2, 3, 4), C = _any.Random.Next(100) });
        Add(6, p => Xattr(p, CallKind.GetXattr, CallKind.LGetXattr, CallKind.FGetXattr) with { A = _any.Pick(0, 1, 100, 5000) });
        Add(5, p => Xattr(p, CallKind.ListXattr, CallKind.LListXattr, CallKind.FListXattr) with { A = _any.Pick(0, 1, 12, 5000) });
        Add(5, p => Xattr(p, CallKind.RemoveXattr, CallKind.LRemoveXattr, CallKind.FRemoveXattr));
        Add(3, p => new Call(CallKind.Umask, p) { A = _any.Pick<uint>(0, 0x12, 0x3F, 0x1FF, 0xFFFF) });
        Add(10, p => new Call(CallKind.ChDir, p) { Path = _any.OneIn(3) ? "/work"u8.ToArray() : _any.OldDirectory() });
        Add(3, p => On(CallKind.FChDir, p, FdKind.Directory));
        Add(5, p => new Call(CallKind.GetCwd, p) { A = _any.Pick(0, 1, 4096, 10) });
        if (Has(Themes.InodeFlags))
        {
            // FS_IMMUTABLE_FL 0x10, FS_APPEND_FL 0x20, FS_NODUMP_FL 0x40.
            Add(6, p => On(CallKind.IoCtl, p) with { A = SetInodeFlags, B = _any.Pick(0, 0, 0x10, 0x20, 0x40, 0x30) });
            Add(3, p => On(CallKind.IoCtl, p) with { A = GetInodeFlags });
        }
    }

    private Call Xattr(int process, CallKind byPath, CallKind byLink, CallKind byFd)
    {
        if (byPath != CallKind.SetXattr && _known.Attributes.Count > 0 && _any.OneIn(2))
        {
            // One that was set, asked for in the same way.
            Call set = _known.Attributes[_any.Random.Next(_known.Attributes.Count)];
            CallKind kind = set.Kind == CallKind.SetXattr ? byPath : set.Kind == CallKind.LSetXattr ? byLink : byFd;
            return new Call(kind, set.Process) { Fd = set.Fd, Path = set.Path, Path2 = set.Path2 };
        }
        return On(_any.Pick(byPath, byLink, byFd), process) with { Path = _any.OldPath(), Path2 = _any.XattrName() };
    }

    private long Id() => _any.Pick<uint>(0, 0, 1000, 1000, 65534, 5, uint.MaxValue, uint.MaxValue);

    private void AddDescriptors()
    {
        Add(15, p => On(CallKind.Close, p));
        Add(2, p => CloseRange(p));
        Add(8, p => On(CallKind.Dup, p));
        Add(6, p => On(CallKind.Dup2, p) with { Fd2 = _any.AnyFd() });
        Add(6, p => On(CallKind.Dup3, p) with { Fd2 = _any.AnyFd(), A = _any.Pick(0, O_CLOEXEC, O_CLOEXEC, 1) });
        Add(12, p => Fcntl(p));
        Add(12, p => On(CallKind.RecordLock, p, FdKind.File) with
        {
            A = _any.Pick(F_SETLK, F_SETLK, F_GETLK, F_OFD_SETLK, F_OFD_SETLK, F_OFD_GETLK),
            B = (byte)_any.Pick(0, 1, 2, 0, 1, 2, 3, -1) | (_any.OneIn(4) ? _any.Random.Next(4) << 8 : 0) | (_any.OneIn(30) ? 7 << 16 : 0),
            C = _any.OneIn(15) ? _any.Offset() : _any.Random.Next(50),
            D = _any.OneIn(15) ? _any.Offset() : _any.Random.Next(-10, 30),
        });
        Add(8, p => On(CallKind.Flock, p) with { A = _any.OneIn(15) ? _any.Pick(0, 3, 16) : LOCK_NB | _any.Pick(LOCK_SH, LOCK_EX, LOCK_UN) });
        Add(2, p => On(CallKind.IoCtl, p) with { A = _any.Pick(FIOCLEX, FIONCLEX, 0x12345678u), B = 1 });
        Add(3, p => new Call(CallKind.MemfdCreate, p) { Path = _any.Path(), A = _any.Bits(MFD_CLOEXEC, 2) | _any.Bits(MFD_ALLOW_SEALING, 2) | (_any.OneIn(20) ? 0x1000L : 0) });
        Add(6, p => On(CallKind.Poll, p) with { Fd2 = _any.Fd(p), A = _any.Random.Next(32), B = _any.Random.Next(32), C = _any.Fd(p) });
    }

    private Call CloseRange(int process)
    {
        // One side of the reserved number only.
        (int low, int high) = _reserved > 8 || _reserved < 0 ? (0, Math.Max(_reserved, 30) - 1) : (_reserved + 1, 40);
        int first = _any.Random.Next(low, high);
        return new Call(CallKind.CloseRange, process)
        {
            A = first,
            B = _any.OneIn(6) ? first - 1 : _any.Random.Next(first, high + 1),
            C = _any.Pick<uint>(0, 0, CLOSE_RANGE_CLOEXEC, CLOSE_RANGE_UNSHARE, 8),
        };
    }

    private Call Fcntl(int process)
    {
        Call call = On(CallKind.Fcntl, process);
        return _any.Random.Next(12) switch
        {
            < 3 => call with { A = _any.Pick(F_DUPFD, F_DUPFD_CLOEXEC), B = _any.Pick(0, 3, 10, 30, -1, 1 << 30) },
            < 5 => call with { A = F_GETFD },
            5 => call with { A = F_SETFD, B = _any.Random.Next(4) },
            6 or 7 => call with { A = F_GETFL },
            8 => call with { A = F_SETFL, B = _any.Bits(O_APPEND | O_NOATIME | O_DIRECT | O_RDWR, 3) | (NonBlocking ? (long)O_NONBLOCK : _any.Bits(O_NONBLOCK, 3)) },
            9 or 10 when Has(Themes.OnDisk) => call with { A = F_GETFL },
            9 => call with { A = F_GET_SEALS },
            10 => call with { A = F_ADD_SEALS, B = _any.Bits(0x1F, 4) | (_any.OneIn(30) ? 0x100L : 0) },
            _ => call with { A = _any.Pick(F_GETPIPE_SZ, F_SETPIPE_SZ, 12345), B = _any.Pick(0, 4096, 10_000, 1 << 20) },
        };
    }

    private void AddStreams()
    {
        Add(8, p => new Call(CallKind.Pipe2, p) { A = (long)O_NONBLOCK | _any.Bits(O_CLOEXEC | O_DIRECT, 6) | (_any.OneIn(40) ? 1L : 0) });
        Add(4, p => new Call(CallKind.EventFd2, p) { A = _any.Random.Next(4), B = (long)O_NONBLOCK | _any.Bits(O_CLOEXEC | EFD_SEMAPHORE, 4) | (_any.OneIn(40) ? 2L : 0) });
        Add(12, p => On(CallKind.Splice, p, FdKind.PipeRead, FdKind.File) with { Fd2 = _any.Fd(p), A = OptionalOffset(), B = OptionalOffset(), C = _any.Length(), D = SPLICE_F_NONBLOCK | (_any.OneIn(20) ? 0x100L : 0) });
        Add(8, p => new Call(CallKind.FilePipe, p)
        {
            Fd2 = _any.Fd(p, FdKind.PipeWrite),
            A = OptionalOffset(),
            B = _any.Length(),
            C = CopyLength(),
            D = SPLICE_F_NONBLOCK | (_any.OneIn(20) ? 0x100L : 0) | (_any.OneIn(2) ? 1L << 16 : 0),
        });
        Add(5, p => On(CallKind.Tee, p, FdKind.PipeRead) with { Fd2 = _any.Fd(p, FdKind.PipeWrite), C = _any.Length(), D = SPLICE_F_NONBLOCK });
        Add(4, p => On(CallKind.IoCtl, p) with { A = _any.Pick(FIONREAD, FIONBIO), B = 1 });
        Add(3, p => new Call(CallKind.EpollCreate1, p) { A = _any.Pick(0, O_CLOEXEC, O_CLOEXEC, 1) });
        Add(10, p => On(CallKind.EpollCtl, p, FdKind.Epoll) with
        {
            Fd2 = _any.Fd(p, FdKind.PipeRead, FdKind.PipeWrite, FdKind.EventFd, FdKind.Inotify),
            A = _any.Pick(EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL, 4),
            B = _any.Bits(EPOLLIN | EPOLLOUT, 2) | _any.Bits(EPOLLET | EPOLLONESHOT | (1u << 28), 5),
        });
        Add(8, p => On(CallKind.EpollWait, p, FdKind.Epoll) with { A = _any.Pick(16, 16, 16, 0) });
        Add(4, p => new Call(CallKind.InotifyInit1, p) { A = (long)O_NONBLOCK | _any.Bits(O_CLOEXEC, 3) | (_any.OneIn(40) ? 1L : 0) });
        Add(10, p => On(CallKind.InotifyAddWatch, p, FdKind.Inotify) with
        {
            Path = _any.OldPath(),
            A = _any.OneIn(3) ? IN_ALL_EVENTS : _any.Bits(IN_ALL_EVENTS, 3) | _any.Bits(IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ONESHOT, 8),
        });
        Add(2, p => On(CallKind.InotifyRmWatch, p, FdKind.Inotify) with { A = _any.Random.Next(5) });
    }

    private void AddMounts()
    {
        Add(6, p => new Call(CallKind.Mount, p) { Path = _any.OldDirectory(), Path2 = "t"u8.ToArray(), B = 1, A = _any.Bits((long)(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NOSYMFOLLOW), 6) });
        Add(8, p => new Call(CallKind.Mount, p) { Path = _any.OldDirectory(), Path2 = _any.OldPath(), A = (long)(MS_BIND | (_any.OneIn(2) ? MS_REC : 0)) });
        Add(3, p => new Call(CallKind.Mount, p) { Path = _any.OldDirectory(), Path2 = _any.OldDirectory(), A = (long)MS_MOVE });
        Add(4, p => new Call(CallKind.Mount, p) { Path = _any.OldDirectory(), A = (long)MS_REMOUNT | _any.Bits((long)(MS_RDONLY | MS_BIND | MS_NOSUID), 2) });
        Add(8, p => new Call(CallKind.Umount2, p) { Path = _any.OldDirectory(), A = _any.OneIn(8) ? _any.Random.Next(32) : _any.Pick(0, 0, MNT_DETACH, UMOUNT_NOFOLLOW) });
        Add(1, p => new Call(CallKind.ChRoot, p) { Path = _any.OldDirectory() });
    }

    private void AddProcesses()
    {
        Add(6, p => new Call(CallKind.Fork, p) { A = _any.Random.Next(1, CallExecutor.MaxProcesses) });
        Add(2, p => new Call(CallKind.Exit, p) { A = _any.Random.Next(1, CallExecutor.MaxProcesses) });
        if (Has(Themes.Users))
        {
            Add(2, p => new Call(CallKind.SetCredentials, p)
            {
                A = _any.Pick(1000, 65534, 5),
                B = _any.Pick(0, 1000, 65534),
                C = _any.Pick(-1, 5, 1000),
            });
        }
    }
}
