// A directory of NoteFs: names in a dictionary for lookups, and in a list, ordered by cookie, for listing.
// An entry's cookie is given once, grows, and is never used again: a listing that goes on after it sees every entry that stays
// exactly once, whatever comes and goes meanwhile.
// Locks: both collections are read under the vnode's shared lock and changed under its exclusive one; the core holds them.
using System.Text;
using Tupelo;
using Tupelo.Vfs;

namespace Notes;

internal sealed class NoteDirectory(NoteFs fileSystem, in NewVnode make)
    : Vnode(fileSystem, fileSystem.NextIno(), generation: 1, FileType.Directory, rawDevice: 0, make.ToAttributes())
{
    private const long FirstCookie = 3; // 0, 1 and 2 are the core's: the beginning, "." and "..".

    private readonly Dictionary<string, Entry> _byName = new(StringComparer.Ordinal);
    private readonly List<Entry> _byCookie = [];
    private long _nextCookie = FirstCookie;

    protected override Errno Lookup(VfsContext context, ReadOnlySpan<byte> name, out Vnode? child)
    {
        child = _byName.TryGetValue(Key(name), out Entry? entry) ? entry.Vnode : null;
        return child is null ? Errno.ENOENT : Errno.None;
    }

    protected override Errno ReadDirectory(VfsContext context, long cookie, ref DirectoryWriter writer)
    {
        for (int i = IndexAfter(cookie); i < _byCookie.Count; i++)
        {
            Entry entry = _byCookie[i];
            if (!writer.Add(entry.Name, entry.Vnode.Ino, entry.Vnode.Type, entry.Cookie))
            {
                break; // The buffer is full; the next call goes on after the last cookie added.
            }
        }
        return Errno.None;
    }

    protected override Errno Create(VfsContext context, ReadOnlySpan<byte> name, in NewVnode make, out Vnode? child)
    {
        child = make.Type switch
        {
            FileType.Directory => new NoteDirectory((NoteFs)FileSystem, make),
            FileType.Regular => new NoteFile((NoteFs)FileSystem, make),
            FileType.Symlink => new NoteLink((NoteFs)FileSystem, make),
            _ => null, // The core does not ask for special files: NoteFs declares none.
        };
        if (child is null)
        {
            return Errno.EPERM;
        }
        Add(name, child);
        return Errno.None;
    }

    protected override Errno Remove(VfsContext context, ReadOnlySpan<byte> name, Vnode victim)
    {
        Drop(name);
        return Errno.None;
    }

    protected override Errno Rename(VfsContext context, ref RenameRequest request)
    {
        var target = (NoteDirectory)request.NewDirectory;
        if (request.Exchange)
        {
            _byName[Key(request.OldName)].Vnode = request.Victim!;
            target._byName[Key(request.NewName)].Vnode = request.Source;
            return Errno.None;
        }
        if (request.Victim is null)
        {
            target.Add(request.NewName, request.Source);
        }
        else
        {
            // The victim lives on, without a name, until its last user has closed it; then the core calls its Evict.
            target._byName[Key(request.NewName)].Vnode = request.Source;
        }
        Drop(request.OldName);
        return Errno.None;
    }

    // One character per byte: any name that the core admits has a key of its own.
    private static string Key(ReadOnlySpan<byte> name) => Encoding.Latin1.GetString(name);

    private void Add(ReadOnlySpan<byte> name, Vnode vnode)
    {
        var entry = new Entry { Name = name.ToArray(), Cookie = _nextCookie++, Vnode = vnode };
        _byName.Add(Key(name), entry);
        _byCookie.Add(entry);
    }

    private void Drop(ReadOnlySpan<byte> name)
    {
        _ = _byName.Remove(Key(name), out Entry? entry);
        _byCookie.RemoveAt(IndexAfter(entry!.Cookie - 1));
    }

    // Index of the first entry whose cookie is above `cookie`.
    private int IndexAfter(long cookie)
    {
        int low = 0;
        int high = _byCookie.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_byCookie[middle].Cookie > cookie)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }
        return low;
    }

    private sealed class Entry
    {
        internal required byte[] Name { get; init; }

        internal required long Cookie { get; init; }

        internal required Vnode Vnode { get; set; }
    }
}
