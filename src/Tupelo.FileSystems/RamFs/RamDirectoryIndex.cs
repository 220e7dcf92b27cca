// RamDirectoryIndex holds a directory's entries: an array in order of insertion, whose cookies only grow, so that a listing can
// stop and go on anywhere, whatever happens in between; and a hash index once there are more than a few.
//
// A removed entry leaves a gap; when gaps outnumber entries, the array is packed. Cookies stay with their entries.
// Locks: none of its own; the directory's vnode lock.
using Tupelo.Vfs;

namespace Tupelo.FileSystems;

internal sealed class RamDirectoryIndex
{
    private const int IndexFrom = 8;
    private const long FirstCookie = 3; // 0..2 belong to "." and "..".

    private Entry[] _entries = [];
    private int _used;              // Entries and gaps.
    private int _count;
    private int[]? _slots;          // Position + 1 in _entries; 0 free; -1 was used.
    private int _slotsUsed;
    private long _nextCookie = FirstCookie;

    internal int Count => _count;

    internal RamVnode? Find(ReadOnlySpan<byte> name)
    {
        int position = PositionOf(name, NameHash.Of(name));
        return position < 0 ? null : _entries[position].Vnode;
    }

    // The name is not there.
    internal void Add(ReadOnlySpan<byte> name, RamVnode vnode)
    {
        if (_used == _entries.Length)
        {
            if (_count < _used / 2)
            {
                Pack();
            }
            else
            {
                Array.Resize(ref _entries, Math.Max(4, _used * 2));
            }
        }
        uint hash = NameHash.Of(name);
        _entries[_used++] = new Entry { Name = name.ToArray(), Vnode = vnode, Cookie = _nextCookie++, Hash = hash };
        _count++;
        if (_slots is not null && (_slotsUsed + 1) * 4 <= _slots.Length * 3)
        {
            Place(_slots, hash, _used);
            _slotsUsed++;
        }
        else if (_count > IndexFrom)
        {
            BuildSlots();
        }
    }

    // The name is there.
    internal void Remove(ReadOnlySpan<byte> name)
    {
        uint hash = NameHash.Of(name);
        int position = PositionOf(name, hash);
        if (_slots is not null)
        {
            uint mask = (uint)_slots.Length - 1;
            uint slot = hash;
            while (_slots[slot & mask] != position + 1)
            {
                slot++;
            }
            _slots[slot & mask] = -1;
        }
        _entries[position] = default;
        _count--;
        if (_count == 0)
        {
            _entries = [];
            _used = 0;
            _slots = null;
        }
        else if (position == _used - 1)
        {
            _used--;
        }
    }

    // The name is there and keeps its cookie: rename over it, exchange.
    internal void Replace(ReadOnlySpan<byte> name, RamVnode vnode) => _entries[PositionOf(name, NameHash.Of(name))].Vnode = vnode;

    internal void Read(long cookie, ref DirectoryWriter writer)
    {
        int low = 0;
        int high = _used;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (CookieAt(middle) <= cookie)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        for (int i = low; i < _used; i++)
        {
            ref Entry entry = ref _entries[i];
            if (entry.Vnode is { } vnode && !writer.Add(entry.Name, vnode.Ino, vnode.Type, entry.Cookie))
            {
                return;
            }
        }
    }

    // A gap stands for the entry before it: comparing with it leads the search the same way.
    private long CookieAt(int position)
    {
        while (position >= 0 && _entries[position].Vnode is null)
        {
            position--;
        }
        return position < 0 ? 0 : _entries[position].Cookie;
    }

    private int PositionOf(ReadOnlySpan<byte> name, uint hash)
    {
        if (_slots is null)
        {
            for (int i = 0; i < _used; i++)
            {
                if (_entries[i].Hash == hash && _entries[i].Vnode is not null && name.SequenceEqual(_entries[i].Name))
                {
                    return i;
                }
            }
            return -1;
        }
        uint mask = (uint)_slots.Length - 1;
        for (uint slot = hash; ; slot++)
        {
            int value = _slots[slot & mask];
            if (value == 0)
            {
                return -1;
            }
            if (value > 0 && _entries[value - 1].Hash == hash && name.SequenceEqual(_entries[value - 1].Name))
            {
                return value - 1;
            }
        }
    }

    private void Pack()
    {
        var packed = new Entry[Math.Max(4, _count * 2)];
        int to = 0;
        for (int i = 0; i < _used; i++)
        {
            if (_entries[i].Vnode is not null)
            {
                packed[to++] = _entries[i];
            }
        }
        _entries = packed;
        _used = to;
        if (_slots is not null)
        {
            BuildSlots();
        }
    }

    private void BuildSlots()
    {
        int capacity = 32;
        while (capacity < _count * 2)
        {
            capacity *= 2;
        }
        var slots = new int[capacity];
        for (int i = 0; i < _used; i++)
        {
            if (_entries[i].Vnode is not null)
            {
                Place(slots, _entries[i].Hash, i + 1);
            }
        }
        _slots = slots;
        _slotsUsed = _count;
    }

    private static void Place(int[] slots, uint hash, int value)
    {
        uint mask = (uint)slots.Length - 1;
        while (slots[hash & mask] > 0)
        {
            hash++;
        }
        slots[hash & mask] = value;
    }

    private struct Entry
    {
        internal byte[] Name;
        internal RamVnode? Vnode;    // Null: a gap.
        internal long Cookie;
        internal uint Hash;
    }
}
