// DataStager gathers file data in large buffers and has a second thread write them, so that reading the next files and storing the
// last ones overlap. A buffer holds one aligned piece of the volume: writes end where the next one begins and no page is touched twice.
// The caller fills the room it is given in place; nothing is copied here.
//
// Threads: one caller; the writer thread is our own. _mu guards the queue, the list of free buffers and the error.
// Lock order: _mu is a leaf; writes happen outside of it.
using System.Runtime.InteropServices;
using Tupelo.Block;

namespace Tupelo.Tfs;

/// <summary>Writes data that is produced in ascending order of place, in large pieces, behind the caller's back.</summary>
public sealed unsafe class DataStager : IDisposable
{
    /// <summary>Size and alignment of one write. Larger ones are slower: the host's page cache then takes memory in pieces so large that
    /// nothing of them is warm (1 MiB cost twice the CPU time of 256 KiB), and the buffers themselves leave the processor's cache.</summary>
    public const int BufferBytes = 256 * 1024;

    private const int BufferCount = 8;

    private readonly BlockDevice _volume;
    private readonly object _mu = new(); // a Monitor, for Wait and Pulse
    private readonly Queue<(nint Buffer, long Offset, int Length)> _queue = new(BufferCount);
    private readonly Stack<nint> _free = new(BufferCount);
    private readonly nint _memory;
    private Thread? _thread;
    private Errno _error;
    private int _writing;
    private bool _stopping;

    private nint _buffer;        // being filled; 0 when none is
    private long _bufferOffset;  // on the volume, of the first byte in the buffer
    private int _filled;

    public DataStager(BlockDevice volume)
    {
        _volume = volume;
        _memory = (nint)NativeMemory.AlignedAlloc(BufferCount * BufferBytes, 4096);
        for (int i = 0; i < BufferCount; i++)
        {
            _free.Push(_memory + ((nint)i * BufferBytes));
        }
    }

    /// <summary>Memory to be filled with what belongs at <paramref name="offsetBytes"/> of the volume, at least one byte, as much as is at hand.
    /// A small gap behind the last data is zeroed.</summary>
    public Span<byte> Room(long offsetBytes)
    {
        if (_buffer != 0)
        {
            long gap = offsetBytes - (_bufferOffset + _filled);
            if (gap is >= 0 and < 4096 && _filled + gap < LengthOf(_bufferOffset))
            {
                new Span<byte>((byte*)_buffer + _filled, (int)gap).Clear();
                _filled += (int)gap;
            }
            else
            {
                Submit();
            }
        }
        if (_buffer == 0)
        {
            _buffer = TakeBuffer();
            _bufferOffset = offsetBytes;
            _filled = 0;
        }
        return new Span<byte>((byte*)_buffer + _filled, LengthOf(_bufferOffset) - _filled);
    }

    /// <summary>Takes over the first <paramref name="bytes"/> bytes of the last <see cref="Room"/>.</summary>
    public void Advance(int bytes)
    {
        _filled += bytes;
        if (_filled == LengthOf(_bufferOffset))
        {
            Submit();
        }
    }

    /// <summary>Ends a run of data: what is left of its last sector becomes zeros.</summary>
    public void PadSector()
    {
        int rest = _buffer == 0 ? 0 : (int)(-(_bufferOffset + _filled) & (TfsFormat.SectorBytes - 1));
        if (rest > 0)
        {
            new Span<byte>((byte*)_buffer + _filled, rest).Clear();
            Advance(rest);
        }
    }

    /// <summary>Stores <paramref name="bytes"/> at <paramref name="offsetBytes"/>.</summary>
    public void Write(long offsetBytes, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            Span<byte> room = Room(offsetBytes);
            int count = Math.Min(room.Length, bytes.Length);
            bytes[..count].CopyTo(room);
            Advance(count);
            offsetBytes += count;
            bytes = bytes[count..];
        }
    }

    /// <summary>Returns when everything has been written (not flushed).</summary>
    public void Drain()
    {
        Submit();
        lock (_mu)
        {
            while (_writing > 0)
            {
                _ = Monitor.Wait(_mu);
            }
            ThrowIfFailedLocked();
        }
    }

    public void Dispose()
    {
        lock (_mu)
        {
            _stopping = true;
            _queue.Clear();
            Monitor.PulseAll(_mu);
        }
        _thread?.Join();
        NativeMemory.AlignedFree((void*)_memory);
    }

    // A buffer ends at the next multiple of BufferBytes.
    private static int LengthOf(long bufferOffset) => BufferBytes - (int)(bufferOffset % BufferBytes);

    private void Submit()
    {
        if (_buffer == 0)
        {
            return;
        }
        lock (_mu)
        {
            ThrowIfFailedLocked();
            if (_filled > 0)
            {
                _queue.Enqueue((_buffer, _bufferOffset, _filled));
                _writing++;
            }
            else
            {
                _free.Push(_buffer);
            }
            _buffer = 0;
            Monitor.PulseAll(_mu);
        }
        if (_thread is null)
        {
            _thread = new Thread(WriteQueued, 256 * 1024) { IsBackground = true, Name = "image writer" };
            _thread.Start();
        }
    }

    private nint TakeBuffer()
    {
        lock (_mu)
        {
            nint buffer;
            while (!_free.TryPop(out buffer))
            {
                _ = Monitor.Wait(_mu);
            }
            return buffer;
        }
    }

    private void ThrowIfFailedLocked()
    {
        if (_error != Errno.None)
        {
            throw new TfsWriteException($"cannot write {_volume.Name}", _error);
        }
    }

    private void WriteQueued()
    {
        while (true)
        {
            (nint Buffer, long Offset, int Length) piece;
            bool failed;
            lock (_mu)
            {
                while (!_queue.TryDequeue(out piece))
                {
                    if (_stopping)
                    {
                        return;
                    }
                    _ = Monitor.Wait(_mu);
                }
                failed = _error != Errno.None;
            }
            // After a failure nothing more is written: the caller learns of it at its next step.
            Errno errno = failed ? Errno.None : _volume.Write(piece.Offset, new ReadOnlySpan<byte>((void*)piece.Buffer, piece.Length));
            lock (_mu)
            {
                if (errno != Errno.None)
                {
                    _error = errno;
                }
                _free.Push(piece.Buffer);
                _writing--;
                Monitor.PulseAll(_mu);
            }
        }
    }
}
