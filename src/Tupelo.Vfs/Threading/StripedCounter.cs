// StripedCounter counts what many threads begin and end (open files of a mount, writers): one cache line per stripe, so that
// counting does not make threads on different files share a line. Exact only when summed while nobody can begin.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tupelo.Vfs;

internal sealed class StripedCounter
{
    private const int Stripes = 16;

    private readonly Cell[] _cells = new Cell[Stripes];

    internal long Sum
    {
        get
        {
            long sum = 0;
            foreach (ref readonly Cell cell in _cells.AsSpan())
            {
                sum += Volatile.Read(in cell.Value);
            }
            return sum;
        }
    }

    // A full fence: what the caller reads afterwards is newer than its count.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Add(long delta) => _ = Interlocked.Add(ref _cells[Environment.CurrentManagedThreadId & (Stripes - 1)].Value, delta);

    [StructLayout(LayoutKind.Explicit, Size = 64)]
    private struct Cell
    {
        [FieldOffset(0)]
        internal long Value;
    }
}
