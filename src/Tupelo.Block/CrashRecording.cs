// A CrashRecording is everything that happened to a device, in order, and where its flushes were. Between two flushes lies an epoch:
// its changes may have reached the medium in any choice and order, and a write of several sectors in part. A KeptChange says that
// one did, and how much of it; a list of them makes a crash state, an image as the power failure could have left it.
//
// Nothing here decides which states to look at: that is for the harness on top. States are written as text, so that a failing one
// can be kept: "3: 0 2:first1 1:last2 4:random77=zeros" is epoch 3, and in this order its changes 0, 2, 1 and 4.
// Everything is immutable, and for any thread.
using System.Globalization;

namespace Tupelo.Block;

/// <summary>What happened.</summary>
public enum CrashEventKind
{
    /// <summary>A write of <see cref="CrashEvent.Data"/>.</summary>
    Write,

    /// <summary>A discard, which makes zeros.</summary>
    Discard,

    /// <summary>A change of the device's length to <see cref="CrashEvent.LengthBytes"/>.</summary>
    Resize,

    /// <summary>A flush that succeeded: everything before it is durable.</summary>
    Flush,

    /// <summary>A flush that failed, and lost the changes of its epoch for good.</summary>
    FailedFlush,

    /// <summary>A note by the workload.</summary>
    Mark,
}

/// <summary>What a workload notes.</summary>
public enum CrashMark
{
    /// <summary>An operation begins; its effect may be seen from now on.</summary>
    OperationBegin,

    /// <summary>An operation has returned.</summary>
    OperationEnd,

    /// <summary>An operation that promises durability has returned: what it promised must survive every later crash.</summary>
    Synced,
}

/// <summary>One thing that happened to the device.</summary>
/// <param name="Sequence">Its place in <see cref="CrashRecording.Events"/>.</param>
/// <param name="Kind">What.</param>
/// <param name="OffsetBytes">First byte of a write or discard.</param>
/// <param name="LengthBytes">Length of a write or discard; the new length of a resize.</param>
/// <param name="Data">What was written.</param>
/// <param name="Mark">Which mark.</param>
/// <param name="Operation">The workload's number of the operation that the mark is about.</param>
public sealed record CrashEvent(
    int Sequence, CrashEventKind Kind, long OffsetBytes = 0, long LengthBytes = 0, ReadOnlyMemory<byte> Data = default,
    CrashMark Mark = default, long Operation = 0)
{
    /// <summary>How many sectors a write or discard touches, in part or whole; 1 for a resize, which cannot be torn.</summary>
    public long SectorCount(int sectorBytes) => Kind switch
    {
        CrashEventKind.Write or CrashEventKind.Discard when LengthBytes > 0 =>
            ((OffsetBytes + LengthBytes - 1) / sectorBytes) - (OffsetBytes / sectorBytes) + 1,
        CrashEventKind.Resize => 1,
        _ => 0,
    };
}

/// <summary>The changes between two flushes.</summary>
public sealed class CrashEpoch
{
    private readonly CrashEvent[] _changes;

    internal CrashEpoch(int index, int sectorBytes, CopyOnWriteImage durable, CrashEvent[] changes, CrashEvent? end)
    {
        Index = index;
        SectorBytes = sectorBytes;
        Durable = durable;
        _changes = changes;
        End = end;
    }

    /// <summary>Its place in <see cref="CrashRecording.Epochs"/>.</summary>
    public int Index { get; }

    /// <summary>The unit that is written whole or not at all.</summary>
    public int SectorBytes { get; }

    /// <summary>What was certainly on the medium when it began. Frozen.</summary>
    public CopyOnWriteImage Durable { get; }

    /// <summary>Writes, discards and resizes, in order; at least one.</summary>
    public IReadOnlyList<CrashEvent> Changes => _changes;

    /// <summary>The flush that ended it, or null: the recording ends with it.</summary>
    public CrashEvent? End { get; }

    /// <summary>An image as a crash in this epoch could leave it.</summary>
    /// <param name="kept">What reached the medium, in the order in which it did. The same change may come twice, with other sectors.</param>
    /// <returns>A new image, the caller's. Costs what the kept changes touch.</returns>
    public CopyOnWriteImage Materialize(params ReadOnlySpan<KeptChange> kept)
    {
        CopyOnWriteImage image = Durable.Snapshot();
        foreach (KeptChange change in kept)
        {
            change.Apply(image, _changes[change.Index], SectorBytes);
        }
        return image;
    }
}

/// <summary>What happened to a <see cref="CrashBlockDevice"/> up to a moment.</summary>
public sealed class CrashRecording
{
    internal CrashRecording(CrashEvent[] events, CrashEpoch[] epochs)
    {
        Events = events;
        Epochs = epochs;
    }

    /// <summary>Everything, in order.</summary>
    public IReadOnlyList<CrashEvent> Events { get; }

    /// <summary>The epochs in which something changed, in order.</summary>
    public IReadOnlyList<CrashEpoch> Epochs { get; }

    /// <summary>The last mark of a kind before the event <paramref name="sequence"/>, or null.</summary>
    public CrashEvent? LastMarkBefore(int sequence, CrashMark mark)
    {
        for (int i = Math.Min(sequence, Events.Count) - 1; i >= 0; i--)
        {
            if (Events[i].Kind == CrashEventKind.Mark && Events[i].Mark == mark)
            {
                return Events[i];
            }
        }
        return null;
    }

    /// <summary>The image that <paramref name="state"/> stands for.</summary>
    public CopyOnWriteImage Materialize(CrashState state) => Epochs[state.Epoch].Materialize([.. state.Kept]);
}

/// <summary>A crash state: an epoch, and what of it reached the medium.</summary>
public sealed record CrashState(int Epoch, IReadOnlyList<KeptChange> Kept)
{
    /// <summary>The state in one line.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Epoch}: {string.Join(' ', Kept)}");

    /// <summary>The state that <see cref="ToString"/> wrote.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static CrashState Parse(string text)
    {
        string[] parts = text.Split(':', 2);
        string[] kept = parts.Length == 2 ? parts[1].Split(' ', StringSplitOptions.RemoveEmptyEntries) : throw new FormatException(text);
        return new CrashState(int.Parse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture), [.. kept.Select(KeptChange.Parse)]);
    }
}
