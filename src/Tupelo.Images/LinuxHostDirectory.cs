// HostDirectory by Linux' own calls. A directory is read to its end when it is opened; its names lie in one array, sorted.
// A tree may be deeper than there are descriptors: only the innermost levels stay open, and an outer one is opened again through
// ".." when its turn comes, after which it must be the same directory as before.
using System.Buffers.Binary;
using Tupelo.Tfs;
using Tupelo.Block;

namespace Tupelo.Images;

internal sealed unsafe class LinuxHostDirectory : HostDirectory
{
    private const int OpenLevels = 64;
    private const int EntryBufferBytes = 64 * 1024;

    [ThreadStatic]
    private static byte[]? s_entryBuffer;

    private readonly LinuxHostDirectory? _parent;
    private readonly int _level;
    private readonly LinuxHostFile _file;
    private int _descriptor = -1;
    private byte[] _names = [];   // each: type, name, NUL
    private Slot[] _slots = [];
    private int _count;

    // Sorted by the first eight bytes of the name, which decide in most cases, and then by all of it.
    private readonly record struct Slot(ulong Prefix, int Position, int Length);

    private LinuxHostDirectory(LinuxHostDirectory? parent, int descriptor)
    {
        _parent = parent;
        _level = parent is null ? 0 : parent._level + 1;
        _descriptor = descriptor;
        _file = parent is null ? new LinuxHostFile() : parent._file;
        try
        {
            HostCalls.StatX stat;
            byte nothing = 0;
            if (HostCalls.Statx(descriptor, &nothing, HostCalls.AT_EMPTY_PATH, HostCalls.STATX_BASIC_STATS, &stat) != 0)
            {
                throw new ImageException("cannot read the attributes of a directory", HostCalls.LastErrno);
            }
            LinuxHostFile.Fill(Self, in stat);
            ReadEntries();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public static LinuxHostDirectory OpenRoot(string path)
    {
        int descriptor = HostCalls.Open(path, HostCalls.O_RDONLY | HostCalls.O_DIRECTORY | HostCalls.O_CLOEXEC | HostCalls.O_NOCTTY, 0);
        if (descriptor < 0)
        {
            throw new ImageException($"cannot read the directory {path}", HostCalls.LastErrno);
        }
        return new LinuxHostDirectory(null, descriptor);
    }

    public override int Count => _count;

    public override ReadOnlySpan<byte> NameAt(int index) => _names.AsSpan(_slots[index].Position, _slots[index].Length);

    public override bool IsDirectory(int index)
    {
        byte type = _names[_slots[index].Position - 1];
        if (type != (byte)FileType.Unknown)
        {
            return type == (byte)FileType.Directory;
        }
        // A few file systems do not tell while listing.
        HostCalls.StatX stat;
        fixed (byte* name = &_names[_slots[index].Position])
        {
            if (HostCalls.Statx(_descriptor, name, HostCalls.AT_SYMLINK_NOFOLLOW | HostCalls.AT_NO_AUTOMOUNT, HostCalls.STATX_BASIC_STATS, &stat) != 0)
            {
                throw new ImageException("cannot read its attributes", HostCalls.LastErrno);
            }
        }
        _names[_slots[index].Position - 1] = (byte)Mode.TypeOf(stat.Mode);
        return Mode.TypeOf(stat.Mode) == FileType.Directory;
    }

    public override long DataBytesOf(int index)
    {
        HostCalls.StatX stat;
        fixed (byte* name = &_names[_slots[index].Position])
        {
            return HostCalls.Statx(_descriptor, name, HostCalls.AT_SYMLINK_NOFOLLOW | HostCalls.AT_NO_AUTOMOUNT, HostCalls.STATX_BASIC_STATS, &stat) == 0
                && Mode.TypeOf(stat.Mode) == FileType.Regular
                ? Math.Min(stat.SizeBytes, stat.Blocks512 * 512)
                : 0;
        }
    }

    public override HostDirectory OpenDirectory(int index)
    {
        int descriptor;
        fixed (byte* name = &_names[_slots[index].Position])
        {
            descriptor = HostCalls.OpenAt(_descriptor, name,
                HostCalls.O_RDONLY | HostCalls.O_DIRECTORY | HostCalls.O_NOFOLLOW | HostCalls.O_CLOEXEC | HostCalls.O_NOCTTY, 0);
        }
        if (descriptor < 0)
        {
            throw new ImageException("cannot read the directory", HostCalls.LastErrno);
        }
        LinuxHostDirectory child = new(this, descriptor);
        LinuxHostDirectory? outer = this;
        for (int i = 0; i < OpenLevels && outer is not null; i++)
        {
            outer = outer._parent;
        }
        outer?.CloseDescriptor();
        return child;
    }

    public override HostFile OpenFile(int index)
    {
        Slot slot = _slots[index];
        _file.OpenAt(_descriptor, _names, slot.Position, slot.Length, (FileType)_names[slot.Position - 1]);
        return _file;
    }

    public override void ReadXattrs(ICollection<KeyValuePair<AttributeName, TfsLiteral>> to)
    {
        Errno errno = LinuxXattrs.Read(_descriptor, null, to);
        if (errno != Errno.None)
        {
            throw new ImageException("cannot read the extended attributes", errno);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (_parent is { _descriptor: < 0 } && _descriptor >= 0)
        {
            _parent.OpenAgain(_descriptor);
        }
        CloseDescriptor();
        if (_parent is null)
        {
            _file.Dispose();
        }
        base.Dispose(disposing);
    }

    private void CloseDescriptor()
    {
        if (_descriptor >= 0)
        {
            _ = HostCalls.Close(_descriptor);
            _descriptor = -1;
        }
    }

    // When it fails the descriptor stays closed, and whatever is asked of this directory next fails with EBADF.
    private void OpenAgain(int childDescriptor)
    {
        int descriptor;
        fixed (byte* dots = "..\0"u8)
        {
            descriptor = HostCalls.OpenAt(childDescriptor, dots, HostCalls.O_RDONLY | HostCalls.O_DIRECTORY | HostCalls.O_CLOEXEC, 0);
        }
        if (descriptor < 0)
        {
            return;
        }
        HostCalls.StatX stat;
        byte nothing = 0;
        HostEntry again = new();
        if (HostCalls.Statx(descriptor, &nothing, HostCalls.AT_EMPTY_PATH, HostCalls.STATX_BASIC_STATS, &stat) == 0)
        {
            LinuxHostFile.Fill(again, in stat);
        }
        if (again.Identity != Self.Identity)
        {
            _ = HostCalls.Close(descriptor); // the subdirectory was moved elsewhere meanwhile
            return;
        }
        _descriptor = descriptor;
    }

    // struct linux_dirent64: u64 ino, i64 offset, u16 record length, u8 type, name, NUL. Source: getdents(2).
    private void ReadEntries()
    {
        const int NameOffset = 19;
        byte[] buffer = s_entryBuffer ??= GC.AllocateUninitializedArray<byte>(EntryBufferBytes, pinned: true);
        int used = 0;
        while (true)
        {
            nint count;
            fixed (byte* start = buffer)
            {
                count = HostCalls.GetDirectoryEntries(_descriptor, start, buffer.Length);
            }
            if (count < 0)
            {
                throw new ImageException("cannot list the directory", HostCalls.LastErrno);
            }
            if (count == 0)
            {
                break;
            }
            ReadOnlySpan<byte> entries = buffer.AsSpan(0, (int)count);
            while (!entries.IsEmpty)
            {
                int length = BinaryPrimitives.ReadUInt16LittleEndian(entries[16..]);
                byte type = entries[18];
                ReadOnlySpan<byte> name = entries[NameOffset..length];
                name = name[..name.IndexOf((byte)0)];
                entries = entries[length..];
                if (name.SequenceEqual("."u8) || name.SequenceEqual(".."u8))
                {
                    continue;
                }
                Reserve(ref _names, used + name.Length + 2);
                Reserve(ref _slots, _count + 1);
                _names[used++] = type;
                name.CopyTo(_names.AsSpan(used));
                _slots[_count++] = new Slot(PrefixOf(name), used, name.Length);
                used += name.Length;
                _names[used++] = 0;
            }
        }
        byte[] names = _names;
        Array.Sort(_slots, 0, _count, Comparer<Slot>.Create((a, b) =>
        {
            int byPrefix = a.Prefix.CompareTo(b.Prefix);
            return byPrefix != 0
                ? byPrefix
                : names.AsSpan(a.Position, a.Length).SequenceCompareTo(names.AsSpan(b.Position, b.Length));
        }));
    }

    private static ulong PrefixOf(ReadOnlySpan<byte> name)
    {
        Span<byte> first = stackalloc byte[8];
        first.Clear();
        name[..Math.Min(8, name.Length)].CopyTo(first);
        return BinaryPrimitives.ReadUInt64BigEndian(first);
    }

    private static void Reserve<T>(ref T[] array, int count)
    {
        if (array.Length < count)
        {
            Array.Resize(ref array, Math.Max(count, Math.Max(64, array.Length * 2)));
        }
    }
}
