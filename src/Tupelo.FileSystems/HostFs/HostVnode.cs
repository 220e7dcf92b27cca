// A HostVnode is one file of the host. This part: its identity, its descriptor and its attributes; HostVnode.Names.cs is what
// directories do, HostVnode.Content.cs what concerns content and extended attributes.
//
// _place is an O_PATH descriptor, or null when it was given up; _alias says where to find the file again. A file that is open, or
// has lost its last name, cannot be found again and keeps its descriptor (_pins). All fields change by interlocked operations.
using Tupelo.Block;

namespace Tupelo.FileSystems;

internal sealed partial class HostVnode : Vnode
{
    private readonly HostFileSystem _owner;
    private readonly Timespec _born;
    private HostDescriptor? _place;
    private HostDescriptor? _created;  // Open for reading and writing since it was made, for the open that follows at once.
    private HostAlias? _alias;
    private int _pins;
    private volatile bool _lostName;   // Ever; stays. A count that another thread just took away must not hide that the last name is gone.
    private int _losses;               // Names that were taken from it here, each with a pin: it may be its last.
    private bool _used;                // Racing writes do no harm.

    internal HostVnode(HostFileSystem owner, HostKey key, ulong ino, ulong generation, in HostCalls.StatX stat)
        : base(owner, ino, generation, stat.Type, DeviceOf(stat), ToAttributes(stat))
    {
        _owner = owner;
        _born = stat.BirthTime;
        Key = key;
    }

    internal HostKey Key { get; }

    internal bool HasDescriptor => Volatile.Read(ref _place) is not null;

    // Guarded by the ring's lock.
    internal bool IsInRing { get; set; }

    // Whether what the host shows under this vnode's number is this file.
    internal bool IsSameFile(in HostCalls.StatX stat) =>
        !IsDead && stat.Ino == Key.Ino && stat.Device == Key.Device && stat.Type == Type
        && stat.BirthTime == _born;

    internal bool TestAndClearUsed()
    {
        bool used = _used;
        _used = false;
        return used;
    }

    internal void PinAsRoot(HostDescriptor root)
    {
        _pins = 1;
        _place = root;
    }

    // The descriptor, counted up; the caller releases it.
    // Errors: ESTALE it cannot be found again · EMFILE · EACCES a directory on the way cannot be searched · EIO.
    internal Errno Acquire(out HostDescriptor? descriptor)
    {
        descriptor = Volatile.Read(ref _place);
        if (descriptor is not null && descriptor.TryAcquire())
        {
            if (!_used)
            {
                _used = true;
            }
            return Errno.None;
        }
        return FindAgain(out descriptor);
    }

    // Takes over the caller's reference.
    internal void Adopt(HostDescriptor descriptor)
    {
        if (Interlocked.CompareExchange(ref _place, descriptor, null) is not null)
        {
            descriptor.Release();
            return;
        }
        if (Volatile.Read(ref _pins) == 0)
        {
            _owner.Descriptors.Add(this);
        }
    }

    // Asked by the ring.
    internal void GiveUpDescriptor()
    {
        if (Volatile.Read(ref _pins) == 0)
        {
            DropDescriptor();
        }
    }

    internal void DropDescriptor() => Interlocked.Exchange(ref _place, null)?.Release();

    // Keeps the descriptor from being given up; `held` is the caller's own reference, which it keeps.
    internal void Pin(HostDescriptor held)
    {
        _ = Interlocked.Increment(ref _pins);
        if (Volatile.Read(ref _place) is null && held.TryAcquire() && Interlocked.CompareExchange(ref _place, held, null) is not null)
        {
            held.Release();
        }
    }

    internal void Unpin()
    {
        if (Interlocked.Decrement(ref _pins) == 0 && HasDescriptor)
        {
            _owner.Descriptors.Add(this);
        }
    }

    // Where it was found last.
    internal void SetAlias(HostVnode parent, ReadOnlySpan<byte> name)
    {
        HostAlias? alias = Volatile.Read(ref _alias);
        if (alias is null || !ReferenceEquals(alias.Parent, parent) || !name.SequenceEqual(alias.Name))
        {
            Volatile.Write(ref _alias, new HostAlias(parent, name.ToArray()));
        }
    }

    protected override Errno GetParent(VfsContext context, out Vnode? parent)
    {
        parent = Volatile.Read(ref _alias)?.Parent ?? _owner.RootVnode;
        return Errno.None;
    }

    protected override Errno FetchAttributes(VfsContext context)
    {
        HostDescriptor? descriptor = Volatile.Read(ref _place);
        HostCalls.StatX stat;
        if (descriptor is null && Volatile.Read(ref _alias) is { } alias && alias.Parent.HasDescriptor)
        {
            // Without opening it: through its directory, if it is still there.
            if (alias.Parent.Acquire(out HostDescriptor? directory) == Errno.None)
            {
                Errno found = LinuxHost.Stat(directory!.Number, alias.Name, out stat);
                directory.Release();
                if (found == Errno.None && IsSameFile(stat))
                {
                    StoreAttributes(ToAttributes(stat));
                    return Errno.None;
                }
            }
        }
        Errno errno = Acquire(out descriptor);
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = LinuxHost.Stat(descriptor!.Number, default, out stat);
        descriptor.Release();
        if (errno == Errno.None)
        {
            StoreAttributes(ToAttributes(stat));
        }
        return errno;
    }

    protected override Errno SetAttributes(VfsContext context, in AttributeChange change)
    {
        if (change.Has(AttributeMask.Flags))
        {
            return Errno.EPERM;
        }
        Errno errno = Acquire(out HostDescriptor? descriptor);
        if (errno != Errno.None)
        {
            return errno;
        }
        // The owner first: it clears set-id bits on the host, which the mode then sets as the core decided.
        if (change.Has(AttributeMask.Uid | AttributeMask.Gid))
        {
            errno = LinuxHost.ChangeOwner(
                descriptor!.Number, change.Has(AttributeMask.Uid) ? change.Uid : uint.MaxValue, change.Has(AttributeMask.Gid) ? change.Gid : uint.MaxValue);
        }
        if (errno == Errno.None && change.Has(AttributeMask.Mode))
        {
            errno = LinuxHost.ChangeMode(descriptor!.Number, change.Permissions);
        }
        if (errno == Errno.None && change.Has(AttributeMask.AccessTime | AttributeMask.ModifyTime))
        {
            errno = LinuxHost.ChangeTimes(
                descriptor!.Number,
                change.Has(AttributeMask.AccessTime) ? ToHostTime(change.AccessTime) : new HostCalls.TimeSpec { Nanoseconds = HostCalls.TimeSpec.Omit },
                change.Has(AttributeMask.ModifyTime) ? ToHostTime(change.ModifyTime) : new HostCalls.TimeSpec { Nanoseconds = HostCalls.TimeSpec.Omit });
        }
        descriptor!.Release();
        return errno;
    }

    // Names were taken from it here: the host tells whether it has others.
    protected override bool HasNoName()
    {
        if (IsDead)
        {
            return true;
        }
        if (!_lostName || Acquire(out HostDescriptor? descriptor) != Errno.None)
        {
            return false;
        }
        Errno errno = LinuxHost.Stat(descriptor!.Number, default, out HostCalls.StatX stat);
        descriptor.Release();
        return errno == Errno.None && stat.LinkCount == 0;
    }

    protected override void Inactivate()
    {
        Interlocked.Exchange(ref _created, null)?.Release();
        for (int kept = Interlocked.Exchange(ref _losses, 0); kept > 0; kept--)
        {
            Unpin();
        }
    }

    // Nobody can find it any more; the host frees it when the descriptor is closed.
    protected override void Evict()
    {
        Interlocked.Exchange(ref _created, null)?.Release();
        _owner.Forget(this);
        _ = Interlocked.Exchange(ref _pins, 0);
        DropDescriptor();
    }

    private static ulong DeviceOf(in HostCalls.StatX stat) =>
        stat.Type is FileType.CharDevice or FileType.BlockDevice ? DeviceNumber.Make(stat.RawDeviceMajor, stat.RawDeviceMinor) : 0;

    private static HostCalls.TimeSpec ToHostTime(Timespec time) => new() { Seconds = time.Seconds, Nanoseconds = time.Nanoseconds };

    private static VnodeAttributes ToAttributes(in HostCalls.StatX stat) => new()
    {
        Permissions = stat.Mode & Mode.PermissionMask,
        Uid = stat.Uid,
        Gid = stat.Gid,
        LinkCount = stat.LinkCount,
        SizeBytes = stat.SizeBytes,
        Blocks512 = stat.Blocks512,
        AccessTime = stat.AccessTime,
        ModifyTime = stat.ModifyTime,
        ChangeTime = stat.ChangeTime,
        BirthTime = stat.BirthTime,
    };

    // From the nearest directory above that still has its descriptor, name by name; each must be the file that it was.
    private Errno FindAgain(out HostDescriptor? descriptor)
    {
        descriptor = null;
        var way = new Stack<HostVnode>();
        HostVnode at = this;
        HostDescriptor? from;
        while ((from = Volatile.Read(ref at._place)) is null || !from.TryAcquire())
        {
            way.Push(at);
            if (Volatile.Read(ref at._alias) is not { } alias || way.Count > 4096)
            {
                return Errno.ESTALE;
            }
            at = alias.Parent;
        }
        while (way.TryPop(out HostVnode? next))
        {
            Errno errno = next.OpenAlias(from, out HostDescriptor? found);
            from.Release();
            if (errno != Errno.None)
            {
                return errno;
            }
            from = found!;
            if (found!.TryAcquire())
            {
                next.Adopt(found);
            }
        }
        descriptor = from;
        return Errno.None;
    }

    private Errno OpenAlias(HostDescriptor directory, out HostDescriptor? descriptor)
    {
        descriptor = null;
        Errno errno = LinuxHost.OpenBeneath(
            directory.Number, Volatile.Read(ref _alias)!.Name, HostCalls.O_PATH, 0, _owner.HostOptions.CrossDevices, out int number);
        if (errno != Errno.None)
        {
            return errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP ? Errno.ESTALE : errno;
        }
        descriptor = new HostDescriptor(number);
        errno = LinuxHost.Stat(number, default, out HostCalls.StatX stat);
        if (errno == Errno.None && !IsSameFile(stat))
        {
            errno = Errno.ESTALE;
        }
        if (errno != Errno.None)
        {
            descriptor.Release();
            descriptor = null;
        }
        return errno;
    }

    private sealed record HostAlias(HostVnode Parent, byte[] Name);
}
