// NoteFs keeps notes in memory: a whole writable file system outside of Tupelo's own assemblies, made of public API alone.
// Directories, regular files with holes, symbolic links, rename and exchange; no hard links, special files or extended attributes.
// docs/writing-a-file-system.md walks through it.
//
// Mount option: blocks=N, the most blocks of 4096 bytes of content (default 16384, which is 64 MiB).
// Locks: none of its own. The core holds a directory's or file's lock around each primitive; the counters here are interlocked.
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Tupelo;
using Tupelo.Vfs;

namespace Notes;

/// <summary>"notefs" in the registry of file system types.</summary>
public sealed class NoteFsType : FileSystemType
{
    private const long DefaultBlocks = 16384;

    public override string Name => "notefs";

    public override Errno Create(MountRequest request, [NotNullWhen(true)] out FileSystem? fileSystem)
    {
        fileSystem = null;
        long maxBlocks = DefaultBlocks;
        foreach (string option in request.Options.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            // An option that is not known is an error: a mount must not seem to have what it has not.
            if (!option.StartsWith("blocks=", StringComparison.Ordinal)
                || !long.TryParse(option.AsSpan("blocks=".Length), NumberStyles.None, CultureInfo.InvariantCulture, out maxBlocks))
            {
                return Errno.EINVAL;
            }
        }
        fileSystem = new NoteFs(this, maxBlocks, request.IsReadOnly, request.Kernel.Clock.Now);
        return Errno.None;
    }
}

/// <summary>One mounted instance.</summary>
public sealed class NoteFs : FileSystem
{
    internal const int BlockBytes = 4096;
    internal const FileSystemFeatures CanDo = FileSystemFeatures.Symlinks | FileSystemFeatures.RenameExchange;

    private const ulong Magic = 0x65746F4E; // "Note" in the order of its bytes

    private readonly long _maxBlocks;
    private readonly NoteDirectory _root;
    private long _usedBlocks;
    private long _lastIno;

    internal NoteFs(FileSystemType type, long maxBlocks, bool readOnly, Timespec now)
        : base(type, CanDo, readOnly)
    {
        _maxBlocks = maxBlocks;
        BlockSizeBytes = BlockBytes;
        MaxFileBytes = long.MaxValue - (BlockBytes - 1); // The end of the last block is a number, too.
        _root = new NoteDirectory(this, new NewVnode { Type = FileType.Directory, Permissions = 0x1ED /* 0755 */, Uid = 0, Gid = 0, Time = now });
    }

    public override Vnode Root => _root;

    public override string OptionsText => string.Create(CultureInfo.InvariantCulture, $"blocks={_maxBlocks}");

    public override Errno StatFs(ref StatFs stat)
    {
        stat.Type = Magic;
        stat.BlockSizeBytes = BlockBytes;
        stat.FragmentSizeBytes = BlockBytes;
        stat.BlockCount = (ulong)_maxBlocks;
        stat.FreeBlocks = (ulong)(_maxBlocks - Volatile.Read(ref _usedBlocks));
        stat.AvailableBlocks = stat.FreeBlocks;
        return Errno.None;
    }

    internal ulong NextIno() => (ulong)Interlocked.Increment(ref _lastIno);

    // False at the limit; never counts beyond it, so that StatFs needs no lock.
    internal bool TryReserveBlock()
    {
        long used;
        do
        {
            used = Volatile.Read(ref _usedBlocks);
            if (used >= _maxBlocks)
            {
                return false;
            }
        }
        while (Interlocked.CompareExchange(ref _usedBlocks, used + 1, used) != used);
        return true;
    }

    internal void FreeBlocks(long count) => _ = Interlocked.Add(ref _usedBlocks, -count);
}
