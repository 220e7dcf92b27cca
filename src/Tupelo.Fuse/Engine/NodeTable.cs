// NodeTable keeps the nodes that the client knows: by number (lock-free), and by file, so that a file has one number however many
// names lead to it. Number 1 is the root.
//
// Locks: a stripe's lock guards its part of the map and the lookups of its nodes; SlotTable's lock is taken under it. No file
// system code runs under either: places are unpinned after they are released.
using System.Runtime.CompilerServices;
using Tupelo.Vfs;

namespace Tupelo.Fuse;

internal sealed class NodeTable
{
    internal const ulong RootId = 1;
    private const int Stripes = 16;

    private readonly SlotTable<FuseNode> _slots = new();
    private readonly Stripe[] _stripes = new Stripe[Stripes];
    private long _generation;

    // Takes over the root's pin.
    internal NodeTable(PathRef root)
    {
        for (int i = 0; i < Stripes; i++)
        {
            _stripes[i] = new Stripe();
        }
        _ = LookUp(root);
    }

    /// <summary>Nodes alive, the root included.</summary>
    internal int Count => _slots.Count;

    /// <summary>The node of a number, kept alive until <see cref="Release"/>; null when the client has no such node.</summary>
    internal FuseNode? Acquire(ulong id) => _slots[id] is { } node && node.TryAcquire() ? node : null;

    internal void Release(FuseNode node)
    {
        if (node.Drop(1))
        {
            Bury(node);
        }
    }

    /// <summary>The node of a place, with one lookup more. Takes over the place's pin.</summary>
    internal FuseNode LookUp(PathRef place)
    {
        var key = new NodeKey(place.Mount, place.Vnode);
        Stripe stripe = StripeOf(key);
        FuseNode? node;
        bool spare;
        lock (stripe.Mu)
        {
            spare = stripe.Nodes.TryGetValue(key, out node) && node.TryLookUpLocked();
            if (spare)
            {
                spare = !node!.TryAdoptLocked(place);
            }
            else
            {
                node = new FuseNode(place, (ulong)Interlocked.Increment(ref _generation));
                node.Id = _slots.Add(node);
                stripe.Nodes[key] = node;
            }
        }
        if (spare)
        {
            place.Unpin();
        }
        return node!;
    }

    /// <summary>The client remembers a node by so many lookups less.</summary>
    internal void Forget(ulong id, ulong lookups)
    {
        FuseNode? node = id == RootId ? null : Acquire(id);
        if (node is null)
        {
            return;
        }
        long forgotten;
        lock (StripeOf(KeyOf(node)).Mu)
        {
            forgotten = node.ForgetLocked(lookups);
        }
        if (node.Drop(forgotten + 1))
        {
            Bury(node);
        }
    }

    /// <summary>The number of a file if the client knows it, else 0. For notifications.</summary>
    internal ulong IdOf(Mount mount, Vnode vnode)
    {
        var key = new NodeKey(mount, vnode);
        Stripe stripe = StripeOf(key);
        lock (stripe.Mu)
        {
            return stripe.Nodes.TryGetValue(key, out FuseNode? node) ? node.Id : 0;
        }
    }

    /// <summary>The client is gone: all nodes go, whatever it remembered. No request is in progress.</summary>
    internal void Clear()
    {
        foreach (Stripe stripe in _stripes)
        {
            lock (stripe.Mu)
            {
                stripe.Nodes.Clear();
            }
        }
        foreach (FuseNode node in _slots.RemoveAll())
        {
            node.Bury();
        }
    }

    private static NodeKey KeyOf(FuseNode node) => new(node.Place.Mount, node.Vnode);

    private Stripe StripeOf(NodeKey key) => _stripes[key.GetHashCode() & (Stripes - 1)];

    private void Bury(FuseNode node)
    {
        NodeKey key = KeyOf(node);
        Stripe stripe = StripeOf(key);
        lock (stripe.Mu)
        {
            // The file may have been looked up again, and have a new node.
            if (stripe.Nodes.TryGetValue(key, out FuseNode? now) && ReferenceEquals(now, node))
            {
                _ = stripe.Nodes.Remove(key);
            }
            _ = _slots.Remove(node.Id);
        }
        node.Bury();
    }

    private readonly struct NodeKey(Mount mount, Vnode vnode) : IEquatable<NodeKey>
    {
        private readonly Mount _mount = mount;
        private readonly Vnode _vnode = vnode;

        public bool Equals(NodeKey other) => ReferenceEquals(_vnode, other._vnode) && ReferenceEquals(_mount, other._mount);

        public override bool Equals(object? obj) => obj is NodeKey other && Equals(other);

        public override int GetHashCode() => (int)((uint)(RuntimeHelpers.GetHashCode(_vnode) + (_mount.Id * 31)) * 0x9E3779B1 >> 7);
    }

    private sealed class Stripe
    {
        internal readonly Lock Mu = new(); // Guards Nodes and the lookups of its nodes.
        internal readonly Dictionary<NodeKey, FuseNode> Nodes = [];
    }
}
