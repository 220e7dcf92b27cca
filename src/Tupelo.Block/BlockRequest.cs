// A call on a device as a value: what the observing devices (trace, flaky) log and decide by.
namespace Tupelo.Block;

/// <summary>Kinds of calls on a device.</summary>
public enum BlockOperation
{
    Read,
    Write,
    Flush,
    Discard,
    Resize,
}

/// <summary>One call.</summary>
/// <param name="Operation">What is asked for. A vectored transfer is one call.</param>
/// <param name="Index">How many calls of the same kind came before, on the device that tells.</param>
/// <param name="Sequence">How many calls of any kind came before.</param>
/// <param name="OffsetBytes">First byte; 0 for Flush and Resize.</param>
/// <param name="LengthBytes">Length of the range; of Resize the new length, 0 for Flush.</param>
public readonly record struct BlockRequest(BlockOperation Operation, long Index, long Sequence, long OffsetBytes, long LengthBytes)
{
    /// <summary>"write 512+4096".</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"{Operation.ToString().ToLowerInvariant()} {OffsetBytes}+{LengthBytes}");
}

/// <summary>Counts calls; the counters behind <see cref="BlockRequest.Index"/>. Any thread.</summary>
internal sealed class BlockRequestCounter
{
    private readonly long[] _counts = new long[(int)BlockOperation.Resize + 1]; // Interlocked
    private long _sequence; // Interlocked

    public long this[BlockOperation operation] => Interlocked.Read(ref _counts[(int)operation]);

    public BlockRequest Next(BlockOperation operation, long offsetBytes, long lengthBytes) => new(
        operation, Interlocked.Increment(ref _counts[(int)operation]) - 1, Interlocked.Increment(ref _sequence) - 1, offsetBytes, lengthBytes);
}
