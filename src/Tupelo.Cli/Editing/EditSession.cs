// One image that is being edited: opened for writing (which takes its lock), its volume mounted, and a transaction begun. Commit makes
// everything durable in one commit; disposing without it leaves the volume as it was.
//
// Room. A change that meets ENOSPC is tried again after the image has grown, when that is allowed; otherwise it ends the run, and
// nothing was changed.
using System.Diagnostics.CodeAnalysis;
using Tupelo.Block;
using Tupelo.Tfs;
using Tupelo.Vfs;

namespace Tupelo.Cli.Editing;

internal sealed class EditSession : IDisposable
{
    private const long LeastGrowth = 16L << 20;

    private readonly CommandContext _context;
    private readonly OpenedDevice _opened;
    private readonly TfsTransaction _transaction;
    private readonly Interruption _interruption;
    private readonly bool _mayGrow;
    private EditTree? _host;

    private EditSession(CommandContext context, OpenedDevice opened, bool mayGrow)
    {
        _context = context;
        _opened = opened;
        _mayGrow = mayGrow;
        Volume = TfsFileSystem.Mount(opened.Volume, new TfsMountOptions { FlushDelay = TimeSpan.Zero });
        Image = EditTree.OfVolume(Volume, opened.Address.ImagePath);
        _ = Image.Calls.Umask(HostUmask());
        Errno errno = Volume.BeginTransaction(out TfsTransaction? transaction);
        if (transaction is null)
        {
            Image.Dispose();
            throw new CommandException($"{ImagePath}: {errno.Describe()}");
        }
        _transaction = transaction;
        _interruption = new Interruption(context);
    }

    /// <summary>The image file.</summary>
    public string ImagePath => _opened.Address.ImagePath;

    /// <summary>Its volume.</summary>
    public TfsFileSystem Volume { get; }

    /// <summary>The volume's tree.</summary>
    public EditTree Image { get; }

    /// <summary>The system calls on it.</summary>
    public Syscalls Calls => Image.Calls;

    /// <summary>The host's tree.</summary>
    public EditTree Host => _host ??= EditTree.OfHost();

    /// <summary>The streams of the run.</summary>
    public CommandContext Context => _context;

    /// <summary>Set: the first failure ends the run, and nothing is changed.</summary>
    public bool StopsAtFailures { get; init; }

    /// <summary>What is to be said when everything is durable.</summary>
    public Action? AfterCommit { get; set; }

    /// <summary>Bytes that the image has grown by.</summary>
    public long GrownBytes { get; private set; }

    /// <summary>Opens an image for editing.</summary>
    public static EditSession Open(CommandContext context, string image, string? partition, bool mayGrow, bool stopsAtFailures = false)
    {
        OpenedDevice opened = OpenedDevice.Open(context, image, partition, writable: true);
        try
        {
            return new EditSession(context, opened, mayGrow) { StopsAtFailures = stopsAtFailures };
        }
        catch (TfsFormatException problem)
        {
            opened.Dispose();
            throw new CommandException($"{opened.Address.ImagePath}: {problem.Message}");
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Makes one change, again when room was short and could be made.</summary>
    /// <returns>What the call returned; never -ENOSPC.</returns>
    public long Change(Func<long> call, long needsBytes = 0)
    {
        while (true)
        {
            ThrowIfInterrupted();
            long result = call();
            if (result == -(long)Errno.EROFS && !Volume.IsReadOnly)
            {
                throw new CommandException($"{ImagePath}: writing has failed, and what of it is on the disk is not known; 'tupelo fsck {ImagePath}' looks");
            }
            if (result != -(long)Errno.ENOSPC)
            {
                return result;
            }
            MakeRoom(needsBytes);
        }
    }

    /// <summary>Reports what could not be done, and goes on unless the first failure ends the run.</summary>
    public void Fail(string message)
    {
        if (StopsAtFailures)
        {
            throw new CommandException(message);
        }
        _context.Error(message);
    }

    /// <summary>As <see cref="Fail(string)"/>: "cannot remove IMAGE:/path: why".</summary>
    public void Fail(string what, EditTree tree, byte[] path, Errno errno) => Fail($"cannot {what} {tree.Text(path)}: {errno.Describe()}");

    /// <summary>True when a call has succeeded; otherwise reports it.</summary>
    public bool Check(long result, string what, byte[] path)
    {
        if (result >= 0)
        {
            return true;
        }
        Fail(what, Image, path, (Errno)(-result));
        return false;
    }

    /// <summary>Ends the run when the user has interrupted it: nothing was changed.</summary>
    public void ThrowIfInterrupted()
    {
        if (_interruption.Token.IsCancellationRequested)
        {
            throw new InterruptedException($"interrupted; {ImagePath} is as it was");
        }
    }

    /// <summary>Makes everything durable.</summary>
    public void Commit()
    {
        while (true)
        {
            ThrowIfInterrupted();
            Errno errno = _transaction.Commit();
            if (errno == Errno.None)
            {
                AfterCommit?.Invoke();
                return;
            }
            if (errno != Errno.ENOSPC)
            {
                throw new CommandException($"{ImagePath}: writing has failed ({errno.Describe()}); whether the change is there is not known until it is opened again");
            }
            MakeRoom(0);
        }
    }

    public void Dispose()
    {
        _transaction.Dispose();
        Image.Dispose();
        _host?.Dispose();
        _interruption.Dispose();
        _opened.Dispose();
    }

    private void MakeRoom(long needsBytes)
    {
        if (!_mayGrow)
        {
            ThrowNoRoom("--grow lets the image become larger");
        }
        long old = _opened.Device.SizeBytes;
        long more = (Math.Max(needsBytes + (needsBytes / 8), Math.Max(LeastGrowth, old / 8)) + 0xFFFFF) & ~0xFFFFFL;
        Errno errno = _opened.Grow(old + more, Volume);
        if (errno != Errno.None)
        {
            ThrowNoRoom($"and it cannot grow to {TimeText.Human(old + more)}: {errno.Describe()}");
        }
        GrownBytes += more;
    }

    [DoesNotReturn]
    private void ThrowNoRoom(string hint) => throw new CommandException($"{ImagePath}: no space left in it, {hint}; nothing was changed");

    // New files get the mode that the user's own programs would give them.
    private static uint HostUmask()
    {
        const uint Usual = 0x12; // 022
        if (!OperatingSystem.IsLinux())
        {
            return Usual;
        }
        try
        {
            foreach (string line in File.ReadLines("/proc/self/status"))
            {
                if (line.StartsWith("Umask:", StringComparison.Ordinal))
                {
                    return Convert.ToUInt32(line[6..].Trim(), 8);
                }
            }
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or FormatException)
        {
            // Without /proc the usual one has to do.
        }
        return Usual;
    }

    /// <summary>What the session came to, for --json.</summary>
    public void PrintSummary(Action<System.Text.Json.Utf8JsonWriter> members) => JsonText.PrintObject(_context.Output, json =>
    {
        json.WriteString("image", ImagePath);
        json.WriteNumber("imageBytes", _opened.Device.SizeBytes);
        json.WriteNumber("grownBytes", GrownBytes);
        members(json);
    });

    /// <summary>An octal number.</summary>
    public static bool TryParseOctal(string text, out uint value)
    {
        value = 0;
        foreach (char digit in text)
        {
            if (digit is < '0' or > '7' || value > 0x1FFF)
            {
                return false;
            }
            value = (value * 8) + (uint)(digit - '0');
        }
        return text.Length > 0 && value <= Mode.PermissionMask;
    }
}
