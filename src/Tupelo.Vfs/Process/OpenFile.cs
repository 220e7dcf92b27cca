// An OpenFile is an open file description: what descriptors point at, shared by dup and fork. It holds the place it was opened
// at (pinned), the flags, the position and, where the file needs it, a handle with its own operations.
//
// Lifetime: counted by descriptors and by calls in progress. A count of 0 is final; then the handle is released, locks of the
// description are dropped, the write claim on the mount and the pins are given back, with no lock held.
// Locks: PositionLock (rank Position) around calls that use the position, unless the handle locks itself.
// _flags: access mode and creation flags never change; the status flags change by F_SETFL as one word.
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

/// <summary>One open file description. Any thread.</summary>
public sealed class OpenFile
{
    private static long s_lastSerial;

    internal RwLock PositionLock;

    private int _flags;
    private int _references = 1;
    private long _position;
    private long _errorsSeen;
    private readonly bool _claimsWrite;
    private volatile bool _tellsAsync;

    internal OpenFile(VfsContext context, PathRef path, Vnode vnode, OpenFlags flags, OpenHandle? handle, bool claimsWrite)
    {
        Kernel = context.Kernel;
        Credentials = context.Credentials;
        Path = path;
        Vnode = vnode;
        Handle = handle;
        _flags = (int)flags;
        _claimsWrite = claimsWrite;
        _errorsSeen = vnode.WriteErrorSequence;
        Serial = Interlocked.Increment(ref s_lastSerial);
        if (vnode.IsRegular && (CanRead || CanWrite))
        {
            vnode.CountOpen(CanWrite, 1);
        }
        Kernel.Statistics.OpenFileMade();
    }

    /// <summary>Grows with each open file; orders locks.</summary>
    public long Serial { get; }

    /// <summary>Where it was opened; pinned while the file is open.</summary>
    public PathRef Path { get; }

    /// <summary>The file. Never changes, also when the name is removed or replaced.</summary>
    public Vnode Vnode { get; }

    /// <summary>Its own operations, or null when the vnode's serve.</summary>
    public OpenHandle? Handle { get; }

    /// <summary>Access mode and status flags, as F_GETFL gives them.</summary>
    public OpenFlags Flags
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (OpenFlags)Volatile.Read(ref _flags);
    }

    /// <summary>Opened with O_PATH: a place, not a file.</summary>
    public bool IsPathOnly => (Flags & OpenFlags.Path) != 0;

    /// <summary>Opened for reading; O_PATH and access mode 3 are not.</summary>
    public bool CanRead => (Flags & (OpenFlags.AccessMode | OpenFlags.Path)) is OpenFlags.ReadOnly or OpenFlags.ReadWrite;

    /// <summary>Opened for writing.</summary>
    public bool CanWrite => (Flags & (OpenFlags.AccessMode | OpenFlags.Path)) is OpenFlags.WriteOnly or OpenFlags.ReadWrite;

    internal VfsKernel Kernel { get; }

    // Who opened it.
    internal Credentials Credentials { get; }

    internal HandleTraits Traits => Handle?.Traits ?? HandleTraits.None;

    // Under PositionLock where it matters.
    internal long Position
    {
        get => Volatile.Read(ref _position);
        set => Volatile.Write(ref _position, value);
    }

    // Each write-back error is told once per open file.
    internal Errno TakeWriteError()
    {
        long sequence = Vnode.WriteErrorSequence;
        return Interlocked.Exchange(ref _errorsSeen, sequence) == sequence ? Errno.None : Vnode.LastWriteError;
    }

    internal void SetStatusFlags(OpenFlags clear, OpenFlags set)
    {
        int before;
        do
        {
            before = Volatile.Read(ref _flags);
        }
        while (Interlocked.CompareExchange(ref _flags, (before & ~(int)clear) | (int)set, before) != before);
        Handle?.StatusFlagsChanged(Flags);
    }

    // O_ASYNC, for what can tell of events by a signal. As Linux, elsewhere the flag of open(2) stays and means nothing; and where it
    // can be set, only what was set in this way is cleared.
    internal bool TrySetAsync(bool on)
    {
        if (Handle is not (FifoHandle or InotifyHandle))
        {
            return false;
        }
        if (on || _tellsAsync)
        {
            SetStatusFlags(OpenFlags.Async, on ? OpenFlags.Async : 0);
        }
        _tellsAsync = on;
        return true;
    }

    /// <summary>Keeps it open; undone by <see cref="Release"/>. False when it is closed for good.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAcquire()
    {
        while (true)
        {
            int references = Volatile.Read(ref _references);
            if (references == 0)
            {
                return false;
            }
            if (Interlocked.CompareExchange(ref _references, references + 1, references) == references)
            {
                return true;
            }
        }
    }

    /// <summary>Gives one reference back; the last one closes. No lock may be held.</summary>
    public void Release()
    {
        int left = Interlocked.Decrement(ref _references);
        Debug.Assert(left >= 0);
        if (left == 0)
        {
            Close();
        }
    }

    private void Close()
    {
        LockRanks.AssertNothingHeld();
        Notify.Closed(this);
        if (Vnode.ExtensionOrNull is { } extension)
        {
            ReleaseLocks(extension);
        }
        if (Handle is { } handle)
        {
            if (handle.Pollable is { } pollable)
            {
                EpollInstance.ReleaseFile(pollable);
            }
            handle.Release();
        }
        if (Vnode.IsRegular && (CanRead || CanWrite))
        {
            Vnode.CountOpen(CanWrite, -1);
        }
        if (_claimsWrite)
        {
            Path.Mount.EndWrite();
        }
        Path.Unpin();
        Kernel.Statistics.OpenFileGone();
    }

    private void ReleaseLocks(VnodeExtension extension)
    {
        extension.FlocksOrNull?.Release(this);
        extension.LocksOrNull?.Release(LockOwner.ForOpenFile(this));
        extension.LeasesOrNull?.Release(this);
    }
}
