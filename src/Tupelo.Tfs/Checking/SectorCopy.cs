namespace Tupelo.Tfs;

/// <summary>Copies sectors from one place of a volume to another that does not overlap it.</summary>
internal static class SectorCopy
{
    public static Errno Run(BlockDevice device, long from, long to, long sectors, byte[] buffer)
    {
        for (long done = 0; done < sectors;)
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, (sectors - done) * TfsFormat.SectorBytes));
            Errno errno = device.Read((from + done) * TfsFormat.SectorBytes, part);
            errno = errno == Errno.None ? device.Write((to + done) * TfsFormat.SectorBytes, part) : errno;
            if (errno != Errno.None)
            {
                return errno;
            }
            done += part.Length / TfsFormat.SectorBytes;
        }
        return Errno.None;
    }
}
