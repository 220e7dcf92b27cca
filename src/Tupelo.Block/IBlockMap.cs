// The contract between a file system and the page cache: the file system maps, the cache moves the bytes. The cache asks where a
// range of a file lies, and says when it will need room and what it has written; it never learns of names, extents or tuples, and the
// file system never touches a page.
namespace Tupelo.Block;

/// <summary>What stands behind a range of a file.</summary>
public enum BlockRunKind : byte
{
    /// <summary>Bytes on the device.</summary>
    Mapped,

    /// <summary>Nothing: reads as zeros, has no place.</summary>
    Hole,

    /// <summary>A place on the device that was never written: reads as zeros.</summary>
    Uninitialized,
}

/// <summary>A range of a file and where it lies. All numbers are in bytes and multiples of the device's sector.</summary>
/// <param name="Kind">What stands behind it.</param>
/// <param name="FileOffsetBytes">Where in the file.</param>
/// <param name="DeviceOffsetBytes">Where on the device; 0 for a hole.</param>
/// <param name="LengthBytes">How long, above 0.</param>
public readonly record struct BlockRun(BlockRunKind Kind, long FileOffsetBytes, long DeviceOffsetBytes, long LengthBytes);

/// <summary>Implemented by each cached file. Every member is called with the file's own lock held as the file system itself took it
/// when it called the cache, or, from the cache's write-back, with none: implementations lock for themselves.</summary>
public interface IBlockMap
{
    /// <summary>Where [offset, offset + length) lies: runs in order, without gaps, the first one holding the offset. A pure look-up.</summary>
    /// <returns>Runs filled in; when the span was too short they end early.</returns>
    int Map(long offsetBytes, long lengthBytes, Span<BlockRun> runs);

    /// <summary>Promises room for a range that is about to become dirty, so that write-back cannot run out of space. Parts that have
    /// a place, or a promise, already cost nothing.</summary>
    /// <remarks>Errors: ENOSPC · EROFS the volume is latched after a failure.</remarks>
    Errno Reserve(long offsetBytes, long lengthBytes);

    /// <summary>Gives places to the parts of a range that have none, using up what was promised, and tells where all of it lies.</summary>
    /// <param name="count">Runs filled in, all <see cref="BlockRunKind.Mapped"/> or <see cref="BlockRunKind.Uninitialized"/>; when the span was
    /// too short they end early.</param>
    /// <remarks>Errors: ENOSPC never for what was reserved · EIO.</remarks>
    Errno MapForWrite(long offsetBytes, long lengthBytes, Span<BlockRun> runs, out int count);

    /// <summary>The bytes of these runs are on the device (not yet flushed): metadata that leads to them may be logged from now on.</summary>
    void Written(ReadOnlySpan<BlockRun> runs);

    /// <summary>A write to the device failed: what its range holds now is not known. Nothing of it may be taken for durable later.</summary>
    void WriteFailed(Errno errno);
}
