// Serving in the background. A .NET process cannot fork, so `tupelo mount` starts the program anew, told by an environment variable
// to be the daemon, and waits on a pipe: a line "ok" says that the mount is live, anything else is why it is not, and an end
// without a line that the daemon died. The daemon is a session of its own, with its standard streams on /dev/null and a log file.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Tupelo.Cli;

[SupportedOSPlatform("linux")]
internal static unsafe class MountDaemon
{
    private const string Variable = "TUPELO_MOUNT_DAEMON"; // descriptor of the pipe ':' path of the log, which may be empty
    private const string Success = "ok";

    /// <summary>Starts the daemon for the command line of this process, and returns when its mount is live.</summary>
    /// <exception cref="CommandException">It is not.</exception>
    public static int Start(CommandContext context, string? log)
    {
        if (Environment.GetEnvironmentVariable(Variable) is not null)
        {
            throw new CommandException($"{Variable} is set, but --foreground is missing");
        }
        int* pipe = stackalloc int[2];
        if (DaemonCalls.Pipe(pipe, DaemonCalls.O_CLOEXEC) != 0)
        {
            throw new CommandException("cannot make a pipe");
        }
        using var reading = new SafeFileHandle(pipe[0], ownsHandle: true);
        Process daemon;
        using (var writing = new SafeFileHandle(pipe[1], ownsHandle: true))
        {
            // Whoever waits for the end of a pipe that this process inherited must not wait for the daemon.
            _ = DaemonCalls.CloseRange(3, uint.MaxValue, DaemonCalls.CLOSE_RANGE_CLOEXEC);
            _ = DaemonCalls.Fcntl(pipe[1], DaemonCalls.F_SETFD, 0);
            daemon = Process.Start(CommandFor(pipe[1], log))!;
        }
        using (daemon)
        using (var stream = new FileStream(reading, FileAccess.Read))
        using (var text = new StreamReader(stream, Encoding.UTF8))
        {
            string answer = text.ReadToEnd().Trim();
            if (answer == Success)
            {
                return ExitCode.Done;
            }
            throw new CommandException(answer.Length > 0 ? answer : $"the mount's process has died; its log is {log ?? MountRegistry.LogPath(daemon.Id)}");
        }
    }

    /// <summary>In a process that <see cref="Start"/> made: becomes a daemon. Null in any other.</summary>
    public static Readiness? Enter()
    {
        string? told = Environment.GetEnvironmentVariable(Variable);
        int colon = told?.IndexOf(':', StringComparison.Ordinal) ?? -1;
        if (colon < 0 || !int.TryParse(told.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out int pipe))
        {
            return null;
        }
        Environment.SetEnvironmentVariable(Variable, null);
        _ = DaemonCalls.Fcntl(pipe, DaemonCalls.F_SETFD, DaemonCalls.FD_CLOEXEC);
        string log = told![(colon + 1)..];
        log = log.Length > 0 ? log : MountRegistry.LogPath(Environment.ProcessId);
        var readiness = new Readiness(pipe, log);
        _ = DaemonCalls.NewSession();
        const int AppendWrite = 0x441; // O_WRONLY | O_CREAT | O_APPEND
        const uint OwnerOnly = 0x180;
        int output = DaemonCalls.Open(log, AppendWrite | DaemonCalls.O_CLOEXEC, OwnerOnly);
        int input = DaemonCalls.Open("/dev/null", DaemonCalls.O_RDWR | DaemonCalls.O_CLOEXEC, 0);
        if (output < 0)
        {
            readiness.Fail($"cannot write the log {log}");
            throw new CommandException($"cannot write the log {log}");
        }
        _ = DaemonCalls.Duplicate(input, 0);
        _ = DaemonCalls.Duplicate(output, 1);
        _ = DaemonCalls.Duplicate(output, 2);
        _ = DaemonCalls.Close(output);
        _ = DaemonCalls.Close(input);
        return readiness;
    }

    private static ProcessStartInfo CommandFor(int pipe, string? log)
    {
        string[] arguments = Environment.GetCommandLineArgs();
        string program = Environment.ProcessPath!;
        // Pipes of ours instead of this process' own streams: the runtime keeps copies of what it is started with.
        var start = new ProcessStartInfo(program)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(arguments[0]);
        }
        start.ArgumentList.Add(arguments[1]);
        start.ArgumentList.Add("--foreground");
        foreach (string argument in arguments[2..])
        {
            start.ArgumentList.Add(argument);
        }
        start.Environment[Variable] = string.Create(CultureInfo.InvariantCulture, $"{pipe}:{(log is null ? "" : Path.GetFullPath(log))}");
        return start;
    }

    /// <summary>How a daemon tells the process that started it how it went. Once.</summary>
    internal sealed class Readiness(int pipe, string log)
    {
        /// <summary>Where its messages go.</summary>
        public string Log => log;

        public void Succeed()
        {
            // The directory where somebody typed the command must not be kept busy; everything is open by now.
            Environment.CurrentDirectory = "/";
            Tell(Success);
        }

        public void Fail(string why) => Tell(why);

        private void Tell(string text)
        {
            using var stream = new FileStream(new SafeFileHandle(pipe, ownsHandle: true), FileAccess.Write);
            stream.Write(Encoding.UTF8.GetBytes(text));
        }
    }
}
