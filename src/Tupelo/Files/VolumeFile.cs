// An open file with positional calls: no position of its own, so any number of threads use one. The counterpart of RandomAccess.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tupelo.Vfs;

namespace Tupelo;

/// <summary>How much a flush makes durable.</summary>
public enum FlushMode
{
    /// <summary>Content, and of the attributes what reading it back needs (fdatasync).</summary>
    Data,

    /// <summary>Content, all attributes and the names (fsync).</summary>
    All,
}

/// <summary>An open file. Any number of threads; nothing is allocated per call. Stays usable when its name is removed or replaced.</summary>
public sealed class VolumeFile : IDisposable
{
    private readonly FileTree _tree;
    private readonly OpenFile _file;
    private int _disposed;

    internal VolumeFile(FileTree tree, OpenFile file, string path)
    {
        _tree = tree;
        _file = file;
        Path = path;
    }

    /// <summary>The path it was opened by.</summary>
    public string Path { get; }

    /// <summary>Opened for reading.</summary>
    public bool CanRead => _file.CanRead;

    /// <summary>Opened for writing.</summary>
    public bool CanWrite => _file.CanWrite;

    /// <summary>Every write goes to the end, whatever its offset.</summary>
    public bool IsAppending => (_file.Flags & OpenFlags.Append) != 0;

    /// <summary>Whether it is closed, by itself or with its volume.</summary>
    public bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    /// <summary>Length in bytes, now.</summary>
    public long Length
    {
        get
        {
            using Scope scope = Enter();
            Stat stat = default;
            Failure.ThrowIf(_tree.Nodes.GetStat(_file.Path, ref stat), "look at", Path);
            return stat.SizeBytes;
        }
    }

    /// <summary>What is known of it, as <see cref="FileTree.GetEntry"/>.</summary>
    public Stat GetStat()
    {
        using Scope scope = Enter();
        Stat stat = default;
        Failure.ThrowIf(_tree.Nodes.GetStat(_file.Path, ref stat), "look at", Path);
        return stat;
    }

    /// <summary>Reads from a place.</summary>
    /// <returns>Bytes read: all that were asked for, fewer only at the end of the file; 0 behind it.</returns>
    /// <exception cref="VolumeException">EIO; EBADF not opened for reading.</exception>
    public int Read(long offsetBytes, Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        using Scope scope = Enter();
        IoResult result = ReadFully(_tree.Nodes, _file, buffer, offsetBytes);
        if (!result.IsOk)
        {
            Failure.Throw(result.Errno, "read", Path);
        }
        VolumeTelemetry.CountRead(result.Count);
        return (int)result.Count;
    }

    /// <summary>Reads from a place into several buffers, one after the other (preadv).</summary>
    /// <inheritdoc cref="Read(long, Span{byte})"/>
    public long Read(long offsetBytes, IReadOnlyList<Memory<byte>> buffers)
    {
        ArgumentNullException.ThrowIfNull(buffers);
        long done = 0;
        for (int i = 0; i < buffers.Count; i++)
        {
            int count = Read(offsetBytes + done, buffers[i].Span);
            done += count;
            if (count < buffers[i].Length)
            {
                break;
            }
        }
        return done;
    }

    /// <summary>Writes all of <paramref name="content"/> to a place, or to the end when the file appends.</summary>
    /// <exception cref="VolumeException">ENOSPC: a part may have been written; EFBIG; EIO; EROFS; EBADF not opened for writing.</exception>
    public void Write(long offsetBytes, ReadOnlySpan<byte> content)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        using Scope scope = EnterWrite(out FileTree.WriteScope writers);
        using (writers)
        {
            IoResult result = WriteFully(_tree, _file, content, offsetBytes, out _);
            if (!result.IsOk)
            {
                Failure.Throw(result.Errno, "write", Path);
            }
            VolumeTelemetry.CountWrite(result.Count);
        }
    }

    /// <summary>Writes several buffers, one after the other (pwritev). Each of them is written whole; others may write between them.</summary>
    /// <inheritdoc cref="Write(long, ReadOnlySpan{byte})"/>
    public void Write(long offsetBytes, IReadOnlyList<ReadOnlyMemory<byte>> buffers)
    {
        ArgumentNullException.ThrowIfNull(buffers);
        for (int i = 0; i < buffers.Count; i++)
        {
            Write(offsetBytes, buffers[i].Span);
            offsetBytes += buffers[i].Length;
        }
    }

    /// <summary>Makes the file longer, with a hole, or shorter.</summary>
    /// <exception cref="VolumeException">EFBIG; ENOSPC; EBADF not opened for writing.</exception>
    public void SetLength(long lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        using Scope scope = EnterWrite(out FileTree.WriteScope writers);
        using (writers)
        {
            Errno errno;
            do
            {
                errno = _tree.Nodes.Truncate(_file, lengthBytes);
            }
            while (_tree.TryMakeRoom(errno));
            Failure.ThrowIf(errno, "change the length of", Path);
        }
    }

    /// <summary>Reserves space, so that writing there cannot fail for lack of it.</summary>
    /// <param name="offsetBytes">From here.</param>
    /// <param name="lengthBytes">So many bytes, at least 1.</param>
    /// <param name="keepLength">Whether the file's length stays although the space lies behind its end.</param>
    /// <exception cref="VolumeException">ENOSPC; EFBIG.</exception>
    public void Allocate(long offsetBytes, long lengthBytes, bool keepLength = false) =>
        Change(keepLength ? FallocateMode.KeepSize : FallocateMode.None, offsetBytes, lengthBytes, "reserve space in");

    /// <summary>Gives the space of a part back; it reads as zeros.</summary>
    public void PunchHole(long offsetBytes, long lengthBytes) =>
        Change(FallocateMode.PunchHole | FallocateMode.KeepSize, offsetBytes, lengthBytes, "punch a hole into");

    /// <summary>First byte at or behind <paramref name="offsetBytes"/> that is not in a hole; -1 when there is none (SEEK_DATA).</summary>
    public long NextData(long offsetBytes) => Seek(offsetBytes, SeekWhence.Data);

    /// <summary>First hole at or behind <paramref name="offsetBytes"/>, the end of the file being one; -1 behind the end (SEEK_HOLE).</summary>
    public long NextHole(long offsetBytes) => Seek(offsetBytes, SeekWhence.Hole);

    /// <summary>Makes what was written durable.</summary>
    /// <exception cref="VolumeException">EIO: it is not, and the volume is read-only from now on.</exception>
    /// <exception cref="InvalidOperationException">It was opened through a transaction, which makes durable when it is committed.</exception>
    public void Flush(FlushMode mode = FlushMode.All)
    {
        _tree.ThrowIfTransaction();
        using Scope scope = EnterWrite(out FileTree.WriteScope writers);
        using (writers)
        using (VolumeTelemetry.Flushing())
        {
            Failure.ThrowIf(_tree.Nodes.Sync(_file, dataOnly: mode == FlushMode.Data), "make durable", Path);
        }
    }

    /// <inheritdoc cref="Flush"/>
    public Task FlushAsync(FlushMode mode = FlushMode.All, CancellationToken cancellationToken = default) =>
        Task.Run(() => Flush(mode), cancellationToken);

    /// <summary>Closes it. What was written is not made durable by that; see <see cref="Flush"/>.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _tree.Closed(this);
            _file.Release();
        }
    }

    // Reads until the buffer is full or the file ends.
    internal static unsafe IoResult ReadFully(NodeCalls nodes, OpenFile file, Span<byte> buffer, long offsetBytes)
    {
        fixed (byte* address = &MemoryMarshal.GetReference(buffer))
        {
            long done = 0;
            while (done < buffer.Length)
            {
                IoVec segment = new(address + done, (nuint)(buffer.Length - done));
                IoResult result = nodes.Read(file, new ReadOnlySpan<IoVec>(in segment), offsetBytes + done);
                if (!result.IsOk)
                {
                    return done > 0 ? IoResult.Bytes(done) : result;
                }
                if (result.Count == 0)
                {
                    break;
                }
                done += result.Count;
            }
            return IoResult.Bytes(done);
        }
    }

    // Writes all, asking for more room when there is none.
    internal static unsafe IoResult WriteFully(FileTree tree, OpenFile file, ReadOnlySpan<byte> content, long offsetBytes, out long done)
    {
        done = 0;
        fixed (byte* address = &MemoryMarshal.GetReference(content))
        {
            do
            {
                IoVec segment = new(address + done, (nuint)(content.Length - done));
                IoResult result = tree.Nodes.Write(file, new ReadOnlySpan<IoVec>(in segment), offsetBytes + done);
                if (!result.IsOk)
                {
                    if (tree.TryMakeRoom(result.Errno))
                    {
                        continue;
                    }
                    return result;
                }
                done += result.Count;
            }
            while (done < content.Length);
            return IoResult.Bytes(done);
        }
    }

    // Keeps the file open during a call, also when somebody closes it meanwhile.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Scope Enter()
    {
        OperationGate.Scope gate = _tree.EnterRead();
        if (IsDisposed || !_file.TryAcquire())
        {
            gate.Dispose();
            ThrowDisposed();
        }
        return new Scope(gate, _file);
    }

    private Scope EnterWrite(out FileTree.WriteScope writers)
    {
        writers = _tree.EnterWrite();
        if (IsDisposed || !_file.TryAcquire())
        {
            writers.Dispose();
            ThrowDisposed();
        }
        return new Scope(default, _file);
    }

    [DoesNotReturn]
    private static void ThrowDisposed() => throw new ObjectDisposedException(nameof(VolumeFile));

    private void Change(FallocateMode mode, long offsetBytes, long lengthBytes, string doing)
    {
        using Scope scope = EnterWrite(out FileTree.WriteScope writers);
        using (writers)
        {
            Errno errno;
            do
            {
                errno = _tree.Nodes.Allocate(_file, mode, offsetBytes, lengthBytes);
            }
            while (_tree.TryMakeRoom(errno));
            Failure.ThrowIf(errno, doing, Path);
        }
    }

    private long Seek(long offsetBytes, SeekWhence whence)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        using Scope scope = Enter();
        IoResult result = _tree.Nodes.Seek(_file, offsetBytes, whence);
        if (result.Errno == Errno.ENXIO)
        {
            return -1;
        }
        Failure.ThrowIf(result.Errno, "look for data in", Path);
        return result.Count;
    }

    private ref struct Scope(OperationGate.Scope gate, OpenFile file)
    {
        private OperationGate.Scope _gate = gate;

        public void Dispose()
        {
            file.Release();
            _gate.Dispose();
        }
    }
}
