// Makes the calls of planned histories on as many threads as they have, each a process with descriptors of its own for the three
// directories, and notes when each was invoked, when it returned and what it said.
//
// A few calls of a microsecond each hardly meet by chance. So threads wait for each other before some calls, for a moment only, and
// in Tupelo they are delayed at random before they take a lock (Delays).
using System.Diagnostics;
using System.Text;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

/// <summary>The threads of a machine that record histories.</summary>
public sealed class HistoryRecorder : IDisposable
{
    private static readonly byte[][] s_names = [.. Enumerable.Range(0, NamespaceModel.Names).Select(i => new[] { (byte)('w' + i) })];
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly ISyscalls[] _processes;
    private readonly int[][] _directories;
    private readonly Thread[] _threads;
    private readonly Barrier _start;
    private readonly Barrier _end;
    private readonly Func<string> _describeLocks;
    private readonly Exception?[] _failures;
    private readonly int[] _progress;
    private PlannedHistory? _plan;
    private int _count;

    /// <param name="processes">One per thread, umask 0.</param>
    /// <param name="describeLocks">Says who waits for whom, should a history not end.</param>
    public HistoryRecorder(ISyscalls[] processes, Func<string> describeLocks)
    {
        _processes = processes;
        _describeLocks = describeLocks;
        _directories = [.. processes.Select(_ => new int[NamespaceModel.Directories])];
        _failures = new Exception?[processes.Length];
        _progress = new int[processes.Length];
        _start = new Barrier(processes.Length + 1);
        _end = new Barrier(processes.Length + 1);
        _threads = [.. processes.Select((_, i) => new Thread(() => Serve(i)) { IsBackground = true, Name = $"caller {i}" })];
        foreach (Thread thread in _threads)
        {
            thread.Start();
        }
    }

    /// <summary>How rename is called; a test of the check itself puts a wrong one here.</summary>
    public Func<ISyscalls, int, byte[], int, byte[], uint, long> RenameAt { get; init; } =
        static (s, oldDirectory, oldName, newDirectory, newName, flags) => s.RenameAt2(oldDirectory, oldName, newDirectory, newName, flags);

    /// <summary>Makes the calls, then looks at everything once more in quiet, and removes it.</summary>
    /// <returns>All calls with their answers, in the order of their invocation.</returns>
    public List<NamespaceCall> Record(PlannedHistory plan, Features features)
    {
        byte[] root = Encoding.ASCII.GetBytes($"h{_count++}");
        SetUp(root, plan.IsNested);
        Array.Clear(_progress);
        _plan = plan;
        _start.SignalAndWait();
        if (!_end.SignalAndWait(s_patience))
        {
            Assert.Fail($"history {plan.Seed} does not end:\n{_describeLocks()}");
        }
        Assert.Null(Array.Find(_failures, static failure => failure is not null));
        List<NamespaceCall> calls = [.. plan.Threads.SelectMany(static thread => thread)];
        foreach (NamespaceCall last in LookAround(features))
        {
            Make(0, last);
            calls.Add(last);
        }
        CleanUp(root);
        return [.. calls.OrderBy(static call => call.Invoked)];
    }

    public void Dispose()
    {
        _plan = null;
        _start.SignalAndWait();
        foreach (Thread thread in _threads)
        {
            thread.Join();
        }
        _start.Dispose();
        _end.Dispose();
    }

    private void Serve(int thread)
    {
        while (true)
        {
            _start.SignalAndWait();
            if (_plan is not { } plan)
            {
                return;
            }
            try
            {
                var random = new Random((plan.Seed * 31) + thread);
                Delays.Begin(random.Next());
                NamespaceCall[] calls = plan.Threads[thread];
                for (int i = 0; i < calls.Length; i++)
                {
                    Volatile.Write(ref _progress[thread], i + 1);
                    if (random.Next(3) != 0)
                    {
                        Meet(i + 1);
                    }
                    Make(thread, calls[i]);
                }
            }
            catch (Exception failure)
            {
                _failures[thread] = failure;
            }
            Delays.End();
            Volatile.Write(ref _progress[thread], int.MaxValue);
            _end.SignalAndWait();
        }
    }

    // Until the others have come as far, or for about 20 microseconds.
    private void Meet(int call)
    {
        for (int patience = 0; patience < 40; patience++)
        {
            if (Array.TrueForAll(_progress, progress => progress >= call))
            {
                return;
            }
            Thread.SpinWait(10);
            if (patience % 10 == 9)
            {
                _ = Thread.Yield();
            }
        }
    }

    private void SetUp(byte[] root, bool nested)
    {
        ISyscalls s = _processes[0];
        ProbeSetting.Must(s.MkDir(root, NamespaceModel.RootId));
        int top = (int)ProbeSetting.Must(s.Open(root, O_RDONLY | O_DIRECTORY));
        ProbeSetting.Must(s.MkDirAt(top, s_names[0], 1));
        int first = (int)ProbeSetting.Must(s.OpenAt(top, s_names[0], O_RDONLY | O_DIRECTORY, 0));
        ProbeSetting.Must(s.MkDirAt(nested ? first : top, s_names[1], 2));
        ProbeSetting.Must(s.Close(first));
        ProbeSetting.Must(s.Close(top));
        byte[][] paths = [root, [.. root, .. "/w"u8], [.. root, .. (nested ? "/w/x"u8 : "/x"u8)]];
        for (int i = 0; i < _processes.Length; i++)
        {
            for (int directory = 0; directory < paths.Length; directory++)
            {
                _directories[i][directory] = (int)ProbeSetting.Must(_processes[i].Open(paths[directory], O_RDONLY | O_DIRECTORY));
            }
        }
    }

    // What is there at the end, with link counts, as calls after all others.
    private static IEnumerable<NamespaceCall> LookAround(Features features)
    {
        for (int directory = 0; directory < NamespaceModel.Directories; directory++)
        {
            for (int name = 0; name < NamespaceModel.Names; name++)
            {
                yield return new NamespaceCall { Thread = 0, Kind = NamespaceCallKind.Stat, Directory = directory, Name = name, Flags = 1 };
            }
            yield return new NamespaceCall { Thread = 0, Kind = NamespaceCallKind.ReadDirectory, Directory = directory };
            if ((features & Features.DirectoryLinkCount) != 0)
            {
                yield return new NamespaceCall { Thread = 0, Kind = NamespaceCallKind.CountLinks, Directory = directory };
            }
        }
    }

    private void CleanUp(byte[] root)
    {
        ISyscalls s = _processes[0];
        // Deepest first is not known: as often as there are levels.
        for (int pass = 0; pass < NamespaceModel.Directories; pass++)
        {
            foreach (int directory in _directories[0])
            {
                foreach (byte[] name in s_names)
                {
                    if (s.UnlinkAt(directory, name, 0) < 0)
                    {
                        _ = s.UnlinkAt(directory, name, AT_REMOVEDIR);
                    }
                }
            }
        }
        for (int i = 0; i < _processes.Length; i++)
        {
            foreach (int directory in _directories[i])
            {
                ProbeSetting.Must(_processes[i].Close(directory));
            }
        }
        ProbeSetting.Must(s.RmDir(root));
    }

    private void Make(int thread, NamespaceCall call)
    {
        ISyscalls s = _processes[thread];
        int directory = _directories[thread][call.Directory];
        byte[] name = s_names[call.Name];
        var stat = default(KernelStat);
        byte[] buffer = [];
        int opened = -1;
        if (call.Kind == NamespaceCallKind.ReadDirectory)
        {
            buffer = new byte[2048]; // Room for all names: one call lists them.
            ProbeSetting.Must(s.LSeek(directory, 0, SEEK_SET));
        }
        call.Invoked = Now();
        long result;
        switch (call.Kind)
        {
            case NamespaceCallKind.Create:
                result = opened = (int)s.OpenAt(directory, name, O_CREAT | O_EXCL | O_WRONLY, call.NewId);
                break;
            case NamespaceCallKind.OpenOrCreate:
                result = opened = (int)s.OpenAt(directory, name, O_CREAT | O_RDWR, call.NewId);
                break;
            case NamespaceCallKind.MakeDirectory:
                result = s.MkDirAt(directory, name, call.NewId);
                break;
            case NamespaceCallKind.Unlink:
                result = s.UnlinkAt(directory, name, 0);
                break;
            case NamespaceCallKind.RemoveDirectory:
                result = s.UnlinkAt(directory, name, AT_REMOVEDIR);
                break;
            case NamespaceCallKind.Link:
                result = s.LinkAt(directory, name, _directories[thread][call.NewDirectory], s_names[call.NewName], 0);
                break;
            case NamespaceCallKind.Rename:
                result = RenameAt(s, directory, name, _directories[thread][call.NewDirectory], s_names[call.NewName], call.Flags);
                break;
            case NamespaceCallKind.Stat:
                result = s.NewFStatAt(directory, name, ref stat, AT_SYMLINK_NOFOLLOW);
                break;
            case NamespaceCallKind.StatParent:
                result = s.NewFStatAt(directory, ".."u8, ref stat, AT_SYMLINK_NOFOLLOW);
                break;
            case NamespaceCallKind.CountLinks:
                result = s.FStat(directory, ref stat);
                break;
            case NamespaceCallKind.ReadDirectory:
                result = s.GetDents64(directory, buffer);
                break;
            default:
                throw new InvalidOperationException($"{call.Kind} is not made here");
        }
        call.Returned = Now();
        call.Result = Math.Min(result, 0);
        if (opened >= 0)
        {
            ProbeSetting.Must(s.FStat(opened, ref stat));
            ProbeSetting.Must(s.Close(opened));
        }
        if (result >= 0 && stat.Mode != 0)
        {
            call.SeenId = (byte)stat.Permissions;
            call.SeenDirectory = stat.TypeBits == S_IFDIR;
            call.SeenLinks = call.Kind == NamespaceCallKind.CountLinks || (call.Kind == NamespaceCallKind.Stat && call.Flags != 0) ? (int)stat.LinkCount : 0;
        }
        if (call.Kind == NamespaceCallKind.ReadDirectory && result >= 0)
        {
            call.Listed = Read(buffer.AsSpan(0, (int)result));
        }
    }

    private static ListedKind[] Read(ReadOnlySpan<byte> records)
    {
        var listed = new ListedKind[NamespaceModel.Names];
        foreach (DirectoryEntry entry in DirectoryEntry.Decode(records).Where(static entry => entry.Name is not ("." or "..")))
        {
            int name = entry.Name[0] - 'w';
            Assert.True(entry.Name.Length == 1 && name >= 0 && name < listed.Length, $"a name that nobody made is listed: {entry.Name}");
            Assert.True(listed[name] == ListedKind.Absent, $"{entry.Name} is listed twice");
            listed[name] = entry.Type == DT_DIR ? ListedKind.Directory : ListedKind.File;
        }
        return listed;
    }

    // No two moments of one thread are equal.
    private static long Now()
    {
        long now = Stopwatch.GetTimestamp();
        while (Stopwatch.GetTimestamp() == now)
        {
        }
        return now;
    }
}
