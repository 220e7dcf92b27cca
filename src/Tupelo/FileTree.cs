// FileTree is the friendly door: paths as .NET programs have them, exceptions that they know, and below it nothing but the file layer's
// calls. Volume and ComposedTree are trees; so is a transaction, whose changes go in together.
//
// Every call passes the gates: _all counts all calls and is shut when the tree is disposed of, Writers counts those that change
// something and is somebody's own while a transaction is open. No lock is held over a caller's code.
using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using Tupelo.Vfs;

namespace Tupelo;

/// <summary>A tree of files, addressed by paths. Any number of threads.</summary>
/// <remarks>Failures are exceptions that implement <see cref="IErrnoException"/>: <see cref="FileNotFoundException"/> and
/// <see cref="DirectoryNotFoundException"/> (ENOENT, ENOTDIR), <see cref="UnauthorizedAccessException"/> (EACCES, EPERM),
/// <see cref="IOException"/> (all others). Changes are in memory when a call returns and durable after <see cref="Flush"/>,
/// a file's <see cref="VolumeFile.Flush"/>, or within a second (<see cref="VolumeOptions.FlushDelay"/>); in which order, and what a
/// crash leaves, docs/guarantees.md says.</remarks>
public abstract partial class FileTree : IDisposable, IAsyncDisposable
{
    private protected const int PathRoom = 512; // bytes for a path on the stack
    private const uint NewFileMode = 0x1B6; // 0666
    private const uint NewDirectoryMode = 0x1FF; // 0777

    private readonly OperationGate _all;

    private protected FileTree(VfsContext context, OperationGate all, OperationGate writers)
    {
        Context = context;
        Calls = new Syscalls(context);
        Nodes = new NodeCalls(context);
        _all = all;
        Writers = writers;
    }

    /// <summary>The file layer's own calls, with Linux' signatures and error numbers, on the same tree: for what has no method here.
    /// They do not pass the gates: no call may be under way when the tree is disposed of.</summary>
    public Syscalls Calls { get; }

    /// <summary>True once it was disposed of.</summary>
    public bool IsDisposed => _all.IsClosed;

    internal VfsContext Context { get; }

    internal NodeCalls Nodes { get; }

    private protected OperationGate All => _all;

    private protected OperationGate Writers { get; }

    /// <summary>Makes durable whatever was changed before the call: data, names, attributes.</summary>
    /// <exception cref="VolumeException">EIO: some of it is not. The volume is read-only from then on.</exception>
    /// <exception cref="InvalidOperationException">It is a transaction: its changes become durable when it is committed.</exception>
    public void Flush()
    {
        ThrowIfTransaction();
        using WriteScope scope = EnterWrite(); // what is in a transaction becomes durable with it
        using VolumeTelemetry.Span span = VolumeTelemetry.Flushing();
        Failure.ThrowIf(Nodes.SyncAll(), "make the changes durable", "");
    }

    /// <inheritdoc cref="Flush"/>
    public Task FlushAsync(CancellationToken cancellationToken = default) => Task.Run(Flush, cancellationToken);

    /// <summary>Ends the tree's use: waits for calls under way, closes every file, makes all changes durable, unmounts. Later calls get
    /// <see cref="ObjectDisposedException"/>.</summary>
    /// <exception cref="VolumeException">EIO: something could not be made durable.</exception>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc cref="Dispose()"/>
    public async ValueTask DisposeAsync()
    {
        await Task.Run(() => Dispose(disposing: true)).ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);

    // A call that changes nothing.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal OperationGate.Scope EnterRead() => _all.Enter();

    // A call that changes something: waits while a transaction of somebody else is open.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal virtual WriteScope EnterWrite()
    {
        OperationGate.Scope writers = Writers.Enter();
        if (_all.TryEnter(out OperationGate.Scope all))
        {
            return new WriteScope(all, writers);
        }
        writers.Dispose();
        throw new ObjectDisposedException(nameof(FileTree));
    }

    // True for a transaction, whose changes become durable with its commit and not before.
    internal virtual bool IsTransaction => false;

    internal void ThrowIfTransaction()
    {
        if (IsTransaction)
        {
            throw new InvalidOperationException("What a transaction changes becomes durable when it is committed, and not before.");
        }
    }

    // Told that a call found no room: true when there is more now, and the call is worth another try.
    internal virtual bool TryMakeRoom(Errno errno) => false;

    // Told of a file that was opened, and of its closing: who is disposed of closes what is open.
    internal abstract void Opened(VolumeFile file);

    internal abstract void Closed(VolumeFile file);

    // The exception for a failed call. Where the directory itself is missing, .NET programs expect to be told so.
    private protected void Fail(Errno errno, string doing, VolumePath path, bool isDirectory = false)
    {
        if (errno == Errno.None)
        {
            return;
        }
        if (errno == Errno.ENOENT && !isDirectory)
        {
            ReadOnlySpan<byte> bytes = path.ToBytes();
            ReadOnlySpan<byte> trimmed = bytes.TrimEnd((byte)'/');
            int slash = trimmed.LastIndexOf((byte)'/');
            Stat stat = default;
            isDirectory = slash > 0 && Calls.Stat(trimmed[..slash], ref stat) == -(long)Errno.ENOENT;
        }
        Failure.Throw(errno, doing, path, isDirectory);
    }

    private protected void Fail(long result, string doing, VolumePath path, bool isDirectory = false)
    {
        if (result < 0)
        {
            Fail((Errno)(-result), doing, path, isDirectory);
        }
    }

    /// <summary>Both gates of a call that changes something.</summary>
    internal ref struct WriteScope(OperationGate.Scope all, OperationGate.Scope writers)
    {
        private OperationGate.Scope _all = all;
        private OperationGate.Scope _writers = writers;

        public void Dispose()
        {
            _all.Dispose();
            _writers.Dispose();
        }
    }
}
