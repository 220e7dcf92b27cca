// What every suite shares: a machine per case, processes that end with it, and the few words in which cases are written.
//
// To put a file system under test: write a TestMount, then one line per suite,
//     public sealed class MyFsRename : RenameSuite<MyFsMount>;
// and run the assembly. A suite's cases need nothing but what TestMount.Boot promises.
using System.Buffers.Binary;
using System.Text;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

/// <summary>Cases of one area, for the file system of <typeparamref name="TMount"/>.</summary>
public abstract class ConformanceSuite<TMount> : IDisposable
    where TMount : TestMount, new()
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly List<ISyscalls> _processes = [];

    /// <summary>The file system under test.</summary>
    protected TMount TestMount { get; } = new();

    /// <summary>The first process: uid 0, in the empty root directory of the file system under test. Started by its first use.</summary>
    protected ISyscalls S
    {
        get
        {
            if (_processes.Count == 0)
            {
                _processes.Add(TestMount.Boot());
            }
            return _processes[0];
        }
    }

    public void Dispose()
    {
        for (int i = _processes.Count - 1; i >= 0; i--)
        {
            _processes[i].Dispose();
        }
        GC.SuppressFinalize(this);
    }

    /// <summary>Skips the case where the file system does not declare <paramref name="features"/>.</summary>
    protected void Needs(Features features) =>
        Assert.SkipUnless((TestMount.Features & features) == features, $"{TestMount.Name} declares no {features & ~TestMount.Features}");

    /// <summary>Another process with copies of what the first one has.</summary>
    protected ISyscalls Fork()
    {
        ISyscalls child = S.Fork();
        _processes.Add(child);
        return child;
    }

    /// <summary>Another process without privileges.</summary>
    protected ISyscalls ForkAs(uint uid, uint gid, params uint[] groups)
    {
        ISyscalls child = Fork();
        Ok(child.SetCredentials(uid, gid, groups));
        return child;
    }

    /// <summary>Asserts success and gives the value.</summary>
    protected static long Ok(long result)
    {
        Assert.True(result >= 0, "the call failed: " + Libc.Describe(result));
        return result;
    }

    /// <summary>Asserts this value.</summary>
    protected static void Gives(long expected, long result) => Assert.Equal(Libc.Describe(expected), Libc.Describe(result));

    /// <summary>Asserts this error.</summary>
    protected static void Fails(Errno expected, long result) => Assert.Equal(Libc.Describe(-(long)expected), Libc.Describe(result));

    /// <summary>A descriptor; the open must work.</summary>
    protected int Open(ReadOnlySpan<byte> path, int flags, uint mode = 0) => (int)Ok(S.Open(path, flags, mode));

    /// <summary>Makes or replaces a file of mode 0644 with these bytes.</summary>
    protected void Make(ReadOnlySpan<byte> path, ReadOnlySpan<byte> content = default)
    {
        int fd = Open(path, O_CREAT | O_WRONLY | O_TRUNC, Oct(644));
        WriteAll(fd, content);
        Ok(S.Close(fd));
    }

    /// <summary>Makes a directory of mode 0755.</summary>
    protected void MakeDirectory(ReadOnlySpan<byte> path) => Ok(S.MkDir(path, Oct(755)));

    /// <summary>Makes a directory that everybody may write to.</summary>
    protected void MakePublicDirectory(ReadOnlySpan<byte> path)
    {
        MakeDirectory(path);
        Ok(S.ChMod(path, Oct(777)));
    }

    protected void WriteAll(int fd, ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            content = content[(int)Ok(S.Write(fd, content))..];
        }
    }

    /// <summary>A file's whole content.</summary>
    protected byte[] Content(ReadOnlySpan<byte> path)
    {
        int fd = Open(path, O_RDONLY);
        byte[] content = Rest(fd);
        Ok(S.Close(fd));
        return content;
    }

    /// <summary>A file's whole content, as text.</summary>
    protected string Text(ReadOnlySpan<byte> path) => Encoding.Latin1.GetString(Content(path));

    /// <summary>What a descriptor still has to give from its position.</summary>
    protected byte[] Rest(int fd)
    {
        var all = new List<byte>();
        byte[] buffer = new byte[65536];
        for (long count = Ok(S.Read(fd, buffer)); count > 0; count = Ok(S.Read(fd, buffer)))
        {
            all.AddRange(buffer.AsSpan(0, (int)count));
        }
        return [.. all];
    }

    protected KernelStat Stat(ReadOnlySpan<byte> path)
    {
        var stat = default(KernelStat);
        Ok(S.Stat(path, ref stat));
        return stat;
    }

    protected KernelStat LStat(ReadOnlySpan<byte> path)
    {
        var stat = default(KernelStat);
        Ok(S.LStat(path, ref stat));
        return stat;
    }

    protected KernelStat FStat(int fd)
    {
        var stat = default(KernelStat);
        Ok(S.FStat(fd, ref stat));
        return stat;
    }

    /// <summary>Asserts that nothing has this name.</summary>
    protected void IsMissing(ReadOnlySpan<byte> path)
    {
        var stat = default(KernelStat);
        Fails(Errno.ENOENT, S.LStat(path, ref stat));
    }

    /// <summary>Target of a symbolic link.</summary>
    protected string Target(ReadOnlySpan<byte> path)
    {
        byte[] buffer = new byte[PATH_MAX];
        return Encoding.Latin1.GetString(buffer, 0, (int)Ok(S.ReadLink(path, buffer)));
    }

    /// <summary>The working directory.</summary>
    protected string WorkingDirectory(ISyscalls process)
    {
        byte[] buffer = new byte[PATH_MAX];
        long length = Ok(process.GetCwd(buffer));
        Assert.Equal(0, buffer[length - 1]);
        return Encoding.Latin1.GetString(buffer, 0, (int)length - 1);
    }

    /// <summary>All entries that are left from a directory descriptor's position, "." and ".." too.</summary>
    protected List<DirectoryEntry> Entries(int fd, int bufferBytes = 32768)
    {
        var entries = new List<DirectoryEntry>();
        byte[] buffer = new byte[bufferBytes];
        for (long count = Ok(S.GetDents64(fd, buffer)); count > 0; count = Ok(S.GetDents64(fd, buffer)))
        {
            entries.AddRange(DirectoryEntry.Decode(buffer.AsSpan(0, (int)count)));
        }
        return entries;
    }

    /// <summary>Names in a directory but "." and "..", sorted.</summary>
    protected string[] Names(ReadOnlySpan<byte> path)
    {
        int fd = Open(path, O_RDONLY | O_DIRECTORY);
        List<DirectoryEntry> entries = Entries(fd);
        Ok(S.Close(fd));
        return [.. entries.Select(entry => entry.Name).Where(name => name is not ("." or "..")).Order(StringComparer.Ordinal)];
    }

    /// <summary>Starts work that is expected to block for a while.</summary>
    protected static Task<long> Start(Func<long> work) => Task.Factory.StartNew(work, CancellationToken.None,
        TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>The result of started work, which must come before patience ends.</summary>
    protected static long Finish(Task<long> work)
    {
        Assert.True(work.Wait(Patience), "the call did not return");
        return work.Result;
    }

    /// <summary>Asserts that started work is still blocked after a moment.</summary>
    protected static void IsBlocked(Task<long> work) => Assert.False(work.Wait(TimeSpan.FromMilliseconds(60)), "the call did not block");

    /// <summary>A repeatable pattern that shows a byte at a wrong place.</summary>
    protected static byte[] Pattern(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary><paramref name="length"/> times <paramref name="letter"/>.</summary>
    protected static byte[] Letters(int length, char letter = 'a')
    {
        byte[] letters = new byte[length];
        letters.AsSpan().Fill((byte)letter);
        return letters;
    }

    /// <summary>Bytes of a text.</summary>
    protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>A name and a number.</summary>
    protected static byte[] Numbered(string name, int number) => Encoding.UTF8.GetBytes(name + number.ToString("D4"));
}

/// <summary>One record of getdents64. Names are read as Latin-1, which keeps every byte.</summary>
/// <param name="Name">The name.</param>
/// <param name="Ino">d_ino.</param>
/// <param name="Type">d_type.</param>
/// <param name="Cookie">d_off: continues after this entry.</param>
/// <param name="RecordBytes">d_reclen.</param>
public sealed record DirectoryEntry(string Name, ulong Ino, byte Type, long Cookie, int RecordBytes)
{
    private const int HeaderBytes = 19;

    /// <summary>The records in a buffer; asserts that they are well-formed.</summary>
    public static List<DirectoryEntry> Decode(ReadOnlySpan<byte> buffer)
    {
        var entries = new List<DirectoryEntry>();
        while (!buffer.IsEmpty)
        {
            Assert.True(buffer.Length > HeaderBytes, "a record is cut off");
            int length = BinaryPrimitives.ReadUInt16LittleEndian(buffer[16..]);
            Assert.Equal(0, length % 8);
            Assert.InRange(length, HeaderBytes + 2, buffer.Length);
            ReadOnlySpan<byte> name = buffer[HeaderBytes..length];
            int end = name.IndexOf((byte)0);
            Assert.True(end > 0, "a name is empty or not terminated");
            Assert.Equal((HeaderBytes + end + 1 + 7) / 8 * 8, length);
            entries.Add(new DirectoryEntry(Encoding.Latin1.GetString(name[..end]), BinaryPrimitives.ReadUInt64LittleEndian(buffer), buffer[18],
                BinaryPrimitives.ReadInt64LittleEndian(buffer[8..]), length));
            buffer = buffer[length..];
        }
        return entries;
    }
}
