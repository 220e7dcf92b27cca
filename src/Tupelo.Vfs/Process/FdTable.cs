// FdTable maps small numbers to open files for one process: an array that readers index without a lock.
//
// Get: read the array, read the slot, count the file up unless it is closed; then look at the slot again only if that failed.
// A file that is counted up stays open, so it does not matter when the slot changes afterwards.
// Changes (install, close, dup, close_range) hold _mu, a leaf: files are released after it. CLOEXEC belongs to the slot.
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

/// <summary>The descriptors of one process. Any thread.</summary>
public sealed class FdTable
{
    /// <summary>Numbers are below it, whatever the limit says (fs.nr_open).</summary>
    public const int MaxDescriptors = 1 << 20;

    private const int FirstCapacity = 64;

    private readonly RankedLock _mu = new(LockRank.Leaf); // Guards all changes.
    private OpenFile?[] _files = new OpenFile?[FirstCapacity];
    private ulong[] _used = new ulong[FirstCapacity / 64];     // Also set while a number is reserved.
    private ulong[] _closeOnExec = new ulong[FirstCapacity / 64];
    private int _count;

    /// <summary>Descriptors in use.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The open file behind <paramref name="fd"/>, counted up: the caller releases it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGet(int fd, out OpenFile? file)
    {
        while (true)
        {
            OpenFile?[] files = Volatile.Read(ref _files);
            if ((uint)fd >= (uint)files.Length)
            {
                file = null;
                return false;
            }
            file = Volatile.Read(ref files[fd]);
            if (file is null)
            {
                return false;
            }
            if (file.TryAcquire())
            {
                return true;
            }
            // Closed between the two reads: the slot holds something else by now.
        }
    }

    /// <summary>Takes over the caller's reference under the lowest free number at or above <paramref name="minimum"/>.</summary>
    /// <returns>The number, or EMFILE (the reference stays the caller's).</returns>
    public IoResult Install(OpenFile file, int minimum, int limit, bool closeOnExec)
    {
        using (_mu.EnterScope())
        {
            int fd = FindFree(minimum);
            if (fd >= limit)
            {
                return Errno.EMFILE;
            }
            Put(fd, file, closeOnExec);
            _count++;
            return IoResult.Bytes(fd);
        }
    }

    /// <summary>Takes the lowest free number for a file that is about to be opened; then <see cref="Publish"/> or <see cref="Cancel"/> it.</summary>
    /// <returns>The number, or EMFILE.</returns>
    public IoResult Reserve(int limit)
    {
        using (_mu.EnterScope())
        {
            int fd = FindFree(0);
            if (fd >= limit)
            {
                return Errno.EMFILE;
            }
            Grow(fd);
            Mark(_used, fd, true);
            return IoResult.Bytes(fd);
        }
    }

    /// <summary>Puts an open file, whose reference is taken over, behind a reserved number.</summary>
    public void Publish(int fd, OpenFile file, bool closeOnExec)
    {
        using (_mu.EnterScope())
        {
            Put(fd, file, closeOnExec);
            _count++;
        }
    }

    /// <summary>Gives a reserved number back.</summary>
    public void Cancel(int fd)
    {
        using (_mu.EnterScope())
        {
            Mark(_used, fd, false);
        }
    }

    /// <summary>dup2: puts <paramref name="file"/> (the caller's reference) at a number; what was there goes out, to be released.</summary>
    /// <returns>EBUSY when the number is reserved by an open in progress (as Linux), then the reference stays the caller's.</returns>
    public Errno Replace(int fd, OpenFile file, bool closeOnExec, out OpenFile? old)
    {
        using (_mu.EnterScope())
        {
            Grow(fd);
            old = _files[fd];
            if (old is null)
            {
                if ((_used[fd >> 6] & (1ul << fd)) != 0)
                {
                    return Errno.EBUSY;
                }
                _count++;
            }
            Put(fd, file, closeOnExec);
            return Errno.None;
        }
    }

    /// <summary>Takes a descriptor away; its reference goes to the caller.</summary>
    public OpenFile? Remove(int fd)
    {
        using (_mu.EnterScope())
        {
            return RemoveLocked(fd);
        }
    }

    /// <summary>Removes the next descriptor in a range, for close_range; null when there is none.</summary>
    public OpenFile? RemoveNext(ref uint first, uint last)
    {
        using (_mu.EnterScope())
        {
            for (; first <= last && first < (uint)_files.Length; first++)
            {
                if (RemoveLocked((int)first) is { } file)
                {
                    first++;
                    return file;
                }
            }
            return null;
        }
    }

    /// <summary>Removes the next descriptor that is closed by exec; null when there is none.</summary>
    public OpenFile? RemoveNextCloseOnExec()
    {
        using (_mu.EnterScope())
        {
            for (int word = 0; word < _closeOnExec.Length; word++)
            {
                if (_closeOnExec[word] != 0)
                {
                    return RemoveLocked((word * 64) + BitOperations.TrailingZeroCount(_closeOnExec[word]));
                }
            }
            return null;
        }
    }

    /// <summary>FD_CLOEXEC of an open descriptor; false when it is not open.</summary>
    public bool TryGetCloseOnExec(int fd, out bool closeOnExec)
    {
        using (_mu.EnterScope())
        {
            bool open = (uint)fd < (uint)_files.Length && _files[fd] is not null;
            closeOnExec = open && (_closeOnExec[fd >> 6] & (1ul << fd)) != 0;
            return open;
        }
    }

    /// <summary>Sets FD_CLOEXEC; false when the descriptor is not open.</summary>
    public bool TrySetCloseOnExec(int fd, bool closeOnExec)
    {
        using (_mu.EnterScope())
        {
            if ((uint)fd >= (uint)_files.Length || _files[fd] is null)
            {
                return false;
            }
            Mark(_closeOnExec, fd, closeOnExec);
            return true;
        }
    }

    /// <summary>Sets FD_CLOEXEC on all open descriptors of a range.</summary>
    public void SetCloseOnExec(uint first, uint last)
    {
        using (_mu.EnterScope())
        {
            for (uint fd = first; fd <= last && fd < (uint)_files.Length; fd++)
            {
                if (_files[fd] is not null)
                {
                    Mark(_closeOnExec, (int)fd, true);
                }
            }
        }
    }

    /// <summary>fork: the same open files under the same numbers.</summary>
    public FdTable Clone()
    {
        var copy = new FdTable();
        using (_mu.EnterScope())
        {
            copy._files = new OpenFile?[_files.Length];
            copy._used = new ulong[_used.Length];
            copy._closeOnExec = (ulong[])_closeOnExec.Clone();
            for (int fd = 0; fd < _files.Length; fd++)
            {
                // The slot's own reference keeps it open: counting up cannot fail.
                if (_files[fd] is { } file && file.TryAcquire())
                {
                    copy._files[fd] = file;
                    Mark(copy._used, fd, true);
                    copy._count++;
                }
            }
        }
        return copy;
    }

    /// <summary>The highest number in use, or -1.</summary>
    public int HighestFd
    {
        get
        {
            using (_mu.EnterScope())
            {
                for (int word = _used.Length - 1; word >= 0; word--)
                {
                    if (_used[word] != 0)
                    {
                        return (word * 64) + 63 - BitOperations.LeadingZeroCount(_used[word]);
                    }
                }
                return -1;
            }
        }
    }

    private static void Mark(ulong[] bits, int fd, bool value)
    {
        if (value)
        {
            bits[fd >> 6] |= 1ul << fd;
        }
        else
        {
            bits[fd >> 6] &= ~(1ul << fd);
        }
    }

    private int FindFree(int minimum)
    {
        int word = minimum >> 6;
        ulong mask = ~0ul << minimum;
        for (; word < _used.Length; word++, mask = ~0ul)
        {
            ulong free = ~_used[word] & mask;
            if (free != 0)
            {
                return (word * 64) + BitOperations.TrailingZeroCount(free);
            }
        }
        return Math.Max(minimum, _used.Length * 64);
    }

    private void Put(int fd, OpenFile file, bool closeOnExec)
    {
        Grow(fd);
        Mark(_used, fd, true);
        Mark(_closeOnExec, fd, closeOnExec);
        Volatile.Write(ref _files[fd], file);
    }

    private OpenFile? RemoveLocked(int fd)
    {
        if ((uint)fd >= (uint)_files.Length || _files[fd] is not { } file)
        {
            return null;
        }
        Volatile.Write(ref _files[fd], null);
        Mark(_used, fd, false);
        Mark(_closeOnExec, fd, false);
        _count--;
        return file;
    }

    private void Grow(int fd)
    {
        if (fd < _files.Length)
        {
            return;
        }
        int capacity = _files.Length;
        while (capacity <= fd)
        {
            capacity *= 2;
        }
        Array.Resize(ref _used, capacity / 64);
        Array.Resize(ref _closeOnExec, capacity / 64);
        var files = new OpenFile?[capacity];
        _files.CopyTo(files, 0);
        Volatile.Write(ref _files, files);
    }
}
