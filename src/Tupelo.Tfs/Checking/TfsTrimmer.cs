namespace Tupelo.Tfs;

/// <summary>Tells the device which sectors of a volume nobody needs: of an image file, the host gets their space back.</summary>
public static class TfsTrimmer
{
    private const long Alignment = 4096 / TfsFormat.SectorBytes; // hosts give back whole pages

    /// <summary>Discards the free space of a volume that nobody has mounted.</summary>
    /// <param name="volume">The volume; sound.</param>
    /// <param name="bytes">How many bytes were discarded. What was not there before is counted, too.</param>
    /// <remarks>Errors: EUCLEAN the volume is damaged: nothing was done · EROFS · EOPNOTSUPP the device cannot · EIO.</remarks>
    public static Errno Trim(BlockDevice volume, out long bytes)
    {
        ArgumentNullException.ThrowIfNull(volume);
        bytes = 0;
        var examination = new VolumeExamination(volume, DateTimeOffset.UnixEpoch);
        examination.Run();
        if (examination.Log is null || !examination.Report.IsClean)
        {
            return Errno.EUCLEAN;
        }
        List<(long Start, long Count)> used = [.. examination.Sectors.Claimed, (0, 1)];
        if (examination.HeaderCopySector > 0)
        {
            used.Add((examination.HeaderCopySector, 1));
        }
        used.Sort();
        used.Add((examination.TotalSectors, 0));
        long end = 0;
        foreach ((long start, long count) in used)
        {
            long from = (end + Alignment - 1) & -Alignment;
            long to = start & -Alignment;
            if (to > from)
            {
                Errno errno = volume.Discard(from * TfsFormat.SectorBytes, (to - from) * TfsFormat.SectorBytes);
                if (errno != Errno.None)
                {
                    return errno;
                }
                bytes += (to - from) * TfsFormat.SectorBytes;
            }
            end = Math.Max(end, start + count);
        }
        return volume.Flush();
    }
}
