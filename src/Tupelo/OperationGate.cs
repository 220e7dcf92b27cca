// OperationGate lets any number of operations run, until somebody needs none to run: to close, or to have the volume for himself.
// Operations of different threads count in different cache lines, so that a volume that many threads use is not slowed by its gate.
//
// Protocol: an operation adds itself to its stripe and then looks at _state; who shuts the gate sets _state and then waits until all
// stripes are 0. With sequentially consistent accesses one of the two sees the other.
// Locks: _mu guards changes of _state and is what those who must wait sleep on; it is a leaf and nobody in the gate holds it.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tupelo;

internal sealed class OperationGate
{
    private const int Open = 0;
    private const int Exclusive = 1;
    private const int Closed = 2;
    private const int StripeCount = 32;

    private readonly Stripe[] _stripes = new Stripe[StripeCount];
    private readonly object _mu = new();
    private int _state;
    private int _owner; // managed thread that made it exclusive

    /// <summary>True when it was closed for good.</summary>
    public bool IsClosed => Volatile.Read(ref _state) == Closed;

    /// <summary>Begins an operation; waits while the gate is somebody's own.</summary>
    /// <exception cref="ObjectDisposedException">It is closed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Scope Enter()
    {
        ref int count = ref _stripes[Environment.CurrentManagedThreadId & (StripeCount - 1)].Count;
        _ = Interlocked.Increment(ref count);
        if (Volatile.Read(ref _state) != Open)
        {
            Wait(ref count);
        }
        return new Scope(ref count);
    }

    /// <summary>Begins an operation unless the gate is closed; for a gate that is nobody's own.</summary>
    public bool TryEnter(out Scope scope)
    {
        ref int count = ref _stripes[Environment.CurrentManagedThreadId & (StripeCount - 1)].Count;
        _ = Interlocked.Increment(ref count);
        if (Volatile.Read(ref _state) == Open)
        {
            scope = new Scope(ref count);
            return true;
        }
        _ = Interlocked.Decrement(ref count);
        scope = default;
        return false;
    }

    /// <summary>Waits for operations under way, and keeps others waiting until <see cref="Release"/>. One owner at a time.</summary>
    /// <exception cref="ObjectDisposedException">It is closed.</exception>
    public void Acquire()
    {
        lock (_mu)
        {
            while (_state == Exclusive)
            {
                ThrowIfOwnThread();
                _ = Monitor.Wait(_mu);
            }
            ObjectDisposedException.ThrowIf(_state == Closed, typeof(FileTree));
            _ = Interlocked.Exchange(ref _state, Exclusive);
            _owner = Environment.CurrentManagedThreadId;
        }
        Drain();
    }

    /// <summary>Lets the others go on.</summary>
    public void Release()
    {
        lock (_mu)
        {
            if (_state == Exclusive)
            {
                _ = Interlocked.Exchange(ref _state, Open);
            }
            Monitor.PulseAll(_mu);
        }
    }

    /// <summary>Lets nobody in any more, and waits for operations under way. False when it was closed before.</summary>
    public bool Close()
    {
        lock (_mu)
        {
            if (Interlocked.Exchange(ref _state, Closed) == Closed)
            {
                return false;
            }
            Monitor.PulseAll(_mu);
        }
        Drain();
        return true;
    }

    private void Drain()
    {
        var spin = default(SpinWait);
        foreach (ref Stripe stripe in _stripes.AsSpan())
        {
            while (Volatile.Read(ref stripe.Count) != 0)
            {
                spin.SpinOnce();
            }
        }
    }

    private void Wait(ref int count)
    {
        _ = Interlocked.Decrement(ref count);
        lock (_mu)
        {
            while (true)
            {
                ObjectDisposedException.ThrowIf(_state == Closed, typeof(FileTree));
                if (_state == Open)
                {
                    _ = Interlocked.Increment(ref count); // _mu is held, so nobody shuts it meanwhile
                    return;
                }
                ThrowIfOwnThread();
                _ = Monitor.Wait(_mu);
            }
        }
    }

    private void ThrowIfOwnThread()
    {
        if (_owner == Environment.CurrentManagedThreadId)
        {
            throw new InvalidOperationException(
                "This thread began a transaction that is still open, and would wait for itself: call the methods of the transaction instead.");
        }
    }

    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Stripe
    {
        [FieldOffset(64)]
        public int Count;
    }

    /// <summary>An operation under way.</summary>
    public ref struct Scope
    {
        private ref int _count;

        internal Scope(ref int count) => _count = ref count;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose()
        {
            if (!Unsafe.IsNullRef(ref _count))
            {
                _ = Interlocked.Decrement(ref _count);
                _count = ref Unsafe.NullRef<int>();
            }
        }
    }
}
