// A MemoryBlockDevice keeps its bytes in memory: for tests, for images that are built and sent on, for scratch volumes.
// Sparse: 64 KiB pages come into being when something other than zeros is first written to them, and go with Discard and Resize.
//
// Threads, locks (take from top to bottom):
//   _shape        shared by transfers and Discard, exclusive for Resize: a transfer never sees the length change under it
//     _stripes    one Lock per group of pages, held while a page is looked up and copied: a page is read and written whole
using System.Collections.Concurrent;

namespace Tupelo.Block;

/// <summary>A sparse device in memory.</summary>
public sealed class MemoryBlockDevice : BlockDevice
{
    /// <summary>Unit of memory, in bytes.</summary>
    public const int PageBytes = 65536;

    /// <summary>Greatest length; above it sums of offsets could overflow.</summary>
    public const long MaxSizeBytes = 1L << 62;

    private const int PageShift = 16;
    private const int StripeCount = 64; // a power of two

    private readonly ReaderWriterLockSlim _shape = new(LockRecursionPolicy.NoRecursion);
    private readonly Lock[] _stripes = new Lock[StripeCount];
    private readonly ConcurrentDictionary<long, byte[]> _pages = new();
    private long _sizeBytes; // Guarded by _shape; read without it only to be shown.

    /// <param name="sizeBytes">Length; all zeros.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="isReadOnly">True to refuse changes.</param>
    public MemoryBlockDevice(long sizeBytes, string name = "memory", bool isReadOnly = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeBytes, MaxSizeBytes);
        _sizeBytes = sizeBytes;
        Name = name;
        IsReadOnly = isReadOnly;
        for (int i = 0; i < StripeCount; i++)
        {
            _stripes[i] = new Lock();
        }
    }

    /// <summary>A device that holds a copy of <paramref name="content"/>.</summary>
    public MemoryBlockDevice(ReadOnlySpan<byte> content, string name = "memory", bool isReadOnly = false)
        : this(content.Length, name, isReadOnly)
    {
        Store(0, content);
    }

    /// <summary>A device that holds what is left to read in <paramref name="source"/>, up to its end; runs of zeros take no memory.</summary>
    /// <exception cref="IOException">The stream's own failure.</exception>
    public static MemoryBlockDevice FromStream(Stream source, string name = "memory", bool isReadOnly = false)
    {
        ArgumentNullException.ThrowIfNull(source);
        var device = new MemoryBlockDevice(0, name, isReadOnly);
        byte[] buffer = new byte[PageBytes];
        while (true)
        {
            int count = source.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            long offset = device._sizeBytes;
            device._sizeBytes = offset + count;
            device.Store(offset, buffer.AsSpan(0, count));
            if (count < buffer.Length)
            {
                return device;
            }
        }
    }

    public override long SizeBytes => Volatile.Read(ref _sizeBytes);

    public override bool IsReadOnly { get; }

    public override string Name { get; }

    /// <summary>Memory taken by content, in bytes.</summary>
    public long AllocatedBytes => (long)_pages.Count * PageBytes;

    public override Errno Read(long offsetBytes, Span<byte> buffer)
    {
        _shape.EnterReadLock();
        try
        {
            if (!Contains(offsetBytes, buffer.Length))
            {
                return Errno.EINVAL;
            }
            while (buffer.Length > 0)
            {
                (long page, int start, int count) = Split(offsetBytes, buffer.Length);
                lock (StripeOf(page))
                {
                    if (_pages.TryGetValue(page, out byte[]? content))
                    {
                        content.AsSpan(start, count).CopyTo(buffer);
                    }
                    else
                    {
                        buffer[..count].Clear();
                    }
                }
                buffer = buffer[count..];
                offsetBytes += count;
            }
            return Errno.None;
        }
        finally
        {
            _shape.ExitReadLock();
        }
    }

    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        if (IsReadOnly)
        {
            return Errno.EROFS;
        }
        _shape.EnterReadLock();
        try
        {
            if (!Contains(offsetBytes, buffer.Length))
            {
                return Errno.EINVAL;
            }
            Store(offsetBytes, buffer);
            return Errno.None;
        }
        finally
        {
            _shape.ExitReadLock();
        }
    }

    public override Errno Flush() => Errno.None;

    public override Errno Discard(long offsetBytes, long lengthBytes)
    {
        if (IsReadOnly)
        {
            return Errno.EROFS;
        }
        _shape.EnterReadLock();
        try
        {
            if (!Contains(offsetBytes, lengthBytes))
            {
                return Errno.EINVAL;
            }
            Clear(offsetBytes, lengthBytes);
            return Errno.None;
        }
        finally
        {
            _shape.ExitReadLock();
        }
    }

    public override Errno Resize(long sizeBytes)
    {
        if (IsReadOnly)
        {
            return Errno.EROFS;
        }
        if (sizeBytes is < 0 or > MaxSizeBytes)
        {
            return sizeBytes < 0 ? Errno.EINVAL : Errno.EFBIG;
        }
        _shape.EnterWriteLock();
        try
        {
            if (sizeBytes < _sizeBytes)
            {
                Clear(sizeBytes, _sizeBytes - sizeBytes); // so that growing again shows zeros
            }
            Volatile.Write(ref _sizeBytes, sizeBytes);
            return Errno.None;
        }
        finally
        {
            _shape.ExitWriteLock();
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _pages.Clear();
            _shape.Dispose();
        }
        base.Dispose(disposing);
    }

    private Lock StripeOf(long page) => _stripes[page & (StripeCount - 1)];

    // The part of [offset, offset + length) that lies in its first page.
    private static (long Page, int Start, int Count) Split(long offsetBytes, long lengthBytes)
    {
        int start = (int)(offsetBytes & (PageBytes - 1));
        return (offsetBytes >> PageShift, start, (int)Math.Min(PageBytes - start, lengthBytes));
    }

    private void Store(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            (long page, int start, int count) = Split(offsetBytes, buffer.Length);
            ReadOnlySpan<byte> part = buffer[..count];
            lock (StripeOf(page))
            {
                if (_pages.TryGetValue(page, out byte[]? content))
                {
                    part.CopyTo(content.AsSpan(start));
                }
                else if (part.ContainsAnyExcept((byte)0))
                {
                    content = GC.AllocateArray<byte>(PageBytes, pinned: true); // pinned: the collector does not copy it about
                    part.CopyTo(content.AsSpan(start));
                    _pages[page] = content;
                }
            }
            buffer = buffer[count..];
            offsetBytes += count;
        }
    }

    private void Clear(long offsetBytes, long lengthBytes)
    {
        long end = offsetBytes + lengthBytes;
        long firstWhole = (offsetBytes + PageBytes - 1) >> PageShift;
        long endWhole = end >> PageShift;
        if (firstWhole > endWhole)
        {
            ClearPart(offsetBytes, lengthBytes); // inside of one page
            return;
        }
        ClearPart(offsetBytes, (firstWhole << PageShift) - offsetBytes);
        ClearPart(endWhole << PageShift, end - (endWhole << PageShift));
        if (endWhole - firstWhole <= 1024 || endWhole - firstWhole <= _pages.Count)
        {
            for (long page = firstWhole; page < endWhole; page++)
            {
                Remove(page);
            }
            return;
        }
        foreach (KeyValuePair<long, byte[]> page in _pages)
        {
            if (page.Key >= firstWhole && page.Key < endWhole)
            {
                Remove(page.Key);
            }
        }
    }

    private void Remove(long page)
    {
        lock (StripeOf(page))
        {
            _ = _pages.TryRemove(page, out _);
        }
    }

    private void ClearPart(long offsetBytes, long lengthBytes)
    {
        (long page, int start, int count) = Split(offsetBytes, lengthBytes);
        lock (StripeOf(page))
        {
            if (count > 0 && _pages.TryGetValue(page, out byte[]? content))
            {
                content.AsSpan(start, count).Clear();
            }
        }
    }
}
