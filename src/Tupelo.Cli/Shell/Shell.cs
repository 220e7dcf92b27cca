// The shell over a composed tree: a kernel of its own, with every file system type there is, and commands that work on it through the
// system calls alone. This file runs lines; ShellCommands.cs has the commands.
using System.Text;
using Tupelo.FileSystems;
using Tupelo.Tfs;
using Tupelo.Vfs;

namespace Tupelo.Cli;

/// <summary>One session. One thread.</summary>
internal sealed partial class Shell : IDisposable
{
    private readonly Stream _standardOutput;
    private readonly TextWriter _error;
    private readonly VfsContext _context;
    private readonly Syscalls _sys;
    private readonly BootMounter _mounter;
    private Stream _output;
    private bool _stopAtErrors;

    public Shell(Stream output, TextWriter error)
    {
        _standardOutput = _output = output;
        _error = error;
        var kernel = new VfsKernel();
        FileSystemTypes.Register(kernel, error.WriteLine);
        Errno errno = kernel.Start("ramfs", "ramfs", MountFlags.None, string.Empty, out VfsContext? context);
        _context = context ?? throw new CommandException("cannot start: " + errno.Describe());
        _sys = new Syscalls(_context);
        _mounter = new BootMounter(_context) { Report = failure => error.WriteLine("sh: " + failure) };
    }

    /// <summary>Exit code of "exit", once it was called.</summary>
    public int? Exit { get; private set; }

    /// <summary>The current directory, for a prompt.</summary>
    public string Directory
    {
        get
        {
            byte[] room = new byte[4096];
            long length = _sys.GetCwd(room);
            return length > 0 ? Encoding.UTF8.GetString(room, 0, (int)length - 1) : "?";
        }
    }

    /// <summary>Mounts what the command line asked for, all or nothing.</summary>
    /// <exception cref="CommandException">One could not be mounted.</exception>
    public void Mount(IEnumerable<MountSpec> specs)
    {
        if (_mounter.Mount(specs) is { } failure)
        {
            throw new CommandException(failure.ToString());
        }
    }

    /// <summary>Runs lines until the end, "exit", or with "set -e" the first failure.</summary>
    /// <returns>The exit code of the last command.</returns>
    public int Run(TextReader input, Action? prompt = null)
    {
        int code = ExitCode.Done;
        while (Exit is null)
        {
            prompt?.Invoke();
            if (input.ReadLine() is not { } line)
            {
                break;
            }
            code = RunLine(line);
            if (code != ExitCode.Done && _stopAtErrors)
            {
                return code;
            }
        }
        return Exit ?? code;
    }

    /// <summary>Runs what somebody types at a terminal, until the end of the input or "exit".</summary>
    /// <param name="readLine">Shows a prompt and reads a line; null at the end.</param>
    /// <param name="wasCancelled">Whether the line read last was given up.</param>
    /// <param name="remember">Told of each line that was entered.</param>
    public int RunInteractively(Func<string, string?> readLine, Func<bool> wasCancelled, Action<string> remember)
    {
        int code = ExitCode.Done;
        while (Exit is null && readLine($"tupelo:{Directory}> ") is { } line)
        {
            // A quote that is not closed, or a backslash at the end: the line goes on.
            while (!wasCancelled() && ShellWords.GoesOn(ref line) && readLine("> ") is { } more)
            {
                line += more;
            }
            if (wasCancelled())
            {
                continue;
            }
            remember(line);
            code = RunLine(line);
        }
        return Exit ?? code;
    }

    /// <summary>Runs the commands of one line.</summary>
    public int RunLine(string line)
    {
        int code = ExitCode.Done;
        List<ShellLine> commands;
        try
        {
            commands = ShellWords.Parse(line);
        }
        catch (UsageException wrong)
        {
            return Complain(wrong.Message, ExitCode.WrongUsage);
        }
        foreach (ShellLine command in commands)
        {
            code = RunCommand(command);
            if (Exit is not null || (code != ExitCode.Done && _stopAtErrors))
            {
                break;
            }
        }
        return code;
    }

    public void Dispose()
    {
        _mounter.UnmountAll();
        _context.Dispose();
    }

    private int RunCommand(ShellLine line)
    {
        try
        {
            if (line.Output is not { } path)
            {
                return Dispatch(line.Words);
            }
            int fd = Open(path, OpenFlags.WriteOnly | OpenFlags.Create | (line.Append ? OpenFlags.Append : OpenFlags.Truncate));
            var collected = new MemoryStream();
            _output = collected;
            try
            {
                int code = Dispatch(line.Words);
                WriteAll(fd, path, collected.GetBuffer().AsSpan(0, (int)collected.Length));
                return code;
            }
            finally
            {
                _output = _standardOutput;
                _ = _sys.Close(fd);
            }
        }
        catch (UsageException wrong)
        {
            return Complain($"{line.Words[0]}: {wrong.Message}", ExitCode.WrongUsage);
        }
        catch (CommandException problem)
        {
            return Complain($"{line.Words[0]}: {problem.Message}", ExitCode.Failed);
        }
    }

    private int Complain(string message, int code)
    {
        _standardOutput.Flush();
        _error.WriteLine("sh: " + NameText.Escape(message));
        return code;
    }

    private void Print(string text) => _output.Write(Encoding.UTF8.GetBytes(text));

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static long Check(long result, string what) =>
        result >= 0 ? result : throw new CommandException($"{what}: {((Errno)(-result)).Describe()}");

    private int Open(string path, OpenFlags flags, uint mode = 0x1B6) => (int)Check(_sys.Open(Bytes(path), flags | OpenFlags.CloseOnExec, mode), path);

    private void WriteAll(int fd, string path, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[(int)Check(_sys.Write(fd, bytes), path)..];
        }
    }

    private Stat StatOf(string path, bool follow)
    {
        Stat stat = default;
        _ = Check(follow ? _sys.Stat(Bytes(path), ref stat) : _sys.LStat(Bytes(path), ref stat), path);
        return stat;
    }

    // Null when there is nothing; other failures are told.
    private Stat? TryStat(string path, bool follow = true)
    {
        Stat stat = default;
        long result = follow ? _sys.Stat(Bytes(path), ref stat) : _sys.LStat(Bytes(path), ref stat);
        return result == -(long)Errno.ENOENT ? null : Check(result, path) >= 0 ? stat : null;
    }

    private List<string> NamesIn(string path)
    {
        int fd = Open(path, OpenFlags.Directory);
        var names = new List<string>();
        byte[] buffer = new byte[32768];
        try
        {
            long count;
            while ((count = Check(_sys.GetDents64(fd, buffer), path)) > 0)
            {
                ReadOnlySpan<byte> records = buffer.AsSpan(0, (int)count);
                while (DirectoryRecord.TryTake(ref records, out DirectoryRecord record))
                {
                    string name = Encoding.UTF8.GetString(record.Name);
                    if (name is not ("." or ".."))
                    {
                        names.Add(name);
                    }
                }
            }
        }
        finally
        {
            _ = _sys.Close(fd);
        }
        names.Sort(StringComparer.Ordinal);
        return names;
    }

    private static string Join(string directory, string name) => directory.EndsWith('/') ? directory + name : directory + "/" + name;
}
