using Tupelo.Vfs;

namespace Tupelo.Fuse;

// Names: finding, making, removing, moving them. Each entry that is replied counts as a lookup of its node.
public sealed partial class FuseEngine
{
    // Takes over the place's pin.
    private Errno ReplyEntry(ref FuseCall call, PathRef place)
    {
        Stat stat = default;
        Errno errno = call.Calls.GetStat(place, ref stat);
        if (errno != Errno.None)
        {
            place.Unpin();
            return errno;
        }
        FillEntry(ref call.Add<FuseEntryOut>(), _nodes.LookUp(place), stat);
        return Errno.None;
    }

    private void FillEntry(ref FuseEntryOut entry, FuseNode node, in Stat stat)
    {
        FileSystem fileSystem = node.Vnode.FileSystem;
        entry.NodeId = node.Id;
        entry.Generation = node.Generation;
        FillTimeout(fileSystem, out entry.EntrySeconds, out entry.EntryNanoseconds);
        entry.AttrSeconds = entry.EntrySeconds;
        entry.AttrNanoseconds = entry.EntryNanoseconds;
        FillAttr(ref entry.Attr, fileSystem, stat);
    }

    private Errno LookUp(ref FuseCall call)
    {
        if (!call.TryTakeName(out ReadOnlySpan<byte> name))
        {
            return Errno.EINVAL;
        }
        Errno errno = call.Calls.Lookup(call.Place, name, out PathRef child);
        if (errno == Errno.None)
        {
            return ReplyEntry(ref call, child);
        }
        if (errno == Errno.ENOENT && !call.Node!.Vnode.IsDead)
        {
            // No such name, and that may be remembered.
            ref FuseEntryOut entry = ref call.Add<FuseEntryOut>();
            FillTimeout(call.Node.Vnode.FileSystem, out entry.EntrySeconds, out entry.EntryNanoseconds);
            return Errno.None;
        }
        return errno;
    }

    private Errno MkNod(ref FuseCall call)
    {
        if (!call.TryTake(out FuseMkNodIn make) || !call.TryTakeName(out ReadOnlySpan<byte> name))
        {
            return Errno.EINVAL;
        }
        uint raw = make.RawDevice;
        ulong device = DeviceNumber.Make((raw >> 8) & 0xFFF, (raw & 0xFF) | ((raw >> 12) & 0xFFF00));
        Errno errno = call.Calls.Make(call.Place, name, make.Mode, device, out PathRef made);
        return errno == Errno.None ? ReplyEntry(ref call, made) : errno;
    }

    private Errno MkDir(ref FuseCall call)
    {
        if (!call.TryTake(out FuseMkDirIn make) || !call.TryTakeName(out ReadOnlySpan<byte> name))
        {
            return Errno.EINVAL;
        }
        Errno errno = call.Calls.Make(call.Place, name, Mode.Directory | (make.Mode & Mode.PermissionMask), 0, out PathRef made);
        return errno == Errno.None ? ReplyEntry(ref call, made) : errno;
    }

    private Errno Symlink(ref FuseCall call)
    {
        if (!call.TryTakeName(out ReadOnlySpan<byte> name) || !call.TryTakeName(out ReadOnlySpan<byte> target))
        {
            return Errno.EINVAL;
        }
        Errno errno = call.Calls.MakeSymlink(call.Place, name, target, out PathRef made);
        return errno == Errno.None ? ReplyEntry(ref call, made) : errno;
    }

    private static Errno Remove(ref FuseCall call, bool wantsDirectory) =>
        call.TryTakeName(out ReadOnlySpan<byte> name) ? call.Calls.Remove(call.Place, name, wantsDirectory) : Errno.EINVAL;

    private Errno Rename(ref FuseCall call, bool hasFlags)
    {
        if (!call.TryTake(out ulong newDirectory))
        {
            return Errno.EINVAL;
        }
        ulong flags = 0;
        if ((hasFlags && !call.TryTake(out flags)) || !call.TryTakeName(out ReadOnlySpan<byte> oldName) || !call.TryTakeName(out ReadOnlySpan<byte> newName))
        {
            return Errno.EINVAL;
        }
        FuseNode? target = _nodes.Acquire(newDirectory);
        if (target is null)
        {
            return Errno.ESTALE;
        }
        Errno errno = call.Calls.Rename(call.Place, oldName, target.Place, newName, (RenameFlags)(uint)flags);
        _nodes.Release(target);
        return errno;
    }

    // The header names the directory, the body the file.
    private Errno Link(ref FuseCall call)
    {
        if (!call.TryTake(out ulong source) || !call.TryTakeName(out ReadOnlySpan<byte> name))
        {
            return Errno.EINVAL;
        }
        FuseNode? file = _nodes.Acquire(source);
        if (file is null)
        {
            return Errno.ESTALE;
        }
        Errno errno = call.Calls.Link(file.Place, call.Place, name);
        if (errno == Errno.None)
        {
            PathRef place = file.Place;
            NodeCalls.Pin(place);
            errno = ReplyEntry(ref call, place);
        }
        _nodes.Release(file);
        return errno;
    }

    private static Errno ReadLink(ref FuseCall call)
    {
        const int MaxTargetBytes = 4095;
        IoResult result = call.Calls.ReadLink(call.Place, call.ReplyRoom[..MaxTargetBytes]);
        call.ReplyBytes = (int)result.Count;
        return result.Errno;
    }
}
