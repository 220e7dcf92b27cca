// One mount from its first to its last moment, in this process: the tree is opened, mounted, served; the end comes by umount or by a
// signal, and leaves nothing unwritten. In a daemon it tells who waits when the mount is live (MountDaemon).
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Tupelo.Fuse;

namespace Tupelo.Cli;

[SupportedOSPlatform("linux")]
internal sealed class MountSession(CommandContext context, MountSettings settings)
{
    private static readonly TimeSpan LiveTimeout = TimeSpan.FromSeconds(60);

    // What still uses the mount after a signal has ended it gets this long; then its calls fail with ENOTCONN.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>Serves until the end.</summary>
    /// <returns>An exit code: Done when everything was written.</returns>
    public int Run()
    {
        using var interruption = new Interruption(context);
        MountDaemon.Readiness? readiness = MountDaemon.Enter();
        int code;
        try
        {
            code = Serve(readiness, interruption.Token);
        }
        catch (Exception problem) when (readiness is not null && problem is CommandException or FuseMountException or IOException)
        {
            readiness.Fail(problem.Message);
            return ExitCode.Failed;
        }
        catch (FuseMountException problem)
        {
            throw new CommandException(problem.Message);
        }
        return code;
    }

    private int Serve(MountDaemon.Readiness? readiness, CancellationToken interrupted)
    {
        using ServedTree tree = ServedTree.Open(settings, Log);
        var engine = new FuseEngine(tree.Context, settings.Door with { Report = Log });
        bool idle = true;
        try
        {
            FuseMount mount = FuseMount.Make(settings.Directory, settings.LinuxMount);
            using var server = new FuseServer(mount, engine, settings.Threads, Log);
            server.Start();
            if (!server.WaitUntilLive(LiveTimeout))
            {
                _ = server.Stop(TimeSpan.Zero);
                throw new CommandException($"the mount at {settings.Directory} did not come to life");
            }
            MountRecord record = Describe(readiness?.Log);
            MountRegistry.Write(record);
            Log($"{Name} is mounted on {settings.Directory}");
            readiness?.Succeed();
            SystemdNotification.Send("READY=1");
            WaitForEnd(server, interrupted);
            SystemdNotification.Send("STOPPING=1");
            bool clean = server.WaitForEnd(TimeSpan.Zero) ? engine.Sync() == Errno.None : server.Stop(Grace);
            idle = server.WaitForEnd(TimeSpan.Zero);
            Log(clean ? $"{Name} is unmounted" : idle ? $"{Name}: not everything could be written" : $"{settings.Directory} is still used: ended all the same");
            if (clean || !idle)
            {
                MountRegistry.Remove(record.Pid);
            }
            else
            {
                MountRegistry.Write(record with { Failure = "not everything could be written" });
            }
            return clean ? ExitCode.Done : ExitCode.Failed;
        }
        finally
        {
            if (idle)
            {
                engine.Dispose();
            }
        }
    }

    private string Name => settings.Source.Length > 0 ? settings.Source : settings.Type;

    private static void WaitForEnd(FuseServer server, CancellationToken interrupted)
    {
        while (!interrupted.IsCancellationRequested && !server.WaitForEnd(TimeSpan.FromMilliseconds(200)))
        {
        }
    }

    private MountRecord Describe(string? log) => new()
    {
        Pid = Environment.ProcessId,
        StartTicks = MountRegistry.StartTicksOf(Environment.ProcessId) ?? 0,
        Type = settings.Type,
        Source = settings.Source.Length > 0 && settings.Type != "ramfs" ? Path.GetFullPath(settings.Source) : settings.Source,
        Directory = settings.Directory,
        Since = DateTimeOffset.UtcNow,
        ReadOnly = settings.IsReadOnly,
        Log = log,
    };

    private void Log(string message) =>
        context.Terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTimeOffset.UtcNow:yyyy-MM-ddTHH:mm:ssZ} tupelo: {NameText.Escape(message)}"));
}
