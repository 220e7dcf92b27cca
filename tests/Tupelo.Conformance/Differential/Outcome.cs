// What a call answered on one machine, and the judgement whether two machines answered the same.
//
// Compared exactly: the value or errno, the bytes that were read, sizes, types, modes, owners, link counts, devices of nodes.
// Compared up to renaming: inode numbers (also in names of temporary files) and inotify's move cookies, each by a one-to-one relation that must hold for a whole run.
// Compared by kind: times. One that was set by utimensat (all of which lie before 1971) must be that on both machines; another must
// be recent on both. So a call that should have touched a time and did not, or the other way round, is seen.
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance.Differential;

/// <summary>The answer of one machine to one call. Reused from call to call.</summary>
internal sealed class Outcome
{
    private byte[] _bytes = new byte[1 << 17];

    public long Result { get; set; }

    /// <summary>Bytes that the call wrote for its caller.</summary>
    public Span<byte> Bytes => _bytes.AsSpan(0, ByteCount);

    public int ByteCount { get; private set; }

    /// <summary>Filled in by the stat calls.</summary>
    public KernelStat Stat { get; set; }

    public bool HasStat { get; set; }

    /// <summary>The call mounted a new file system.</summary>
    public bool HasMounted { get; set; }

    public void Reset()
    {
        HasMounted = false;
        Result = 0;
        ByteCount = 0;
        HasStat = false;
    }

    /// <summary>Room for a call to write into.</summary>
    public Span<byte> Buffer(int count)
    {
        if (_bytes.Length < count)
        {
            _bytes = new byte[count];
        }
        return _bytes.AsSpan(0, count);
    }

    /// <summary>So many bytes of <see cref="Buffer"/> count.</summary>
    public void Keep(long count) => ByteCount = (int)Math.Clamp(count, 0, _bytes.Length);

    public void Keep(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Buffer(bytes.Length));
        ByteCount = bytes.Length;
    }

    public void Keep(string text) => Keep(Encoding.Latin1.GetBytes(text));
}

/// <summary>Judges pairs of outcomes of one run.</summary>
/// <param name="lasting">The host's devices that were there before the run, and stay.</param>
internal sealed class Judge(IReadOnlySet<ulong> lasting)
{
    private const long FirstRecentSecond = 1_000_000_000;

    private readonly Pairing _inodes = new();
    private readonly Pairing _cookies = new();

    /// <summary>Whether files must take the same space on both.</summary>
    public bool SpaceCounts { get; init; } = true;

    /// <summary>Null when both mean the same; otherwise what differs.</summary>
    public string? Compare(Outcome host, Outcome ours)
    {
        if (host.Result != ours.Result)
        {
            return $"result: host {Libc.Describe(host.Result)}, ours {Libc.Describe(ours.Result)}";
        }
        if (host.HasMounted)
        {
            // Its device number may be that of an earlier one that is gone.
            _inodes.Forget(one => !lasting.Contains((ulong)(one >> 64)));
        }
        if (host.HasStat && ours.HasStat && CompareStats(host.Stat, ours.Stat) is { } difference)
        {
            return difference;
        }
        if (host.Bytes.SequenceEqual(ours.Bytes) || AreSameEvents(host.Bytes, ours.Bytes))
        {
            return null;
        }
        int same = host.Bytes.CommonPrefixLength(ours.Bytes);
        return $"bytes from {same}: host {Show(host.Bytes, same)}, ours {Show(ours.Bytes, same)}";
    }

    /// <summary>Compares two stat structures.</summary>
    public string? CompareStats(in KernelStat host, in KernelStat ours)
    {
        if (host.Mode != ours.Mode)
        {
            return $"st_mode: host {Octal(host.Mode)}, ours {Octal(ours.Mode)}";
        }
        if (host.TypeBits == 0)
        {
            return null; // An eventfd or the like: all of them share one inode on Linux, with nothing to compare.
        }
        if (host.LinkCount != ours.LinkCount)
        {
            return $"st_nlink: host {host.LinkCount}, ours {ours.LinkCount}";
        }
        if (host.Uid != ours.Uid || host.Gid != ours.Gid)
        {
            return $"owner: host {host.Uid}:{host.Gid}, ours {ours.Uid}:{ours.Gid}";
        }
        if (host.RawDevice != ours.RawDevice)
        {
            return $"st_rdev: host {host.RawDevice:x}, ours {ours.RawDevice:x}";
        }
        if (host.SizeBytes != ours.SizeBytes && (SpaceCounts || host.TypeBits != S_IFDIR))
        {
            return $"st_size: host {host.SizeBytes}, ours {ours.SizeBytes}";
        }
        if (SpaceCounts && host.TypeBits == S_IFREG && host.Blocks512 != ours.Blocks512)
        {
            return $"st_blocks: host {host.Blocks512}, ours {ours.Blocks512}";
        }
        if (!_inodes.Match(((UInt128)host.Device << 64) | host.Ino, ((UInt128)ours.Device << 64) | ours.Ino))
        {
            return $"identity: host's {host.Device:x}:{host.Ino} is not our {ours.Device:x}:{ours.Ino}";
        }
        return CompareTimes("st_atime", host.AccessTime, ours.AccessTime) ?? CompareTimes("st_mtime", host.ModifyTime, ours.ModifyTime)
            ?? CompareTimes("st_ctime", host.ChangeTime, ours.ChangeTime);
    }

    private static string? CompareTimes(string name, KernelTimespec host, KernelTimespec ours)
    {
        bool same = host.Seconds < FirstRecentSecond || ours.Seconds < FirstRecentSecond ? host == ours : true;
        return same ? null : $"{name}: host {host}, ours {ours}";
    }

    // Both are runs of inotify reports that differ in their cookies only, and the cookies pair up.
    private bool AreSameEvents(ReadOnlySpan<byte> host, ReadOnlySpan<byte> ours)
    {
        const int Header = 16;
        if (host.Length != ours.Length || host.Length < Header)
        {
            return false;
        }
        while (!host.IsEmpty)
        {
            if (host.Length < Header || !host[..8].SequenceEqual(ours[..8]) || !host[12..Header].SequenceEqual(ours[12..Header]))
            {
                return false;
            }
            int length = Header + BinaryPrimitives.ReadInt32LittleEndian(host[12..]);
            if (length < Header || length > host.Length || !IsSameName(host[Header..length], ours[Header..length])
                || !_cookies.Match(BinaryPrimitives.ReadUInt32LittleEndian(host[8..]), BinaryPrimitives.ReadUInt32LittleEndian(ours[8..])))
            {
                return false;
            }
            host = host[length..];
            ours = ours[length..];
        }
        return true;
    }

    // A temporary file is called by its inode number.
    private static bool IsSameName(ReadOnlySpan<byte> host, ReadOnlySpan<byte> ours) => host.SequenceEqual(ours) || (host[0] == '#' && ours[0] == '#');

    private static string Octal(uint mode) => Convert.ToString(mode, 8);

    private static string Show(ReadOnlySpan<byte> bytes, int from)
    {
        const int Most = 80;
        string text = Call.Quote(bytes[from..Math.Min(bytes.Length, from + Most)]);
        return string.Create(CultureInfo.InvariantCulture, $"{bytes.Length} {text}");
    }

    // A relation that may only grow, and only as long as it stays one to one.
    private sealed class Pairing
    {
        private readonly Dictionary<UInt128, UInt128> _forth = [];
        private readonly Dictionary<UInt128, UInt128> _back = [];

        public bool Match(UInt128 left, UInt128 right)
        {
            bool isNew = _forth.TryAdd(left, right);
            return isNew ? _back.TryAdd(right, left) : _forth[left] == right;
        }

        public void Forget(Func<UInt128, bool> isForgotten)
        {
            foreach ((UInt128 left, UInt128 right) in _forth)
            {
                if (isForgotten(left))
                {
                    _ = _forth.Remove(left);
                    _ = _back.Remove(right);
                }
            }
        }
    }
}
