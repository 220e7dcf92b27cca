// From tuples to vnodes, and the walks over the whole tree that few operations need.
namespace Tupelo.Tfs;

public sealed partial class TfsFileSystem
{
    // Enters what is in use, and puts right in memory what Nanos may have left: link counts, and how much of the log is alive.
    private static void TakeStock(TfsVolume volume, TfsAllocator allocator, TfsMetadata metadata)
    {
        // An extension that an unfinished commit began is no part of the log.
        for (int i = 0; i <= volume.Tail.Extension; i++)
        {
            TfsLogExtension extension = volume.Log.Extensions[i];
            MarkUsed(allocator, extension.StartSector, extension.SectorCount);
        }
        var extents = new List<TfsExtent>();
        long entries = 0;
        foreach (TfsNode node in volume.AllNodes())
        {
            entries += 1 + metadata.EntriesOf(node.Id);
            if (volume.TypeOf(node) == FileType.Directory)
            {
                continue;
            }
            metadata.CorrectLinkCount(node.Id, volume.NamesOf(node));
            if (volume.TypeOf(node) != FileType.Regular || volume.GetExtents(node, extents) != Errno.None)
            {
                continue;
            }
            foreach (TfsExtent extent in extents)
            {
                MarkUsed(allocator, extent.StartSector, extent.AllocatedSectors);
            }
        }
        metadata.CountLive(entries);
        long last = allocator.TotalSectors - 1;
        if (last > 0 && HasShadow(volume, last))
        {
            _ = allocator.MarkUsed(last, 1); // when a file has it, it is no shadow
        }
    }

    private static void MarkUsed(TfsAllocator allocator, long start, long count)
    {
        if (!allocator.MarkUsed(start, count))
        {
            throw new TfsFormatException($"the volume is damaged and can only be mounted read-only: sectors {start}..{start + count - 1} have two owners", start * TfsFormat.SectorBytes);
        }
    }

    // A copy of sector 0, or of what it was before a compaction: magic and identity tell.
    private static bool HasShadow(TfsVolume volume, long sector)
    {
        Span<byte> bytes = stackalloc byte[TfsFormat.SectorBytes];
        return volume.Device.Read(sector * TfsFormat.SectorBytes, bytes) == Errno.None
            && bytes.StartsWith(TfsFormat.Magic) && bytes.Slice(TfsFormat.Magic.Length + 2, TfsFormat.UuidBytes).SequenceEqual(volume.Uuid);
    }

    private TfsVnode MakeVnode(int tuple, int parent)
    {
        using TfsMetadata.Operation operation = Metadata.Enter();
        var node = new TfsNode(tuple);
        VnodeAttributes attributes = AttributesOfLocked(tuple, out Stat stat);
        switch (stat.Type)
        {
            case FileType.Directory:
                return new TfsDirectory(this, tuple, (int)Metadata.Store.Get(tuple, Metadata.Symbols.Children).Value, parent, attributes);
            case FileType.Symlink:
                return new TfsSymlink(this, tuple, attributes, _volume.TargetOf(node).ToArray());
            case FileType.Regular:
                TfsRegularFile file = NewRegularFile(tuple, attributes);
                return file;
            default:
                return new TfsSpecialFile(this, tuple, stat.Type, stat.RawDevice, attributes);
        }
    }

    private VnodeAttributes AttributesOfLocked(int tuple, out Stat stat)
    {
        _volume.GetStat(new TfsNode(tuple), out stat);
        return new VnodeAttributes
        {
            Permissions = stat.Mode & Mode.PermissionMask,
            Uid = stat.Uid,
            Gid = stat.Gid,
            LinkCount = stat.LinkCount,
            SizeBytes = stat.SizeBytes,
            Blocks512 = stat.Blocks512,
            AccessTime = stat.AccessTime,
            ModifyTime = stat.ModifyTime,
            ChangeTime = stat.ChangeTime,
            BirthTime = stat.BirthTime,
        };
    }

    // Locks: the metadata's.
    private TfsRegularFile NewRegularFile(int tuple, in VnodeAttributes attributes)
    {
        var extents = new List<TfsExtent>();
        bool isDamaged = _volume.GetExtents(new TfsNode(tuple), extents) != Errno.None;
        var file = new TfsRegularFile(this, tuple, attributes) { IsDamaged = isDamaged };
        AttributeSlot held = Metadata.Store.Get(tuple, Metadata.Symbols.Extents);
        file.LoadLocked(held.Kind == TfsValueKind.Tuple ? (int)held.Value : 0, extents, attributes.SizeBytes);
        return file;
    }

    /// <summary>A directory that a file is in; 0 when it has no name, or the number is another file's by now.</summary>
    internal int FindParent(int tuple, ulong generation)
    {
        using TfsMetadata.Operation operation = Metadata.Enter();
        return !Metadata.Store.Exists(tuple) || Metadata.Store.GenerationOf(tuple) != generation ? 0
            : tuple == TupleStore.Root ? TupleStore.Root : ParentsLocked().Of(tuple);
    }

    // The first who asks for a file by its number pays for a walk over the tree; afterwards names keep the index right.
    private TfsParentIndex ParentsLocked()
    {
        if (Metadata.Parents is null)
        {
            var parents = new TfsParentIndex();
            foreach (TfsNode directory in _volume.AllNodes())
            {
                foreach (TfsDirectoryEntries entry in _volume.EntriesOf(directory))
                {
                    parents.Set(entry.Node.Id, directory.Id);
                }
            }
            Metadata.Parents = parents;
        }
        return Metadata.Parents;
    }

    // A failure latches the volume; but in a transaction room may run out, which its owner learns and takes back.
    private Errno WriteBackDirty()
    {
        HashSet<TfsVnode> dirty;
        lock (_dirtyMu)
        {
            dirty = _dirty;
            _dirty = [];
            _timerIsSet = false;
        }
        Errno first = Errno.None;
        foreach (TfsVnode vnode in dirty)
        {
            Errno errno = vnode.WriteBack();
            if (errno != Errno.None)
            {
                first = first == Errno.None ? errno : first;
                if (errno == Errno.ENOSPC && Metadata.InTransaction)
                {
                    NoteDirty(vnode);
                }
                else
                {
                    _committer!.Latch(errno);
                }
            }
            else if (vnode.ReferenceCount == 0)
            {
                Drop(vnode);
            }
        }
        return first;
    }

    private void FlushFromTimer()
    {
        lock (_dirtyMu)
        {
            _timerIsSet = false;
        }
        if (!Metadata.InTransaction)
        {
            _ = Sync(); // a failure is latched, and told to the next who asks
        }
    }
}
