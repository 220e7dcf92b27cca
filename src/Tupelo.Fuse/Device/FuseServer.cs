// FuseServer is the /dev/fuse door: threads that read requests, let the engine carry them out, and write the replies.
//
// Each thread has a descriptor of its own, cloned from the mount's (FUSE_DEV_IOC_CLONE), buffers, and a worker of the engine; a
// request is served from beginning to end on the thread that read it, so that nothing is handed over and nothing is allocated.
// The first thread answers INIT alone; the others begin after it.
// The end comes from the kernel: reading gives ENODEV once the mount is gone, ECONNABORTED when the connection was aborted.
using System.Runtime.Versioning;

namespace Tupelo.Fuse;

/// <summary>Serves one mount.</summary>
[SupportedOSPlatform("linux")]
public sealed unsafe class FuseServer : IDisposable
{
    private const int StackBytes = 1 << 20;

    // Once the connection is gone requests in progress end by themselves: none of them waits for a client.
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(10);

    private readonly FuseMount _mount;
    private readonly FuseEngine _engine;
    private readonly int _threadCount;
    private readonly Action<string>? _report;
    private readonly ManualResetEventSlim _ready = new();
    private readonly CountdownEvent _running = new(1);
    private readonly Thread _first;

    /// <param name="mount">Its descriptor becomes the server's.</param>
    /// <param name="engine">Carries the requests out; the caller disposes it, after the server.</param>
    /// <param name="threads">Serving threads; null: one per processor, at least 2 and at most 8.</param>
    /// <param name="report">Told what goes wrong besides requests.</param>
    public FuseServer(FuseMount mount, FuseEngine engine, int? threads = null, Action<string>? report = null)
    {
        _mount = mount;
        _engine = engine;
        _report = report;
        _threadCount = threads ?? Math.Clamp(Environment.ProcessorCount, 2, 8);
        ArgumentOutOfRangeException.ThrowIfLessThan(_threadCount, 1, nameof(threads));
        _first = new Thread(ServeFirst, StackBytes) { IsBackground = true, Name = "fuse 0" };
    }

    /// <summary>The mount point.</summary>
    public string Directory => _mount.Directory;

    /// <summary>Begins to serve. Returns at once; see <see cref="WaitUntilLive"/>.</summary>
    public void Start() => _first.Start();

    /// <summary>Waits until the mount answers.</summary>
    /// <returns>False when it has ended before, or the time is over.</returns>
    public bool WaitUntilLive(TimeSpan timeout) => _ready.Wait(timeout) && _engine.IsInitialized;

    /// <summary>Waits until the mount is gone and no request is in progress.</summary>
    /// <returns>False when the time is over.</returns>
    public bool WaitForEnd(TimeSpan timeout) => _running.Wait(timeout);

    /// <summary>Ends the mount: what the kernel holds is written, the mount point is given back, and everything is made durable.</summary>
    /// <param name="grace">How long users of the mount may go on; then their calls fail.</param>
    /// <returns>True when nobody used it any more and all is durable. What was written before is durable in any case, unless reported.</returns>
    public bool Stop(TimeSpan grace)
    {
        long end = Environment.TickCount64 + (long)grace.TotalMilliseconds;
        bool unmounted = false;
        while (!unmounted && !_running.IsSet)
        {
            SyncKernelCache();
            unmounted = TryUnmount(lazy: false);
            if (!unmounted && Environment.TickCount64 >= end)
            {
                break;
            }
            _ = _running.Wait(unmounted ? TimeSpan.Zero : TimeSpan.FromMilliseconds(50));
        }
        if (!unmounted && !_running.IsSet)
        {
            GiveUp();
        }
        unmounted = _running.Wait(EndTimeout) && unmounted;
        Errno errno = _engine.Sync();
        if (errno != Errno.None)
        {
            _report?.Invoke($"not everything could be written: {errno.Describe()}");
        }
        return unmounted && errno == Errno.None;
    }

    /// <summary>Ends the mount at once, for root: whoever waits for it gets ECONNABORTED, and what the kernel has not written is lost.</summary>
    /// <returns>False when a request was still in progress after the time.</returns>
    public bool Abort(TimeSpan timeout)
    {
        FuseMount.Abort(_mount.Directory);
        return _running.Wait(timeout);
    }

    /// <summary>The end must have come (<see cref="WaitForEnd"/>).</summary>
    public void Dispose()
    {
        _ready.Dispose();
        _running.Dispose();
    }

    private bool TryUnmount(bool lazy)
    {
        try
        {
            FuseMount.Unmount(_mount.Directory, lazy);
            return true;
        }
        catch (FuseMountException problem)
        {
            if (problem.Errno != Errno.EBUSY)
            {
                _report?.Invoke(problem.Message);
            }
            return false;
        }
    }

    // Root can end the connection under its users; for others it ends with this process.
    private void GiveUp()
    {
        if (LinuxCalls.EffectiveUid() == 0)
        {
            FuseMount.Abort(_mount.Directory);
        }
        else
        {
            _ = TryUnmount(lazy: true);
        }
    }

    // Dirty pages of the kernel come as WRITEs now, while the threads serve.
    private void SyncKernelCache()
    {
        int descriptor = LinuxCalls.Open(_mount.Directory, LinuxCalls.O_RDONLY | LinuxCalls.O_CLOEXEC, 0);
        if (descriptor >= 0)
        {
            _ = LinuxCalls.SyncFileSystem(descriptor);
            _ = LinuxCalls.Close(descriptor);
        }
    }

    private void ServeFirst()
    {
        try
        {
            Serve(_mount.Descriptor, untilInitialized: true);
            if (_engine.IsInitialized)
            {
                for (int i = 1; i < _threadCount; i++)
                {
                    int descriptor = Clone();
                    _running.AddCount();
                    new Thread(() => ServeClone(descriptor), StackBytes) { IsBackground = true, Name = $"fuse {i}" }.Start();
                }
                _ready.Set();
                Serve(_mount.Descriptor, untilInitialized: false);
            }
        }
        finally
        {
            _ready.Set();
            _ = LinuxCalls.Close(_mount.Descriptor);
            _ = _running.Signal();
        }
    }

    private void ServeClone(int descriptor)
    {
        try
        {
            Serve(descriptor, untilInitialized: false);
        }
        finally
        {
            if (descriptor != _mount.Descriptor)
            {
                _ = LinuxCalls.Close(descriptor);
            }
            _ = _running.Signal();
        }
    }

    // Where cloning is not possible all threads share one descriptor: slower, not wrong.
    private int Clone()
    {
        int descriptor = LinuxCalls.Open("/dev/fuse", LinuxCalls.O_RDWR | LinuxCalls.O_CLOEXEC, 0);
        if (descriptor < 0)
        {
            return _mount.Descriptor;
        }
        int original = _mount.Descriptor;
        if (LinuxCalls.Ioctl(descriptor, LinuxCalls.FUSE_DEV_IOC_CLONE, &original) == 0)
        {
            return descriptor;
        }
        _ = LinuxCalls.Close(descriptor);
        return original;
    }

    // Nobody may wait for the answer any more (ENOENT), or the mount is gone: the next read tells. For anything else the caller must
    // not wait for ever.
    private void ReplyRefused(int descriptor, DeviceFrame frame, int bytes)
    {
        Errno errno = LinuxCalls.LastError;
        if (errno is Errno.ENOENT or Errno.ENODEV or Errno.ECONNABORTED)
        {
            return;
        }
        _report?.Invoke($"a reply of {bytes} bytes was refused: {errno.Describe()}");
        var header = (FuseOutHeader*)frame.ReplyMemory;
        header->Length = FuseOutHeader.Bytes;
        header->Error = -(int)Errno.EIO;
        _ = LinuxCalls.Write(descriptor, frame.ReplyMemory, FuseOutHeader.Bytes);
    }

    private void Serve(int descriptor, bool untilInitialized)
    {
        using var frame = new DeviceFrame(_engine.Options.MaxIoBytes);
        using FuseWorker worker = _engine.AddWorker();
        while (!(untilInitialized && _engine.IsInitialized))
        {
            nint bytes = LinuxCalls.Read(descriptor, frame.RequestMemory, frame.RequestRoom);
            if (bytes < 0)
            {
                Errno errno = LinuxCalls.LastError;
                if (errno is Errno.EINTR or Errno.EAGAIN or Errno.ENOENT)
                {
                    continue; // ENOENT: the request was interrupted before it was read.
                }
                if (errno is not (Errno.ENODEV or Errno.ECONNABORTED))
                {
                    _report?.Invoke($"reading from /dev/fuse failed: {errno.Describe()}");
                }
                return;
            }
            frame.SetRequest((int)bytes);
            int reply = _engine.Handle(worker, frame);
            if (reply > 0 && LinuxCalls.Write(descriptor, frame.ReplyMemory, (nuint)reply) < 0)
            {
                ReplyRefused(descriptor, frame, reply);
            }
        }
    }
}
