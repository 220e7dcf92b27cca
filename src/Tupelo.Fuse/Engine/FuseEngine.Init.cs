using Tupelo.Vfs;

namespace Tupelo.Fuse;

// INIT: the version that is spoken, and what both sides can do.
public sealed partial class FuseEngine
{
    private const uint Major = 7;
    private const uint OldestMinor = 31;
    private const uint NewestMinor = 45;
    private const int PageBytes = 4096;

    // What the engine can do whatever is mounted.
    private const FuseInitFlags Offered = FuseInitFlags.AsyncRead | FuseInitFlags.BigWrites | FuseInitFlags.HasIoctlDir | FuseInitFlags.DoReadDirPlus
        | FuseInitFlags.ReadDirPlusAuto | FuseInitFlags.AsyncDirectIo | FuseInitFlags.ParallelDirOps | FuseInitFlags.AbortError | FuseInitFlags.MaxPages
        | FuseInitFlags.ExportSupport | FuseInitFlags.HandleKillPrivilegeV2 | FuseInitFlags.InitExtended | FuseInitFlags.CreateSupplementaryGroup
        | FuseInitFlags.DirectIoAllowMmap;

    private volatile int _minor;
    private FuseInitFlags _flags;
    private bool _opensNothing;
    private bool _opensNoDirectories;

    // Errors: EPROTO a client that is too old, or has been here before.
    private Errno Init(ref FuseCall call)
    {
        if (!call.TryTake(out uint major) || !call.TryTake(out uint minor))
        {
            return Errno.EINVAL;
        }
        if (major > Major)
        {
            // The client then asks again, in our version.
            ref FuseInitOut ours = ref call.Add<FuseInitOut>();
            ours.Major = Major;
            ours.Minor = NewestMinor;
            return Errno.None;
        }
        if (major < Major || minor < OldestMinor || IsInitialized || !call.TryTake(out uint maxReadAhead) || !call.TryTake(out uint lowFlags))
        {
            Options.Report?.Invoke($"the client speaks FUSE {major}.{minor}; {Major}.{OldestMinor} or newer is needed");
            return Errno.EPROTO;
        }
        var capable = (FuseInitFlags)lowFlags;
        if ((capable & FuseInitFlags.InitExtended) != 0 && call.TryTake(out uint highFlags))
        {
            capable |= (FuseInitFlags)((ulong)highFlags << 32);
        }
        _flags = capable & Wanted();
        _opensNothing = (_flags & FuseInitFlags.NoOpenSupport) != 0;
        _opensNoDirectories = (_flags & FuseInitFlags.NoOpenDirSupport) != 0;
        ref FuseInitOut reply = ref call.Add<FuseInitOut>();
        reply.Major = Major;
        reply.Minor = Math.Min(minor, NewestMinor);
        reply.MaxReadAhead = Math.Min(maxReadAhead, (uint)Options.MaxReadAheadBytes);
        reply.Flags = (uint)_flags;
        reply.Flags2 = (uint)((ulong)_flags >> 32);
        reply.MaxBackground = (ushort)Math.Clamp(Options.MaxBackground, 1, ushort.MaxValue);
        reply.CongestionThreshold = (ushort)Math.Max(1, reply.MaxBackground * 3 / 4);
        reply.MaxWrite = (uint)Options.MaxIoBytes;
        reply.MaxPages = (ushort)Math.Min(Options.MaxIoBytes / PageBytes, ushort.MaxValue);
        reply.TimeGranularity = 1;
        _minor = (int)reply.Minor;
        return Errno.None;
    }

    private FuseInitFlags Wanted()
    {
        FuseInitFlags wanted = Offered;
        bool exclusive = true;
        bool plain = true;
        foreach (Mount mount in _process.GetMounts())
        {
            exclusive &= mount.FileSystem.CachePolicy == CachePolicy.Exclusive;
            plain &= mount.FileSystem.Supports(FileSystemFeatures.StatelessOpen);
        }
        wanted |= exclusive ? FuseInitFlags.ExplicitInvalidateData | FuseInitFlags.CacheSymlinks : FuseInitFlags.AutoInvalidateData;
        if (exclusive && plain)
        {
            wanted |= FuseInitFlags.NoOpenDirSupport;
        }
        // O_TRUNC then comes as a SETATTR of its own.
        wanted |= exclusive && plain && Options.OpensWithoutAsking && Options.KernelChecksPermissions
            ? FuseInitFlags.NoOpenSupport
            : FuseInitFlags.AtomicTruncate;
        return Options.WritebackCache && exclusive ? wanted | FuseInitFlags.WritebackCache : wanted;
    }
}
