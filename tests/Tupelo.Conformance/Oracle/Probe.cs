// A probe asks one question: a setting, one call, and its answer in the form that the oracle recorded. Each probe gets a machine
// of its own, so none depends on what an earlier one left behind.
using System.Globalization;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

/// <summary>What of a call's result is compared.</summary>
public enum AnswerKind
{
    /// <summary>Success or the errno; the number (a new descriptor, bytes of no interest) is not compared.</summary>
    Status,

    /// <summary>The errno or the exact number.</summary>
    Value,

    /// <summary>The number in hexadecimal, as returned events are recorded.</summary>
    Hex,
}

/// <summary>One question to a file system.</summary>
/// <param name="Name">As the oracle's text has it.</param>
/// <param name="Kind">What of the result is compared.</param>
/// <param name="Ask">Makes the call and gives its result.</param>
public sealed record Probe(string Name, AnswerKind Kind, Func<ProbeSetting, long> Ask)
{
    /// <summary>Asks in a fresh machine. A probe that cannot even prepare its question answers "setting: " and the errno.</summary>
    public string Run(TestMount mount)
    {
        using ISyscalls process = mount.Boot();
        var setting = new ProbeSetting(mount, process);
        try
        {
            return Normalize(Ask(setting));
        }
        catch (ProbeSettingException e)
        {
            return "setting: " + e.Answer;
        }
    }

    /// <summary>The recorded answer in the form that <see cref="Run"/> gives.</summary>
    public string Expected(OracleText text)
    {
        string recorded = text.AnswerOf(Name);
        return Kind == AnswerKind.Status && recorded.StartsWith("OK", StringComparison.Ordinal) ? "OK" : recorded;
    }

    private string Normalize(long result) => (Kind, result) switch
    {
        (_, < 0) => Libc.Describe(result),
        (AnswerKind.Hex, _) => result.ToString("x", CultureInfo.InvariantCulture),
        (AnswerKind.Value, > 0) => string.Create(CultureInfo.InvariantCulture, $"OK ({result})"),
        _ => "OK",
    };
}

/// <summary>A step that prepares a probe has failed.</summary>
/// <param name="answer">What it gave.</param>
public sealed class ProbeSettingException(string answer) : Exception("the setting could not be made: " + answer)
{
    public string Answer { get; } = answer;
}

/// <summary>
/// The tree and descriptors that the probes start from, in /work/p: files f ("hello"), g and hl (f's second name), directories d
/// (with sub, with x) and e, links sl to f, sd to d, dang to nothing, loop1 and loop2 to each other, and a fifo. Without hard links
/// there is no hl, without special files no fifo; what a probe of them answers then stands in the mount's differences.
/// </summary>
public sealed class ProbeSetting
{
    public ProbeSetting(TestMount mount, ISyscalls process)
    {
        TestMount = mount;
        S = process;
        Must(S.MkDir("/work/p"u8, Oct(755)));
        Must(S.ChDir("/work/p"u8));
        Make("f"u8);
        Make("g"u8);
        Must(S.MkDir("d"u8, Oct(755)));
        Must(S.MkDir("e"u8, Oct(755)));
        Must(S.MkDir("d/sub"u8, Oct(755)));
        Make("d/sub/x"u8);
        Must(S.Symlink("f"u8, "sl"u8));
        Must(S.Symlink("d"u8, "sd"u8));
        Must(S.Symlink("nope"u8, "dang"u8));
        Must(S.Symlink("loop2"u8, "loop1"u8));
        Must(S.Symlink("loop1"u8, "loop2"u8));
        if ((mount.Features & Features.HardLinks) != 0)
        {
            Must(S.Link("f"u8, "hl"u8));
        }
        if ((mount.Features & Features.SpecialFiles) != 0)
        {
            Must(S.MkFifo("fifo"u8, Oct(644)));
        }
        DirectoryFd = Open("d"u8, O_DIRECTORY);
        FileFd = Open("f"u8, O_RDWR);
        BaseFd = Open("."u8, O_DIRECTORY);
        ReadFd = Open("f"u8, O_RDONLY);
        WriteFd = Open("f"u8, O_WRONLY);
    }

    public TestMount TestMount { get; }

    public ISyscalls S { get; }

    /// <summary>d.</summary>
    public int DirectoryFd { get; }

    /// <summary>f, open for reading and writing.</summary>
    public int FileFd { get; }

    /// <summary>The directory of the setting.</summary>
    public int BaseFd { get; }

    /// <summary>f, open for reading.</summary>
    public int ReadFd { get; }

    /// <summary>f, open for writing.</summary>
    public int WriteFd { get; }

    /// <summary>Room for answers that nobody looks at.</summary>
    public byte[] Buffer { get; } = KernelIoVec.AllocatePinned(4096);

    /// <summary>Makes a file of five bytes.</summary>
    public void Make(ReadOnlySpan<byte> path)
    {
        int fd = (int)Must(S.Open(path, O_CREAT | O_RDWR | O_TRUNC, Oct(644)));
        Must(S.Write(fd, "hello"u8));
        Must(S.Close(fd));
    }

    /// <summary>A descriptor that the setting needs; its opening must work.</summary>
    public int Open(ReadOnlySpan<byte> path, int flags, uint mode = 0) => (int)Must(S.Open(path, flags, mode));

    /// <summary>The status of a path, following links.</summary>
    public KernelStat Stat(ReadOnlySpan<byte> path)
    {
        var stat = default(KernelStat);
        Must(S.Stat(path, ref stat));
        return stat;
    }

    /// <summary>The status of a path's last link itself.</summary>
    public KernelStat LStat(ReadOnlySpan<byte> path)
    {
        var stat = default(KernelStat);
        Must(S.LStat(path, ref stat));
        return stat;
    }

    /// <summary>The status behind a descriptor.</summary>
    public KernelStat FStat(int fd)
    {
        var stat = default(KernelStat);
        Must(S.FStat(fd, ref stat));
        return stat;
    }

    /// <summary>A descriptor of a directory that no longer has a name.</summary>
    public int RemovedDirectory()
    {
        Must(S.MkDir("gone"u8, Oct(755)));
        int fd = Open("gone"u8, O_DIRECTORY);
        Must(S.RmDir("gone"u8));
        return fd;
    }

    /// <summary>Mounts a scratch file system at mp, read-only, which has a file x.</summary>
    public void MountReadOnly()
    {
        MountWithFile();
        Must(S.Mount("t"u8, "mp"u8, default, MS_REMOUNT | MS_RDONLY, default));
    }

    /// <summary>Mounts a scratch file system at mp, with a file x.</summary>
    public void MountWithFile()
    {
        MountScratch();
        Make("mp/x"u8);
    }

    /// <summary>Makes mp and mounts an empty scratch file system there.</summary>
    public void MountScratch()
    {
        Must(S.MkDir("mp"u8, Oct(755)));
        Must(S.Mount("t"u8, "mp"u8, TestMount.ScratchType, 0, default));
    }

    /// <summary>Binds d to a new directory mp2.</summary>
    public void Bind()
    {
        Must(S.MkDir("mp2"u8, Oct(755)));
        Must(S.Mount("d"u8, "mp2"u8, default, MS_BIND, default));
    }

    /// <summary>Adds what belongs to root in different ways, then becomes uid 65534.</summary>
    public void BecomeUnprivileged()
    {
        Must(S.MkDir("priv"u8, Oct(700)));
        Make("priv/x"u8);
        Make("ro"u8);
        Must(S.ChMod("ro"u8, Oct(444)));
        Must(S.MkDir("sticky"u8, Oct(777)));
        Must(S.ChMod("sticky"u8, Oct(1777)));
        Make("sticky/a"u8);
        Must(S.MkDir("open777"u8, Oct(777)));
        Must(S.ChMod("open777"u8, Oct(777)));
        Make("open777/w"u8);
        Make("nox"u8);
        Must(S.ChMod("nox"u8, Oct(600)));
        Must(S.SetCredentials(65534, 65534, []));
    }

    /// <summary>A step of the setting, which has to work.</summary>
    public static long Must(long result) =>
        result >= 0 ? result : throw new ProbeSettingException(Libc.Describe(result));

    /// <summary><paramref name="length"/> times the letter a.</summary>
    public static byte[] Letters(int length)
    {
        byte[] letters = new byte[length];
        letters.AsSpan().Fill((byte)'a');
        return letters;
    }

    /// <summary>A path of <paramref name="length"/> bytes: nine letters, a slash, and so on, the first slash at <paramref name="firstSlash"/>.</summary>
    public static byte[] LongPath(int length, int firstSlash)
    {
        byte[] path = Letters(length);
        for (int i = firstSlash; i < length; i += 10)
        {
            path[i] = (byte)'/';
        }
        return path;
    }
}
