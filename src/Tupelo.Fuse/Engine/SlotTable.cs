// A SlotTable gives small numbers to objects: node ids and file handles. Looking a number up is an array access without a lock.
//
// Slots live in pages that are made once and never move. Numbers begin at 1 and are given again, the last one freed first.
// Lock: _mu (leaf) guards taking and freeing.
namespace Tupelo.Fuse;

internal sealed class SlotTable<T>
    where T : class
{
    private const int PageSlots = 1024;

    private readonly Lock _mu = new(); // Leaf. Guards _used, _free, _count and the growth of _pages.
    private T?[]?[] _pages = new T?[]?[16];
    private int[] _free = new int[64];
    private int _freeCount;
    private int _used = 1; // 0 is no number.
    private int _count;

    /// <summary>Numbers in use.</summary>
    internal int Count => Volatile.Read(ref _count);

    /// <summary>The object of a number, or null. Lock-free.</summary>
    internal T? this[ulong number]
    {
        get
        {
            T?[]?[] pages = Volatile.Read(ref _pages);
            ulong page = number / PageSlots;
            return page < (ulong)pages.Length && Volatile.Read(ref pages[page]) is { } slots ? Volatile.Read(ref slots[number % PageSlots]) : null;
        }
    }

    internal ulong Add(T item)
    {
        lock (_mu)
        {
            int number = _freeCount > 0 ? _free[--_freeCount] : _used++;
            int page = number / PageSlots;
            if (page == _pages.Length)
            {
                T?[]?[] grown = new T?[]?[page * 2];
                _pages.CopyTo(grown, 0);
                Volatile.Write(ref _pages, grown);
            }
            T?[] slots = _pages[page] ??= new T?[PageSlots];
            Volatile.Write(ref slots[number % PageSlots], item);
            _count++;
            return (ulong)number;
        }
    }

    /// <summary>Frees a number; null when it was not in use.</summary>
    internal T? Remove(ulong number)
    {
        lock (_mu)
        {
            T? item = this[number];
            if (item is not null)
            {
                Volatile.Write(ref _pages[number / PageSlots]![number % PageSlots], null);
                if (_freeCount == _free.Length)
                {
                    Array.Resize(ref _free, _freeCount * 2);
                }
                _free[_freeCount++] = (int)number;
                _count--;
            }
            return item;
        }
    }

    /// <summary>Frees everything; what was there is returned.</summary>
    internal List<T> RemoveAll()
    {
        var items = new List<T>();
        lock (_mu)
        {
            for (int number = 1; number < _used; number++)
            {
                if (Remove((ulong)number) is { } item)
                {
                    items.Add(item);
                }
            }
        }
        return items;
    }
}
