// FuseEngine turns the bytes of a FUSE request into calls on the VFS, and the answer into the bytes of a reply. It knows no
// transport: /dev/fuse (Device/FuseServer) and virtio-fs hand it frames. Above: transports. Below: Tupelo.Vfs' NodeCalls.
//
// State: the nodes that the client knows (NodeTable), its open files (a SlotTable), what INIT has agreed on. Each serving thread
// brings a FuseWorker. A warm request allocates nothing.
// The client is not trusted: lengths, names, numbers are checked; a bug in carrying out a request is EIO for that request.
//
// Locks: NodeTable's and SlotTable's leaves, never held while the VFS is called. _workersMu guards the list of workers (leaf).
// This half: set-up and dispatch. FuseEngine.Names, .Attributes, .Files, .Directories carry out the requests.
using System.Runtime.InteropServices;
using Tupelo.Vfs;

namespace Tupelo.Fuse;

/// <summary>Serves one client. Any number of threads, each with a worker of its own.</summary>
public sealed partial class FuseEngine : IDisposable
{
    /// <summary>Largest part of a WRITE request that is not data.</summary>
    public const int MaxHeadBytes = 4096;

    // A reply or request of a kind that carries names, attributes' values or directory entries.
    private const int MaxValueBytes = 65536;

    private readonly VfsContext _process;
    private readonly NodeTable _nodes;
    private readonly SlotTable<OpenFile> _files = new();
    private readonly Lock _workersMu = new(); // Leaf. Guards changes of _workers.
    private FuseWorker[] _workers = [];
    private volatile bool _shutDown;
    private volatile bool _ended;
    private int _bugs;

    /// <param name="context">Whose root directory is served; the engine works in a process of its own, forked from it.</param>
    /// <param name="options">How.</param>
    public FuseEngine(VfsContext context, FuseOptions? options = null)
    {
        Options = options ?? new FuseOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(Options.MaxIoBytes, 4096, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNotEqual(Options.MaxIoBytes % 4096, 0, nameof(options));
        if (Options.WritebackCache && !Options.KernelChecksPermissions)
        {
            throw new ArgumentException("the write-back cache needs permissions that the kernel checks", nameof(options));
        }
        _process = context.Fork();
        _process.Credentials = Credentials.Root;
        _process.Limits.MaxFileBytes = long.MaxValue;
        _ = new Syscalls(_process).Umask(0);
        PathRef root = _process.PinRootDirectory() ?? throw new ArgumentException("the context's root directory is gone", nameof(context));
        _rootFileSystem = root.Mount.FileSystem;
        _nodes = new NodeTable(root);
    }

    public FuseOptions Options { get; }

    /// <summary>True once INIT has been answered.</summary>
    public bool IsInitialized => _minor != 0;

    /// <summary>What both sides have agreed on.</summary>
    public FuseInitFlags Flags => _flags;

    /// <summary>The minor version of the protocol that is spoken, 0 before INIT.</summary>
    public int Minor => _minor;

    /// <summary>Nodes that the client remembers, the root included; open files. For checks and status.</summary>
    public (int Nodes, int Files) Counts => (_nodes.Count, _files.Count);

    /// <summary>Makes the state of one more serving thread.</summary>
    public FuseWorker AddWorker()
    {
        var worker = new FuseWorker(this, _process.NewThread());
        lock (_workersMu)
        {
            _workers = [.. _workers, worker];
        }
        return worker;
    }

    /// <summary>Carries one request out.</summary>
    /// <returns>Bytes of the reply, header included; 0 when none is due.</returns>
    public int Handle(FuseWorker worker, FuseFrame frame)
    {
        ReadOnlySpan<byte> request = frame.Request;
        if (!MemoryMarshal.TryRead(request, out FuseInHeader header))
        {
            return 0;
        }
        // The length that counts is the transport's; a WRITE's data may lie elsewhere.
        ReadOnlySpan<byte> body = request[FuseInHeader.Bytes..];
        ReadOnlySpan<byte> extensions = default;
        int extensionBytes = header.ExtensionLength8 * 8;
        if (extensionBytes > 0 && extensionBytes <= body.Length)
        {
            extensions = body[^extensionBytes..];
            body = body[..^extensionBytes];
        }
        var call = new FuseCall(worker, frame, header, body, extensions);
        worker.Begin(header, extensions.IsEmpty ? CallerGroups.NoGroup : GroupOf(extensions));
        Errno errno;
        try
        {
            errno = Dispatch(ref call);
        }
        catch (Exception bug)
        {
            ReportBug(header.Opcode, bug);
            errno = Errno.EIO;
        }
        if (call.Node is { } node)
        {
            _nodes.Release(node);
        }
        worker.End();
        return errno == NoReply ? 0 : FinishReply(frame, header.Unique, errno, call.ReplyBytes);
    }

    /// <summary>Ends a client that said nothing at its end (unmounted, aborted, killed): closes its files and forgets its nodes.</summary>
    /// <remarks>No request is in progress, and none comes any more.</remarks>
    public void Disconnect()
    {
        if (!_ended)
        {
            _ended = true;
            foreach (OpenFile file in _files.RemoveAll())
            {
                file.Release();
            }
            _nodes.Clear();
        }
    }

    /// <summary>Makes everything durable that was written.</summary>
    /// <remarks>Errors: the first one that a file system answered.</remarks>
    public Errno Sync() => _shutDown ? Errno.EIO : new NodeCalls(_process).SyncAll();

    public void Dispose()
    {
        Disconnect();
        foreach (FuseWorker worker in _workers)
        {
            worker.Context.Dispose();
        }
        _workers = [];
        _process.Dispose();
    }

    internal void Remove(FuseWorker worker)
    {
        lock (_workersMu)
        {
            int before = _workers.Length;
            _workers = [.. _workers.Where(other => other != worker)];
            if (_workers.Length == before)
            {
                return;
            }
        }
        worker.Context.Dispose();
    }

    // Not an error of Linux: no reply is sent.
    private const Errno NoReply = (Errno)(-1);

    private static int FinishReply(FuseFrame frame, ulong unique, Errno errno, int replyBytes)
    {
        var header = new FuseOutHeader
        {
            Length = (uint)(FuseOutHeader.Bytes + (errno == Errno.None ? replyBytes : 0)),
            Error = -(int)errno,
            Unique = unique,
        };
        MemoryMarshal.Write(frame.Reply, header);
        return (int)header.Length;
    }

    private Errno Dispatch(ref FuseCall call)
    {
        switch (call.Header.Opcode)
        {
            case FuseOpcode.Forget:
                return Forget(ref call);
            case FuseOpcode.BatchForget:
                return BatchForget(ref call);
            case FuseOpcode.Interrupt:
                return Interrupt(ref call);
            case FuseOpcode.NotifyReply:
                return NoReply;
            case FuseOpcode.Init:
                return Init(ref call);
            case FuseOpcode.Destroy:
                return Sync();
            default:
                break;
        }
        if (!IsInitialized || _shutDown)
        {
            return Errno.EIO;
        }
        call.Node = _nodes.Acquire(call.Header.NodeId);
        if (call.Node is null)
        {
            return Errno.ESTALE;
        }
        return call.Header.Opcode switch
        {
            FuseOpcode.Read => Read(ref call),
            FuseOpcode.Write => Write(ref call),
            FuseOpcode.Lookup => LookUp(ref call),
            FuseOpcode.GetAttr => GetAttr(ref call),
            FuseOpcode.SetAttr => SetAttr(ref call),
            FuseOpcode.ReadLink => ReadLink(ref call),
            FuseOpcode.Symlink => Symlink(ref call),
            FuseOpcode.MkNod => MkNod(ref call),
            FuseOpcode.MkDir => MkDir(ref call),
            FuseOpcode.Unlink => Remove(ref call, wantsDirectory: false),
            FuseOpcode.RmDir => Remove(ref call, wantsDirectory: true),
            FuseOpcode.Rename => Rename(ref call, hasFlags: false),
            FuseOpcode.Rename2 => Rename(ref call, hasFlags: true),
            FuseOpcode.Link => Link(ref call),
            FuseOpcode.Open => Open(ref call),
            FuseOpcode.Release => Release(ref call),
            FuseOpcode.Flush => Flush(ref call),
            FuseOpcode.FSync => FSync(ref call),
            FuseOpcode.FSyncDir => FSyncDir(ref call),
            FuseOpcode.SyncFs => NodeCalls.SyncFileSystem(call.Place),
            FuseOpcode.StatFs => StatFs(ref call),
            FuseOpcode.SetXattr => SetXattr(ref call),
            FuseOpcode.GetXattr => GetXattr(ref call),
            FuseOpcode.ListXattr => ListXattr(ref call),
            FuseOpcode.RemoveXattr => RemoveXattr(ref call),
            FuseOpcode.OpenDir => OpenDir(ref call),
            FuseOpcode.ReadDir => ReadDir(ref call, plus: false),
            FuseOpcode.ReadDirPlus => ReadDir(ref call, plus: true),
            FuseOpcode.ReleaseDir => Errno.None,
            FuseOpcode.Access => Access(ref call),
            FuseOpcode.Create => Create(ref call),
            FuseOpcode.TmpFile => TmpFile(ref call),
            FuseOpcode.Ioctl => Ioctl(ref call),
            FuseOpcode.FAllocate => FAllocate(ref call),
            FuseOpcode.LSeek => LSeek(ref call),
            FuseOpcode.CopyFileRange => CopyFileRange(ref call, wide: false),
            FuseOpcode.CopyFileRange64 => CopyFileRange(ref call, wide: true),
            FuseOpcode.Statx => Statx(ref call),
            // Locks, poll and block maps are the kernel's own business when they are refused.
            _ => Errno.ENOSYS,
        };
    }

    private Errno Forget(ref FuseCall call)
    {
        if (call.TryTake(out ulong lookups))
        {
            _nodes.Forget(call.Header.NodeId, lookups);
        }
        return NoReply;
    }

    private Errno BatchForget(ref FuseCall call)
    {
        if (call.TryTake(out FuseBatchForgetIn batch))
        {
            for (uint i = 0; i < batch.Count && call.TryTake(out FuseForgetOne one); i++)
            {
                _nodes.Forget(one.NodeId, one.Lookups);
            }
        }
        return NoReply;
    }

    private Errno Interrupt(ref FuseCall call)
    {
        if (call.TryTake(out ulong unique))
        {
            foreach (FuseWorker worker in Volatile.Read(ref _workers))
            {
                worker.InterruptIf(unique);
            }
        }
        return NoReply;
    }

    // The group that makes the caller a member of the directory's group, as far as the client knows.
    private static uint GroupOf(ReadOnlySpan<byte> extensions)
    {
        while (extensions.Length >= 8)
        {
            uint bytes = MemoryMarshal.Read<uint>(extensions);
            uint type = MemoryMarshal.Read<uint>(extensions[4..]);
            if (bytes < 8 || bytes > extensions.Length)
            {
                break;
            }
            if (type == FuseRequestFlags.ExtensionGroups && bytes >= 16 && MemoryMarshal.Read<uint>(extensions[8..]) >= 1)
            {
                return MemoryMarshal.Read<uint>(extensions[12..]);
            }
            extensions = extensions[(int)bytes..];
        }
        return CallerGroups.NoGroup;
    }

    private void ReportBug(FuseOpcode opcode, Exception bug)
    {
        const int MaxReports = 100;
        if (Interlocked.Increment(ref _bugs) <= MaxReports)
        {
            Options.Report?.Invoke($"request {opcode} failed: {bug}");
        }
    }
}
