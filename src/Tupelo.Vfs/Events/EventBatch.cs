// EventBatch collects the inotify events of one operation while its locks are held, and delivers them after they are released:
// delivery takes the locks of other descriptors and wakes threads, which must not happen under an inode's lock.
//
// A ref struct on the operation's stack: names are the caller's spans and must stay valid until Deliver. An event that nobody
// watches is not stored; when nobody watches anything the batch is never touched. At most Capacity events: the most that one call
// makes is an exchange of two directories (two MOVED_FROM, two MOVED_TO, two MOVE_SELF).
// Not thread-safe: one operation, one batch.
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

/// <summary>Events waiting for the end of the operation that makes them.</summary>
public ref struct EventBatch
{
    private const int Capacity = 8;

    private static int s_lastCookie;

    private Events _events;
    private ReadOnlySpan<byte> _firstName;
    private ReadOnlySpan<byte> _secondName;
    private int _count;

    /// <summary>A number that pairs the MOVED_FROM and MOVED_TO of one rename; never 0.</summary>
    public static uint NewCookie()
    {
        uint cookie;
        do
        {
            cookie = (uint)Interlocked.Increment(ref s_lastCookie);
        }
        while (cookie == 0);
        return cookie;
    }

    /// <summary>True when <see cref="Deliver"/> has something to do.</summary>
    public readonly bool HasEvents => _count > 0;

    /// <summary>Notes an event if somebody wants it. One or two field reads when nobody does.</summary>
    /// <param name="list">The watches of the inode concerned; null when it never had one.</param>
    /// <param name="mask">The event bit, with IsDirectory where the subject is one.</param>
    /// <param name="name">The child's name for an event of its directory, else empty. At most two different ones in a batch.</param>
    /// <param name="cookie">From <see cref="NewCookie"/> for moves, else 0.</param>
    /// <param name="childUnlinked">See <see cref="WatchList.Notify"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(WatchList? list, InotifyMask mask, ReadOnlySpan<byte> name, uint cookie = 0, bool childUnlinked = false)
    {
        if (list is not null && (list.Mask & mask & InotifyMask.AllEvents) != 0)
        {
            Store(list, mask, name, cookie, childUnlinked, dies: false);
        }
    }

    /// <summary>Notes that the inode of <paramref name="list"/> is gone: its watches end.</summary>
    public void AddDeath(WatchList? list)
    {
        if (list is not null)
        {
            Store(list, InotifyMask.DeleteSelf, [], 0, false, dies: true);
        }
    }

    /// <summary>Delivers in order and empties the batch. Call it with no lock held.</summary>
    public void Deliver()
    {
        for (int i = 0; i < _count; i++)
        {
            ref Event item = ref _events[i];
            if (item.Dies)
            {
                item.List!.Die();
            }
            else
            {
                ReadOnlySpan<byte> name = item.NameIndex switch { 1 => _firstName, 2 => _secondName, _ => [] };
                item.List!.Notify(item.Mask, name, item.Cookie, item.ChildUnlinked);
            }
            item.List = null;
        }
        _count = 0;
        _firstName = [];
        _secondName = [];
    }

    private void Store(WatchList list, InotifyMask mask, ReadOnlySpan<byte> name, uint cookie, bool childUnlinked, bool dies)
    {
        Debug.Assert(_count < Capacity, "one operation makes at most eight events");
        int nameIndex = 0;
        if (!name.IsEmpty)
        {
            if (_firstName.IsEmpty || name == _firstName)
            {
                _firstName = name;
                nameIndex = 1;
            }
            else
            {
                Debug.Assert(_secondName.IsEmpty || name == _secondName, "one operation has at most two names");
                _secondName = name;
                nameIndex = 2;
            }
        }
        _events[_count++] = new Event
        {
            List = list,
            Mask = mask,
            Cookie = cookie,
            NameIndex = (byte)nameIndex,
            ChildUnlinked = childUnlinked,
            Dies = dies,
        };
    }

    private struct Event
    {
        internal WatchList? List;
        internal InotifyMask Mask;
        internal uint Cookie;
        internal byte NameIndex;
        internal bool ChildUnlinked;
        internal bool Dies;
    }

    [InlineArray(Capacity)]
    private struct Events
    {
        private Event _first;
    }
}
