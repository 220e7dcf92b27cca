// A device as it would be if some of its sectors held something else: for looking at a volume through a copy of its damaged header, and for
// trying a repair without writing. What is written stays in memory.
namespace Tupelo.Tfs;

internal sealed class OverlayBlockDevice(BlockDevice inner) : FilterBlockDevice(inner, ownsInner: false)
{
    private readonly Dictionary<long, byte[]> _sectors = [];

    public override bool IsReadOnly => false;

    public override Errno Read(long offsetBytes, Span<byte> buffer)
    {
        Errno errno = Inner.Read(offsetBytes, buffer);
        if (errno != Errno.None || _sectors.Count == 0)
        {
            return errno;
        }
        for (long sector = offsetBytes / TfsFormat.SectorBytes; sector * TfsFormat.SectorBytes < offsetBytes + buffer.Length; sector++)
        {
            if (_sectors.TryGetValue(sector, out byte[]? bytes))
            {
                long at = (sector * TfsFormat.SectorBytes) - offsetBytes;
                int skip = (int)Math.Max(0, -at);
                int count = (int)Math.Min(TfsFormat.SectorBytes - skip, buffer.Length - Math.Max(0, at));
                bytes.AsSpan(skip, count).CopyTo(buffer[(int)Math.Max(0, at)..]);
            }
        }
        return Errno.None;
    }

    /// <summary>Whole sectors only.</summary>
    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        if (!Contains(offsetBytes, buffer.Length) || ((offsetBytes | (uint)buffer.Length) & (TfsFormat.SectorBytes - 1)) != 0)
        {
            return Errno.EINVAL;
        }
        for (int done = 0; done < buffer.Length; done += TfsFormat.SectorBytes)
        {
            _sectors[(offsetBytes + done) / TfsFormat.SectorBytes] = buffer.Slice(done, TfsFormat.SectorBytes).ToArray();
        }
        return Errno.None;
    }

    public override Errno Read(long offsetBytes, ReadOnlySpan<IoSegment> segments)
    {
        Errno errno = Errno.None;
        foreach (IoSegment segment in segments)
        {
            errno = errno == Errno.None ? Read(offsetBytes, segment.Span) : errno;
            offsetBytes += segment.LengthBytes;
        }
        return errno;
    }

    public override Errno Write(long offsetBytes, ReadOnlySpan<IoSegment> segments)
    {
        Errno errno = Errno.None;
        foreach (IoSegment segment in segments)
        {
            errno = errno == Errno.None ? Write(offsetBytes, segment.Span) : errno;
            offsetBytes += segment.LengthBytes;
        }
        return errno;
    }

    public override Errno Flush() => Errno.None;

    public override Errno Discard(long offsetBytes, long lengthBytes) => Errno.EOPNOTSUPP;

    public override Errno Resize(long sizeBytes) => Errno.EOPNOTSUPP;
}
