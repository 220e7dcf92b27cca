// Random arguments: mostly sensible, from so few names and numbers that calls meet on the same files; now and then hostile.
using System.Text;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance.Differential;

/// <summary>Draws arguments from a seeded source.</summary>
internal sealed class Arguments(Random random, int reservedDescriptor, KnownState known)
{
    private static readonly byte[][] s_names = [.. new[] { "a", "b", "c", "d", "e" }.Select(Encoding.Latin1.GetBytes)];
    private static readonly byte[][] s_oddNames =
    [
        [0xFF, 0xFE, 0x80],
        "with space\n"u8.ToArray(),
        "..."u8.ToArray(),
        [.. Enumerable.Repeat((byte)'x', NAME_MAX)],
        [.. Enumerable.Repeat((byte)'y', NAME_MAX + 1)],
    ];

    private static readonly long[] s_offsets =
        [0, 0, 0, 1, 7, 100, 1000, 4095, 4096, 4097, 8191, 8192, 10_000, 65_536, 100_000, 1 << 20, 1L << 31, (1L << 32) + 1, 1L << 40];

    private static readonly long[] s_hostileOffsets = [-1, -4096, long.MinValue, long.MaxValue, long.MaxValue - 1, long.MaxValue - 4096];
    private static readonly uint[] s_modes = [0x1A4, 0x180, 0x1B6, 0x1FF, 0x1ED, 0, 0x49, 0x9ED, 0x5ED, 0x3FF, 0x124, 0xFFFF];

    public Random Random => random;

    public bool OneIn(int n) => random.Next(n) == 0;

    public T Pick<T>(params ReadOnlySpan<T> values) => values[random.Next(values.Length)];

    /// <summary>Each bit of <paramref name="mask"/> with a chance of one in <paramref name="n"/>.</summary>
    public long Bits(long mask, int n)
    {
        long bits = 0;
        for (long bit = 1; bit != 0 && bit <= mask; bit <<= 1)
        {
            if ((mask & bit) != 0 && OneIn(n))
            {
                bits |= bit;
            }
        }
        return bits;
    }

    public uint Mode() => Pick<uint>(s_modes);

    /// <summary>A descriptor number: mostly one that the process has, of these kinds if it has one.</summary>
    public int Fd(int process, params ReadOnlySpan<FdKind> wanted)
    {
        IReadOnlyList<(int Fd, FdKind Kind)> open = known.Fds(process);
        if (open.Count > 0 && !OneIn(14))
        {
            int start = random.Next(open.Count);
            for (int i = 0; i < open.Count && !wanted.IsEmpty && !OneIn(20); i++)
            {
                (int fd, FdKind kind) = open[(start + i) % open.Count];
                if (wanted.Contains(kind))
                {
                    return fd;
                }
            }
            return open[start].Fd;
        }
        return AnyFd();
    }

    /// <summary>A descriptor number that may or may not be in use.</summary>
    public int AnyFd()
    {
        while (true)
        {
            int fd = OneIn(12) ? Pick(-1, AT_FDCWD, 1 << 30, int.MinValue, int.MaxValue) : random.Next(14);
            if (fd != reservedDescriptor)
            {
                return fd;
            }
        }
    }

    /// <summary>A place to begin a relative path at.</summary>
    public int DirFd(int process) => OneIn(5) ? Fd(process, FdKind.Directory) : AT_FDCWD;

    /// <summary>One component of a path.</summary>
    public byte[] Name() => OneIn(25) ? Pick<byte[]>(s_oddNames) : Pick<byte[]>(s_names);

    /// <summary>A name that is likely to be free, in a directory that is likely to be there.</summary>
    public byte[]? NewPath() => OneIn(4) || known.Directories.Count == 0 ? OneIn(3) ? Path() : Name() : Below(Pick(known.Directories));

    /// <summary>A name that is likely to be there.</summary>
    public byte[]? OldPath() => OneIn(5)
        ? Path()
        : (known.Directories.Count > 0 && OneIn(3)) || known.Files.Count == 0 ? OldDirectory() : OneIn(30) ? Odd(Pick(known.Files)) : Pick(known.Files);

    /// <summary>A directory that is likely to be there.</summary>
    public byte[]? OldDirectory() => known.Directories.Count == 0 || OneIn(8) ? Path() : OneIn(15) ? Odd(Pick(known.Directories)) : Pick(known.Directories);

    private T Pick<T>(IReadOnlyList<T> values) => values[random.Next(values.Count)];

    private byte[] Below(byte[] directory) => [.. directory, (byte)'/', .. Name()];

    private byte[] Odd(byte[] path) => [.. path, .. Pick<byte[]>("/"u8.ToArray(), "/."u8.ToArray(), "/.."u8.ToArray(), "//"u8.ToArray(), "/../."u8.ToArray())];

    /// <summary>Any path, or null for NULL.</summary>
    public byte[]? Path()
    {
        switch (random.Next(150))
        {
            case 0:
                return null;
            case 1:
                return [];
            case 2:
                return Pick<byte[]>("."u8.ToArray(), ".."u8.ToArray(), "/"u8.ToArray(), "//"u8.ToArray(), "/.."u8.ToArray(), "./"u8.ToArray());
            case 3:
                // As long as a path may be, or longer: "./././a".
                int length = Pick(PATH_MAX - 2, PATH_MAX - 1, PATH_MAX, PATH_MAX + 500);
                byte[] dots = new byte[length];
                for (int i = 0; i < length; i++)
                {
                    dots[i] = i == length - 1 ? (byte)'a' : (i % 2 == length % 2) ? (byte)'/' : (byte)'.';
                }
                dots[0] = (byte)'.';
                return dots;
            default:
                break;
        }
        List<byte> path = [];
        if (OneIn(12))
        {
            path.AddRange(Pick<byte[]>("/work/"u8.ToArray(), "./"u8.ToArray(), "../work/"u8.ToArray(), "/"u8.ToArray(), "//work//"u8.ToArray(), "/shm/"u8.ToArray(), "../"u8.ToArray()));
        }
        int depth = Pick(1, 1, 1, 1, 2, 2, 2, 3, 3, 4);
        for (int i = 0; i < depth; i++)
        {
            if (i > 0)
            {
                path.AddRange(OneIn(15) ? "//"u8 : "/"u8);
            }
            path.AddRange(OneIn(20) ? Pick<byte[]>("."u8.ToArray(), ".."u8.ToArray()) : Name());
        }
        if (OneIn(14))
        {
            path.AddRange(OneIn(4) ? Pick<byte[]>("/."u8.ToArray(), "//"u8.ToArray(), "/.."u8.ToArray()) : "/"u8);
        }
        return [.. path];
    }

    /// <summary>What a symbolic link points to.</summary>
    public byte[]? LinkTarget() => random.Next(30) switch
    {
        0 => [],
        1 => [.. Enumerable.Repeat((byte)'t', Pick(PATH_MAX - 1, PATH_MAX, 1000, 128, 127))],
        _ => Path(),
    };

    /// <summary>How many bytes to move.</summary>
    public long Length() => Pick<long>(0, 1, 3, 10, 100, 500, 4095, 4096, 4097, 10_000, 20_000, 65_536);

    public long Offset() => OneIn(20) ? Pick<long>(s_hostileOffsets) : Pick<long>(s_offsets);

    /// <summary>An offset that is often near, so that files overlap.</summary>
    public long NearOffset() => OneIn(3) ? Offset() : random.Next(12_000);

    /// <summary>Name of an extended attribute, or null for NULL.</summary>
    public byte[]? XattrName() => random.Next(24) switch
    {
        0 => null,
        1 => [],
        2 => "user."u8.ToArray(),
        3 => "nothing"u8.ToArray(),
        4 => "unknown.space"u8.ToArray(),
        5 => Encoding.Latin1.GetBytes("user." + new string('n', Pick(250, 251))),
        6 => "trusted."u8.ToArray(),
        < 12 => "trusted.t"u8.ToArray(),
        _ => Pick<byte[]>("user.a"u8.ToArray(), "user.a"u8.ToArray(), "user.b"u8.ToArray()),
    };

    /// <summary>A time as <see cref="CallExecutor"/> unpacks it: before 1971, now, omitted or wrong.</summary>
    public long Time()
    {
        uint nanoseconds = random.Next(10) switch
        {
            0 => (uint)UTIME_OMIT,
            1 => (uint)UTIME_NOW,
            2 => Pick<uint>(1_000_000_000, uint.MaxValue, 999_999_999),
            _ => (uint)random.Next(1_000_000_000),
        };
        // Not negative: a clock's reading that was set must be told from one that was read.
        return ((long)random.Next(30_000_000) << 32) | nanoseconds;
    }

    /// <summary>Flags of open(2); non-blocking where a FIFO could make the call sleep.</summary>
    public long OpenFlags(bool nonBlocking)
    {
        long flags = Pick(O_RDONLY, O_RDONLY, O_RDWR, O_RDWR, O_RDWR, O_WRONLY, O_WRONLY, 3);
        flags |= OneIn(2) ? (long)O_CREAT : 0;
        flags |= Bits(O_EXCL | O_TRUNC | O_APPEND | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 9);
        flags |= Bits(O_DSYNC | O_NOATIME | O_PATH | O_DIRECT | O_LARGEFILE | O_NOCTTY | O_ASYNC | 0x100000 | (1L << 30), 40);
        flags |= OneIn(20) ? (long)O_TMPFILE : 0;
        return nonBlocking || OneIn(8) ? flags | (long)O_NONBLOCK : flags;
    }
}
