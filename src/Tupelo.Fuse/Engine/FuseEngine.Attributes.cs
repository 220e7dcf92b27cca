using System.Collections.Concurrent;
using Tupelo.Vfs;

namespace Tupelo.Fuse;

// Attributes: what is shown, for how long it is believed, and changes.
public sealed partial class FuseEngine
{
    private readonly FileSystem _rootFileSystem;

    // Numbers of the file systems that are mounted inside: their files' numbers must differ from those of the root's.
    private readonly ConcurrentDictionary<FileSystem, ulong> _innerFileSystems = new();
    private long _lastInner;

    internal uint InsideUid(uint uid) => Swap(uid, Options.OwnerUid);

    internal uint InsideGid(uint gid) => Swap(gid, Options.OwnerGid);

    // Root inside is the owner outside, and the other way round: its own inverse.
    private static uint Swap(uint id, uint? owner) => owner is not { } other ? id : id == other ? 0 : id == 0 ? other : id;

    private static void FillTimeout(int seconds, out ulong validSeconds, out uint validNanoseconds)
    {
        validSeconds = (ulong)seconds;
        validNanoseconds = 0;
    }

    private void FillTimeout(FileSystem fileSystem, out ulong seconds, out uint nanoseconds)
    {
        switch (fileSystem.CachePolicy)
        {
            case CachePolicy.Exclusive:
                FillTimeout(Options.CacheSeconds, out seconds, out nanoseconds);
                break;
            case CachePolicy.Timeout:
                (long whole, long ticks) = Math.DivRem(fileSystem.CacheTimeout.Ticks, TimeSpan.TicksPerSecond);
                seconds = (ulong)Math.Max(0, whole);
                nanoseconds = (uint)ticks * 100;
                break;
            default:
                FillTimeout(0, out seconds, out nanoseconds);
                break;
        }
    }

    private ulong InoOf(FileSystem fileSystem, ulong ino)
    {
        if (ReferenceEquals(fileSystem, _rootFileSystem))
        {
            return ino;
        }
        if (!_innerFileSystems.TryGetValue(fileSystem, out ulong number))
        {
            number = _innerFileSystems.GetOrAdd(fileSystem, (ulong)Interlocked.Increment(ref _lastInner));
        }
        return ino ^ (number << 48);
    }

    private void FillAttr(ref FuseAttr attr, FileSystem fileSystem, in Stat stat)
    {
        attr.Ino = InoOf(fileSystem, stat.Ino);
        attr.Size = (ulong)stat.SizeBytes;
        attr.Blocks = (ulong)stat.Blocks512;
        attr.AccessSeconds = (ulong)stat.AccessTime.Seconds;
        attr.AccessNanoseconds = (uint)stat.AccessTime.Nanoseconds;
        attr.ModifySeconds = (ulong)stat.ModifyTime.Seconds;
        attr.ModifyNanoseconds = (uint)stat.ModifyTime.Nanoseconds;
        attr.ChangeSeconds = (ulong)stat.ChangeTime.Seconds;
        attr.ChangeNanoseconds = (uint)stat.ChangeTime.Nanoseconds;
        attr.Mode = stat.Mode & ~Options.HiddenPermissions;
        attr.LinkCount = stat.LinkCount;
        attr.Uid = InsideUid(stat.Uid);
        attr.Gid = InsideGid(stat.Gid);
        attr.RawDevice = (uint)stat.RawDevice;
        attr.BlockSize = stat.BlockSizeBytes;
    }

    // Errors: those of FetchAttributes.
    private Errno ReplyAttr(ref FuseCall call)
    {
        Stat stat = default;
        PathRef place = call.Place;
        Errno errno = call.Calls.GetStat(place, ref stat);
        if (errno == Errno.None)
        {
            ref FuseAttrOut reply = ref call.Add<FuseAttrOut>();
            FillTimeout(place.Mount.FileSystem, out reply.AttrSeconds, out reply.AttrNanoseconds);
            FillAttr(ref reply.Attr, place.Mount.FileSystem, stat);
        }
        return errno;
    }

    private Errno GetAttr(ref FuseCall call) => ReplyAttr(ref call);

    private Errno SetAttr(ref FuseCall call)
    {
        if (!call.TryTake(out FuseSetAttrIn change))
        {
            return Errno.EINVAL;
        }
        SetAttrValid valid = change.Valid;
        PathRef place = call.Place;
        NodeCalls calls = call.Calls;
        if ((valid & SetAttrValid.KillSetIds) != 0)
        {
            call.Worker.BecomeCaller(call.Header.Uid, call.Header.Gid, keepsSetIds: false);
        }
        Errno errno = Errno.None;
        if ((valid & (SetAttrValid.Uid | SetAttrValid.Gid)) != 0)
        {
            errno = calls.SetOwner(
                place,
                (valid & SetAttrValid.Uid) != 0 ? InsideUid(change.Uid) : uint.MaxValue,
                (valid & SetAttrValid.Gid) != 0 ? InsideGid(change.Gid) : uint.MaxValue);
        }
        if (errno == Errno.None && (valid & SetAttrValid.Mode) != 0)
        {
            errno = calls.SetMode(place, change.Mode & Mode.PermissionMask);
        }
        if (errno == Errno.None && (valid & SetAttrValid.Size) != 0)
        {
            errno = SetSize(ref call, change);
        }
        const SetAttrValid Times = SetAttrValid.AccessTime | SetAttrValid.ModifyTime | SetAttrValid.AccessTimeNow | SetAttrValid.ModifyTimeNow;
        if (errno == Errno.None && (valid & Times) != 0)
        {
            errno = calls.SetTimes(
                place,
                TimeOf(valid, SetAttrValid.AccessTime, SetAttrValid.AccessTimeNow, change.AccessSeconds, change.AccessNanoseconds),
                TimeOf(valid, SetAttrValid.ModifyTime, SetAttrValid.ModifyTimeNow, change.ModifySeconds, change.ModifyNanoseconds));
        }
        return errno == Errno.None ? ReplyAttr(ref call) : errno;
    }

    private static Timespec TimeOf(SetAttrValid valid, SetAttrValid set, SetAttrValid now, ulong seconds, uint nanoseconds) =>
        (valid & now) != 0 ? new Timespec(0, UtimeNanoseconds.Now)
        : (valid & set) != 0 ? new Timespec((long)seconds, (int)nanoseconds)
        : new Timespec(0, UtimeNanoseconds.Omit);

    private Errno SetSize(ref FuseCall call, in FuseSetAttrIn change)
    {
        // From a client that opens without asking, O_TRUNC looks as truncate(2) to 0; it touches the times of an empty file too.
        bool opening = _opensNothing && change.Size == 0;
        if ((change.Valid & SetAttrValid.FileHandle) == 0 && !opening)
        {
            return call.Calls.Truncate(call.Place, (long)change.Size);
        }
        Errno errno = UseFile(ref call, change.FileHandle, writes: true, out OpenFile? file);
        if (errno == Errno.None)
        {
            errno = call.Calls.Truncate(file!, (long)change.Size);
            file!.Release();
        }
        return errno;
    }

    private Errno Statx(ref FuseCall call)
    {
        if (!call.TryTake(out FuseStatxIn _))
        {
            return Errno.EINVAL;
        }
        Statx statx = default;
        PathRef place = call.Place;
        Errno errno = call.Calls.GetStatx(place, ref statx);
        if (errno != Errno.None)
        {
            return errno;
        }
        FuseAttr attr = default;
        FillAttr(ref attr, place.Mount.FileSystem, statx.Stat);
        ref FuseStatxOut reply = ref call.Add<FuseStatxOut>();
        FillTimeout(place.Mount.FileSystem, out reply.AttrSeconds, out reply.AttrNanoseconds);
        reply.Mask = (uint)(statx.Mask & (StatxMask.BasicStats | StatxMask.BirthTime));
        reply.BlockSize = attr.BlockSize;
        const StatxAttributes Told = StatxAttributes.Immutable | StatxAttributes.AppendOnly | StatxAttributes.NoDump;
        reply.Attributes = (ulong)(statx.Attributes & Told);
        reply.AttributesMask = (ulong)(statx.AttributesMask & Told);
        reply.LinkCount = attr.LinkCount;
        reply.Uid = attr.Uid;
        reply.Gid = attr.Gid;
        reply.Mode = (ushort)attr.Mode;
        reply.Ino = attr.Ino;
        reply.Size = attr.Size;
        reply.Blocks = attr.Blocks;
        reply.AccessTime = TimeOf(statx.Stat.AccessTime);
        reply.ModifyTime = TimeOf(statx.Stat.ModifyTime);
        reply.ChangeTime = TimeOf(statx.Stat.ChangeTime);
        reply.BirthTime = TimeOf(statx.Stat.BirthTime);
        reply.RawDeviceMajor = DeviceNumber.Major(statx.Stat.RawDevice);
        reply.RawDeviceMinor = DeviceNumber.Minor(statx.Stat.RawDevice);
        return Errno.None;
    }

    private static FuseStatxTime TimeOf(Timespec time) => new() { Seconds = time.Seconds, Nanoseconds = (uint)time.Nanoseconds };

    private static Errno StatFs(ref FuseCall call)
    {
        Tupelo.StatFs stat = default;
        Errno errno = call.Calls.GetStatFs(call.Place, ref stat);
        if (errno == Errno.None)
        {
            ref FuseStatFsOut reply = ref call.Add<FuseStatFsOut>();
            reply.Blocks = stat.BlockCount;
            reply.FreeBlocks = stat.FreeBlocks;
            reply.AvailableBlocks = stat.AvailableBlocks;
            reply.Files = stat.FileCount;
            reply.FreeFiles = stat.FreeFiles;
            reply.BlockSize = stat.BlockSizeBytes;
            reply.NameLength = stat.MaxNameBytes;
            reply.FragmentSize = stat.FragmentSizeBytes;
        }
        return errno;
    }

    private static Errno Access(ref FuseCall call) =>
        call.TryTake(out uint mask) ? call.Calls.CheckAccess(call.Place, (AccessModes)(mask & 7)) : Errno.EINVAL;

    private static Errno SetXattr(ref FuseCall call)
    {
        if (!call.TryTake(out FuseSetXattrIn change) || !call.TryTakeName(out ReadOnlySpan<byte> name) || change.Size > (uint)call.Body.Length)
        {
            return Errno.EINVAL;
        }
        return call.Calls.SetXattr(call.Place, name, call.Body[..(int)change.Size], (XattrFlags)change.Flags);
    }

    private static Errno GetXattr(ref FuseCall call)
    {
        if (!call.TryTake(out FuseSizeOut wanted) || !call.TryTakeName(out ReadOnlySpan<byte> name))
        {
            return Errno.EINVAL;
        }
        return ReplyValue(ref call, wanted.Size, call.Calls.GetXattr(call.Place, name, RoomFor(call, wanted.Size)));
    }

    private static Errno ListXattr(ref FuseCall call)
    {
        if (!call.TryTake(out FuseSizeOut wanted))
        {
            return Errno.EINVAL;
        }
        call.Worker.BecomeLister(call.Header.Uid, call.Header.Gid);
        return ReplyValue(ref call, wanted.Size, call.Calls.ListXattrs(call.Place, RoomFor(call, wanted.Size)));
    }

    private static Errno RemoveXattr(ref FuseCall call) =>
        call.TryTakeName(out ReadOnlySpan<byte> name) ? call.Calls.RemoveXattr(call.Place, name) : Errno.EINVAL;

    // Nothing asks for the length.
    private static Span<byte> RoomFor(in FuseCall call, uint wanted) => call.ReplyRoom[..(int)Math.Min(wanted, Math.Min(MaxValueBytes, (uint)call.ReplyRoom.Length))];

    private static Errno ReplyValue(ref FuseCall call, uint wanted, IoResult result)
    {
        if (!result.IsOk)
        {
            return result.Errno;
        }
        if (wanted == 0)
        {
            call.Add<FuseSizeOut>().Size = (uint)result.Count;
        }
        else
        {
            call.ReplyBytes = (int)result.Count;
        }
        return Errno.None;
    }
}
