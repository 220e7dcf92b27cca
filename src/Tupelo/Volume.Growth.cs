using Tupelo.Tfs;

namespace Tupelo;

public sealed partial class Volume
{
    private const long LeastStepBytes = 16L << 20;
    private const long MostStepBytes = 1L << 30;

    // What this thread knew of a volume's size when it last ran out of room.
    [ThreadStatic]
    private static (long Serial, long SizeBytes) t_known;

    private static long s_lastSerial;

    private readonly long _serial = Interlocked.Increment(ref s_lastSerial);

    /// <summary>Doubles the volume, by 16 MiB at the least and 1 GiB at the most. A thread that did not know that others have made room
    /// meanwhile tries with that first, so that many threads do not all grow it.</summary>
    internal override bool TryMakeRoom(Errno errno)
    {
        if (errno != Errno.ENOSPC || IsReadOnly)
        {
            return false;
        }
        lock (_growingMu)
        {
            long size = _device.SizeBytes;
            bool isNews = t_known.Serial != _serial || t_known.SizeBytes < size;
            t_known = (_serial, size);
            if (isNews)
            {
                return true;
            }
            long wanted = Math.Min(_options.MaxSizeBytes, size + Math.Clamp(size, LeastStepBytes, MostStepBytes)) / TfsFormat.SectorBytes * TfsFormat.SectorBytes;
            if (wanted <= size)
            {
                return false;
            }
            Errno failed = _device.Resize(wanted);
            failed = failed == Errno.None ? _fileSystem.Grow(wanted) : failed;
            if (failed != Errno.None)
            {
                VolumeLog.NotGrown(_options.Logger, _device.Name, wanted, failed);
                return false;
            }
            VolumeLog.Grown(_options.Logger, _device.Name, wanted);
            return true;
        }
    }
}
