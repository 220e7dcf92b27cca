// A thread of this program that the kernel treats as a process of its own, as far as files are concerned: unshare(2) gives it a
// private descriptor table, working directory, root, umask and mount namespace, and the raw credential calls change one thread only.
// So a case can change roots, drop privileges, mount and leak descriptors without this program noticing, and all of it vanishes
// with the thread.
//
// Calls may come from any thread; they are carried over one at a time. A call that blocks therefore blocks its process and
// nobody else. Work given to Run executes on the thread itself, which saves two thread switches per call: long random runs need that.
//
// One descriptor stays shared with the program: the memory from which .NET maps the code that it compiles (unless W^X is off). Code
// compiled on this thread needs it under its number, so a case must not close ReservedDescriptor.
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tupelo.Conformance;

/// <summary>A thread with its own files, directories, credentials and mounts.</summary>
internal sealed unsafe partial class HostThread : IDisposable
{
    private const long CloneFs = 0x200;
    private const long CloneFiles = 0x400;
    private const long CloneNewNamespace = 0x20000;

    /// <summary>A descriptor that every process here has besides 0, 1 and 2, or -1. It must not be closed or replaced.</summary>
    public static int ReservedDescriptor { get; } = FindCodeMemory();

    private readonly Thread _thread;
    private readonly SemaphoreSlim _request = new(0);
    private readonly SemaphoreSlim _answer = new(0);
    private readonly Lock _callerMu = new();     // One caller at a time.
    private readonly Arguments _arguments = new();
    private readonly bool _isFork;
    private long _result;
    private long _threadId;
    private Action? _work;
    private Exception? _failure;
    private bool _stopping;

    private HostThread(bool isFork)
    {
        _isFork = isFork;
        _thread = new Thread(Serve) { IsBackground = true, Name = "host process" };
    }

    /// <summary>The first process of a new machine: a mount namespace of its own and no descriptors but 0, 1 and 2.</summary>
    /// <returns>The process, or the errno with which the host refused (EPERM without CAP_SYS_ADMIN).</returns>
    public static long TryStart(out HostThread process)
    {
        _ = ReservedDescriptor;   // Found while this program's own descriptors are in sight.
        process = new HostThread(isFork: false);
        return process.Start();
    }

    /// <summary>A process that starts as a copy of this one.</summary>
    public HostThread Fork()
    {
        var child = new HostThread(isFork: true);
        long result = 0;
        // A new thread inherits from the thread that creates it, so the parent must be the one that does.
        Run(() => result = child.Start());
        return result == 0 ? child : throw new InvalidOperationException($"unshare: {Libc.Describe(result)}");
    }

    public long Call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0)
    {
        if (Thread.CurrentThread == _thread)
        {
            return Enter(number, a, b, c, d, e, f);
        }
        lock (_callerMu)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            _arguments.Set(number, a, b, c, d, e, f);
            _request.Release();
            _answer.Wait();
            return _result;
        }
    }

    /// <summary>Executes <paramref name="work"/> on the process' own thread. Assemblies that it needs must be loaded already.</summary>
    public void Run(Action work)
    {
        if (Thread.CurrentThread == _thread)
        {
            work();
            return;
        }
        lock (_callerMu)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            _work = work;
            _request.Release();
            _answer.Wait();
            if (_failure is { } failure)
            {
                _failure = null;
                throw new InvalidOperationException("Work on the host's process failed: " + failure.Message, failure);
            }
        }
    }

    public void Dispose()
    {
        lock (_callerMu)
        {
            if (_stopping)
            {
                return;
            }
            _stopping = true;
            _request.Release();
        }
        _thread.Join();
        WaitForEnd();
        _request.Dispose();
        _answer.Dispose();
    }

    // The runtime forgets a thread before the kernel does, and only then its descriptors and directories are given back.
    private void WaitForEnd()
    {
        long deadline = Environment.TickCount64 + 20_000;
        while (Enter(SyscallNumber.TgKill, Environment.ProcessId, _threadId, 0, 0, 0, 0) == 0)
        {
            if (Environment.TickCount64 > deadline)
            {
                throw new InvalidOperationException($"thread {_threadId} does not end");
            }
            Thread.Sleep(0);
        }
    }

    private long Start()
    {
        _thread.Start();
        _answer.Wait();
        return _result;
    }

    private void Serve()
    {
        _threadId = Enter(SyscallNumber.GetTid, 0, 0, 0, 0, 0, 0);
        _result = Separate();
        bool isRunning = _result == 0;
        _answer.Release();
        while (isRunning)
        {
            _request.Wait();
            if (_stopping)
            {
                return;
            }
            if (_work is { } work)
            {
                _work = null;
                try
                {
                    work();
                }
                catch (Exception failure)
                {
                    _failure = failure;
                }
            }
            else
            {
                Arguments x = _arguments;
                _result = Enter(x.Number, x.A, x.B, x.C, x.D, x.E, x.F);
            }
            _answer.Release();
        }
    }

    private long Separate()
    {
        long result = Enter(SyscallNumber.Unshare, CloneFs | CloneFiles | (_isFork ? 0 : CloneNewNamespace), 0, 0, 0, 0, 0);
        if (result < 0 || _isFork)
        {
            return result;
        }
        int reserved = ReservedDescriptor;
        if (reserved > 3)
        {
            result = Enter(SyscallNumber.CloseRange, 3, reserved - 1, 0, 0, 0, 0);
        }
        return result < 0 ? result : Enter(SyscallNumber.CloseRange, Math.Max(reserved + 1, 3), uint.MaxValue, 0, 0, 0, 0);
    }

    private static int FindCodeMemory()
    {
        foreach (string path in Directory.EnumerateFiles("/proc/self/fd"))
        {
            if (File.ResolveLinkTarget(path, returnFinalTarget: false)?.FullName.Contains("doublemapper", StringComparison.Ordinal) == true)
            {
                return int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture);
            }
        }
        return -1;
    }

    private static long Enter(long number, long a, long b, long c, long d, long e, long f)
    {
        long result = Syscall(number, a, b, c, d, e, f);
        return result == -1 ? -Marshal.GetLastPInvokeError() : result;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long Syscall(long number, long a, long b, long c, long d, long e, long f);

    private sealed class Arguments
    {
        public long Number { get; private set; }

        public long A { get; private set; }

        public long B { get; private set; }

        public long C { get; private set; }

        public long D { get; private set; }

        public long E { get; private set; }

        public long F { get; private set; }

        public void Set(long number, long a, long b, long c, long d, long e, long f)
        {
            Number = number;
            A = a;
            B = b;
            C = c;
            D = d;
            E = e;
            F = f;
        }
    }
}
