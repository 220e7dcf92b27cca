// Which tuples are led to more than once. A tree of tuples may be a net in truth: hard links make it one, and a hostile image can
// make it one that, written out in full, has no end. Whoever prints tuples prints these once.
using System.Collections;
using Tupelo.Tfs;

namespace Tupelo.Images;

/// <summary>The tuples below a start that more than one attribute leads to.</summary>
public sealed class TupleReferences
{
    private readonly BitArray _shared;
    private readonly BitArray _written;

    /// <summary>Looks at all that is below <paramref name="start"/>.</summary>
    public TupleReferences(TfsVolume volume, TfsNode start)
    {
        _shared = new BitArray(volume.HighestNodeId + 1);
        _written = new BitArray(volume.HighestNodeId + 1);
        var seen = new BitArray(volume.HighestNodeId + 1);
        var open = new Stack<TfsNode>();
        seen[start.Id] = true;
        open.Push(start);
        while (open.TryPop(out TfsNode node))
        {
            foreach (TfsAttributes attribute in volume.AttributesOf(node))
            {
                TfsNode child = attribute.Value.Composite;
                if (child.IsNone)
                {
                    continue;
                }
                if (seen[child.Id])
                {
                    _shared[child.Id] = true;
                }
                else
                {
                    seen[child.Id] = true;
                    open.Push(child);
                }
            }
        }
    }

    /// <summary>True when more than one attribute leads to <paramref name="node"/>.</summary>
    public bool IsShared(TfsNode node) => _shared[node.Id];

    /// <summary>True after <see cref="MarkWritten"/>.</summary>
    public bool IsWritten(TfsNode node) => _written[node.Id];

    /// <summary>Notes that it has been written.</summary>
    public void MarkWritten(TfsNode node) => _written[node.Id] = true;
}
