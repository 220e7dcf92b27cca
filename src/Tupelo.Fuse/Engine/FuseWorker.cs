// A FuseWorker is what one serving thread keeps: a context of its own with the calls over it, the credentials of recent callers,
// and which request it is at, so that an INTERRUPT finds it.
using Tupelo.Vfs;

namespace Tupelo.Fuse;

/// <summary>The state of one thread that serves requests. One thread at a time.</summary>
public sealed class FuseWorker : IDisposable
{
    private const int CachedCallers = 8;

    private readonly FuseEngine _engine;
    private readonly Credentials?[] _callers = new Credentials?[CachedCallers];
    private readonly CallerGroups _groups = new();
    private int _next;
    private ulong _unique;

    internal FuseWorker(FuseEngine engine, VfsContext context)
    {
        _engine = engine;
        Calls = new NodeCalls(context);
    }

    internal NodeCalls Calls { get; }

    internal VfsContext Context => Calls.Context;

    /// <summary>The request that is being carried out, 0 between two.</summary>
    internal ulong Unique => Volatile.Read(ref _unique);

    /// <summary>Records of a directory on their way from the core to the client.</summary>
    internal byte[] DirectoryRecords => field ??= GC.AllocateUninitializedArray<byte>(64 * 1024);

    internal void Begin(in FuseInHeader header, uint knownGroup)
    {
        Volatile.Write(ref _unique, header.Unique);
        _groups.Reset(header.Pid, knownGroup);
        BecomeCaller(header.Uid, header.Gid, keepsSetIds: true);
    }

    internal void End()
    {
        Volatile.Write(ref _unique, 0);
        Context.Interrupt.Clear();
    }

    internal void InterruptIf(ulong unique)
    {
        if (Unique == unique)
        {
            Context.Interrupt.Raise();
        }
    }

    /// <summary>The calls that follow are made as this user; without <paramref name="keepsSetIds"/> changed content loses its set-id bits.</summary>
    internal void BecomeCaller(uint uid, uint gid, bool keepsSetIds)
    {
        Capabilities capabilities = uid == 0 || _engine.Options.KernelChecksPermissions ? Capabilities.All : Capabilities.None;
        Become(uid, gid, keepsSetIds ? capabilities : capabilities & ~Capabilities.KeepSetId);
    }

    /// <summary>For lists of extended attributes, which the kernel does not filter: only root sees those of the trusted namespace.</summary>
    internal void BecomeLister(uint uid, uint gid)
    {
        if (uid != 0)
        {
            Become(uid, gid, Context.Credentials.Capabilities & ~Capabilities.Administrator);
        }
    }

    public void Dispose() => _engine.Remove(this);

    private void Become(uint uid, uint gid, Capabilities capabilities)
    {
        uid = _engine.InsideUid(uid);
        gid = _engine.InsideGid(gid);
        foreach (Credentials? known in _callers)
        {
            if (known is not null && known.Uid == uid && known.Gid == gid && known.Capabilities == capabilities)
            {
                Context.Credentials = known;
                return;
            }
        }
        var made = new Credentials(uid, gid, _groups, capabilities);
        _callers[_next] = made;
        _next = (_next + 1) % CachedCallers;
        Context.Credentials = made;
    }
}
