// StreamVectors passes the segments of readv and writev to a stream as one piece: a packet is not torn, a small write into a pipe
// stays whole, an eventfd's eight bytes may lie in two segments. The bytes go through a rented buffer.
using System.Buffers;

namespace Tupelo.Vfs;

internal static unsafe class StreamVectors
{
    // More is moved in several pieces: no pipe takes so much at once.
    private const int PieceBytes = 1 << 20;

    /// <summary>As <see cref="FileIo.ReadHandle"/> of one segment. Errors: the handle's · EFAULT.</summary>
    internal static IoResult Read(VfsContext context, OpenFile file, OpenHandle handle, ReadOnlySpan<IoVec> segments, bool nonBlocking)
    {
        int total = (int)Math.Min(UsableBytes(segments, out bool broken), PieceBytes);
        if (total == 0)
        {
            return broken ? Errno.EFAULT : IoResult.Bytes(0);
        }
        byte[] buffer = ArrayPool<byte>.Shared.Rent(total);
        IoResult result;
        fixed (byte* address = buffer)
        {
            IoVec one = new(address, (nuint)total);
            result = FileIo.ReadHandle(context, file, handle, new ReadOnlySpan<IoVec>(in one), FileIo.AtPosition, nonBlocking);
        }
        ReadOnlySpan<byte> rest = buffer.AsSpan(0, (int)result.Count);
        for (int i = 0; !rest.IsEmpty; i++)
        {
            int count = (int)Math.Min((ulong)rest.Length, segments[i].Length);
            rest[..count].CopyTo(new Span<byte>(segments[i].Address, count));
            rest = rest[count..];
        }
        ArrayPool<byte>.Shared.Return(buffer);
        return result;
    }

    /// <summary>As <see cref="FileIo.WriteHandle"/> of one segment. Errors: the handle's · EFAULT.</summary>
    internal static IoResult Write(VfsContext context, OpenFile file, OpenHandle handle, ReadOnlySpan<IoVec> segments, bool nonBlocking)
    {
        long total = UsableBytes(segments, out bool broken);
        if (total == 0)
        {
            return broken ? Errno.EFAULT : IoResult.Bytes(0);
        }
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(total, PieceBytes));
        long done = 0;
        IoResult result = IoResult.Bytes(0);
        while (done < total)
        {
            int count = Gather(segments, done, buffer.AsSpan(0, (int)Math.Min(total - done, PieceBytes)));
            fixed (byte* address = buffer)
            {
                IoVec one = new(address, (nuint)count);
                result = FileIo.WriteHandle(context, file, handle, new ReadOnlySpan<IoVec>(in one), FileIo.AtPosition, append: false, nonBlocking);
            }
            done += result.Count;
            if (result.Count < count)
            {
                break;
            }
        }
        ArrayPool<byte>.Shared.Return(buffer);
        return done > 0 || result.IsOk ? IoResult.Bytes(done) : result;
    }

    // Bytes before the first segment whose memory is missing.
    private static long UsableBytes(ReadOnlySpan<IoVec> segments, out bool broken)
    {
        broken = false;
        int usable = 0;
        while (usable < segments.Length && !broken)
        {
            broken = segments[usable].Address is null && segments[usable].Length > 0;
            usable += broken ? 0 : 1;
        }
        return FileIo.TotalOf(segments[..usable]);
    }

    // The bytes from `from` on, as many as there is room for.
    private static int Gather(ReadOnlySpan<IoVec> segments, long from, Span<byte> buffer)
    {
        int filled = 0;
        foreach (ref readonly IoVec segment in segments)
        {
            long skip = Math.Min(from, (long)segment.Length);
            from -= skip;
            int count = (int)Math.Min((long)segment.Length - skip, buffer.Length - filled);
            new ReadOnlySpan<byte>(segment.Address + skip, count).CopyTo(buffer[filled..]);
            filled += count;
            if (filled == buffer.Length)
            {
                break;
            }
        }
        return filled;
    }
}
