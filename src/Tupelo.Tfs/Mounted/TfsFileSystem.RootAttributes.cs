// The root's own attributes, which are what a unikernel is told: program, arguments, environment. They are no part of the tree of files,
// so no system call reaches them; each call here is one operation, as those are.
namespace Tupelo.Tfs;

public sealed partial class TfsFileSystem
{
    /// <summary>Sets an attribute of the root, or within a tuple there: `environment`, `HOME`. Tuples on the way are made.</summary>
    /// <param name="path">Names, at least one.</param>
    /// <param name="value">Replaces what was there.</param>
    /// <remarks>Errors, first match wins: EROFS · EINVAL no name, or an empty one · EPERM the attribute is the file system's own · ENOTDIR
    /// something on the way is no tuple · ENOSPC.</remarks>
    public Errno SetRootAttribute(ReadOnlySpan<AttributeName> path, TfsLiteral value)
    {
        Errno errno = CheckRootAttribute(path);
        errno = errno == Errno.None ? CanGrow(SizeOf(value)) : errno;
        if (errno != Errno.None)
        {
            return errno;
        }
        using TfsMetadata.Operation operation = Metadata.Enter();
        int tuple = FindTupleLocked(path, out int depth);
        if (tuple == 0)
        {
            return Errno.ENOTDIR;
        }
        // What is missing is built before anything leads to it, so that it is written out in one record.
        AttributeSlot slot = BuildLocked(value);
        for (int i = path.Length - 1; i > depth; i--)
        {
            int made = Metadata.Store.NewTuple(false, 1);
            _ = Metadata.Store.Set(made, Metadata.Store.Symbols.Intern(path[i].Bytes), slot.Kind, slot.Value);
            slot = new AttributeSlot(0, TfsValueKind.Tuple, (ulong)made);
        }
        Metadata.SetSlot(tuple, Metadata.Store.Symbols.Intern(path[depth].Bytes), slot);
        return Errno.None;
    }

    /// <summary>Takes an attribute of the root away, or of a tuple there.</summary>
    /// <remarks>Errors, first match wins: as <see cref="SetRootAttribute"/> · ENODATA there is none.</remarks>
    public Errno UnsetRootAttribute(ReadOnlySpan<AttributeName> path)
    {
        Errno errno = CheckRootAttribute(path);
        if (errno != Errno.None)
        {
            return errno;
        }
        using TfsMetadata.Operation operation = Metadata.Enter();
        int tuple = FindTupleLocked(path, out int depth);
        int symbol = depth == path.Length - 1 ? Metadata.Store.Symbols.Find(path[depth].Bytes) : 0;
        if (tuple == 0 || symbol == 0 || Metadata.Store.Get(tuple, symbol).IsVacant)
        {
            return Errno.ENODATA;
        }
        Metadata.Unset(tuple, symbol);
        return Errno.None;
    }

    /// <summary>Whether the root has an attribute that is a tuple of this name.</summary>
    public bool IsRootTuple(ReadOnlySpan<byte> name)
    {
        using TfsMetadata.Operation operation = Metadata.Enter();
        int symbol = Metadata.Store.Symbols.Find(name);
        return symbol != 0 && Metadata.Store.Get(TupleStore.Root, symbol).Kind == TfsValueKind.Tuple;
    }

    private Errno CheckRootAttribute(ReadOnlySpan<AttributeName> path)
    {
        if (CanChange() != Errno.None)
        {
            return Errno.EROFS;
        }
        if (path.IsEmpty)
        {
            return Errno.EINVAL;
        }
        foreach (AttributeName name in path)
        {
            if (name.Bytes.IsEmpty || name.Bytes.Length > TfsFormat.MaxNameBytes)
            {
                return Errno.EINVAL;
            }
        }
        ReadOnlySpan<byte> first = path[0].Bytes;
        return first.SequenceEqual(TfsAttribute.Children) || first.SequenceEqual(TfsAttribute.AccessTime) || first.SequenceEqual(TfsAttribute.ModifyTime)
            || first.StartsWith("tupelo_"u8) ? Errno.EPERM : Errno.None;
    }

    // The deepest tuple on the way that exists, and which name comes next; 0 when something else stands in the way.
    private int FindTupleLocked(ReadOnlySpan<AttributeName> path, out int depth)
    {
        int tuple = TupleStore.Root;
        for (depth = 0; depth < path.Length - 1; depth++)
        {
            int symbol = Metadata.Store.Symbols.Find(path[depth].Bytes);
            AttributeSlot slot = symbol == 0 ? default : Metadata.Store.Get(tuple, symbol);
            if (slot.IsVacant)
            {
                return tuple;
            }
            if (slot.Kind != TfsValueKind.Tuple)
            {
                return 0;
            }
            tuple = (int)slot.Value;
        }
        return tuple;
    }

    private AttributeSlot BuildLocked(TfsLiteral value)
    {
        TupleStore store = Metadata.Store;
        AttributeSlot top = Leaf(store, value, out _);
        var open = new Stack<(TfsLiteral Literal, int Tuple)>();
        if (top.Kind is TfsValueKind.Tuple or TfsValueKind.Vector)
        {
            open.Push((value, (int)top.Value));
        }
        while (open.TryPop(out (TfsLiteral Literal, int Tuple) composite))
        {
            int count = composite.Literal is TupleLiteral pairs ? pairs.Count : ((VectorLiteral)composite.Literal).Items.Count;
            for (int i = 0; i < count; i++)
            {
                TfsLiteral item = composite.Literal is TupleLiteral tuple ? tuple.ValueAt(i) : ((VectorLiteral)composite.Literal).Items[i];
                AttributeSlot slot = Leaf(store, item, out bool isComposite);
                if (composite.Literal is TupleLiteral named)
                {
                    _ = store.Set(composite.Tuple, store.Symbols.Intern(named.NameAt(i).Bytes), slot.Kind, slot.Value);
                }
                else
                {
                    _ = store.SetElement(composite.Tuple, i, slot.Kind, slot.Value);
                }
                if (isComposite)
                {
                    open.Push((item, (int)slot.Value));
                }
            }
        }
        return top;
    }

    // A value's slot; a tuple or vector is still empty.
    private static AttributeSlot Leaf(TupleStore store, TfsLiteral value, out bool isComposite)
    {
        isComposite = value is TupleLiteral or VectorLiteral;
        return value switch
        {
            StringLiteral text => new AttributeSlot(0, TfsValueKind.String, store.StoreBytes(text.Bytes)),
            IntegerLiteral number => new AttributeSlot(0, number.IsNegative ? TfsValueKind.NegativeInteger : TfsValueKind.Integer, number.Magnitude),
            NullLiteral => new AttributeSlot(0, TfsValueKind.Buffer, store.StoreBytes([0])),
            TupleLiteral tuple => new AttributeSlot(0, TfsValueKind.Tuple, (ulong)store.NewTuple(false, tuple.Count)),
            VectorLiteral vector => new AttributeSlot(0, TfsValueKind.Vector, (ulong)store.NewTuple(true, vector.Items.Count)),
            _ => throw new ArgumentException("no value", nameof(value)),
        };
    }

    private static int SizeOf(TfsLiteral value)
    {
        long size = 0;
        var open = new Stack<TfsLiteral>();
        open.Push(value);
        while (open.TryPop(out TfsLiteral? literal))
        {
            size += 16 + ((literal as StringLiteral)?.Bytes.Length ?? 0);
            for (int i = 0; literal is TupleLiteral tuple && i < tuple.Count; i++)
            {
                size += tuple.NameAt(i).Bytes.Length;
                open.Push(tuple.ValueAt(i));
            }
            for (int i = 0; literal is VectorLiteral vector && i < vector.Items.Count; i++)
            {
                open.Push(vector.Items[i]);
            }
        }
        return (int)Math.Min(int.MaxValue / 2, size);
    }
}
