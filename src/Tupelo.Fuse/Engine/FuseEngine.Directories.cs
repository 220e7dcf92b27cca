using System.Runtime.InteropServices;
using Tupelo.Vfs;

namespace Tupelo.Fuse;

// Listing directories. There are no open directories: a cookie says where to go on, whoever asks.
public sealed partial class FuseEngine
{
    private Errno OpenDir(ref FuseCall call)
    {
        if (_opensNoDirectories)
        {
            return Errno.ENOSYS;
        }
        Errno errno = Options.KernelChecksPermissions ? Errno.None : call.Calls.CheckAccess(call.Place, AccessModes.Read);
        if (errno == Errno.None)
        {
            _ = call.Add<FuseOpenOut>();
        }
        return errno;
    }

    private Errno ReadDir(ref FuseCall call, bool plus)
    {
        if (!call.TryTake(out FuseReadIn request))
        {
            return Errno.EINVAL;
        }
        Span<byte> room = call.ReplyRoom;
        room = room[..(int)Math.Min(request.Size, (uint)room.Length)];
        Span<byte> records = call.Worker.DirectoryRecords;
        // Records of getdents are at least as long as a client's plain entries less a few bytes: what is read fits, or is read again.
        records = records[..Math.Min(records.Length, Math.Max(DirectoryWriter.MaxRecordBytes, plus ? room.Length / 4 : room.Length))];
        long cookie = (long)request.Offset;
        PathRef place = call.Place;
        IoResult result = call.Calls.ReadDirectory(place, ref cookie, records);
        if (!result.IsOk)
        {
            return result.Errno;
        }
        ReadOnlySpan<byte> rest = records[..(int)result.Count];
        int used = 0;
        while (DirectoryRecord.TryTake(ref rest, out DirectoryRecord record))
        {
            int bytes = plus ? AddEntryPlus(ref call, place, record, room[used..]) : AddEntry(place.Mount.FileSystem, record, room[used..]);
            if (bytes == 0)
            {
                break;
            }
            used += bytes;
        }
        call.ReplyBytes = used;
        return Errno.None;
    }

    private int AddEntry(FileSystem fileSystem, scoped DirectoryRecord record, Span<byte> room)
    {
        int bytes = (FuseDirent.Bytes + record.Name.Length + 7) & ~7;
        if (bytes > room.Length)
        {
            return 0;
        }
        room = room[..bytes];
        room[^8..].Clear();
        MemoryMarshal.Write(room, new FuseDirent
        {
            Ino = InoOf(fileSystem, record.Ino),
            Offset = (ulong)record.Cookie,
            NameLength = (uint)record.Name.Length,
            Type = (uint)record.Type,
        });
        record.Name.CopyTo(room[FuseDirent.Bytes..]);
        return bytes;
    }

    // An entry that cannot be looked up is listed without attributes; "." and ".." never count as lookups.
    private unsafe int AddEntryPlus(ref FuseCall call, PathRef directory, scoped DirectoryRecord record, Span<byte> room)
    {
        int bytes = (sizeof(FuseEntryOut) + FuseDirent.Bytes + record.Name.Length + 7) & ~7;
        if (bytes > room.Length)
        {
            return 0;
        }
        _ = AddEntry(directory.Mount.FileSystem, record, room[sizeof(FuseEntryOut)..bytes]);
        ref FuseEntryOut entry = ref MemoryMarshal.AsRef<FuseEntryOut>(room);
        entry = default;
        if (record.Name is not ([(byte)'.'] or [(byte)'.', (byte)'.'])
            && call.Calls.Lookup(directory, record.Name, out PathRef place) == Errno.None)
        {
            Stat stat = default;
            if (call.Calls.GetStat(place, ref stat) == Errno.None)
            {
                FillEntry(ref entry, _nodes.LookUp(place), stat);
            }
            else
            {
                place.Unpin();
            }
        }
        return bytes;
    }
}
