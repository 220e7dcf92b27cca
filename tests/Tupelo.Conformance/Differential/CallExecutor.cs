// Makes the calls of a run on one machine: a table from kinds to ISyscalls, with what each argument means.
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance.Differential;

/// <summary>A machine with up to four processes under test, and one that only looks on.</summary>
internal sealed class CallExecutor : IDisposable
{
    /// <summary>Processes that a run may have.</summary>
    public const int MaxProcesses = 4;

    private const int NoSuchProcess = -(int)Errno.ESRCH;

    private readonly ISyscalls _observer;
    private readonly byte[] _scratchType;
    private readonly ISyscalls?[] _processes = new ISyscalls?[MaxProcesses];
    private readonly bool[] _dropped = new bool[MaxProcesses];
    private readonly byte[] _pinned = KernelIoVec.AllocatePinned(1 << 16);
    private readonly byte[] _pattern = new byte[1 << 16];

    /// <param name="observer">The machine's first process; this object owns it.</param>
    /// <param name="reservedDescriptor">A number that no process may have for itself; see <see cref="HostSyscalls.ReservedDescriptor"/>.</param>
    /// <param name="scratchType">The type of file system that a run mounts.</param>
    public CallExecutor(ISyscalls observer, int reservedDescriptor, ReadOnlySpan<byte> scratchType)
    {
        _observer = observer;
        _scratchType = scratchType.ToArray();
        Prepare(reservedDescriptor);
        _processes[0] = observer.Fork();
    }

    /// <summary>Does work that consists of calls, on the thread that makes the first process' calls cheapest.</summary>
    public void Run(Action work) => RunOn(_processes[0]!, work);

    /// <summary>The tree as the process sees it that the calls do not touch: root, no descriptors, at /work.</summary>
    public SortedDictionary<string, TreeEntry> TakeTree()
    {
        SortedDictionary<string, TreeEntry> tree = [];
        RunOn(_observer, () => tree = TreeSnapshot.Take(_observer));
        return tree;
    }

    public void Dispose()
    {
        foreach (ISyscalls? process in _processes)
        {
            process?.Dispose();
        }
        _observer.Dispose();
    }

    /// <summary>Makes one call.</summary>
    public void Execute(Call call, Outcome outcome)
    {
        outcome.Reset();
        if (_processes[call.Process] is not { } process)
        {
            outcome.Result = NoSuchProcess;
            return;
        }
        outcome.Result = call.Kind switch
        {
            CallKind.Fork => Fork(call, process),
            CallKind.Exit => Exit(call),
            _ => ExecuteOn(process, call, outcome),
        };
    }

    // The same descriptors everywhere: none, and the host's reserved one taken on both machines.
    private void Prepare(int reservedDescriptor)
    {
        for (int fd = 0; fd < 3; fd++)
        {
            _ = _observer.Close(fd);
        }
        if (reservedDescriptor < 0)
        {
            return;
        }
        if (_observer.Fcntl(reservedDescriptor, F_GETFD, 0) < 0)
        {
            long any = _observer.OpenAt(AT_FDCWD, "/"u8, O_PATH, 0);
            if (any != reservedDescriptor)
            {
                _ = _observer.Dup2((int)any, reservedDescriptor);
                _ = _observer.Close((int)any);
            }
        }
    }

    /// <summary>The devices of the machine's own mounts.</summary>
    public HashSet<ulong> Devices()
    {
        HashSet<ulong> devices = [];
        RunOn(_observer, () =>
        {
            foreach (byte[] path in new[] { "/"u8.ToArray(), "/work"u8.ToArray(), "/shm"u8.ToArray() })
            {
                KernelStat stat = default;
                _ = _observer.Stat(path, ref stat);
                _ = devices.Add(stat.Device);
            }
        });
        return devices;
    }

    private static void RunOn(ISyscalls process, Action work)
    {
        if (process is HostSyscalls host)
        {
            host.Run(work);
        }
        else
        {
            work();
        }
    }

    private long SetCredentials(ISyscalls s, Call c)
    {
        if (_dropped[c.Process])
        {
            return -(int)Errno.EPERM; // Only root may, and that is the machine's matter, not the file layer's.
        }
        _dropped[c.Process] = true;
        return s.SetCredentials((uint)c.A, (uint)c.B, c.C < 0 ? [] : [(uint)c.C]);
    }

    private long Fork(Call call, ISyscalls process)
    {
        int child = (int)call.A;
        if (_processes[child] is not null)
        {
            return -(int)Errno.EEXIST;
        }
        _processes[child] = process.Fork();
        _dropped[child] = _dropped[call.Process];
        return 0;
    }

    private long Exit(Call call)
    {
        int child = (int)call.A;
        if (child == 0 || _processes[child] is not { } process)
        {
            return NoSuchProcess;
        }
        process.Dispose();
        _processes[child] = null;
        return 0;
    }

    private long ExecuteOn(ISyscalls s, Call c, Outcome o) => c.Kind switch
    {
        CallKind.SetCredentials => SetCredentials(s, c),
        CallKind.Umask => s.Umask((uint)c.A),
        CallKind.ChDir => s.ChDir(c.Path),
        CallKind.FChDir => s.FChDir(c.Fd),
        CallKind.ChRoot => s.ChRoot(c.Path),
        CallKind.GetCwd => Kept(o, s.GetCwd(o.Buffer((int)c.A))),
        CallKind.OpenAt => s.OpenAt(c.Fd, c.Path, (int)c.A, (uint)c.B),
        CallKind.OpenAt2 => OpenAt2(s, c),
        CallKind.Close => s.Close(c.Fd),
        CallKind.CloseRange => s.CloseRange((uint)c.A, (uint)c.B, (uint)c.C),
        CallKind.Dup => s.Dup(c.Fd),
        CallKind.Dup2 => s.Dup2(c.Fd, c.Fd2),
        CallKind.Dup3 => s.Dup3(c.Fd, c.Fd2, (int)c.A),
        CallKind.Fcntl => s.Fcntl(c.Fd, (int)c.A, c.B),
        CallKind.RecordLock => RecordLock(s, c, o),
        CallKind.Flock => IsAnonymous(s, c.Fd) ? 0 : s.Flock(c.Fd, (int)c.A),
        CallKind.Pipe2 => Pipe2(s, c, o),
        CallKind.MemfdCreate => s.MemfdCreate(c.Path, (uint)c.A),
        CallKind.EventFd2 => s.EventFd2((uint)c.A, (int)c.B),
        CallKind.Read => Kept(o, s.Read(c.Fd, o.Buffer((int)c.A))),
        CallKind.Write => s.Write(c.Fd, Pattern(c.A, c.C)),
        CallKind.PRead => Kept(o, s.PRead(c.Fd, o.Buffer((int)c.A), c.B)),
        CallKind.PWrite => s.PWrite(c.Fd, Pattern(c.A, c.C), c.B),
        CallKind.ReadV => ReadVector(s, c, o),
        CallKind.WriteV => WriteVector(s, c),
        CallKind.PReadV2 => ReadVector(s, c, o),
        CallKind.PWriteV2 => WriteVector(s, c),
        CallKind.LSeek => LSeek(s, c),
        CallKind.Truncate => s.Truncate(c.Path, c.A),
        CallKind.FTruncate => s.FTruncate(c.Fd, c.A),
        CallKind.FAllocate => s.FAllocate(c.Fd, (int)c.A, c.B, c.C),
        CallKind.FAdvise => s.FAdvise(c.Fd, c.A, c.B, (int)c.C),
        CallKind.FSync => s.FSync(c.Fd),
        CallKind.FDataSync => s.FDataSync(c.Fd),
        CallKind.SyncFileRange => s.SyncFileRange(c.Fd, c.A, c.B, (uint)c.C),
        CallKind.SyncFs => s.SyncFs(c.Fd),
        CallKind.CopyFileRange => TwoOffsets(s, c, o, static (ISyscalls p, Call x, ref long i, ref long u) =>
            p.CopyFileRange(x.Fd, ref i, x.Fd2, ref u, (nuint)x.C, (uint)x.D)),
        CallKind.Splice => TwoOffsets(s, c, o, static (ISyscalls p, Call x, ref long i, ref long u) =>
            p.Splice(x.Fd, ref i, x.Fd2, ref u, (nuint)x.C, (uint)x.D)),
        CallKind.SendFile => TwoOffsets(s, c, o, static (ISyscalls p, Call x, ref long i, ref long u) =>
            p.SendFile(x.Fd2, x.Fd, ref i, (nuint)x.C)),
        CallKind.FilePipe => FilePipe(s, c, o),
        CallKind.Tee => s.Tee(c.Fd, c.Fd2, (nuint)c.C, (uint)c.D),
        CallKind.IoCtl => IoCtl(s, c, o),
        CallKind.MapAndStore => MapAndStore(s, c),
        CallKind.Poll => Poll(s, c, o),
        CallKind.EpollCreate1 => s.EpollCreate1((int)c.A),
        CallKind.EpollCtl => EpollCtl(s, c),
        CallKind.EpollWait => EpollWait(s, c, o),
        CallKind.MkDirAt => s.MkDirAt(c.Fd, c.Path, (uint)c.A),
        CallKind.MkNodAt => s.MkNodAt(c.Fd, c.Path, (uint)c.A, (ulong)c.B),
        CallKind.UnlinkAt => s.UnlinkAt(c.Fd, c.Path, (int)c.A),
        CallKind.RenameAt2 => s.RenameAt2(c.Fd, c.Path, c.Fd2, c.Path2, (uint)c.A),
        CallKind.LinkAt => s.LinkAt(c.Fd, c.Path, c.Fd2, c.Path2, (int)c.A),
        CallKind.SymlinkAt => s.SymlinkAt(c.Path2, c.Fd, c.Path),
        CallKind.ReadLinkAt => Kept(o, s.ReadLinkAt(c.Fd, c.Path, o.Buffer(Math.Max(0, (int)c.A)), (int)c.A)),
        CallKind.GetDents64 => GetDents64(s, c, o),
        CallKind.ListDirectory => ListDirectory(s, c, o),
        CallKind.FStat => Stat(o, (ref KernelStat stat) => s.FStat(c.Fd, ref stat)),
        CallKind.NewFStatAt => Stat(o, (ref KernelStat stat) => s.NewFStatAt(c.Fd, c.Path, ref stat, (int)c.A)),
        CallKind.StatX => StatX(s, c, o),
        CallKind.StatFs => StatFs(o, (ref KernelStatFs stat) => s.StatFs(c.Path, ref stat)),
        CallKind.FStatFs => StatFs(o, (ref KernelStatFs stat) => s.FStatFs(c.Fd, ref stat)),
        CallKind.FAccessAt2 => s.FAccessAt2(c.Fd, c.Path, (int)c.A, (int)c.B),
        CallKind.FChMod => s.FChMod(c.Fd, (uint)c.A),
        CallKind.FChModAt2 => s.FChModAt2(c.Fd, c.Path, (uint)c.A, (int)c.B),
        CallKind.FChOwn => s.FChOwn(c.Fd, (uint)c.A, (uint)c.B),
        CallKind.FChOwnAt => s.FChOwnAt(c.Fd, c.Path, (uint)c.A, (uint)c.B, (int)c.C),
        CallKind.UtimeNsAt => s.UtimeNsAt(c.Fd, c.Path, Times(c), (int)c.D),
        CallKind.SetXattr => s.SetXattr(c.Path, c.Path2, Pattern(c.A, c.C), (int)c.B),
        CallKind.LSetXattr => s.LSetXattr(c.Path, c.Path2, Pattern(c.A, c.C), (int)c.B),
        CallKind.FSetXattr => s.FSetXattr(NoCwd(c.Fd), c.Path2, Pattern(c.A, c.C), (int)c.B),
        CallKind.GetXattr => Kept(o, s.GetXattr(c.Path, c.Path2, o.Buffer((int)c.A)), c.A),
        CallKind.LGetXattr => Kept(o, s.LGetXattr(c.Path, c.Path2, o.Buffer((int)c.A)), c.A),
        CallKind.FGetXattr => Kept(o, s.FGetXattr(NoCwd(c.Fd), c.Path2, o.Buffer((int)c.A)), c.A),
        CallKind.ListXattr => NameList(o, s.ListXattr(c.Path, o.Buffer((int)c.A)), c.A),
        CallKind.LListXattr => NameList(o, s.LListXattr(c.Path, o.Buffer((int)c.A)), c.A),
        CallKind.FListXattr => NameList(o, s.FListXattr(NoCwd(c.Fd), o.Buffer((int)c.A)), c.A),
        CallKind.RemoveXattr => s.RemoveXattr(c.Path, c.Path2),
        CallKind.LRemoveXattr => s.LRemoveXattr(c.Path, c.Path2),
        CallKind.FRemoveXattr => s.FRemoveXattr(NoCwd(c.Fd), c.Path2),
        CallKind.InotifyInit1 => s.InotifyInit1((int)c.A),
        CallKind.InotifyAddWatch => s.InotifyAddWatch(c.Fd, c.Path, (uint)c.A),
        CallKind.InotifyRmWatch => s.InotifyRmWatch(c.Fd, (int)c.A),
        CallKind.Mount => Mount(s, c, o),
        CallKind.Umount2 => IsRoot(s, c.Path) ? 0 : s.Umount2(c.Path, (int)c.A),
        CallKind.OpenByHandle => OpenByHandle(s, c),
        _ => throw new InvalidOperationException($"{c.Kind} is not a call of a process"),
    };

    private static long Kept(Outcome outcome, long result, long most = long.MaxValue)
    {
        // A size query (a buffer of 0) returns a count without writing so many bytes.
        outcome.Keep(Math.Min(result, most));
        return result;
    }

    private ReadOnlySpan<byte> Pattern(long length, long seed)
    {
        Span<byte> bytes = _pattern.AsSpan(0, (int)length);
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)((seed * 31) + (i * 7) + (i >> 8));
        }
        return bytes;
    }

    private static long OpenAt2(ISyscalls s, Call c)
    {
        // D: bytes of the structure told to the call; 24 are meaningful, what follows is zero, or not if negative.
        byte[] how = new byte[Math.Max(24, Math.Abs(c.D))];
        BinaryPrimitives.WriteInt64LittleEndian(how, c.A);
        BinaryPrimitives.WriteInt64LittleEndian(how.AsSpan(8), c.B);
        BinaryPrimitives.WriteInt64LittleEndian(how.AsSpan(16), c.C);
        if (c.D < 0)
        {
            how[^1] = 1;
        }
        return s.OpenAt2(c.Fd, c.Path, how, (nuint)Math.Abs(c.D));
    }

    private static long RecordLock(ISyscalls s, Call c, Outcome o)
    {
        // A: command; B: type | whence << 8 | pid << 16; C: start; D: length.
        // From a directory's position on: that is a cookie.
        KernelStat stat = default;
        if (IsAnonymous(s, c.Fd) || ((sbyte)(c.B >> 8) == SEEK_CUR && s.FStat(c.Fd, ref stat) == 0 && stat.TypeBits == S_IFDIR))
        {
            return 0;
        }
        KernelLock request = new((sbyte)c.B, c.C, c.D, (sbyte)(c.B >> 8)) { Pid = (int)(c.B >> 16) };
        long result = s.Fcntl(c.Fd, (int)c.A, ref request);
        if (result == 0 && c.A is F_GETLK or F_OFD_GETLK)
        {
            // Which process holds it is a number of the machine's own; that one does, or an open file, is not.
            int holder = Math.Sign(request.Pid);
            o.Keep($"{request.Type} {request.Whence} {request.Start} {request.Length} {(request.Type == F_UNLCK ? 0 : holder)}");
        }
        return result;
    }

    // Eventfds, epoll and inotify descriptors of the whole host share one inode, and so its locks: not a machine's own business.
    private static bool IsAnonymous(ISyscalls s, int fd)
    {
        KernelStat stat = default;
        return s.FStat(fd, ref stat) == 0 && stat.TypeBits == 0;
    }

    private static long Pipe2(ISyscalls s, Call c, Outcome o)
    {
        Span<int> fds = stackalloc int[2];
        long result = s.Pipe2(fds, (int)c.A);
        if (result == 0)
        {
            o.Keep($"{fds[0]} {fds[1]}");
        }
        return result;
    }

    private KernelIoVec[] Vectors(long length, int count)
    {
        // The bytes in pieces of growing size; the rest in the last one. Their memory is pinned.
        KernelIoVec all = KernelIoVec.Over(_pinned);
        KernelIoVec[] vectors = new KernelIoVec[Math.Clamp(count, 0, 1100)];
        long done = 0;
        for (int i = 0; i < vectors.Length; i++)
        {
            long piece = i == vectors.Length - 1 ? length - done : Math.Min(length - done, i * 100);
            vectors[i] = new KernelIoVec(all.Base + (nint)done, (nuint)piece);
            done += piece;
        }
        return vectors;
    }

    private long ReadVector(ISyscalls s, Call c, Outcome o)
    {
        // A: bytes; B: offset; C: vectors; D: flags.
        KernelIoVec[] vectors = Vectors(c.A, (int)c.C);
        long result = c.Kind == CallKind.ReadV || IsAnonymous(s, c.Fd)
            ? s.ReadV(c.Fd, vectors, (int)c.C)
            : s.PReadV2(c.Fd, vectors, (int)c.C, c.B, (int)c.D);
        if (result > 0)
        {
            o.Keep(_pinned.AsSpan(0, (int)result));
        }
        return result;
    }

    private long WriteVector(ISyscalls s, Call c)
    {
        Pattern(c.A, c.A + c.B).CopyTo(_pinned);
        KernelIoVec[] vectors = Vectors(c.A, (int)c.C);
        return c.Kind == CallKind.WriteV || IsAnonymous(s, c.Fd)
            ? s.WriteV(c.Fd, vectors, (int)c.C)
            : s.PWriteV2(c.Fd, vectors, (int)c.C, c.B, (int)c.D);
    }

    private delegate long OffsetCall(ISyscalls s, Call c, ref long input, ref long output);

    private static long TwoOffsets(ISyscalls s, Call c, Outcome o, OffsetCall call)
    {
        // A and B: offsets, or long.MinValue for NULL; C: length.
        if (IsLeftOut(s, c))
        {
            return 0;
        }
        long input = c.A;
        long output = c.B;
        bool noInput = input == long.MinValue;
        bool noOutput = output == long.MinValue;
        long result = noInput
            ? noOutput ? call(s, c, ref Absent.Ref<long>(), ref Absent.Ref<long>()) : call(s, c, ref Absent.Ref<long>(), ref output)
            : noOutput ? call(s, c, ref input, ref Absent.Ref<long>()) : call(s, c, ref input, ref output);
        o.Keep($"{input} {output}");
        return result;
    }

    private static bool IsLeftOut(ISyscalls s, Call c)
    {
        const long MostBytes = 1 << 20;
        KernelStat from = default;
        KernelStat to = default;
        if (s.FStat(c.Fd, ref from) < 0 || s.FStat(c.Fd2, ref to) < 0 || from.TypeBits != S_IFREG)
        {
            return false;
        }
        bool same = from.Ino == to.Ino && from.Device == to.Device;
        return c.Kind switch
        {
            // What comes of sending a file into itself depends on which of its pages the kernel has looked at before it writes, and a
            // pipe holds the pages of a spliced file, not copies: they change with the file. FilePipe does it with a file that stays.
            CallKind.SendFile when same => true,
            CallKind.SendFile or CallKind.Splice when to.TypeBits == S_IFIFO => true,
            // A hole of gigabytes, or a file copied behind itself, would fill the memory.
            _ => (ulong)c.C > MostBytes && (same || from.SizeBytes > MostBytes),
        };
    }

    // A: offset, or long.MinValue for NULL; B: bytes in the file; C: length; D: flags, and 1 << 16 for sendfile; Fd2: the pipe.
    private long FilePipe(ISyscalls s, Call c, Outcome o)
    {
        long file = s.MemfdCreate("stable"u8, 0);
        if (file < 0)
        {
            return file;
        }
        _ = s.Write((int)file, Pattern(c.B, c.C));
        _ = s.LSeek((int)file, c.B / 3, SEEK_SET);
        long offset = c.A;
        ref long input = ref (c.A == long.MinValue ? ref Absent.Ref<long>() : ref offset);
        long result = (c.D & (1 << 16)) != 0
            ? s.SendFile(c.Fd2, (int)file, ref input, (nuint)c.C)
            : s.Splice((int)file, ref input, c.Fd2, ref Absent.Ref<long>(), (nuint)c.C, (uint)c.D);
        o.Keep($"{offset} {s.LSeek((int)file, 0, SEEK_CUR)}");
        _ = s.Close((int)file);
        return result;
    }

    private static long IoCtl(ISyscalls s, Call c, Outcome o)
    {
        Span<byte> argument = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(argument, c.B);
        long result = s.IoCtl(c.Fd, (uint)c.A, argument);
        if (result >= 0)
        {
            o.Keep(argument);
        }
        return result;
    }

    private long MapAndStore(ISyscalls s, Call c)
    {
        // A: where, B: how much, C: protection; only what lies in the file is touched: beyond is a signal, not an error.
        KernelStat stat = default;
        long result = s.FStat(c.Fd, ref stat);
        if (result < 0 || stat.TypeBits != S_IFREG || stat.SizeBytes < c.A + c.B)
        {
            return result;
        }
        const int PageBytes = 4096;
        long start = c.A / PageBytes * PageBytes;
        nuint length = (nuint)(c.A + c.B - start);
        long mapping = s.MMap(length, (int)c.C, MAP_SHARED, c.Fd, start);
        if (mapping is < 0 and > -4096)
        {
            return mapping;
        }
        if ((c.C & PROT_WRITE) != 0)
        {
            // tmpfs does not move the time of a file whose mapping is stored to, which POSIX asks for: it is moved here, for both.
            result = s.UtimeNsAt(c.Fd, null, [], 0);
            if (result < 0)
            {
                _ = s.MUnmap(mapping, length);
                return result;
            }
            s.Store(mapping, (int)(c.A - start), Pattern(c.B, c.D));
            result = s.MSync(mapping, length, MS_SYNC);
        }
        long unmapped = s.MUnmap(mapping, length);
        return result < 0 ? result : unmapped;
    }

    private static long Poll(ISyscalls s, Call c, Outcome o)
    {
        KernelPollFd[] fds = [new(c.Fd, (short)c.A), new(c.Fd2, (short)c.B), new((int)c.C, (short)c.A)];
        long result = s.Poll(fds, 0);
        o.Keep($"{fds[0].ReturnedEvents:x} {fds[1].ReturnedEvents:x} {fds[2].ReturnedEvents:x}");
        return result;
    }

    private static long EpollCtl(ISyscalls s, Call c)
    {
        KernelEpollEvent change = new() { Events = (uint)c.B, Data = (ulong)c.Fd2 };
        return s.EpollCtl(c.Fd, (int)c.A, c.Fd2, ref change);
    }

    private static long EpollWait(ISyscalls s, Call c, Outcome o)
    {
        KernelEpollEvent[] events = new KernelEpollEvent[Math.Max(0, c.A)];
        long result = s.EpollWait(c.Fd, events, 0);
        o.Keep(string.Join(' ', events.Take((int)Math.Max(0, result)).Select(e => $"{e.Events:x}:{e.Data}")));
        return result;
    }

    // Some kernels take AT_FDCWD for a descriptor here, by accident.
    private static int NoCwd(int fd) => fd == AT_FDCWD ? -1 : fd;

    // Positions in a directory are cookies: only the first is the same everywhere. In the last pages that a file can have, tmpfs finds
    // no data and no hole: it rounds beyond the largest offset.
    private static long LSeek(ISyscalls s, Call c)
    {
        const long Last = long.MaxValue - (1 << 16);
        KernelStat stat = default;
        bool free = s.FStat(c.Fd, ref stat) == 0 && stat.TypeBits == S_IFDIR;
        return c.B is SEEK_DATA or SEEK_HOLE && stat.SizeBytes > Last ? 0
            : free && (c.A != 0 || c.B != SEEK_SET) ? 0 : s.LSeek(c.Fd, c.A, (int)c.B);
    }

    private static long GetDents64(ISyscalls s, Call c, Outcome o)
    {
        // What comes next, and so whether it fits, depends on the order of names, which is free.
        long result = s.GetDents64(c.Fd, o.Buffer((int)c.A));
        return result is >= 0 or -(long)Errno.EINVAL ? 0 : result;
    }

    private static long ListDirectory(ISyscalls s, Call c, Outcome o)
    {
        long result = s.LSeek(c.Fd, 0, SEEK_SET);
        if (result < 0)
        {
            return result;
        }
        SortedSet<string> names = new(StringComparer.Ordinal);
        byte[] buffer = new byte[4096];
        while ((result = s.GetDents64(c.Fd, buffer)) > 0)
        {
            for (int at = 0; at < result; at += MemoryMarshal.Read<ushort>(buffer.AsSpan(at + 16)))
            {
                ReadOnlySpan<byte> name = buffer.AsSpan(at + 19);
                name = name[..name.IndexOf((byte)0)];
                if (!names.Add($"{Encoding.Latin1.GetString(name)}\t{buffer[at + 18]}"))
                {
                    throw new InvalidOperationException($"{Call.Quote(name)} is listed twice");
                }
            }
        }
        if (result == 0)
        {
            o.Keep(string.Join('\n', names));
        }
        return result;
    }

    private delegate long StatCall(ref KernelStat stat);

    private static long Stat(Outcome o, StatCall call)
    {
        KernelStat stat = default;
        long result = call(ref stat);
        o.Stat = stat;
        o.HasStat = result == 0;
        return result;
    }

    private static long StatX(ISyscalls s, Call c, Outcome o)
    {
        // A: flags; B: mask. The basic part is compared as stat's, whatever of it was asked for.
        KernelStatx x = default;
        long result = s.StatX(c.Fd, c.Path, (int)c.A, (uint)c.B, ref x);
        if (result == 0)
        {
            o.Stat = new KernelStat
            {
                Device = (((ulong)x.DeviceMajor << 8) & 0xFFF00) | (x.DeviceMinor & 0xFF) | (((ulong)x.DeviceMinor & ~0xFFul) << 12),
                Ino = x.Ino,
                LinkCount = x.LinkCount,
                Mode = x.Mode,
                Uid = x.Uid,
                Gid = x.Gid,
                RawDevice = ((ulong)x.RawDeviceMajor << 8) | x.RawDeviceMinor,
                SizeBytes = (long)x.SizeBytes,
                Blocks512 = (long)x.Blocks512,
                AccessTime = new KernelTimespec(x.AccessTime.Seconds, x.AccessTime.Nanoseconds),
                ModifyTime = new KernelTimespec(x.ModifyTime.Seconds, x.ModifyTime.Nanoseconds),
                ChangeTime = new KernelTimespec(x.ChangeTime.Seconds, x.ChangeTime.Nanoseconds),
            };
            o.HasStat = true;
            o.Keep($"{x.Attributes & (STATX_ATTR_MOUNT_ROOT | 0x30):x}");
        }
        return result;
    }

    private delegate long StatFsCall(ref KernelStatFs stat);

    private static long StatFs(Outcome o, StatFsCall call)
    {
        KernelStatFs stat = default;
        long result = call(ref stat);
        if (result == 0)
        {
            o.Keep($"{stat.NameMax} {stat.BlockSizeBytes}");
        }
        return result;
    }

    private static KernelTimespec[] Times(Call c)
    {
        // A and B: seconds << 32 | nanoseconds; C: 0 for NULL.
        return c.C == 0 ? [] : [new(c.A >> 32, (uint)c.A), new(c.B >> 32, (uint)c.B)];
    }

    private static long NameList(Outcome o, long result, long size)
    {
        if (result > 0 && size >= result)
        {
            // The order of attributes is the file system's own.
            string[] names = Encoding.Latin1.GetString(o.Buffer((int)result)).Split('\0');
            Array.Sort(names, StringComparer.Ordinal);
            o.Keep(string.Join('\0', names));
        }
        return result;
    }

    private long Mount(ISyscalls s, Call c, Outcome o)
    {
        // Path: target; Path2: source; A: flags; B: 1 for a new file system, 0 for no type.
        ReadOnlySpan<byte> none = default;
        if (c.B != 1)
        {
            return s.Mount(c.Path2, c.Path, none, (ulong)c.A, none);
        }
        long result = s.Mount(c.Path2, c.Path, _scratchType, (ulong)c.A, "size=16m,nr_inodes=10k"u8);
        o.HasMounted = result == 0;
        return result;
    }

    // Unmounting what the root lies in is, on Linux, a remount to read-only in disguise, and detaching the machine's own takes all away.
    private bool IsRoot(ISyscalls s, byte[]? path) => IsWithRoot(s, s, path) || IsWithRoot(_observer, s, path);

    private static bool IsWithRoot(ISyscalls owner, ISyscalls s, byte[]? path)
    {
        KernelStat root = default;
        KernelStat target = default;
        return s.Stat(path, ref target) == 0 && owner.Stat("/"u8, ref root) == 0 && target.Device == root.Device;
    }

    private static long OpenByHandle(ISyscalls s, Call c)
    {
        // A: name_to_handle_at's flags; B: room for the handle; C: open's flags; Fd2: a descriptor of the mount.
        byte[] handle = new byte[8 + Math.Max(0, c.B)];
        BinaryPrimitives.WriteInt32LittleEndian(handle, (int)c.B);
        int mountId = 0;
        long result = s.NameToHandleAt(c.Fd, c.Path, handle, ref mountId, (int)c.A);
        return result < 0 ? result : s.OpenByHandleAt(c.Fd2, handle, (int)c.C);
    }
}
