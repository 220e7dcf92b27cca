// One file's part of the page cache; see PageCache.cs for locks and what is deliberately not here.
using System.Buffers;
using System.Diagnostics;

namespace Tupelo.Block;

/// <summary>Reads and writes of one file through its dirty pages.</summary>
public sealed class CachedFile
{
    private const int PageBytes = PageCache.PageBytes;
    private const int MaxWriteBytes = 1 << 20;
    private const int MaxRuns = 16;

    private readonly PageCache _cache;
    private readonly BlockDevice _device;
    private readonly IBlockMap _map;
    private readonly Lock _flushMu = new(); // Held while pages are on their way to the device: nobody may take their place away then.
    private readonly Lock _pagesMu = new(); // Guards _pages, their content and their versions.
    private readonly Dictionary<long, Page> _pages = [];
    private int _pageCount;                 // _pages.Count, readable without the lock

    public CachedFile(PageCache cache, BlockDevice device, IBlockMap map)
    {
        _cache = cache;
        _device = device;
        _map = map;
    }

    /// <summary>True when something waits to be written.</summary>
    public bool HasDirtyPages => Volatile.Read(ref _pageCount) > 0;

    /// <summary>Reads a range that lies inside of the file.</summary>
    /// <returns>None, with all of the buffer filled.</returns>
    /// <remarks>Caller holds the content lock, shared. Errors: EIO.</remarks>
    public Errno Read(long offsetBytes, Span<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            int count = HasDirtyPages ? ReadDirty(offsetBytes, buffer, out bool isHit) : NoneDirty(buffer, out isHit);
            if (!isHit)
            {
                Errno errno = ReadDevice(offsetBytes, buffer[..count]);
                if (errno != Errno.None)
                {
                    return errno;
                }
            }
            offsetBytes += count;
            buffer = buffer[count..];
        }
        return Errno.None;
    }

    /// <summary>Stores bytes in pages.</summary>
    /// <param name="offsetBytes">Where; may lie beyond the end, the gap then reads as zeros.</param>
    /// <param name="buffer">Not empty.</param>
    /// <param name="sizeBytes">Length of the file before the write.</param>
    /// <returns>Bytes taken, at least 1; fewer than offered when room ran out.</returns>
    /// <remarks>Caller holds the content lock, exclusive. Errors: ENOSPC · EIO.</remarks>
    public IoResult Write(long offsetBytes, ReadOnlySpan<byte> buffer, long sizeBytes)
    {
        int done = 0;
        while (done < buffer.Length)
        {
            long at = offsetBytes + done;
            long index = at / PageBytes;
            int inPage = (int)(at % PageBytes);
            int count = Math.Min(PageBytes - inPage, buffer.Length - done);
            Errno errno = Modify(index, inPage, count, buffer.Slice(done, count), sizeBytes);
            if (errno != Errno.None)
            {
                return done > 0 ? IoResult.Bytes(done) : errno;
            }
            done += count;
        }
        if (_cache.IsOverLimit)
        {
            Errno errno = WriteBack();
            if (errno != Errno.None)
            {
                return errno;
            }
        }
        return IoResult.Bytes(done);
    }

    /// <summary>The file is cut (or lengthened) to a new size: pages behind it vanish, and what is left of the last page is zeroed, so
    /// that lengthening it again shows nothing old. To be called before the file system gives up the places.</summary>
    /// <remarks>Caller holds the content lock, exclusive. Errors: ENOSPC · EIO.</remarks>
    public Errno Truncate(long newSizeBytes, long oldSizeBytes)
    {
        if (newSizeBytes >= oldSizeBytes)
        {
            return Errno.None;
        }
        Discard((newSizeBytes + PageBytes - 1) / PageBytes * PageBytes, long.MaxValue);
        int inPage = (int)(newSizeBytes % PageBytes);
        if (inPage == 0)
        {
            return Errno.None;
        }
        Errno errno = Zero(newSizeBytes, Math.Min(PageBytes - inPage, oldSizeBytes - newSizeBytes), oldSizeBytes);
        lock (_pagesMu)
        {
            if (errno == Errno.None && _pages.TryGetValue(newSizeBytes / PageBytes, out Page? last))
            {
                last.EndInPage = Math.Min(last.EndInPage, inPage);
            }
        }
        return errno;
    }

    /// <summary>Overwrites a range with zeros, where it is not a hole already.</summary>
    /// <remarks>Caller holds the content lock, exclusive. Errors: ENOSPC · EIO.</remarks>
    public Errno Zero(long offsetBytes, long lengthBytes, long sizeBytes)
    {
        long end = Math.Min(offsetBytes + lengthBytes, (sizeBytes + PageBytes - 1) / PageBytes * PageBytes);
        while (offsetBytes < end)
        {
            long index = offsetBytes / PageBytes;
            int inPage = (int)(offsetBytes % PageBytes);
            int count = (int)Math.Min(PageBytes - inPage, end - offsetBytes);
            if (IsCached(index) || HasPlace(offsetBytes, count))
            {
                Errno errno = Modify(index, inPage, count, [], sizeBytes);
                if (errno != Errno.None)
                {
                    return errno;
                }
            }
            offsetBytes += count;
        }
        return Errno.None;
    }

    /// <summary>Forgets the pages of a range, written or not; waits for those that are on their way to the device.</summary>
    /// <param name="offsetBytes">A multiple of <see cref="PageCache.PageBytes"/>.</param>
    /// <param name="endBytes">A multiple of it too, or <see cref="long.MaxValue"/>.</param>
    /// <remarks>Caller holds the content lock, exclusive.</remarks>
    public void Discard(long offsetBytes, long endBytes)
    {
        Debug.Assert(offsetBytes % PageBytes == 0);
        lock (_flushMu)
        {
            lock (_pagesMu)
            {
                if (_pages.Count == 0)
                {
                    return;
                }
                long[] gone = [.. _pages.Keys.Where(index => index >= offsetBytes / PageBytes && index < endBytes / PageBytes)];
                foreach (long index in gone)
                {
                    DropPage(index);
                }
            }
        }
    }

    /// <summary>Writes everything that is dirty now to the device, without flushing the device.</summary>
    /// <remarks>Locks held: none, or the content lock. Errors: EIO · ENOSPC never for what a write was granted.</remarks>
    public Errno WriteBack()
    {
        if (!HasDirtyPages)
        {
            return Errno.None;
        }
        lock (_flushMu)
        {
            byte[] bytes = ArrayPool<byte>.Shared.Rent(MaxWriteBytes);
            var versions = new List<(long Index, int Version)>();
            try
            {
                long[] indexes = SortedIndexes();
                for (int dealt = 0; dealt < indexes.Length;)
                {
                    dealt += Gather(indexes.AsSpan(dealt), bytes, versions);
                    if (versions.Count == 0)
                    {
                        break;
                    }
                    Errno errno = WriteRuns(versions[0].Index * PageBytes, bytes.AsSpan(0, versions.Count * PageBytes), out long writtenEnd);
                    if (errno != Errno.None)
                    {
                        return errno;
                    }
                    Settle(versions, writtenEnd);
                }
                return Errno.None;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(bytes);
            }
        }
    }

    private long[] SortedIndexes()
    {
        lock (_pagesMu)
        {
            long[] indexes = [.. _pages.Keys];
            Array.Sort(indexes);
            return indexes;
        }
    }

    private static int NoneDirty(Span<byte> buffer, out bool isHit)
    {
        isHit = false;
        return buffer.Length;
    }

    // Copies from the page that holds the offset, or tells how far it is to the next dirty page.
    private int ReadDirty(long offsetBytes, Span<byte> buffer, out bool isHit)
    {
        lock (_pagesMu)
        {
            long index = offsetBytes / PageBytes;
            int inPage = (int)(offsetBytes % PageBytes);
            if (_pages.TryGetValue(index, out Page? page))
            {
                int count = Math.Min(buffer.Length, PageBytes - inPage);
                page.Bytes.AsSpan(inPage, count).CopyTo(buffer);
                isHit = true;
                return count;
            }
            isHit = false;
            long last = (offsetBytes + buffer.Length - 1) / PageBytes;
            for (long next = index + 1; next <= last; next++)
            {
                if (_pages.ContainsKey(next))
                {
                    return (int)((next * PageBytes) - offsetBytes);
                }
            }
            return buffer.Length;
        }
    }

    private Errno ReadDevice(long offsetBytes, Span<byte> buffer)
    {
        Span<BlockRun> runs = stackalloc BlockRun[MaxRuns];
        while (buffer.Length > 0)
        {
            int count = _map.Map(offsetBytes, buffer.Length, runs);
            Debug.Assert(count > 0);
            foreach (ref readonly BlockRun run in runs[..count])
            {
                long skip = offsetBytes - run.FileOffsetBytes;
                int length = (int)Math.Min(buffer.Length, run.LengthBytes - skip);
                Span<byte> part = buffer[..length];
                if (run.Kind != BlockRunKind.Mapped)
                {
                    part.Clear();
                }
                else
                {
                    Errno errno = _device.Read(run.DeviceOffsetBytes + skip, part);
                    if (errno != Errno.None)
                    {
                        return errno;
                    }
                }
                offsetBytes += length;
                buffer = buffer[length..];
                if (buffer.IsEmpty)
                {
                    break;
                }
            }
        }
        return Errno.None;
    }

    // Changes a part of a page: to the source, or to zeros when it is empty. A page that is not here is made, with its old content
    // unless all of that is about to be overwritten. Write-back may settle a page at any time; only the content lock's holder makes one.
    private Errno Modify(long index, int inPage, int count, ReadOnlySpan<byte> source, long sizeBytes)
    {
        if (TryChange(index, inPage, count, source))
        {
            return Errno.None;
        }
        long pageStart = index * PageBytes;
        Errno errno = _map.Reserve(pageStart, PageBytes);
        if (errno != Errno.None)
        {
            return errno;
        }
        var bytes = new byte[PageBytes];
        long valid = Math.Min(PageBytes, sizeBytes - pageStart);
        if (valid > 0 && (inPage > 0 || inPage + count < valid))
        {
            errno = ReadDevice(pageStart, bytes.AsSpan(0, (int)valid));
            if (errno != Errno.None)
            {
                return errno;
            }
        }
        Put(bytes, inPage, count, source);
        int end = (int)Math.Max(valid, source.Length > 0 ? inPage + count : 0);
        lock (_pagesMu)
        {
            _pages.Add(index, new Page(bytes) { EndInPage = end });
            _pageCount = _pages.Count;
        }
        _cache.AddDirty(PageBytes);
        return Errno.None;
    }

    private bool TryChange(long index, int inPage, int count, ReadOnlySpan<byte> source)
    {
        lock (_pagesMu)
        {
            if (!_pages.TryGetValue(index, out Page? page))
            {
                return false;
            }
            Put(page.Bytes, inPage, count, source);
            page.EndInPage = Math.Max(page.EndInPage, source.Length > 0 ? inPage + count : 0);
            page.Version++;
            return true;
        }
    }

    private static void Put(byte[] page, int inPage, int count, ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty)
        {
            page.AsSpan(inPage, count).Clear();
        }
        else
        {
            source.CopyTo(page.AsSpan(inPage));
        }
    }

    private bool IsCached(long index)
    {
        lock (_pagesMu)
        {
            return _pages.ContainsKey(index);
        }
    }

    private bool HasPlace(long offsetBytes, int lengthBytes)
    {
        Span<BlockRun> runs = stackalloc BlockRun[MaxRuns];
        int count = _map.Map(offsetBytes, lengthBytes, runs);
        foreach (ref readonly BlockRun run in runs[..count])
        {
            if (run.Kind == BlockRunKind.Mapped)
            {
                return true;
            }
        }
        return count == MaxRuns;
    }

    private void DropPage(long index)
    {
        if (_pages.Remove(index))
        {
            _pageCount = _pages.Count;
            _cache.AddDirty(-PageBytes);
        }
    }

    // Copies a row of neighbouring pages, so that what is written is one moment's content of each. Returns how many of the indexes
    // (sorted) it has dealt with.
    private int Gather(ReadOnlySpan<long> indexes, byte[] bytes, List<(long Index, int Version)> versions)
    {
        versions.Clear();
        lock (_pagesMu)
        {
            int dealt = 0;
            foreach (long index in indexes)
            {
                if (versions.Count == MaxWriteBytes / PageBytes || (versions.Count > 0 && index != versions[^1].Index + 1))
                {
                    break;
                }
                dealt++;
                if (!_pages.TryGetValue(index, out Page? page))
                {
                    if (versions.Count > 0)
                    {
                        break;
                    }
                    continue;
                }
                page.Bytes.CopyTo(bytes, versions.Count * PageBytes);
                versions.Add((index, page.Version));
            }
            return dealt;
        }
    }

    // What lies behind the end of the file, as it is now, has no place and is not written.
    private Errno WriteRuns(long offsetBytes, ReadOnlySpan<byte> bytes, out long writtenEnd)
    {
        writtenEnd = offsetBytes;
        Span<BlockRun> runs = stackalloc BlockRun[MaxRuns];
        while (bytes.Length > 0)
        {
            Errno errno = _map.MapForWrite(offsetBytes, bytes.Length, runs, out int count);
            if (errno != Errno.None)
            {
                return errno;
            }
            long end = offsetBytes;
            foreach (ref readonly BlockRun run in runs[..count])
            {
                int skip = (int)(run.FileOffsetBytes - offsetBytes);
                errno = _device.Write(run.DeviceOffsetBytes, bytes.Slice(skip, (int)run.LengthBytes));
                if (errno != Errno.None)
                {
                    _map.WriteFailed(errno);
                    return errno;
                }
                end = run.FileOffsetBytes + run.LengthBytes;
            }
            _map.Written(runs[..count]);
            writtenEnd = end;
            if (count < runs.Length)
            {
                return Errno.None;
            }
            bytes = bytes[(int)(end - offsetBytes)..];
            offsetBytes = end;
        }
        return Errno.None;
    }

    // A page that nobody has changed since it was copied is on the device now, and needs no place here; unless a write that has put its
    // bytes into the page has not yet moved the end of the file behind them.
    private void Settle(List<(long Index, int Version)> versions, long writtenEnd)
    {
        lock (_pagesMu)
        {
            foreach ((long index, int version) in versions)
            {
                if (_pages.TryGetValue(index, out Page? page) && page.Version == version && (index * PageBytes) + page.EndInPage <= writtenEnd)
                {
                    DropPage(index);
                }
            }
        }
    }

    private sealed class Page(byte[] bytes)
    {
        public readonly byte[] Bytes = bytes;
        public int Version;
        public int EndInPage; // behind the last byte that was written to, or was in the file when the page was made
    }
}
