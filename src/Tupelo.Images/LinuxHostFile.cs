// HostFile by Linux' own calls; one object serves for all files of a tree, one after another.
// A regular file is opened first and asked for its attributes then, so both are of the same object; O_NONBLOCK and O_NOFOLLOW see
// to it that a FIFO or link that took its place meanwhile does no harm. Nothing else than regular files is ever opened.
using System.Text;
using Tupelo.Tfs;
using Tupelo.Block;

namespace Tupelo.Images;

internal sealed unsafe class LinuxHostFile : HostFile
{
    private int _descriptor = -1;
    private int _directory = -1;
    private byte[] _name = new byte[256]; // NUL-terminated, of an object that is not open

    public static LinuxHostFile OpenPath(string path)
    {
        LinuxHostFile file = new();
        byte[] bytes = Encoding.UTF8.GetBytes(path + "\0");
        try
        {
            fixed (byte* name = bytes)
            {
                HostCalls.StatX stat;
                if (HostCalls.Statx(HostCalls.AT_FDCWD, name, 0, HostCalls.STATX_BASIC_STATS, &stat) != 0)
                {
                    throw new ImageException($"cannot read {path}", HostCalls.LastErrno);
                }
                Fill(file.Entry, in stat);
                if (file.Entry.Type == FileType.Regular)
                {
                    file.OpenRegular(HostCalls.AT_FDCWD, name, 0);
                }
            }
        }
        catch (ImageException e) when (e.Errno != Errno.None)
        {
            file.Dispose();
            throw new ImageException($"cannot read {path}", e.Errno);
        }
        return file;
    }

    /// <summary>Turns to another object: the one called <paramref name="names"/>[position..][..length], NUL-terminated.</summary>
    public void OpenAt(int directory, byte[] names, int position, int length, FileType type)
    {
        Close();
        fixed (byte* name = &names[position])
        {
            if (type == FileType.Regular)
            {
                OpenRegular(directory, name, HostCalls.O_NOFOLLOW);
                return;
            }
            HostCalls.StatX stat;
            if (HostCalls.Statx(directory, name, HostCalls.AT_SYMLINK_NOFOLLOW | HostCalls.AT_NO_AUTOMOUNT, HostCalls.STATX_BASIC_STATS, &stat) != 0)
            {
                throw new ImageException("cannot read its attributes", HostCalls.LastErrno);
            }
            Fill(Entry, in stat);
            if (Entry.Type == FileType.Regular)
            {
                OpenRegular(directory, name, HostCalls.O_NOFOLLOW);
                return;
            }
            if (Entry.Type == FileType.Directory)
            {
                throw new ImageException("it became a directory while the tree was read");
            }
        }
        _directory = directory;
        if (_name.Length <= length)
        {
            _name = new byte[length + 1];
        }
        names.AsSpan(position, length + 1).CopyTo(_name);
    }

    public override int Descriptor => _descriptor;

    public override IoResult Read(long offsetBytes, Span<byte> buffer)
    {
        int done = 0;
        fixed (byte* start = buffer)
        {
            while (done < buffer.Length)
            {
                nint count = HostCalls.Pread(_descriptor, start + done, buffer.Length - done, offsetBytes + done);
                if (count < 0 && HostCalls.LastErrno != Errno.EINTR)
                {
                    return HostCalls.LastErrno;
                }
                if (count == 0)
                {
                    break;
                }
                done += (int)Math.Max(0, count);
            }
        }
        return IoResult.Bytes(done);
    }

    public override void FindData(ICollection<DataRange> ranges)
    {
        const long Sector = TfsFormat.SectorBytes;
        long size = Entry.SizeBytes;
        if (Entry.Blocks512 < 0 || Entry.Blocks512 >= size / Sector)
        {
            base.FindData(ranges);
            return;
        }
        ranges.Clear();
        long at = 0;
        while (at < size)
        {
            long data = HostCalls.Seek(_descriptor, at, HostCalls.SEEK_DATA);
            if (data < 0)
            {
                if (HostCalls.LastErrno != Errno.ENXIO) // ENXIO: no data from here on
                {
                    ranges.Clear();
                    base.FindData(ranges);
                }
                return;
            }
            long hole = HostCalls.Seek(_descriptor, data, HostCalls.SEEK_HOLE);
            data = data / Sector * Sector;
            long end = hole < 0 ? size : Math.Min(size, (hole + Sector - 1) / Sector * Sector);
            if (data >= size || end <= data)
            {
                return;
            }
            ranges.Add(new DataRange(data, end - data));
            at = end;
        }
    }

    public override IoResult ReadLink(Span<byte> target)
    {
        fixed (byte* name = _name)
        fixed (byte* start = target)
        {
            nint count = HostCalls.ReadLinkAt(_directory, name, start, target.Length);
            return count < 0 ? IoResult.Fail(HostCalls.LastErrno) : IoResult.Bytes(count);
        }
    }

    public override Errno ReadXattrs(ICollection<KeyValuePair<AttributeName, TfsLiteral>> to)
    {
        if (_descriptor >= 0)
        {
            return LinuxXattrs.Read(_descriptor, null, to);
        }
        // There is no call for an object that cannot be opened, but by its path; through the directory's descriptor it is safe.
        byte[] prefix = Encoding.ASCII.GetBytes($"/proc/self/fd/{_directory}/");
        int length = Array.IndexOf(_name, (byte)0);
        byte[] path = new byte[prefix.Length + length + 1];
        prefix.CopyTo(path, 0);
        _name.AsSpan(0, length).CopyTo(path.AsSpan(prefix.Length));
        return LinuxXattrs.Read(-1, path, to);
    }

    internal static void Fill(HostEntry entry, in HostCalls.StatX stat)
    {
        entry.Type = Mode.TypeOf(stat.Mode);
        entry.Mode = stat.Mode;
        entry.Uid = stat.Uid;
        entry.Gid = stat.Gid;
        entry.SizeBytes = stat.SizeBytes;
        entry.Blocks512 = stat.Blocks512;
        entry.LinkCount = stat.LinkCount;
        entry.Identity = (DeviceNumber.Make(stat.DeviceMajor, stat.DeviceMinor), stat.Ino);
        entry.RawDevice = DeviceNumber.Make(stat.RawDeviceMajor, stat.RawDeviceMinor);
        entry.ModifyTime = new Timespec(stat.ModifySeconds, stat.ModifyNanoseconds);
        entry.AccessTime = new Timespec(stat.AccessSeconds, stat.AccessNanoseconds);
        entry.HasOwner = true;
    }

    protected override void Dispose(bool disposing)
    {
        Close();
        base.Dispose(disposing);
    }

    private void OpenRegular(int directory, byte* name, int flags)
    {
        flags |= HostCalls.O_RDONLY | HostCalls.O_NONBLOCK | HostCalls.O_CLOEXEC | HostCalls.O_NOCTTY;
        do
        {
            _descriptor = HostCalls.OpenAt(directory, name, flags, 0);
        }
        while (_descriptor < 0 && HostCalls.LastErrno == Errno.EINTR);
        if (_descriptor < 0)
        {
            throw new ImageException("cannot open it", HostCalls.LastErrno);
        }
        HostCalls.StatX stat;
        byte nothing = 0;
        if (HostCalls.Statx(_descriptor, &nothing, HostCalls.AT_EMPTY_PATH, HostCalls.STATX_BASIC_STATS, &stat) != 0)
        {
            throw new ImageException("cannot read its attributes", HostCalls.LastErrno);
        }
        Fill(Entry, in stat);
        if (Entry.Type != FileType.Regular)
        {
            throw new ImageException("it became another kind of file while the tree was read");
        }
    }

    private void Close()
    {
        if (_descriptor >= 0)
        {
            _ = HostCalls.Close(_descriptor);
            _descriptor = -1;
        }
    }
}
