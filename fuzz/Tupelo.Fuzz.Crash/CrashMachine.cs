// A file layer with one TFS volume as its root, and the steps of a workload as system calls on it. The clock stands still within a
// step, so that runs are repeatable byte for byte.
using System.Text;
using Tupelo.Block;
using Tupelo.Tfs;
using Tupelo.Vfs;

namespace Tupelo.Fuzz.Crash;

internal sealed class CrashMachine : IDisposable
{
    private static readonly VfsOptions Defaults = new() { CachedNames = 64 };

    [ThreadStatic]
    private static byte[]? t_data;

    private readonly VfsContext _context;
    private readonly Syscalls _calls;

    /// <param name="device">What holds the volume.</param>
    /// <param name="clock">Time stamps.</param>
    /// <exception cref="TfsFormatException">The volume cannot be mounted.</exception>
    public CrashMachine(BlockDevice device, StepClock clock)
        : this(TfsFileSystem.Mount(device, MountOptions), clock)
    {
    }

    /// <summary>Takes over a volume that is mounted already.</summary>
    public CrashMachine(TfsFileSystem volume, StepClock clock)
    {
        Volume = volume;
        var type = new MountedType(volume);
        var kernel = new VfsKernel(Defaults with { Clock = clock });
        Errno errno = kernel.FileSystems.Register(type);
        errno = errno == Errno.None ? kernel.Start(type.Name, "crash test", MountFlags.None, "", out _first) : errno;
        _context = errno == Errno.None ? _first! : throw new InvalidOperationException($"the file layer does not start: {errno}");
        _calls = new Syscalls(_context);
        _ = _calls.Umask(0);
    }

    private readonly VfsContext? _first;

    /// <summary>Nothing is written but at a sync.</summary>
    public static TfsMountOptions MountOptions { get; } = new() { FlushDelay = TimeSpan.Zero };

    public TfsFileSystem Volume { get; }

    public void Dispose() => _context.Dispose();

    /// <summary>Modification time of a file, not followed; default when there is none.</summary>
    public Timespec ModifyTimeOf(string path)
    {
        Stat stat = default;
        return _calls.LStat(Bytes(path), ref stat) == 0 ? stat.ModifyTime : default;
    }

    /// <summary>Carries out one step, all but <see cref="OperationKind.Remount"/>.</summary>
    /// <param name="operation">What.</param>
    /// <param name="step">Its number, for the data's stamps.</param>
    /// <param name="file">The file's number, likewise.</param>
    /// <param name="sizeBytes">Its size before, where an append goes.</param>
    /// <returns>As the system call; for composed steps what ModelTree.Apply expects.</returns>
    public long Execute(in CrashOperation operation, int step, int file, long sizeBytes)
    {
        ReadOnlySpan<byte> a = Bytes(operation.A);
        ReadOnlySpan<byte> b = Bytes(operation.B);
        const int Here = AtFd.CurrentDirectory;
        switch (operation.Kind)
        {
            case OperationKind.Create:
                return Close(_calls.Open(a, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NoFollow, 0x1A4));
            case OperationKind.MakeDirectory:
                return _calls.MkDirAt(Here, a, 0x1ED);
            case OperationKind.MakeFifo:
                return _calls.MkNodAt(Here, a, Mode.OfType(FileType.Fifo) | 0x1B4);
            case OperationKind.MakeDevice:
                return _calls.MkNodAt(Here, a, Mode.OfType(FileType.CharDevice) | 0x1B4, (ulong)operation.X);
            case OperationKind.Symlink:
                return _calls.SymlinkAt(b, Here, a);
            case OperationKind.Link:
                return _calls.LinkAt(Here, a, Here, b);
            case OperationKind.Unlink:
                return _calls.UnlinkAt(Here, a);
            case OperationKind.RemoveDirectory:
                return _calls.UnlinkAt(Here, a, AtFlags.RemoveDirectory);
            case OperationKind.Rename:
                return _calls.RenameAt2(Here, a, Here, b);
            case OperationKind.RenameNoReplace:
                return _calls.RenameAt2(Here, a, Here, b, RenameFlags.NoReplace);
            case OperationKind.Exchange:
                return _calls.RenameAt2(Here, a, Here, b, RenameFlags.Exchange);
            case OperationKind.Whiteout:
                return _calls.RenameAt2(Here, a, Here, b, RenameFlags.Whiteout);
            case OperationKind.Write:
                return Write(a, OpenFlags.Create, operation.X, operation.Y, step, file);
            case OperationKind.WriteSync:
                return Write(a, OpenFlags.Create | OpenFlags.Sync, operation.X, operation.Y, step, file);
            case OperationKind.WriteDirect:
                return Write(a, OpenFlags.Create | OpenFlags.Direct, operation.X, operation.Y, step, file);
            case OperationKind.Append:
                return Write(a, OpenFlags.Create | OpenFlags.Append, sizeBytes, operation.X, step, file);
            case OperationKind.Rewrite:
                return Write(a, OpenFlags.Create | OpenFlags.Truncate, 0, operation.X, step, file);
            case OperationKind.Truncate:
                return OnFile(a, OpenFlags.ReadWrite, fd => _calls.FTruncate(fd, _x), operation);
            case OperationKind.SetXattr:
                return _calls.SetXattrAt(Here, a, AtFlags.SymlinkNoFollow, Bytes("user." + operation.B), ModelTree.XattrValue(step, operation.X), XattrFlags.None);
            case OperationKind.RemoveXattr:
                return _calls.RemoveXattrAt(Here, a, AtFlags.SymlinkNoFollow, Bytes("user." + operation.B));
            case OperationKind.ChangeMode:
                return _calls.FChModAt2(Here, a, (uint)operation.X, AtFlags.SymlinkNoFollow);
            case OperationKind.ChangeOwner:
                return _calls.FChOwnAt(Here, a, (uint)operation.X, (uint)operation.Y, AtFlags.SymlinkNoFollow);
            case OperationKind.SetTimes:
                return _calls.UtimeNsAt(Here, a, [new Timespec(operation.X, 0), new Timespec(operation.X, 0)], AtFlags.SymlinkNoFollow);
            case OperationKind.TemporaryThenLink:
                return TemporaryThenLink(operation, step, file);
            case OperationKind.WriteUnlinked:
                return WriteUnlinked(operation, step, file);
            case OperationKind.FSync or OperationKind.FSyncDirectory:
                return OnFile(a, OpenFlags.ReadOnly, fd => _calls.FSync(fd), operation);
            case OperationKind.FDataSync:
                return OnFile(a, OpenFlags.ReadOnly, fd => _calls.FDataSync(fd), operation);
            case OperationKind.Sync:
                return SyncAll();
            case OperationKind.Compact:
                return -(long)Volume.Compact();
            default:
                FallocateMode mode = ModeOf(operation.Kind);
                return OnFile(a, OpenFlags.ReadWrite, fd => _calls.FAllocate(fd, mode, _x, _y), operation);
        }
    }

    private long _x;
    private long _y;

    /// <summary>sync(2) tells no error; syncfs(2) does.</summary>
    public long SyncAll()
    {
        long fd = _calls.Open("/"u8, OpenFlags.Directory);
        if (fd < 0)
        {
            return fd;
        }
        long result = _calls.SyncFs((int)fd);
        _ = _calls.Close((int)fd);
        return result;
    }

    private static FallocateMode ModeOf(OperationKind kind) => kind switch
    {
        OperationKind.AllocateKeepSize => FallocateMode.KeepSize,
        OperationKind.PunchHole => FallocateMode.PunchHole | FallocateMode.KeepSize,
        OperationKind.ZeroRange => FallocateMode.ZeroRange,
        OperationKind.ZeroRangeKeepSize => FallocateMode.ZeroRange | FallocateMode.KeepSize,
        OperationKind.CollapseRange => FallocateMode.CollapseRange,
        OperationKind.InsertRange => FallocateMode.InsertRange,
        _ => FallocateMode.None,
    };

    private static byte[] Bytes(string path) => Encoding.UTF8.GetBytes(path);

    private long Close(long fd)
    {
        if (fd >= 0)
        {
            _ = _calls.Close((int)fd);
        }
        return Math.Min(fd, 0);
    }

    private long OnFile(ReadOnlySpan<byte> path, OpenFlags flags, Func<int, long> call, in CrashOperation operation)
    {
        (_x, _y) = (operation.X, operation.Y);
        long fd = _calls.Open(path, flags | OpenFlags.NoFollow | OpenFlags.NonBlock);
        if (fd < 0)
        {
            return fd;
        }
        long result = call((int)fd);
        _ = _calls.Close((int)fd);
        return result;
    }

    private static ReadOnlySpan<byte> Data(long length, int file, int step, long offset)
    {
        if (t_data is null || t_data.Length < length)
        {
            t_data = new byte[Math.Max(length, 64 << 10)];
        }
        Span<byte> data = t_data.AsSpan(0, (int)length);
        Stamp.Fill(data, file, step, offset);
        return data;
    }

    private long Write(ReadOnlySpan<byte> path, OpenFlags flags, long offset, long length, int step, int file)
    {
        long fd = _calls.Open(path, OpenFlags.ReadWrite | OpenFlags.NoFollow | OpenFlags.NonBlock | flags, 0x1A4);
        if (fd < 0)
        {
            return fd;
        }
        long result = (flags & OpenFlags.Append) != 0
            ? _calls.Write((int)fd, Data(length, file, step, offset))
            : _calls.PWrite((int)fd, Data(length, file, step, offset), offset);
        _ = _calls.Close((int)fd);
        if ((flags & OpenFlags.Sync) != 0)
        {
            return result;
        }
        return Math.Max(result, 0); // the file was opened, and made or cut if need be: that much has happened
    }

    private long TemporaryThenLink(in CrashOperation operation, int step, int file)
    {
        string directory = operation.A[..Math.Max(1, operation.A.LastIndexOf('/'))];
        long fd = _calls.Open(Bytes(directory), OpenFlags.TemporaryFile | OpenFlags.ReadWrite, 0x180);
        if (fd < 0)
        {
            return fd;
        }
        long written = Math.Max(0, _calls.PWrite((int)fd, Data(operation.X, file, step, 0), 0));
        long linked = _calls.LinkAt((int)fd, ""u8, AtFd.CurrentDirectory, Bytes(operation.A), AtFlags.EmptyPath);
        _ = _calls.Close((int)fd);
        return linked < 0 ? linked : written;
    }

    private long WriteUnlinked(in CrashOperation operation, int step, int file)
    {
        long fd = _calls.Open(Bytes(operation.A), OpenFlags.ReadWrite | OpenFlags.NoFollow | OpenFlags.NonBlock);
        if (fd < 0)
        {
            return fd;
        }
        long result = _calls.UnlinkAt(AtFd.CurrentDirectory, Bytes(operation.A));
        if (result == 0)
        {
            result = Math.Max(0, _calls.PWrite((int)fd, Data(operation.X, file, step, 0), 0));
        }
        _ = _calls.Close((int)fd);
        return result;
    }

    // Hands out a volume that is mounted already.
    private sealed class MountedType(TfsFileSystem volume) : FileSystemType
    {
        public override string Name => "tfs";

        public override Errno Create(MountRequest request, out FileSystem? fileSystem)
        {
            fileSystem = volume;
            return Errno.None;
        }
    }
}

/// <summary>Time that goes on by a second with each step.</summary>
internal sealed class StepClock : VfsClock
{
    public int Step { get; set; }

    public override Timespec Now => TimeOf(Step);

    public static Timespec TimeOf(int step) => new(1_700_000_000 + step, 0);
}
