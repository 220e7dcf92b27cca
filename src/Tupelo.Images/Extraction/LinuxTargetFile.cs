// TargetFile by Linux' own calls.
using Tupelo.Block;

namespace Tupelo.Images.Extraction;

internal sealed unsafe class LinuxTargetFile : TargetFile
{
    /// <summary>Permissions of the owner (0700).</summary>
    public const uint OwnerRights = 0x1C0;

    private readonly int _directory;
    private readonly byte[] _name;
    private readonly uint _modeAsMade;
    private int _descriptor;

    /// <param name="directory">Descriptor of the directory, which is the directory's own.</param>
    /// <param name="descriptor">Descriptor of the file, which this object takes over.</param>
    /// <param name="name">Its name for now.</param>
    /// <param name="stat">What it is.</param>
    public LinuxTargetFile(int directory, int descriptor, byte[] name, in HostCalls.StatX stat)
    {
        _directory = directory;
        _descriptor = descriptor;
        _name = name;
        _modeAsMade = stat.Mode & Mode.PermissionMask;
        Ino = stat.Ino;
    }

    /// <summary>Its name for now.</summary>
    public ReadOnlySpan<byte> Name => _name;

    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            for (int done = 0; done < bytes.Length;)
            {
                nint written = HostCalls.Pwrite(_descriptor, start + done, bytes.Length - done, offsetBytes + done);
                if (written > 0)
                {
                    done += (int)written;
                }
                else if (written == 0 || HostCalls.LastErrno != Errno.EINTR)
                {
                    return written == 0 ? Errno.EIO : HostCalls.LastErrno;
                }
            }
        }
        return Errno.None;
    }

    public override Errno SetLength(long lengthBytes) => HostCalls.Ftruncate(_descriptor, lengthBytes) == 0 ? Errno.None : HostCalls.LastErrno;

    public override Errno Finish(in TargetAttributes attributes, out int notRestored) => Restore(_descriptor, _modeAsMade, attributes, out notRestored);

    /// <summary>The file has its name: it is not to be removed any more.</summary>
    public void Placed()
    {
        _ = HostCalls.Close(_descriptor);
        _descriptor = -1;
    }

    /// <summary>Restores what can be restored through a descriptor. The order matters: a new owner takes set-id bits away, and
    /// whatever else is written changes the time.</summary>
    /// <param name="descriptor">Of the file or directory.</param>
    /// <param name="modeAsMade">Its mode: the one that is wanted, within the umask, and the owner's rights, which filling it needed.</param>
    /// <param name="attributes">What to restore.</param>
    /// <param name="notRestored">Attributes that the host did not take.</param>
    public static Errno Restore(int descriptor, uint modeAsMade, in TargetAttributes attributes, out int notRestored)
    {
        notRestored = 0;
        uint mode = attributes.ExactMode ?? (modeAsMade & (attributes.Mode | ~OwnerRights));
        foreach ((byte[] name, byte[] value) in attributes.Xattrs ?? [])
        {
            using var path = new NameBuffer(name);
            fixed (byte* start = value)
            {
                byte nothing = 0;
                if (HostCalls.SetXattr(descriptor, path.Pointer, start == null ? &nothing : start, value.Length, 0) != 0)
                {
                    notRestored++;
                }
            }
        }
        if (attributes.Owner is { } owner && HostCalls.Fchown(descriptor, owner.Uid, owner.Gid) != 0)
        {
            return HostCalls.LastErrno;
        }
        if ((mode != modeAsMade || attributes.Owner is not null) && HostCalls.Fchmod(descriptor, mode) != 0)
        {
            return HostCalls.LastErrno;
        }
        HostCalls.TimeSpec* times = stackalloc HostCalls.TimeSpec[2];
        return !TryGetTimes(attributes, times) || HostCalls.Futimens(descriptor, times) == 0 ? Errno.None : HostCalls.LastErrno;
    }

    /// <summary>The two times as the calls want them; false when there is nothing to set.</summary>
    public static bool TryGetTimes(in TargetAttributes attributes, HostCalls.TimeSpec* times)
    {
        times[0] = Time(attributes.AccessTime);
        times[1] = Time(attributes.ModifyTime);
        return attributes.AccessTime is not null || attributes.ModifyTime is not null;
    }

    protected override void Dispose(bool disposing)
    {
        if (_descriptor >= 0)
        {
            Placed();
            using var path = new NameBuffer(_name);
            _ = HostCalls.UnlinkAt(_directory, path.Pointer, 0);
        }
        base.Dispose(disposing);
    }

    private static HostCalls.TimeSpec Time(Timespec? time) => time is { } known
        ? new HostCalls.TimeSpec { Seconds = known.Seconds, Nanoseconds = known.Nanoseconds }
        : new HostCalls.TimeSpec { Nanoseconds = HostCalls.TimeSpec.Omit };
}
