// A CrashBlockDevice is a device in memory that remembers: every write, discard, resize and flush, and the workload's own marks
// between them. Reads see everything at once, as from a disk with a cache; what is durable is another matter, and the recording
// tells what a crash at any moment could have left.
//
//   var device = new CrashBlockDevice(image);      workload on a file system on device; device.Mark(...) at what it was promised
//   foreach epoch of device.Record().Epochs        choose what was kept; epoch.Materialize(kept); mount that image, check it
//   new CrashBlockDevice(thatImage)                and once more: a crash while recovering
//
// Threads: any; everything is guarded by _mu, a leaf. A call is recorded and takes effect at one moment, so a flush covers exactly
// the writes that are before it in the recording.
using System.Diagnostics;

namespace Tupelo.Block;

/// <summary>A device that records all changes, for crash tests.</summary>
public sealed class CrashBlockDevice : BlockDevice
{
    private readonly Lock _mu = new(); // Guards everything below.
    private readonly List<CrashEvent> _events = [];
    private readonly List<CrashEpoch> _epochs = [];
    private readonly List<CrashEvent> _pending = []; // Changes since the last flush.
    private readonly CopyOnWriteImage _live;
    private CopyOnWriteImage _durable; // Frozen.
    private bool _hasLost; // A failed flush lost changes, so _durable is not _live at some flush any more.
    private Errno _nextFlushFails;

    /// <param name="content">What is on the device; it is copied at no cost, and may go on changing.</param>
    /// <param name="sectorBytes">The unit that is written whole or not at all, 512 or 4096.</param>
    /// <param name="name">What to call it in messages.</param>
    public CrashBlockDevice(CopyOnWriteImage content, int sectorBytes = 512, string name = "crash test")
    {
        ArgumentNullException.ThrowIfNull(content);
        if (sectorBytes is not (512 or 4096))
        {
            throw new ArgumentOutOfRangeException(nameof(sectorBytes), sectorBytes, "A sector has 512 or 4096 bytes.");
        }
        SectorBytes = sectorBytes;
        Name = name;
        _live = content.Snapshot();
        _durable = _live.Snapshot().Freeze();
    }

    /// <summary>True for a device that lies: Flush succeeds and makes nothing durable.</summary>
    public bool IgnoresFlush { get; init; }

    public override long SizeBytes
    {
        get
        {
            lock (_mu)
            {
                return _live.SizeBytes;
            }
        }
    }

    public override int SectorBytes { get; }

    public override bool IsReadOnly => false;

    public override string Name { get; }

    public override Errno Read(long offsetBytes, Span<byte> buffer)
    {
        lock (_mu)
        {
            if (!Contains(offsetBytes, buffer.Length))
            {
                return Errno.EINVAL;
            }
            _live.Read(offsetBytes, buffer);
            return Errno.None;
        }
    }

    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        lock (_mu)
        {
            if (!Contains(offsetBytes, buffer.Length))
            {
                return Errno.EINVAL;
            }
            if (buffer.Length > 0)
            {
                ChangeLocked(new CrashEvent(_events.Count, CrashEventKind.Write, offsetBytes, buffer.Length, buffer.ToArray()));
            }
            return Errno.None;
        }
    }

    /// <inheritdoc/>
    /// <remarks>One change, as one call of the host would be: it can be torn, and is kept or lost together.</remarks>
    public override Errno Write(long offsetBytes, ReadOnlySpan<IoSegment> segments)
    {
        long total = TotalBytes(segments);
        if (total > Array.MaxLength)
        {
            return Errno.EINVAL;
        }
        byte[] data = GC.AllocateUninitializedArray<byte>((int)total);
        int at = 0;
        foreach (IoSegment segment in segments)
        {
            segment.Span.CopyTo(data.AsSpan(at));
            at += segment.LengthBytes;
        }
        lock (_mu)
        {
            if (!Contains(offsetBytes, total))
            {
                return Errno.EINVAL;
            }
            if (total > 0)
            {
                ChangeLocked(new CrashEvent(_events.Count, CrashEventKind.Write, offsetBytes, total, data));
            }
            return Errno.None;
        }
    }

    public override Errno Flush()
    {
        lock (_mu)
        {
            if (_nextFlushFails != Errno.None)
            {
                Errno errno = _nextFlushFails;
                _nextFlushFails = Errno.None;
                EndEpochLocked(CrashEventKind.FailedFlush);
                return errno;
            }
            if (!IgnoresFlush)
            {
                EndEpochLocked(CrashEventKind.Flush);
            }
            return Errno.None;
        }
    }

    public override Errno Discard(long offsetBytes, long lengthBytes)
    {
        lock (_mu)
        {
            if (!Contains(offsetBytes, lengthBytes))
            {
                return Errno.EINVAL;
            }
            if (lengthBytes > 0)
            {
                ChangeLocked(new CrashEvent(_events.Count, CrashEventKind.Discard, offsetBytes, lengthBytes));
            }
            return Errno.None;
        }
    }

    public override Errno Resize(long sizeBytes)
    {
        if (sizeBytes is < 0 or > CopyOnWriteImage.MaxSizeBytes)
        {
            return sizeBytes < 0 ? Errno.EINVAL : Errno.EFBIG;
        }
        lock (_mu)
        {
            ChangeLocked(new CrashEvent(_events.Count, CrashEventKind.Resize, 0, sizeBytes));
            return Errno.None;
        }
    }

    /// <summary>Notes where the workload is.</summary>
    /// <returns>The mark's place in the recording.</returns>
    public int Mark(CrashMark mark, long operation)
    {
        lock (_mu)
        {
            _events.Add(new CrashEvent(_events.Count, CrashEventKind.Mark, Mark: mark, Operation: operation));
            return _events.Count - 1;
        }
    }

    /// <summary>Makes the next Flush fail and lose for good what it was to make durable, though reads go on to show it: as a kernel whose
    /// write-back failed does, which then takes the pages for clean. (A flush that fails and may be repeated: FlakyBlockDevice.)</summary>
    public void FailNextFlush(Errno errno)
    {
        lock (_mu)
        {
            _nextFlushFails = errno;
        }
    }

    /// <summary>What happened up to now; an epoch that is open is its last.</summary>
    public CrashRecording Record()
    {
        lock (_mu)
        {
            var epochs = new List<CrashEpoch>(_epochs);
            if (_pending.Count > 0)
            {
                epochs.Add(new CrashEpoch(epochs.Count, SectorBytes, _durable, [.. _pending], null));
            }
            return new CrashRecording([.. _events], [.. epochs]);
        }
    }

    /// <summary>What reads show now.</summary>
    public CopyOnWriteImage LiveImage()
    {
        lock (_mu)
        {
            return _live.Snapshot();
        }
    }

    /// <summary>What is certain to survive a crash now. Frozen.</summary>
    public CopyOnWriteImage DurableImage()
    {
        lock (_mu)
        {
            return _durable;
        }
    }

    private void ChangeLocked(CrashEvent change)
    {
        Debug.Assert(_mu.IsHeldByCurrentThread);
        _events.Add(change);
        _pending.Add(change);
        new KeptChange(0).Apply(_live, change, SectorBytes);
    }

    private void EndEpochLocked(CrashEventKind kind)
    {
        Debug.Assert(_mu.IsHeldByCurrentThread);
        var end = new CrashEvent(_events.Count, kind);
        _events.Add(end);
        if (_pending.Count == 0)
        {
            return;
        }
        var epoch = new CrashEpoch(_epochs.Count, SectorBytes, _durable, [.. _pending], end);
        _epochs.Add(epoch);
        _pending.Clear();
        if (kind == CrashEventKind.FailedFlush)
        {
            _hasLost = true;
        }
        else
        {
            _durable = (_hasLost ? epoch.Materialize(KeptChange.AllOf(epoch.Changes.Count)) : _live.Snapshot()).Freeze();
        }
    }
}
